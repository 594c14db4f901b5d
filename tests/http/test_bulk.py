"""Large bodies in a session: coded as a stream where that is worth it, in flat memory, without keeping anybody waiting."""

import json
import random
import threading

import pytest

from support.link import Link
from support.pair import direct
from support.proc import free_port
from support.wire import Client, chunk, compose

pytestmark = pytest.mark.skipif(direct(), reason="needs real daemons")

MIB = 1 << 20
RSS_MAX = 16 * MIB
BLOCK = 33 * 1024


def events(n, seed):
    """At least n bytes of JSON as a large room has it: every ID is new."""
    rng = random.Random(seed)
    rows = []
    size = 0
    while size < n:
        rows.append(json.dumps({
            "type": "m.room.message", "sender": f"@user{rng.randrange(50)}:example.org",
            "content": {"msgtype": "m.text", "body": " ".join(rng.choice(WORDS) for _ in range(rng.randrange(3, 20)))},
            "event_id": "$" + "".join(rng.choice(BASE64) for _ in range(43)), "origin_server_ts": 1790000000000 + rng.randrange(10**9),
            "unsigned": {"age": rng.randrange(10**6)}}))
        size += len(rows[-1]) + 1
    return b"[" + ",".join(rows).encode() + b"]"


BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
WORDS = [f"{a}{b}" for a in ("ba", "ko", "li", "mu", "ne", "pa", "ri", "so", "tu", "we") for b in ("n", "r", "st", "lo", "mi", "ta")]


@pytest.fixture
def over_link(tmp_path, own_pair, upstream):
    port = free_port()
    link = Link(tmp_path, port)
    link.start()
    pair = own_pair(upstream.url, coap_port=port, coap_target_port=link.port)
    with Client(pair.http_port) as client:  # from now on each end knows what the other one can
        assert client.request(b"GET", b"/first").status == 200
    yield pair, link
    assert link.stop() == 0


def bytes_of(link, what):
    """What crossed the link meanwhile, up and down."""
    link.tell("reset")
    result = what()
    stats = link.stats()
    return result, stats["up"]["entered"]["bytes"], stats["down"]["entered"]["bytes"]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_json_shrinks_both_ways(over_link, upstream, framing):
    pair, link = over_link
    body = events(400_000, 1)
    path = b"/json/" + framing.encode()
    upstream.on(path, lambda r, c: c.respond(200, [(b"Content-Type", b"application/json")], r.body))

    def put():
        with Client(pair.http_port) as client:
            fields = [(b"Content-Type", b"application/json")]
            if framing == "length":
                return client.request(b"PUT", path, fields, body)
            client.send(compose(b"PUT", path, fields + [(b"Transfer-Encoding", b"chunked")]))
            for at in range(0, len(body), 50_000):
                client.send(chunk(body[at:at + 50_000]))
            client.send(b"0\r\n\r\n")
            return client.response(b"PUT")

    answer, up, down = bytes_of(link, put)
    print(f"{len(body)} bytes of JSON: {up} up, {down} down")
    assert answer.status == 200
    assert answer.body == body
    assert [r.body for r in upstream.seen(path)] == [body]
    assert up < len(body) / 3  # a third of it are random IDs
    assert down < len(body) / 3


def test_media_goes_as_it_is(over_link, upstream):
    pair, link = over_link
    body = random.Random(2).randbytes(300_000)
    upstream.on(b"/media", lambda r, c: c.respond(200, [(b"Content-Type", b"image/png")], r.body))

    def put():
        with Client(pair.http_port) as client:
            return client.request(b"PUT", b"/media", [(b"Content-Type", b"image/png")], body)

    answer, up, down = bytes_of(link, put)
    print(f"{len(body)} bytes of media: {up} up, {down} down")
    assert answer.body == body
    assert max(up, down) < len(body) * 1.1


def test_a_pause_keeps_nothing_back(own_pair, upstream):
    """What the homeserver has sent before it pauses reaches the client in the pause, but for what fills no block, of all that is too long to be coded whole."""
    pair = own_pair(upstream.url)
    body = events(600_000, 3)[:600_000]
    first, got, arrived = 450_000, bytearray(), threading.Event()
    in_time = []

    def answer(request, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body), body[:first])
        in_time.append(arrived.wait(20))
        conn.send(body[first:])

    def keep(piece):
        got.extend(piece)
        if len(got) >= first - BLOCK:
            arrived.set()

    upstream.on(b"/pause", answer)
    with Client(pair.http_port) as client:
        client.request(b"GET", b"/first")
        client.send(compose(b"POST", b"/pause", [], b"x"))
        assert client.response(b"POST", keep=keep).status == 200
    assert in_time == [True], f"{len(got)} bytes had come"
    assert bytes(got) == body


@pytest.mark.memory
def test_a_small_stream_that_becomes_huge_fits_in_memory(own_pair, upstream):
    """100 MB of zeros are a few kB on the link; a client that does not read holds them back all the same."""
    pair = own_pair(upstream.url)
    total, sent, stop = 100_000_000, [0], threading.Event()

    def pour(request, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % total)
        piece = bytes(65536)
        while sent[0] < total and not stop.is_set():
            conn.send(piece[:total - sent[0]])
            sent[0] += min(len(piece), total - sent[0])

    upstream.on(b"/zeros", pour)
    client = Client(pair.http_port)
    client.request(b"GET", b"/first")
    client.send(compose(b"GET", b"/zeros"))
    before = -1
    for _ in range(60):  # until nothing moves for half a second
        if sent[0] == before and before > 0:
            break
        before = sent[0]
        threading.Event().wait(0.5)
    held = sent[0]
    peaks = {d.name: d.peak_rss_bytes() for d in (pair.near, pair.far)}
    print(f"{held} bytes left the homeserver for a client that does not read; peaks {peaks}")
    zeros = [0]
    answer = client.response(b"GET", keep=lambda piece: zeros.__setitem__(0, zeros[0] + piece.count(0)))
    stop.set()
    client.close()
    assert answer.status == 200
    assert zeros[0] == total
    assert max(peaks.values()) < RSS_MAX, peaks
    assert max(d.peak_rss_bytes() for d in (pair.near, pair.far)) < RSS_MAX
