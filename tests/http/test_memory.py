"""Large bodies stream: what the daemons keep does not grow with them. And an idle daemon is small."""

import hashlib
import os
import random
import threading

import pytest

from support.pair import direct
from support.proc import wait_until
from support.wire import Client, compose

pytestmark = [pytest.mark.memory, pytest.mark.skipif(direct(), reason="needs real daemons")]

MIB = 1 << 20
START_RSS_MAX = 8 * MIB  # three quarters of it pages of libcrypto and libc that all programs share
IDLE_RSS_MAX = 4 * MIB  # a moment later
STREAM_RSS_MAX = 16 * MIB  # with bodies of any size going through; the model and its scratch are 4 of it
PIECE = 64 * 1024


def test_idle_daemons_are_small(own_pair, upstream):
    daemons = own_pair(upstream.url)
    both = (daemons.near, daemons.far)
    sizes = {d.name: d.rss_bytes() / MIB for d in both}
    print("after the start:", sizes)
    assert max(sizes.values()) < START_RSS_MAX / MIB, sizes
    for _ in range(2):  # at first, and whenever nothing has happened for a while
        wait_until(lambda: all(d.rss_bytes() < IDLE_RSS_MAX for d in both), 30, "the daemons to be small at rest")
        print("at rest:", {d.name: d.rss_bytes() / MIB for d in both})
        with Client(daemons.http_port) as client:
            assert client.request(b"POST", b"/use", [], b"x" * 1000).body == b"x" * 1000
        assert any(d.rss_bytes() >= IDLE_RSS_MAX for d in both)


def _pieces(total, seed):
    rng = random.Random(seed)
    block = rng.randbytes(PIECE)
    for at in range(0, total, PIECE):
        yield (at.to_bytes(8, "big") + block)[:min(PIECE, total - at)]


def _digest(total, seed):
    h = hashlib.sha256()
    for piece in _pieces(total, seed):
        h.update(piece)
    return h.hexdigest()


def _transfer(daemons, upstream, megabytes, kind):
    total = megabytes * 1_000_000
    up, down = hashlib.sha256(), hashlib.sha256()

    def answer(request, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (kind, total))
        for piece in _pieces(total, 2):
            conn.send(piece)

    upstream.on(b"/large/up", lambda r, c: c.respond(200, [], b"%d" % r.body_len), keep=up.update)
    upstream.on(b"/large/down", answer)
    with Client(daemons.http_port, timeout=120) as client:
        client.send(compose(b"PUT", b"/large/up", [(b"Content-Type", kind), (b"Content-Length", b"%d" % total)]))
        for piece in _pieces(total, 1):
            client.send(piece)
        assert client.response(b"PUT").body == b"%d" % total
        client.send(compose(b"GET", b"/large/down"))
        got = client.response(b"GET", keep=down.update)
        assert got.body_len == total
    assert up.hexdigest() == _digest(total, 1)
    assert down.hexdigest() == _digest(total, 2)
    assert len(upstream.seen(b"/large/up")) == len(upstream.seen(b"/large/down")) == 1
    upstream.forget()
    peaks = {d.name: d.peak_rss_bytes() / MIB for d in (daemons.near, daemons.far)}
    print(f"{megabytes} MB each way, peak MiB:", peaks)
    assert max(peaks.values()) < STREAM_RSS_MAX / MIB, peaks
    return peaks


# What does not say that it is text goes as it is when it looks like chance; text is coded whatever it looks like.
KINDS = pytest.mark.parametrize("kind", [b"application/octet-stream", b"application/json"], ids=["stored", "coded"])


@KINDS
def test_5_mb_up_and_down_in_flat_memory(kind, own_pair, upstream):
    _transfer(own_pair(upstream.url), upstream, 5, kind)


@pytest.mark.long
@KINDS
def test_50_mb_up_and_down_in_flat_memory(kind, own_pair, upstream):
    daemons = own_pair(upstream.url)
    small = _transfer(daemons, upstream, 5, kind)
    large = _transfer(daemons, upstream, 50, kind)
    for name, peak in large.items():
        assert peak - small[name] < 2, f"{name} grew from {small[name]:.1f} to {peak:.1f} MiB"


@pytest.mark.long
def test_300_mb_down_without_a_pause(own_pair, upstream):
    """Some 300,000 messages within one EXCHANGE_LIFETIME: neither Message IDs nor the memory for duplicates may run out."""
    daemons = own_pair(upstream.url)
    total = 100_000_000
    upstream.on(b"/much", lambda r, c: _pour(c, total))
    with Client(daemons.http_port, timeout=60) as client:
        for _ in range(3):
            client.send(compose(b"GET", b"/much"))
            assert client.response(b"GET", keep=False).body_len == total
    peaks = {d.name: d.peak_rss_bytes() / MIB for d in (daemons.near, daemons.far)}
    print("300 MB down, peak MiB:", peaks)
    assert max(peaks.values()) < STREAM_RSS_MAX / MIB, peaks


def _pour(conn, total):
    conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
    for piece in _pieces(total, 3):
        conn.send(piece)


def test_slow_reader_holds_the_upstream_back(own_pair, upstream):
    """A client that does not read must not make the daemons take the whole answer in."""
    daemons = own_pair(upstream.url)
    total, sent, stop = 60_000_000, [0], threading.Event()

    def pour(request, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        piece = os.urandom(PIECE)
        while sent[0] < total and not stop.is_set():
            conn.send(piece[:total - sent[0]])
            sent[0] += min(PIECE, total - sent[0])

    upstream.on(b"/pour", pour)
    client = Client(daemons.http_port)
    client.send(compose(b"GET", b"/pour"))
    before = -1
    for _ in range(100):  # until nothing moves for half a second, at most 50 s
        if sent[0] == before and before > 0:
            break
        before = sent[0]
        threading.Event().wait(0.5)
    peaks = {d.name: d.peak_rss_bytes() / MIB for d in (daemons.near, daemons.far)}
    stop.set()
    client.close()
    print(f"upstream wrote {sent[0]} bytes, peak MiB:", peaks)
    assert sent[0] < total
    assert max(peaks.values()) < STREAM_RSS_MAX / MIB, peaks


def test_leaving_clients_leave_nothing_behind(own_pair, upstream):
    """File descriptors and memory after hundreds of broken-off exchanges are what they were."""
    daemons = own_pair(upstream.url)
    upstream.on(b"/gone", lambda r, c: c.sleep_or_gone(30))

    def descriptors():
        return {d.name: len(os.listdir(f"/proc/{d.pid}/fd")) for d in (daemons.near, daemons.far)}

    def use():
        with Client(daemons.http_port) as client:
            assert client.request(b"POST", b"/use", [], b"x").body == b"x"

    use()
    start = descriptors()
    for _ in range(10):
        clients = [Client(daemons.http_port) for _ in range(20)]
        for c in clients:
            c.send(compose(b"GET", b"/gone"))
        for c in clients:
            c.close()
    use()
    for _ in range(200):
        now = descriptors()
        if all(now[n] <= start[n] + 2 for n in now):
            break
        threading.Event().wait(0.1)
    assert all(now[n] <= start[n] + 2 for n in now), (start, now)
    peaks = {d.name: d.peak_rss_bytes() / MIB for d in (daemons.near, daemons.far)}
    assert max(peaks.values()) < STREAM_RSS_MAX / MIB, peaks
