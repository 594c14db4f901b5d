"""Two daemons in network namespaces: NAT that forgets, changes of address and family, restarts, a link that is down, strangers.

Everything is asked of the far daemon's own counters, the homeserver's list of requests, and the kernel's count of what left.
"""

import os
import signal
import sys

import pytest

from netns.net import FAR4, FAR6, Net, available
from support.pair import Daemon, make_key
from support.proc import Child, wait_until

pytestmark = pytest.mark.skipif(available() is not None, reason=str(available()))

COAP, HTTP, UPSTREAM = 5683, 8888, 8008
HERE = os.path.dirname(os.path.abspath(__file__))


class Site:
    """The two daemons and the homeserver, each in its namespace."""

    def __init__(self, net, folder):
        self.net, self.folder = net, str(folder)
        self.asked_file = os.path.join(self.folder, "asked")
        self.key = make_key(os.path.join(self.folder, "far-state"))
        self.upstream = self.near = self.far = None

    def __enter__(self):
        self.upstream = Child("upstream", ["ip", "netns", "exec", self.net.far, sys.executable,
                                           os.path.join(HERE, "upstream.py"), UPSTREAM, self.asked_file],
                              os.path.join(self.folder, "upstream.log"))
        wait_until(lambda: self.net.inside(self.net.far, "curl", "-s", f"http://127.0.0.1:{UPSTREAM}/ready", check=False), 30,
                   "the homeserver", self.upstream.check_alive)
        self.start_far()
        return self

    def __exit__(self, *exc):
        for child in (self.near, self.far, self.upstream):
            if child is not None:
                child.kill()

    def daemon(self, half, host, options):
        return Daemon(half, self.folder, ["--state-dir", os.path.join(self.folder, f"{half}-state"), *options],
                      wrapper=f"ip netns exec {host}")

    def start_far(self, *options):
        self.far = self.daemon("far", self.net.far, ["--only-coap", "--http-target", f"http://127.0.0.1:{UPSTREAM}", *options])
        wait_until(lambda: self.far.events("listening"), 30, "the far daemon", self.far.check_alive)

    def start_near(self, target, *options):
        self.near = self.daemon("near", self.net.near, ["--only-http", "--http-port", HTTP, "--coap-target", target, *options])
        wait_until(lambda: any(e.get("part") == "http" for e in self.near.events("listening")), 30, "the near daemon",
                   self.near.check_alive)
        wait_until(lambda: self.near.events("peer"), 30, "the far address", self.near.check_alive)

    def ask(self, path, method="GET", timeout=60, body=None):
        """Status of one request of a client on near; 0 when there was no answer."""
        data = ["-d", body] if body is not None else []
        out = self.net.inside(self.net.near, "curl", "-s", "-m", timeout, "-X", method, *data, "-o", "/dev/null",
                              "-w", "%{http_code}", f"http://127.0.0.1:{HTTP}{path}", check=False, timeout=timeout + 10)
        return int(out or 0)

    def asked(self, path):
        """How often the homeserver was asked for that path."""
        try:
            with open(self.asked_file, encoding="ascii") as f:
                return sum(line.split()[1] == path for line in f)
        except FileNotFoundError:
            return 0

    def stats(self, daemon, part):
        """A daemon's counters of one part now, as numbers."""
        def rows():
            return [e for e in daemon.events("stats") if e.get("part") == part]

        had = len(rows())
        os.kill(daemon.pid, signal.SIGUSR1)
        return {k: int(v) for k, v in wait_until(lambda: rows()[had:], 10, "counters")[0].items() if v.isdigit()}


@pytest.fixture
def site(tmp_path):
    with Net() as net, Site(net, tmp_path) as s:
        yield s


def target(address, key):
    return (f"[{address}]:{COAP}" if ":" in address else f"{address}:{COAP}") + f"#{key}"


@pytest.mark.parametrize("address", [FAR4, FAR6])
def test_one_handshake_and_one_round_trip(site, address):
    site.start_near(target(address, site.key))
    before = site.net.far_said()
    assert site.ask("/first") == 200
    first = site.net.far_said()[0] - before[0]
    assert first == 1, "the first answer is one datagram"
    assert [site.ask(f"/x{i}") for i in range(5)] == [200] * 5
    assert site.net.far_said()[0] - before[0] == first + 5
    far = site.stats(site.far, "session")
    assert (far["handshakes"], far["sessions"], far["early_accepted"]) == (1, 1, 1)
    assert site.stats(site.near, "session")["handshakes"] == 1


@pytest.mark.parametrize("address", [FAR4, FAR6])
def test_nat_forgets(site, address):
    """Each time the NAT gives near another port, the session goes on: no handshake, nothing lost, nothing doubled."""
    site.start_near(target(address, site.key))
    assert site.ask("/before") == 200
    for i in range(4):
        site.net.forget_mapping()
        assert site.ask(f"/after{i}", "PUT", body="x") == 200
        assert site.asked(f"/after{i}") == 1
    far = site.stats(site.far, "session")
    assert far["handshakes"] == 1
    assert far["roamed"] >= 3  # a random port may be the same again


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


@pytest.mark.xfail(run=False, reason="a changed key is only looked for when the engine gives a request up, which takes minutes, "
                                     "and not at all when clients leave before that")
def test_changed_key(site):
    """Another key behind the same address is refused loudly."""
    site.start_near(f"{FAR4}:{COAP}")
    assert site.ask("/first") == 200
    site.far.kill()
    os.remove(os.path.join(site.folder, "far-state", "key"))
    make_key(os.path.join(site.folder, "far-state"))
    site.start_far()
    statuses = [site.ask("/other", timeout=20) for _ in range(5)]
    assert 502 in statuses and 200 not in statuses
    assert "HAS CHANGED" in site.near.log()
    assert site.asked("/other") == 0


def test_allow_list(site):
    """The far daemon serves the key it knows, and is silent to others."""
    near_key = make_key(os.path.join(site.folder, "near-state"))
    site.far.stop()
    site.start_far("--allow", near_key)
    site.start_near(target(FAR4, site.key), "--identify")
    assert site.ask("/known") == 200
    site.near.stop()
    os.remove(os.path.join(site.folder, "near-state", "key"))
    site.start_near(target(FAR4, site.key), "--identify", "--ack-timeout", "100ms")
    before = site.net.far_said()
    assert site.ask("/unknown", timeout=20) in (0, 504)
    assert site.net.far_said() == before
    assert site.asked("/unknown") == 0


def test_silent_to_strangers(site):
    """Random and mangled datagrams, from a port of their own, get not one byte back. What looks like the beginning of a first
    contact (XX, 0xc3) has nothing to check and is answered, and so are more than 100 initiations a second, by retries
    (docs/threat-model.md): there are none and fewer here."""
    site.start_near(target(FAR4, site.key))
    assert site.ask("/before") == 200
    before = site.net.far_said()
    seed = 4
    script = ("import random, socket\n"
              f"r = random.Random({seed})\n"
              "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              "initiations = 0\n"
              "for i in range(20000):\n"
              "    p = bytearray(r.randbytes(r.choice((1, 9, 20, 48, 97, 130, 600))))\n"
              "    p[0] = r.choice((p[0], p[0] | 0x80, p[0] | 0xc0, 0x40 | p[0] & 0x3f))\n"
              "    initiations += p[0] >> 4 == 0xc\n"
              "    if p[0] & 0xf3 == 0xc3 or p[0] >> 4 == 0xc and initiations > 80: continue\n"
              f"    s.sendto(p, ('{FAR4}', {COAP}))\n")
    site.net.inside(site.net.nat, sys.executable, "-c", script)
    assert site.ask("/after") == 200
    assert site.net.far_said()[0] - before[0] == 1  # the answer to /after
    assert site.stats(site.far, "session")["handshakes"] == 1
