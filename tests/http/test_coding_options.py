"""The options of the coding: padding, and doing without the model."""
import json

import pytest

from support.pair import direct
from support.wire import Client

pytestmark = pytest.mark.skipif(direct(), reason="needs real daemons")

TOKEN = (b"Authorization", b"Bearer syt_bWlsbw_abcdefghijkl")


def send(daemons, upstream, texts):
    with Client(daemons.http_port) as client:
        for i, text in enumerate(texts):
            path = b"/_matrix/client/v3/rooms/!r:x.org/send/m.room.message/m%d" % i
            body = json.dumps({"msgtype": "m.text", "body": text}).encode()
            answer = client.request(b"PUT", path, [TOKEN, (b"Content-Type", b"application/json")], body)
            assert answer.status == 200, answer
            assert upstream.seen(path)[-1].body == body
    lines = [e for e in daemons.exchanges("near") if e["route"] == "send"]
    return [int(e["link_up"]) for e in lines], [int(e["link_down"]) for e in lines]


def texts():
    return ["short"] + ["a longer text, " * n + str(n * 7919) for n in range(1, 8)]


def test_padded_lengths_are_alike(upstream, own_pair):
    padding = ["--padding", "128"]
    up, down = send(own_pair(upstream.url, near_options=padding, far_options=padding), upstream, texts())
    print("bytes up", up, "down", down)
    assert len({n // 16 for n in up[2:]}) <= 2 and len({n // 16 for n in down[2:]}) <= 2


def test_without_the_model(upstream, own_pair):
    plain, _ = send(own_pair(upstream.url, far_options=["--model=false"]), upstream, texts())
    print("bytes up", plain)
    assert sum(plain) < 8 * 300
