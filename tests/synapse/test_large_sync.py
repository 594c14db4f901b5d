"""The initial sync of an account with many rooms, from unmodified Synapse: the same bytes, in a small part of them. Up to 300 KiB it is coded whole; a longer one goes in
pieces that the model codes where the link is known to be thin, and else as a stream of zstd, of which random event IDs are half."""

import http.client
import json
import random

import pytest

from support.link import Link
from support.pair import direct
from support.proc import LOOPBACK, free_port

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(600), pytest.mark.skipif(direct(), reason="needs real daemons")]

SEED, USERS, ROOMS, MESSAGES = 11, 6, 14, 80
WORDS = ("the a to and of in it for on was with that as but at by from they we say her she or an will one all would there their what so up out if "
         "about who get which go when make can like time no just him know take people into year your good some could them see other than then now "
         "look only come over think also back after use two how our work first well way even new want because any these give day most us").split()


def ask(port, method, path, token=None, body=None):
    conn = http.client.HTTPConnection(LOOPBACK, port, timeout=120)
    try:
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        conn.request(method, path, None if body is None else json.dumps(body).encode(), fields)
        answer = conn.getresponse()
        got = answer.read()
        assert answer.status == 200, (path, got)
        return got
    finally:
        conn.close()


def fill(port, rng):
    """Rooms full of talk; the token of somebody who is in all of them."""
    tokens = [json.loads(ask(port, "POST", "/_matrix/client/v3/register", None, {
        "username": f"user{i}", "password": "for tests only", "auth": {"type": "m.login.dummy"}}))["access_token"] for i in range(USERS)]
    for r in range(ROOMS):
        room = json.loads(ask(port, "POST", "/_matrix/client/v3/createRoom", tokens[0], {
            "name": f"Room {r}", "preset": "public_chat", "topic": " ".join(rng.sample(WORDS, 8))}))["room_id"]
        for token in tokens[1:]:
            ask(port, "POST", f"/_matrix/client/v3/join/{room}", token, {})
        for m in range(MESSAGES):
            ask(port, "PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{m}", rng.choice(tokens), {
                "msgtype": "m.text", "body": " ".join(rng.choice(WORDS) for _ in range(rng.randrange(2, 16)))})
    return tokens[0]


@pytest.mark.parametrize("rate, longest", [("1 Mbit/s", 14), (None, 4)])
def test_initial_sync_shrinks(synapse, own_pair, tmp_path, rate, longest):
    print(f"seed {SEED}")
    server = synapse()
    token = fill(server.port, random.Random(SEED))
    port = free_port()
    link = Link(tmp_path, port)
    link.start()
    pair = own_pair(server.url, coap_port=port, coap_target_port=link.port, near_options=["--link-up", rate, "--link-down", rate] if rate else [])
    ask(pair.http_port, "GET", "/_matrix/client/versions")
    for limit, least, most, part in ((20, 100_000, 300 * 1024, 14), (50, 200_000, 300 * 1024, 14), (80, 300 * 1024, 500_000, longest)):
        path = '/_matrix/client/v3/sync?filter={"room":{"timeline":{"limit":%d}}}' % limit
        path = path.replace("{", "%7B").replace("}", "%7D").replace('"', "%22")
        link.tell("reset")
        through = ask(pair.http_port, "GET", path, token)
        stats = link.stats()
        down, up = (stats[way]["entered"]["bytes"] for way in ("down", "up"))
        print(f"{len(through)} bytes of initial sync: {down} down, {up} up")
        assert least < len(through) < most
        assert down + up < len(through) / part
        _same(json.loads(through), json.loads(ask(server.port, "GET", path, token)))
    assert link.stop() == 0


def _same(a, b):
    """Two initial syncs of a quiet server differ in what tells the time."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            if key not in ("age", "next_batch", "age_ts"):
                _same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for one, other in zip(a, b):
            _same(one, other)
    else:
        assert a == b
