"""Sync push with real daemons: what crosses the link for a batch and for an idle poll, and that clients see what a homeserver would say."""

import json
import os
import signal
import threading
import time

import pytest

from support.link import Link
from support.pair import direct
from support.proc import free_port, wait_until
from support.wire import Client

pytestmark = pytest.mark.skipif(direct(), reason="needs real daemons")

TOKEN = (b"Authorization", b"Bearer syt_x_secret")


class Homeserver:
    """Answers /sync as Synapse does; messages to the device are forgotten when asked with a newer since."""

    def __init__(self, upstream):
        self.lock = threading.Condition()
        self.last = self.first = 0
        self.asked = []  # since of each request
        self.status = 200
        self.refusal = b'{"errcode":"M_UNKNOWN_TOKEN","error":"gone"}'
        self.good = None  # None: any token
        self.keys = 50
        upstream.on(b"/_matrix/client/v3/sync", self.answer)
        upstream.on(b"/_matrix/client/v3/logout", self.logout)

    def logout(self, request, conn):
        self.status = 401
        conn.respond(200, [(b"Content-Type", b"application/json")], b"{}")

    def send(self):
        with self.lock:
            self.last += 1
            self.lock.notify_all()

    def answer(self, request, conn):
        query = dict(p.split(b"=", 1) for p in request.target.split(b"?", 1)[1].split(b"&"))
        since = int(query.get(b"since", b"s0")[1:])
        end = time.monotonic() + int(query.get(b"timeout", b"0")) / 1000
        with self.lock:
            self.asked.append(since)
            self.first = max(self.first, since)
        while time.monotonic() < end and self.last <= since and self.status == 200 and self.good is None:
            if conn.sleep_or_gone(0.02):
                return
        known = self.good is None or request.get(b"authorization") == self.good
        if self.status != 200 or not known:
            conn.respond(self.status if known else 401, [(b"Content-Type", b"application/json")], self.refusal)
            return
        conn.respond(200, [(b"Content-Type", b"application/json"), (b"Access-Control-Allow-Origin", b"*")], self.body(since))

    def body(self, since):
        answer = {"next_batch": f"s{max(self.last, since)}"}
        if self.last > since:
            answer["to_device"] = {"events": [{"n": n} for n in range(max(since, self.first) + 1, self.last + 1)]}
        answer["device_one_time_keys_count"] = {"signed_curve25519": self.keys}
        return json.dumps(answer, separators=(",", ":")).encode()


@pytest.fixture
def stand(request, tmp_path, own_pair, upstream):
    """Homeserver, pair and the link between; the test's parameter `near_options` goes to the near daemon."""
    port = free_port()
    link = Link(tmp_path, port, ())
    link.start()
    homeserver = Homeserver(upstream)
    pair = own_pair(upstream.url, coap_port=port, coap_target_port=link.port, near_options=getattr(request, "param", ()))
    yield homeserver, pair, link
    assert link.stop() == 0


def sync(client, since=None, timeout=2000, more=b"", token=TOKEN):
    target = b"/_matrix/client/v3/sync?timeout=%d" % timeout + more
    if since:
        target += b"&since=" + since.encode()
    return client.request(b"GET", target, [token])


def datagrams(link):
    stats = link.stats()
    return sum(stats[d]["entered"]["datagrams"] for d in ("up", "down"))


def stats(daemon):
    want = len([e for e in daemon.events("stats") if e["part"] == "sync"]) + 1
    os.kill(daemon.pid, signal.SIGUSR1)
    wait_until(lambda: len([e for e in daemon.events("stats") if e["part"] == "sync"]) >= want, 10, "statistics")
    return [e for e in daemon.events("stats") if e["part"] == "sync"][-1]


def settled(link):
    """The count once nothing has crossed for a while."""
    before = -1
    while before != (now := datagrams(link)):
        before = now
        time.sleep(0.3)
    return now


def test_a_batch_and_idle_polls(stand):
    homeserver, pair, link = stand
    homeserver.send()
    with Client(pair.http_port) as client:
        since = json.loads(sync(client).body)["next_batch"]
        assert since == "s1"
        started = time.monotonic()
        answer = sync(client, since)
        assert 1.9 < time.monotonic() - started < 3.5
        assert answer.body == homeserver.body(1)
        # idle: nothing crosses, and the client sees what the homeserver would say
        idle = settled(link)
        for _ in range(2):
            started = time.monotonic()
            answer = sync(client, since)
            assert 1.9 < time.monotonic() - started < 3.5
            assert (answer.status, answer.body) == (200, homeserver.body(1))
            assert answer.get(b"access-control-allow-origin") == b"*"
        assert datagrams(link) == idle
        # a batch while a poll is held: one datagram, and one that acknowledges it when the client has asked with its token
        timer = threading.Timer(0.5, homeserver.send)
        timer.start()
        batch = json.loads(sync(client, since).body)
        assert batch["to_device"]["events"] == [{"n": 2}]
        since = batch["next_batch"]
        assert 2 not in homeserver.asked
        sync(client, since)
        assert datagrams(link) == idle + 2
        wait_until(lambda: 2 in homeserver.asked, 5, "the next poll")
        # one between two polls waits for the next
        homeserver.send()
        time.sleep(0.5)
        assert json.loads(sync(client, since).body)["to_device"]["events"] == [{"n": 3}]
        since = "s3"
        # one-time keys used up are news
        homeserver.keys = 49
    lines = [e for e in pair.exchanges() if e["route"] == "sync"]
    assert len(lines) == 7
    assert [int(e["datagrams_down"]) for e in lines[2:4]] == [0, 0]


def test_a_client_that_does_not_come_back(stand):
    homeserver, pair, link = stand
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        sync(client, "s1")
        homeserver.send()
        assert json.loads(sync(client, "s1").body)["next_batch"] == "s2"
    wait_until(lambda: stats(pair.far)["pollers"] == "0", 20, "the end of the observation", every=0.5)
    assert 2 not in homeserver.asked
    homeserver.send()
    with Client(pair.http_port) as client:
        assert json.loads(sync(client, "s2").body)["to_device"]["events"] == [{"n": 3}]
    assert stats(pair.near)["refused"] == "1"


def test_logout(stand):
    homeserver, pair, _ = stand
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        sync(client, "s1")
        homeserver.status = 401
        answer = sync(client, "s1", timeout=30000)
        assert (answer.status, json.loads(answer.body)["errcode"]) == (401, "M_UNKNOWN_TOKEN")


class Held:
    """A poll in a thread of its own."""

    def __init__(self, pair, *how, **more):
        self.answer = self.failure = None

        def work():
            try:
                with Client(pair.http_port) as client:
                    self.answer = sync(client, *how, **more)
            except Exception as e:  # the test shall say it, not the thread
                self.failure = e
            self.took = time.monotonic() - started

        started = time.monotonic()
        self.thread = threading.Thread(target=work)
        self.thread.start()

    def result(self):
        self.thread.join(100)
        if self.failure:
            raise self.failure
        return self.answer


def test_a_client_logs_out(stand):
    """Its own poll, held since before, and the next hear of it at once, though the homeserver wakes none that it holds."""
    homeserver, pair, _ = stand
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        sync(client, "s1")
        held = Held(pair, "s1", timeout=30000)
        time.sleep(1)
        assert client.request(b"POST", b"/_matrix/client/v3/logout", [TOKEN], b"{}").status == 200
        answer = held.result()
        assert (answer.status, held.took < 5) == (401, True)
        started = time.monotonic()
        assert sync(client, "s1", timeout=30000).status == 401
        assert time.monotonic() - started < 3


def test_soft_logout_and_a_new_token(stand):
    homeserver, pair, _ = stand
    other = (b"Authorization", b"Bearer syt_x_refreshed")
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        sync(client, "s1")
        homeserver.refusal = b'{"errcode":"M_UNKNOWN_TOKEN","error":"expired","soft_logout":true}'
        homeserver.good = other[1]
        homeserver.send()
        answer = sync(client, "s1", timeout=30000)
        assert (answer.status, answer.body) == (401, homeserver.refusal)
        answer = json.loads(sync(client, "s1", token=other).body)
        assert answer["to_device"]["events"] == [{"n": 2}]
        homeserver.good = None
        held = Held(pair, "s2", timeout=30000, token=other)
        time.sleep(1)
        homeserver.send()
        assert json.loads(held.result().body)["to_device"]["events"] == [{"n": 3}]


def test_two_clients_of_one_device(stand):
    """As direct: each gets what lies behind its own token, until one of them has asked with a newer one."""
    homeserver, pair, _ = stand
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        sync(client, "s1")
    for n in range(2, 6):
        both = [Held(pair, f"s{n - 1}", timeout=20000) for _ in range(2)]
        time.sleep(1)
        homeserver.send()
        for held in both:
            assert json.loads(held.result().body)["to_device"]["events"] == [{"n": n}]
    # one lags behind, and the other does not wait for it
    with Client(pair.http_port) as slow, Client(pair.http_port) as quick:
        homeserver.send()
        assert json.loads(sync(quick, "s5").body)["next_batch"] == "s6"
        assert json.loads(sync(slow, "s5").body)["to_device"]["events"] == [{"n": 6}]
        held = Held(pair, "s6", timeout=20000)
        time.sleep(1)
        wait_until(lambda: 6 in homeserver.asked, 5, "the quick one's next poll")
        answer = sync(slow, "s5", timeout=1000)
        assert answer.body == homeserver.body(5) and json.loads(answer.body)["to_device"]["events"] == []
        homeserver.send()
        assert json.loads(held.result().body)["to_device"]["events"] == [{"n": 7}]


def test_a_token_that_is_none(stand):
    homeserver, pair, _ = stand
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        sync(client, "s1")
        homeserver.status, homeserver.refusal = 400, b'{"errcode":"M_UNKNOWN","error":"Invalid stream token"}'
        for _ in range(2):
            answer = sync(client, "s0", timeout=20000)
            assert (answer.status, answer.body) == (400, homeserver.refusal)


# Who is killed can say nothing: the near half finds out by asking, here soon.
@pytest.mark.parametrize("half", ["near", "far"])
@pytest.mark.parametrize("stand", [["--sync-check=3 s"]], indirect=True)
def test_killed_daemons_lose_nothing(stand, half):
    homeserver, pair, _ = stand
    got, since = [], None
    for round_ in range(6):
        homeserver.send()
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline and len(got) < round_ + 1:
            try:
                with Client(pair.http_port, timeout=20) as client:
                    answer = sync(client, since)
            except OSError:
                time.sleep(0.2)
                continue
            if answer.status != 200:
                time.sleep(0.2)
                continue
            answer = json.loads(answer.body)
            got += [e["n"] for e in answer.get("to_device", {}).get("events", [])]
            since = answer["next_batch"]
            if round_ % 2 == 0:
                getattr(pair, half).kill()
                getattr(pair, f"start_{half}")()
        assert got == list(range(1, round_ + 2))


def test_daemons_end_in_time_while_polls_are_held(stand):
    homeserver, pair, _ = stand
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        sync(client, "s1")
        held = threading.Thread(target=lambda: sync(client, "s1", timeout=60000))
        held.start()
        time.sleep(0.5)
        started = time.monotonic()
        pair.stop()
        assert time.monotonic() - started < 8
        held.join()


def test_turned_off(tmp_path, own_pair, upstream):
    homeserver = Homeserver(upstream)
    pair = own_pair(upstream.url, far_options=["--sync-push=false"])
    homeserver.send()
    with Client(pair.http_port) as client:
        sync(client)
        assert sync(client, "s1").body == homeserver.body(1)
        homeserver.send()
        assert json.loads(sync(client, "s1").body)["to_device"]["events"] == [{"n": 2}]
    assert stats(pair.far)["pollers"] == "0"
