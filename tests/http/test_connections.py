"""HTTP connections through the pair: waiting, leaving, keeping alive, pipelining, refusing."""

import json
import threading
import time

import pytest

from support.pair import direct
from support.proc import wait_until
from support.wire import Client, WireError, compose, pattern


def seen_once(upstream, path):
    seen = upstream.seen(path)
    assert len(seen) == 1, f"upstream saw {len(seen)} requests for {path!r}"
    return seen[0]


# --- answers that take long -----------------------------------------------------------------------------------------

def _slow(upstream, pair, seconds, method=b"POST"):
    path = b"/slow/%d" % seconds
    gone = []

    def later(request, conn):
        gone.append(conn.sleep_or_gone(seconds))
        conn.respond(200, [], b"at last: " + request.body)

    upstream.on(path, later)
    with Client(pair.http_port, timeout=seconds + 60) as client:
        start = time.monotonic()
        answer = client.request(method, path, [], b"once")
        took = time.monotonic() - start
        assert (answer.status, answer.body) == (200, b"at last: once")
        assert seconds <= took < seconds + 15
        assert gone == [False]
        assert not client.closed_by_peer(0.2), "more came than one answer"
    seen_once(upstream, path)


def test_answer_after_3_s_comes_once(upstream, pair):
    _slow(upstream, pair, 3)


@pytest.mark.long
def test_answers_after_45_s_and_75_s_come_once(upstream, pair):
    faults = []

    def work(seconds, method):
        try:
            _slow(upstream, pair, seconds, method)
        except BaseException as e:  # noqa: BLE001 - carried to the test's own thread
            faults.append((seconds, repr(e)))

    threads = [threading.Thread(target=work, args=a) for a in ((45, b"POST"), (75, b"PUT"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(200)
    assert not faults


def test_body_that_trickles_is_handed_on_as_it_comes(upstream, own_pair):
    """The client has the first part long before the last is written. Of the plain profile: a short message is coded as a
    whole otherwise."""
    pair = own_pair(upstream.url, plain=True)
    go_on = threading.Event()

    def trickle(request, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + b"a" * 5000)
        go_on.wait(30)
        conn.send(b"b" * 5000)

    upstream.on(b"/trickle", trickle)
    with Client(pair.http_port) as client:
        client.send(compose(b"GET", b"/trickle"))
        head = client.stream.head()
        assert head.startswith(b"HTTP/1.1 200")
        got = []
        client.stream.exactly(1, got.append)
        assert got[0][:1] == b"a"
        go_on.set()
        client.stream.exactly(9999, got.append)
        assert b"".join(got) == b"a" * 5000 + b"b" * 5000


# --- clients that leave ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("grace", ["0s", "2s"])
def test_client_that_leaves_frees_the_upstream(upstream, own_pair, grace):
    """At once, or when the time for coming back is over."""
    daemons = own_pair(upstream.url, near_options=["--retry-grace", grace])
    path = b"/leave/" + grace.encode()
    gone = threading.Event()

    def wait(request, conn):
        if conn.sleep_or_gone(60):
            gone.set()

    upstream.on(path, wait)
    client = Client(daemons.http_port)
    client.send(compose(b"GET", path + b"?timeout=60000"))
    wait_until(lambda: upstream.seen(path), 20, "the request upstream")
    client.close()
    assert gone.wait(20), "upstream still waits for a client that left"


def test_clients_that_leave_at_any_point_harm_nobody(upstream, pair):
    whole = compose(b"PUT", b"/leaves/early", [], pattern(5000))
    upstream.on(b"/leaves/early", lambda r, c: c.respond(200, [], b"z" * 20_000))
    for cut in [1, 10, 30, 60, 80, 100, 2000, len(whole) - 1, len(whole)]:
        client = Client(pair.http_port)
        client.send(whole[:cut])
        client.close()
    with Client(pair.http_port) as client:
        assert client.request(b"POST", b"/leaves/check", [], b"fine").body == b"fine"


# --- keep-alive, pipelining, 100-continue ----------------------------------------------------------------------------

def test_one_connection_serves_many_requests(upstream, pair):
    with Client(pair.http_port) as client:
        for i in range(100):
            body = b"n%d" % i
            assert client.request(b"POST", b"/keep/%d" % i, [], body).body == body
    assert len(upstream.seen(b"/keep/")) == 100


def test_connection_close_is_honoured(upstream, pair):
    with Client(pair.http_port) as client:
        answer = client.request(b"POST", b"/close", [(b"Connection", b"close")], b"bye")
        assert answer.body == b"bye"
        if not direct():
            assert client.closed_by_peer(10)


def test_http_1_0_client(upstream, pair):
    with Client(pair.http_port) as client:
        client.send(compose(b"POST", b"/one-dot-oh", [], b"old", version=b"HTTP/1.0"))
        answer = client.response()
        assert answer.body == b"old"
        assert answer.get(b"transfer-encoding") is None
        if not direct():
            assert client.closed_by_peer(10)


def test_pipelined_requests_are_answered_in_order(upstream, pair):
    n = 20

    def answer(request, conn):
        if request.target.endswith(b"/0"):
            conn.sleep_or_gone(0.7)
        conn.respond(200, [], b"answer to " + request.target)

    for i in range(n):
        upstream.on(b"/pipe/%d" % i, answer)
    with Client(pair.http_port) as client:
        client.send(b"".join(compose(b"GET", b"/pipe/%d" % i) for i in range(n)))
        for i in range(n):
            assert client.response().body == b"answer to /pipe/%d" % i
    assert sorted(r.target for r in upstream.seen(b"/pipe/")) == sorted(b"/pipe/%d" % i for i in range(n))


def test_expect_100_continue(upstream, pair):
    body = pattern(3000)
    with Client(pair.http_port) as client:
        head = compose(b"PUT", b"/expect", [(b"Expect", b"100-continue"), (b"Content-Length", b"3000")])
        client.send(head)
        assert client.stream.head().startswith(b"HTTP/1.1 100")
        client.send(body)
        assert client.response().body == body
    assert seen_once(upstream, b"/expect").body == body


# --- what is refused ------------------------------------------------------------------------------------------------

H = b"Host: x\r\n"
REFUSED = {
    "length and chunked": (b"POST /bad HTTP/1.1\r\n" + H + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "two lengths": (b"POST /bad HTTP/1.1\r\n" + H + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", {400}),
    "negative length": (b"POST /bad HTTP/1.1\r\n" + H + b"Content-Length: -1\r\n\r\n", {400}),
    "length with a plus": (b"POST /bad HTTP/1.1\r\n" + H + b"Content-Length: +3\r\n\r\nabc", {400}),
    "length that overflows": (b"POST /bad HTTP/1.1\r\n" + H + b"Content-Length: 99999999999999999999\r\n\r\n", {400, 413}),
    "space before the colon": (b"GET /bad HTTP/1.1\r\n" + H + b"X-A : b\r\n\r\n", {400}),
    "bare line feeds": (b"GET /bad HTTP/1.1\nHost: x\n\n", {400}),
    "folded field": (b"GET /bad HTTP/1.1\r\n" + H + b"X-A: b\r\n c\r\n\r\n", {400}),
    "no Host": (b"GET /bad HTTP/1.1\r\n\r\n", {400}),
    "two Hosts": (b"GET /bad HTTP/1.1\r\n" + H + b"Host: y\r\n\r\n", {400}),
    "odd transfer coding": (b"POST /bad HTTP/1.1\r\n" + H + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400, 501}),
    "chunked not last": (b"POST /bad HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", {400, 501}),
    "bad chunk size": (b"POST /bad HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n", {400}),
    "NUL in a field": (b"GET /bad HTTP/1.1\r\n" + H + b"X-A: a\x00b\r\n\r\n", {400}),
    "target too long": (b"GET /bad" + b"a" * 20_000 + b" HTTP/1.1\r\n" + H + b"\r\n", {414}),
    "field too long": (b"GET /bad HTTP/1.1\r\n" + H + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n", {431}),
    "too many fields": (b"GET /bad HTTP/1.1\r\n" + H + b"X-A: b\r\n" * 1000 + b"\r\n", {431}),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "future version": (b"GET /bad HTTP/3.7\r\n" + H + b"\r\n", {400, 505}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_matrix_error(name, upstream, pair):
    if direct():
        pytest.skip("needs real daemons")
    raw, allowed = REFUSED[name]
    with Client(pair.http_port, timeout=20) as client:
        try:
            client.send(raw)
        except OSError:
            pass  # refused before it was all written
        answer = client.response()
        assert answer.status in allowed
        error = json.loads(answer.body)
        assert error["errcode"].startswith("M_") and error["error"]
        assert answer.get(b"content-type", b"").startswith(b"application/json")
        # Whatever followed in the same bytes must not be taken for a request.
        with pytest.raises((WireError, OSError)):
            client.response()
    if name != "bad chunk size":
        assert not [r for r in upstream.seen(b"/bad")]
