"""Simplified sliding sync (MSC4186) against real Synapse: its POSTs pass untouched, long polls and lists, extensions and all."""

import http.client
import json
import threading
import time

import pytest

from support.pair import direct
from support.proc import LOOPBACK

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(300), pytest.mark.skipif(direct(), reason="needs real daemons")]
PATH = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
ASK = {
    "lists": {"all": {"ranges": [[0, 19]], "required_state": [["m.room.name", ""], ["m.room.member", "$LAZY"]], "timeline_limit": 20}},
    "extensions": {"to_device": {"enabled": True}, "e2ee": {"enabled": True}, "account_data": {"enabled": True},
                   "receipts": {"enabled": True, "rooms": ["*"]}, "typing": {"enabled": True, "rooms": ["*"]}},
}


def call(port, method, path, token=None, body=None):
    conn = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    try:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        conn.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = conn.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        conn.close()


def timeless(value):
    """Without what depends on when it was asked: ages, and stream positions."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in ("age", "prev_batch")}
    return [timeless(v) for v in value] if isinstance(value, list) else value


class Sliding:
    """One connection: each answer's pos goes into the next request."""

    def __init__(self, port, token, name):
        self.port, self.token, self.name, self.pos = port, token, name, None

    def poll(self, timeout_ms, body=None):
        path = f"{PATH}?timeout={timeout_ms}" + (f"&pos={self.pos}" if self.pos else "")
        status, answer = call(self.port, "POST", path, self.token, {"conn_id": self.name, **(body or ASK)})
        if status == 200:
            self.pos = answer.pop("pos")
            answer["extensions"].get("to_device", {}).pop("next_batch", None)
        return status, timeless(answer)


def both(connections, act, timeout_ms):
    """What both are told of what `act` does while they wait."""
    answers = [None, None]

    def work(i):
        answers[i] = connections[i].poll(timeout_ms)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    started = time.monotonic()
    for t in threads:
        t.start()
    time.sleep(0.7)
    act()
    for t in threads:
        t.join(60)
    return answers, time.monotonic() - started


def test_sliding_sync_is_what_synapse_says(synapse, own_pair):
    server = synapse()
    pair = own_pair(server.url)
    pair.wait_ready()

    def register(name):
        auth = {"username": name, "password": "correct horse battery staple", "auth": {"type": "m.login.dummy"}}
        return call(server.port, "POST", "/_matrix/client/v3/register", body=auth)[1]["access_token"]

    alice, bob = register("alice"), register("bob")
    room = call(server.port, "POST", "/_matrix/client/v3/createRoom", bob, {"name": "slide", "preset": "public_chat"})[1]["room_id"]
    call(server.port, "POST", f"/_matrix/client/v3/join/{room}", alice, {})
    through, plain = Sliding(pair.http_port, alice, "through"), Sliding(server.port, alice, "direct")
    first = through.poll(0), plain.poll(0)
    assert first[0] == first[1] and first[0][1]["rooms"][room]["name"] == "slide"
    for n in range(5):
        def say(n=n):
            call(server.port, "PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/t{n}", bob, {"msgtype": "m.text", "body": f"text {n}"})

        answers, took = both((through, plain), say, 20000)
        assert answers[0] == answers[1] and took < 10
        assert answers[0][1]["rooms"][room]["timeline"][-1]["content"]["body"] == f"text {n}"
    idle = both((through, plain), lambda: None, 2000)
    assert idle[0][0] == idle[0][1] and 1.9 < idle[1] < 6
    # a position that is none, and one of another connection
    for pos in ("nonsense", "999999999/s1_1"):
        for connection in (through, plain):
            connection.pos = pos
        wrong = through.poll(0), plain.poll(0)
        assert wrong[0] == wrong[1] and wrong[0][0] == 400
    # each poll crossed by itself: nobody but Synapse answered, and no observation was made
    polls = [e for e in pair.exchanges() if int(e["http_up"]) and e["route"] != "versions"]
    assert len(polls) == 9 and all(int(e["datagrams_up"]) >= 1 for e in polls)
