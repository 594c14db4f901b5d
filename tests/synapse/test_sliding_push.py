"""Sliding sync (MSC4186) pushed, against real Synapse: a loop through the pair is told what one beside it is told, messages to the device
included; idle polls cost nothing, and their answers are Synapse's."""

import http.client
import json
import threading
import time

import pytest

from support.link import Link
from support.pair import direct
from support.proc import LOOPBACK, free_port

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(300), pytest.mark.skipif(direct(), reason="needs real daemons")]
PATH = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
ASK = {
    "conn_id": "room-list",
    "lists": {"all": {"ranges": [[0, 19]], "required_state": [["m.room.name", ""], ["m.room.member", "$LAZY"]], "timeline_limit": 20}},
    "extensions": {"account_data": {"enabled": True}, "receipts": {"enabled": True}, "typing": {"enabled": True},
                   "to_device": {"enabled": True}, "e2ee": {"enabled": True}},
}
MESSAGES = 30


def call(port, method, path, token=None, body=None):
    conn = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    try:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        conn.request(method, path, json.dumps(body, separators=(",", ":")) if body is not None else None, headers)
        answer = conn.getresponse()
        return answer.status, answer.read()
    finally:
        conn.close()


class Loop:
    """One client's connection: what it asks follows from what it was answered."""

    def __init__(self, port, token):
        self.port, self.token, self.pos, self.device = port, token, None, None
        self.said, self.to_device, self.polls = [], [], 0

    def poll(self, timeout_ms):
        body = json.loads(json.dumps(ASK))
        if self.device:
            body["extensions"]["to_device"]["since"] = self.device
        status, text = call(self.port, "POST", f"{PATH}?timeout={timeout_ms}" + (f"&pos={self.pos.replace('/', '%2F')}" if self.pos else ""),
                            self.token, body)
        assert status == 200, text
        answer = json.loads(text)
        self.pos, self.device, self.polls = answer["pos"], answer["extensions"]["to_device"]["next_batch"], self.polls + 1
        for room in answer["rooms"].values():
            self.said += [e["content"]["body"] for e in room.get("timeline", ()) if e["type"] == "m.room.message"]
        self.to_device += [e["content"]["n"] for e in answer["extensions"]["to_device"].get("events", ())]
        return text

    def run(self, until):
        while time.monotonic() < until and len(self.to_device) < MESSAGES:
            self.poll(5000)


def datagrams(link):
    stats = link.stats()
    return sum(stats[d]["entered"]["datagrams"] for d in ("up", "down"))


def timeless(text):
    answer = json.loads(text)
    answer.pop("pos")
    answer["extensions"]["to_device"].pop("next_batch")
    return answer


def test_sliding_is_pushed(synapse, tmp_path, own_pair):
    server = synapse()
    coap = free_port()
    link = Link(tmp_path, coap, ())
    link.start()
    pair = own_pair(server.url, coap_port=coap, coap_target_port=link.port)
    pair.wait_ready()
    password = "correct horse battery staple"
    auth = {"username": "alice", "password": password, "device_id": "PUSHED", "auth": {"type": "m.login.dummy"}}
    alice = json.loads(call(server.port, "POST", "/_matrix/client/v3/register", body=auth)[1])["access_token"]
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": password, "device_id": "DIRECT"}
    twin = json.loads(call(server.port, "POST", "/_matrix/client/v3/login", body=login)[1])["access_token"]
    bob = json.loads(call(server.port, "POST", "/_matrix/client/v3/register", body=auth | {"username": "bob", "device_id": "BOB"})[1])["access_token"]
    room = json.loads(call(server.port, "POST", "/_matrix/client/v3/createRoom", bob, {"preset": "public_chat"})[1])["room_id"]
    call(server.port, "POST", f"/_matrix/client/v3/join/{room}", alice, {})

    loops = Loop(pair.http_port, alice), Loop(server.port, twin)
    for loop in loops:
        loop.poll(0)
    threads = [threading.Thread(target=loop.run, args=(time.monotonic() + 120,)) for loop in loops]
    before = datagrams(link)
    for t in threads:
        t.start()
    for n in range(MESSAGES):
        call(server.port, "PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/t{n}", bob, {"msgtype": "m.text", "body": f"text {n}"})
        call(server.port, "PUT", f"/_matrix/client/v3/sendToDevice/com.example.n/d{n}", bob,
             {"messages": {"@alice:localhost": {d: {"n": n} for d in ("PUSHED", "DIRECT")}}})
        time.sleep([0, 0.1, 0.7][n % 3])
    for t in threads:
        t.join(150)
    through, plain = loops
    assert through.to_device == plain.to_device == list(range(MESSAGES))
    for loop in loops:
        loop.poll(500)
    assert through.said == plain.said == [f"text {n}" for n in range(MESSAGES)]
    print(f"{MESSAGES} messages in {through.polls} answers: {datagrams(link) - before} datagrams")

    # the loop comes to rest: no datagram, and what Synapse says
    through.poll(2000)
    through.poll(2000)
    time.sleep(1)
    idle, started = datagrams(link), time.monotonic()
    said = [through.poll(2000) for _ in range(3)]
    assert 5.8 < time.monotonic() - started < 15
    assert datagrams(link) == idle
    assert [timeless(t) for t in said] == [timeless(plain.poll(500))] * 3
    assert len({t for t in said}) == 1

    # behind a quiet time a message is there at once; nothing was told ahead of the client
    timer = threading.Timer(0.5, call, (server.port, "PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/last", bob,
                                        {"msgtype": "m.text", "body": "last"}))
    timer.start()
    started = time.monotonic()
    while through.said[-1] != "last" and time.monotonic() - started < 20:
        through.poll(20000)
    assert through.said[-1] == "last" and time.monotonic() - started < 10

    # two polls of one loop at a time: the second is asked of Synapse by itself
    answers = []
    body = json.loads(json.dumps(ASK))
    body["extensions"]["to_device"]["since"] = through.device
    again = [threading.Thread(target=lambda: answers.append(call(pair.http_port, "POST", f"{PATH}?timeout=1000&pos={through.pos}", alice, body)))
             for _ in range(2)]
    for t in again:
        t.start()
    for t in again:
        t.join(20)
    assert [status for status, _ in answers] == [200, 200] and timeless(answers[0][1]) == timeless(answers[1][1])

    # another position than the loop's own is asked of Synapse
    through.pos = "999999999/s1_1"
    assert call(pair.http_port, "POST", f"{PATH}?timeout=2000&pos={through.pos}", alice, ASK)[0] == 400
    assert link.stop() == 0
