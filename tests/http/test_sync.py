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
        self.keys = 50
        upstream.on(b"/_matrix/client/v3/sync", self.answer)

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
        while time.monotonic() < end and self.last <= since and self.status == 200:
            if conn.sleep_or_gone(0.02):
                return
        if self.status != 200:
            conn.respond(self.status, [(b"Content-Type", b"application/json")], b'{"errcode":"M_UNKNOWN_TOKEN","error":"gone"}')
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


def sync(client, since=None, timeout=2000, more=b""):
    target = b"/_matrix/client/v3/sync?timeout=%d" % timeout + more
    if since:
        target += b"&since=" + since.encode()
    return client.request(b"GET", target, [TOKEN])


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
