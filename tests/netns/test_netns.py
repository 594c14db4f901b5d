"""Two daemons in network namespaces: NAT that forgets, changes of address and family, restarts, a link that is down, keys
that change.

Everything is asked of the far daemon's own counters, the homeserver's list of requests, and the kernel's count of what left.
"""

import os
import signal
import time

import pytest

from netns.net import FAR4, FAR6
from netns.site import COAP, HTTP, target
from support.pair import make_key
from support.proc import Child, wait_until


@pytest.mark.parametrize("options, most", [((), 150), (("--identify",), 200)], ids=["NK", "IK"])
@pytest.mark.parametrize("address", [FAR4, FAR6])
def test_one_handshake_and_one_round_trip(site, address, options, most):
    site.start_near(target(address, site.key), *options)
    before = site.net.far_said()
    assert site.ask("/first") == 200
    first = site.net.far_said()[0] - before[0]
    assert first == 1, "the first answer is one datagram"
    handshake = sum(site.stats(d, "session")["handshake_out"] for d in (site.near, site.far))
    assert handshake <= most, "bytes of both, padding included"
    assert [site.ask(f"/x{i}") for i in range(5)] == [200] * 5
    assert site.net.far_said()[0] - before[0] == first + 5
    far = site.stats(site.far, "session")
    assert (far["handshakes"], far["sessions"], far["early_accepted"]) == (1, 1, 1)
    assert site.stats(site.near, "session")["handshakes"] == 1


@pytest.mark.parametrize("forgets", ["by command", "by time"])
@pytest.mark.parametrize("address", [FAR4, FAR6])
def test_nat_forgets(site, address, forgets):
    """Each time the NAT gives near another port, the session goes on: no handshake, nothing lost, nothing doubled."""
    if forgets == "by time":
        site.net.forget_after(1)
    site.start_near(target(address, site.key))
    assert site.ask("/before") == 200
    for i in range(4):
        if forgets == "by time":
            time.sleep(1.5)  # the mapping's life; when it is still there, the test passes as well, but for `roamed`
        else:
            site.net.forget_mapping()
        assert site.ask(f"/after{i}", "PUT", body="x") == 200
        assert site.asked(f"/after{i}") == 1
    far = site.stats(site.far, "session")
    assert far["handshakes"] == 1
    assert far["roamed"] >= 3  # a random port may be the same again


@pytest.mark.parametrize("keepalive", ["never", "1 s"])
def test_keepalive_keeps_the_mapping(site, keepalive):
    """The answer comes when the NAT has long forgotten who asked, unless something went out meanwhile; nothing answers that."""
    site.net.forget_after(3)
    site.start_near(target(FAR4, site.key), "--keepalive", keepalive)
    assert site.ask("/before") == 200
    before = site.net.far_said()
    begun = time.monotonic()
    status = site.ask("/wait/8", timeout=12)
    took = time.monotonic() - begun
    if keepalive == "never":
        assert status == 0
        return
    assert status == 200 and took < 9, took
    assert site.net.far_said()[0] - before[0] <= 2  # the empty ACK, the answer
    assert site.stats(site.far, "session")["handshakes"] == 1
    said = site.net.far_said()
    sent = site.stats(site.near, "session")["overhead_out"]
    time.sleep(5)
    assert 4 <= (site.stats(site.near, "session")["overhead_out"] - sent) / 10 <= 6  # 10 bytes each, 38 with their headers
    assert site.net.far_said() == said


def test_near_moves(site):
    """Another address of the same family, three times."""
    site.start_near(target(FAR4, site.key))
    assert site.ask("/before") == 200
    for i in range(3):
        site.net.move_near(f"10.77.1.{10 + i}", f"fd77:1::{10 + i}")
        assert site.ask(f"/moved{i}", "PUT", body="x") == 200
        assert site.asked(f"/moved{i}") == 1
    assert site.stats(site.far, "session")["handshakes"] == 1


def test_family_changes(site):
    """The far daemon's name means an IPv6 address from now on, and an IPv4 one again: the same session."""
    site.net.hosts(f"{FAR4} far.test")
    site.start_near(f"far.test:{COAP}#{site.key}")
    assert site.ask("/v4") == 200
    hosts = f"/proc/{site.near.pid}/root/etc/hosts"
    for i, address in enumerate((FAR6, FAR4, FAR6)):
        with open(hosts, "w", encoding="ascii") as f:  # in place: the daemon's mount shows this file
            f.write(f"127.0.0.1 localhost\n{address} far.test\n")
        seen = len(site.near.events("peer"))
        os.kill(site.near.pid, signal.SIGHUP)
        wait_until(lambda: len(site.near.events("peer")) > seen, 10, "the new address")
        assert site.ask(f"/changed{i}", "PUT", body="x") == 200
        assert site.asked(f"/changed{i}") == 1
    far = site.stats(site.far, "session")
    assert (far["handshakes"], far["roamed"]) == (1, 3)


def test_silent_address_is_looked_up_again(site):
    """The far daemon's name means an address where nobody is, and then, without a word to the near daemon, another one, too."""
    nobody = FAR4.rsplit(".", 1)[0] + ".99"
    site.net.hosts(f"{nobody} far.test")
    site.start_near(f"far.test:{COAP}#{site.key}", "--link-silence", "2s")
    waits = Child("client", ["ip", "netns", "exec", site.net.near, "curl", "-s", "-m", "60", "-X", "PUT", "-d", "x",
                             f"http://127.0.0.1:{HTTP}/waits"], os.path.join(site.folder, "client.log"))
    with open(f"/proc/{site.near.pid}/root/etc/hosts", "w", encoding="ascii") as f:  # in place: the daemon's mount shows this file
        f.write(f"127.0.0.1 localhost\n{nobody} far.test\n{FAR6} far.test\n")
    wait_until(lambda: site.ask("/there", timeout=3) == 200, 30, "the other address", site.near.check_alive)
    assert waits.wait(60) == 0
    assert '"received":1' in waits.log()
    assert site.near.events("link_down")
    assert [e["addr"] for e in site.near.events("peer")] == [f"{nobody}:{COAP}", f"[{FAR6}]:{COAP}"]
    assert site.asked("/waits") == 1


def test_debug_log_shows_messages(site):
    """Each message with the full header that its compact one stands for (docs/protocol.md, section 6)."""
    site.far.stop()
    site.start_far("--piggyback-patience", "10s")
    site.start_near(target(FAR4, site.key), "--debug-log")
    assert site.ask("/first") == 200
    had = len(site.near.events("message"))
    assert site.ask("/second") == 200
    shown = site.near.events("message")[had:]
    assert [(e["way"], e["shape"]) for e in shown] == [("out", "request"), ("in", "response")]
    assert (shown[1]["mid"], shown[1]["token"]) == (shown[0]["mid"], shown[0]["token"])
    lines = [line for line in site.near.log().splitlines() if "event=message" in line][had:]
    assert " CON 0.02 " in lines[0] and " ACK 2.04 " in lines[1] and all(" content-format=65000 " in line for line in lines)


def test_far_restarts(site):
    site.start_near(target(FAR4, site.key))
    assert site.ask("/before") == 200
    site.far.kill()
    site.start_far()
    assert site.ask("/after", "PUT", body="x") == 200
    assert site.asked("/after") == 1
    assert site.ask("/again") == 200
    assert site.stats(site.near, "session")["handshakes"] == 2


def test_near_restarts(site):
    site.start_near(target(FAR4, site.key))
    assert site.ask("/before") == 200
    assert site.ask("/before") == 200  # the first record: only now the far one counts the handshake as finished
    site.near.kill()
    site.start_near(target(FAR4, site.key))
    assert site.ask("/after", "PUT", body="x") == 200
    assert site.asked("/after") == 1
    assert site.ask("/later") == 200
    assert site.stats(site.far, "session")["handshakes"] == 2


def test_link_down_and_up(site):
    """A request that meets a dead link is answered once it lives again, and executed once."""
    site.start_near(target(FAR4, site.key), "--ack-timeout", "500ms", "--max-retransmit", "8")
    assert site.ask("/before") == 200
    site.net.link(False)
    client = Child("client", ["ip", "netns", "exec", site.net.near, "curl", "-s", "-m", "60", "-X", "PUT", "-d", "x",
                              f"http://127.0.0.1:{HTTP}/waits"], os.path.join(site.folder, "client.log"))
    wait_until(lambda: site.stats(site.near, "coap")["retransmissions"] >= 2, 30, "two retransmissions into the dead link")
    site.net.link(True)
    assert client.wait(60) == 0
    assert '"received":1' in client.log()
    assert site.asked("/waits") == 1


def test_first_contact(site):
    """Trust on first use: the key is remembered."""
    site.start_near(f"{FAR4}:{COAP}")
    assert site.ask("/first") == 200
    known = os.path.join(site.folder, "near-state", "known-peers")
    with open(known, encoding="ascii") as f:
        assert f.read() == f"{FAR4}:{COAP} {site.key}\n"
    assert site.near.events("new_peer")[0]["key"] == site.key


def new_far_key(site):
    """Somebody else, or the same with another key, behind the far address."""
    site.far.kill()
    state = os.path.join(site.folder, "far-state")
    os.replace(os.path.join(state, "key"), os.path.join(state, "old-key"))
    site.key = make_key(state)
    site.start_far()


@pytest.mark.parametrize("restarted", [False, True], ids=["warm", "cold"])
@pytest.mark.parametrize("known", ["first-use", "key-option"])
def test_changed_key(site, known, restarted):
    """Another key behind the same address is refused loudly, within seconds, and told nothing; when the old one is back all
    goes on by itself."""
    near = f"{FAR4}:{COAP}" if known == "first-use" else target(FAR4, site.key)
    site.start_near(near)
    assert site.ask("/first") == 200
    new_far_key(site)
    if restarted:
        site.near.stop()
        site.start_near(near)
    begun = time.monotonic()
    status, text = site.ask_text("/other", timeout=20)
    took = time.monotonic() - begun
    assert status == 502 and took < 8, (status, took)
    begun = time.monotonic()
    assert site.ask("/other", timeout=20) == 502 and time.monotonic() - begun < 2
    if known == "first-use":
        known_peers = os.path.join(site.folder, "near-state", "known-peers")
        words = [f"{known_peers}:1", "HAS CHANGED", "delete line 1"]
    else:
        words = ["IS NOT THE ONE IN coap-target", site.key, "reload"]
    for word in words:
        assert word in text and word in site.near.log(), word
    assert site.asked("/other") == 0
    site.far.kill()
    state = os.path.join(site.folder, "far-state")
    os.replace(os.path.join(state, "old-key"), os.path.join(state, "key"))
    site.start_far()
    wait_until(lambda: site.ask("/again", timeout=20) == 200, 10, "the old key", site.near.check_alive)


def test_changed_key_is_accepted(site):
    """Whoever deletes the line of known-peers has asked for the new key; the running daemon then takes it."""
    site.start_near(f"{FAR4}:{COAP}")
    assert site.ask("/first") == 200
    new_far_key(site)
    assert site.ask("/other", timeout=20) == 502
    known_peers = os.path.join(site.folder, "near-state", "known-peers")
    with open(known_peers, "w", encoding="ascii"):
        pass
    wait_until(lambda: site.ask("/again", timeout=20) == 200, 30, "the new key", site.near.check_alive)
    assert [e["key"] for e in site.near.events("new_peer")][-1] == site.key
    with open(known_peers, encoding="ascii") as f:
        assert f.read() == f"{FAR4}:{COAP} {site.key}\n"
