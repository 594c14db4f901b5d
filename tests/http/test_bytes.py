"""Through the pair: what leaves the far daemon is what entered the near one, and back. Raw sockets on both ends."""

import random
import threading

import pytest

from support.wire import Client, chunk, compose, pattern

HOST = (b"Host", b"hs.example")


@pytest.fixture
def client(pair):
    with Client(pair.http_port) as c:
        yield c


def one(upstream, path):
    """The only request upstream got for this path."""
    seen = upstream.seen(path)
    assert len(seen) == 1, f"upstream saw {len(seen)} requests for {path[:80]!r}"
    return seen[0]


# --- request target -------------------------------------------------------------------------------------------------

TARGETS = {
    "encoded slash": b"/t1/a%2Fb%2fc/d",
    "encoded bang and dollar": b"/t2/%21room%3Aexample.org/%24event",
    "raw bang and dollar": b"/t3/!room:example.org/$event@x",
    "plus and space": b"/t4/a+b%20c?q=a+b%2Bc%20d",
    "empty parameters": b"/t5?&&a=&=b&&c",
    "question mark alone": b"/t6?",
    "repeated parameters": b"/t7?server_name=a&server_name=b&server_name=a&via=&via=",
    "several question marks": b"/t8?a?b?c=d?e",
    "dots and double slashes": b"/t9/../x/./y//z///",
    "ends in slash": b"/t10/",
    "lower-case escapes": b"/t11/%e2%98%83%E2%98%83",
    "broken escapes": b"/t12/%zz/%2/%",
    "query of 8 kB": b"/t13?filter=" + b"%7B%22a%22%3A" * 620,
    "segment of 300 bytes": b"/t14/" + b"s" * 300 + b"/end",
    "non-ASCII bytes": b"/t15/caf\xc3\xa9/\xff\xfe\x80?q=\xe2\x98\x83",
    "punctuation": b"/t16/-._~!$&'()*+,;=:@?/?-._~!$&'()*+,;=:@",
    "quotes and brackets": b"/t17/\"<>\\^`{|}[]?\"<>\\^`{|}[]",
    "many segments": b"/t18" + b"/a" * 400,
    "absolute form": b"http://hs.example/t19/absolute?x=%2F",
}


@pytest.mark.parametrize("name", TARGETS)
def test_target_arrives_as_written(name, client, upstream):
    target = TARGETS[name]
    assert client.request(b"GET", target).status == 200
    if target.startswith(b"http:"):
        # RFC 9112 3.2.2: an origin server takes both forms; either may go on.
        seen = [r.target for r in upstream.seen(b"http://hs.example/t19") + upstream.seen(b"/t19")]
        assert seen in ([target], [target[len(b"http://hs.example"):]])
    else:
        assert [r.target for r in upstream.seen(target)] == [target]


def test_asterisk_form(client, upstream):
    assert client.request(b"OPTIONS", b"*").status == 200
    assert one(upstream, b"*").target == b"*"


# --- method ---------------------------------------------------------------------------------------------------------

METHODS = [b"GET", b"PUT", b"POST", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"PROPFIND", b"REPORT", b"SEARCH", b"LINK"]


@pytest.mark.parametrize("method", METHODS, ids=[m.decode() for m in METHODS])
@pytest.mark.parametrize("with_body", [False, True], ids=["empty", "body"])
def test_method_arrives(method, with_body, client, upstream):
    path = b"/method/" + method + (b"/1" if with_body else b"/0")
    body = b'{"m": 1}' if with_body else None
    answer = client.request(method, path, body=body)
    assert answer.status == 200
    request = one(upstream, path)
    assert request.method == method
    assert request.body == (body or b"")
    assert answer.body == (b"" if method == b"HEAD" else body or b"")


def test_unknown_method_is_answered(client, upstream):
    answer = client.request(b"FROBNICATE", b"/method/unknown")
    if answer.status == 200:
        assert one(upstream, b"/method/unknown").method == b"FROBNICATE"
    else:
        assert answer.status in (400, 405, 501)
        assert b'"errcode"' in answer.body


# --- bodies ---------------------------------------------------------------------------------------------------------

BODIES = {
    "empty": b"",
    "one byte": b"\x00",
    "all byte values": bytes(range(256)) * 3,
    "64-bit integers": b'{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615,"d":12345678901234567890123}',
    "floats": b'{"a":1.0,"b":1.10,"c":1e2,"d":-0,"e":1E+2,"f":0.1e-7,"g":-0.0}',
    "escapes": b'{"a":"\\u00e9\\/\\ud83e\\udd84\\ud800\\u0000\\"","b":"\xc3\xa9/"}',
    "duplicate keys": b'{"a":1,"a":2,"b":{"x":1,"x":1},"a":1}',
    "white space": b' \r\n{ "a" :\t1 ,\n\n"b":[ ] } \n',
    "invalid JSON": b'{"a":',
    "invalid UTF-8": b'{"a":"\xff\xfe\x80"}',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "looks like HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n0\r\n\r\n",
    "just below a block": pattern(1023, 2),
    "one block": pattern(1024, 3),
    "just above a block": pattern(1025, 4),
    "several blocks": pattern(16 * 1024, 5),
    "above one datagram": pattern(70_000, 6),
    "one megabyte": pattern(1_000_003, 7),
}
TYPES = [b"application/json", b"application/json; charset=utf-8", b"image/png", b'multipart/mixed; boundary="a;b, c"',
         b"x/y", b"nonsense", b"text/plain;charset=\"utf-8\" ; q = 1"]


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_body_both_ways(name, framing, client, upstream):
    body = BODIES[name]
    path = b"/body/%s/%s" % (name.replace(" ", "-").encode(), framing.encode())
    kind = TYPES[len(body) % len(TYPES)]

    def chunked_answer(request, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: " + request.get(b"content-type") +
                  b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in _pieces(request.body, 3):
            conn.send(chunk(piece))
        conn.send(b"0\r\n\r\n")

    if framing == "chunked":
        upstream.on(path, chunked_answer)
        client.send(compose(b"PUT", path, [HOST, (b"Content-Type", kind), (b"Transfer-Encoding", b"chunked")]))
        for piece in _pieces(body, 4):
            client.send(chunk(piece))
        client.send(b"0\r\n\r\n")
        answer = client.response(b"PUT")
    else:
        answer = client.request(b"PUT", path, [(b"Content-Type", kind)], body)
    request = one(upstream, path)
    assert request.body == body
    assert request.get(b"content-type") == kind
    assert answer.status == 200
    assert answer.body == body
    assert answer.get(b"content-type") == kind


def _pieces(data, seed):
    """The data in pieces of uneven size, none empty."""
    rng, at = random.Random(seed), 0
    while at < len(data):
        n = rng.choice([1, 10, 100, 1000, 100_000])
        yield data[at:at + n]
        at += n


def test_body_written_byte_by_byte(client, upstream):
    raw = compose(b"POST", b"/drip", [(b"Content-Type", b"text/plain")], b"slow but sure")
    for i in range(len(raw)):
        client.send(raw[i:i + 1])
    assert client.response().body == b"slow but sure"
    assert one(upstream, b"/drip").body == b"slow but sure"


def test_no_content_type_stays_so(client, upstream):
    upstream.on(b"/untyped", lambda request, conn: conn.respond(200, [], b"bytes"))
    answer = client.request(b"POST", b"/untyped", body=b"bytes")
    assert answer.body == b"bytes"
    assert answer.get(b"content-type") is None
    assert one(upstream, b"/untyped").get(b"content-type") is None


def test_answer_ended_by_close(client, upstream):
    def until_close(request, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODIES["several blocks"])
        conn.stream.sock.shutdown(1)

    upstream.on(b"/until-close", until_close)
    assert client.request(b"GET", b"/until-close").body == BODIES["several blocks"]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_cut_answer_is_not_passed_for_whole(framing, pair, upstream):
    path = b"/cut/" + framing.encode()

    def cut(request, conn):
        if framing == "length":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000)
        else:
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"x" * 50_000))
        conn.stream.sock.shutdown(2)

    upstream.on(path, cut)
    with Client(pair.http_port) as client:
        try:
            answer = client.request(b"GET", path)
        except Exception:  # noqa: BLE001 - the connection was cut: that is how a client learns it
            return
        assert answer.status == 502


# --- status ---------------------------------------------------------------------------------------------------------

def test_every_status(client, upstream):
    def answer(request, conn):
        status = int(request.target.rsplit(b"/", 1)[1])
        body = b"" if status in (204, 205, 304) else b'{"status":%d}' % status
        conn.respond(status, [(b"Content-Type", b"application/json")], body, b"Made Up")

    for status in range(200, 600):
        path = b"/status/%d" % status
        upstream.on(path, answer)
        got = client.request(b"GET", path)
        assert got.status == status
        assert got.body == (b"" if status in (204, 205, 304) else b'{"status":%d}' % status)
        one(upstream, path)


def test_bodiless_answers_keep_their_fields(client, upstream):
    upstream.on(b"/head", lambda r, c: c.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 12345\r\nETag: \"abc\"\r\n\r\n"))
    answer = client.request(b"HEAD", b"/head")
    assert (answer.status, answer.get(b"content-length"), answer.get(b"content-type"), answer.get(b"etag")) == (
        200, b"12345", b"image/png", b'"abc"')
    upstream.on(b"/304", lambda r, c: c.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"v2\"\r\nCache-Control: max-age=5\r\n\r\n"))
    answer = client.request(b"GET", b"/304", [(b"If-None-Match", b'"v1", W/"v2"')])
    assert (answer.status, answer.get(b"etag"), answer.get(b"cache-control")) == (304, b'"v2"', b"max-age=5")
    assert one(upstream, b"/304").get(b"if-none-match") == b'"v1", W/"v2"'
    upstream.on(b"/204", lambda r, c: c.send(b"HTTP/1.1 204 No Content\r\n\r\n"))
    answer = client.request(b"DELETE", b"/204")
    assert (answer.status, answer.body, answer.get(b"transfer-encoding")) == (204, b"", None)
    # The connection is still in step.
    assert client.request(b"POST", b"/after", body=b"in step").body == b"in step"


def test_redirect_is_the_clients_affair(client, upstream):
    location = b"https://elsewhere.example/x?y=%2F#z"
    upstream.on(b"/moved", lambda r, c: c.respond(307, [(b"Location", location)], b""))
    answer = client.request(b"GET", b"/moved")
    assert (answer.status, answer.get(b"location")) == (307, location)
    one(upstream, b"/moved")


# --- header fields --------------------------------------------------------------------------------------------------

REQUEST_PASSES = [
    (b"Authorization", b'X-Matrix origin="a.example",destination="b.example",key="ed25519:1",sig="AbC+/=="'),
    (b"Content-Type", b'application/json; charset="UTF-8"'),
    (b"If-None-Match", b'W/"x", "y"'),
    (b"If-Modified-Since", b"Wed, 21 Oct 2015 07:28:00 GMT"),
    (b"Range", b"bytes=0-99,200-"),
    (b"Cache-Control", b"no-cache"),
    (b"Accept", b"application/json, */*;q=0.1"),
    (b"Accept-Language", b"de-CH, de;q=0.9"),
    (b"Origin", b"https://app.example"),
    (b"Access-Control-Request-Method", b"PUT"),
    (b"Access-Control-Request-Headers", b"authorization,content-type"),
]
RESPONSE_PASSES = [
    (b"Content-Type", b'image/svg+xml; a="b;c"'),
    (b"Content-Disposition", b"inline; filename*=utf-8''na%C3%AFve%20caf%C3%A9.png"),
    (b"Content-Language", b"en"),
    (b"Location", b"/elsewhere?x=%2F"),
    (b"ETag", b'W/"1"'),
    (b"Last-Modified", b"Wed, 21 Oct 2015 07:28:00 GMT"),
    (b"Expires", b"Wed, 21 Oct 2015 07:28:00 GMT"),
    (b"Cache-Control", b"no-cache, no-store, must-revalidate"),
    (b"Retry-After", b"7"),
    (b"WWW-Authenticate", b'Bearer realm="x", error="y"'),
    (b"Content-Range", b"bytes 0-4/10"),
    (b"Accept-Ranges", b"bytes"),
    (b"Content-Security-Policy", b"sandbox; default-src 'none'"),
    (b"Access-Control-Allow-Origin", b"*"),
    (b"Access-Control-Allow-Methods", b"GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    (b"Access-Control-Allow-Headers", b"X-Requested-With, Content-Type, Authorization, Date"),
    (b"Access-Control-Expose-Headers", b"Synapse-Trace-Id, Server"),
    (b"Access-Control-Max-Age", b"86400"),
    (b"Vary", b"Origin"),
]
HOP_BY_HOP = [b"Keep-Alive", b"Proxy-Authenticate", b"Proxy-Authorization", b"Proxy-Connection", b"TE", b"Upgrade"]


def test_request_fields_that_carry_meaning_pass(client, upstream):
    assert client.request(b"POST", b"/fields/up", REQUEST_PASSES, b"{}").status == 200
    request = one(upstream, b"/fields/up")
    missing = [(n, v, request.all(n)) for n, v in REQUEST_PASSES if request.all(n) != [v]]
    assert not missing


def test_response_fields_that_carry_meaning_pass(client, upstream):
    upstream.on(b"/fields/down", lambda r, c: c.respond(206, RESPONSE_PASSES, b"12345"))
    answer = client.request(b"GET", b"/fields/down")
    assert answer.body == b"12345"
    missing = [(n, v, answer.all(n)) for n, v in RESPONSE_PASSES if answer.all(n) != [v]]
    assert not missing


def test_hop_by_hop_fields_stay(client, upstream):
    fields = [(n, b"x") for n in HOP_BY_HOP if n != b"Upgrade"] + [(b"Connection", b"keep-alive, X-Named"), (b"X-Named", b"1")]
    upstream.on(b"/hop", lambda r, c: c.respond(200, [(n, b"x") for n in HOP_BY_HOP] + [
        (b"Connection", b"keep-alive, X-Named"), (b"X-Named", b"1")], b"ok"))
    answer = client.request(b"GET", b"/hop", fields)
    request = one(upstream, b"/hop")
    assert answer.body == b"ok"
    for head, where in ((request, "up"), (answer, "down")):
        crossed = [n for n in [*HOP_BY_HOP, b"X-Named"] if head.all(n) == [b"x"] or head.all(n) == [b"1"]]
        assert not crossed, where


def test_noise_is_dropped_or_made_anew(client, upstream):
    upstream.on(b"/noise", lambda r, c: c.respond(200, [(b"Server", b"Synapse/1 (b=secret)"), (b"Date", b"long ago")], b"ok"))
    answer = client.request(b"GET", b"/noise", [(b"User-Agent", b"Element/1 (rather long)")])
    assert one(upstream, b"/noise").get(b"user-agent") != b"Element/1 (rather long)"
    assert answer.get(b"server") != b"Synapse/1 (b=secret)"
    assert answer.get(b"date") != b"long ago"


def test_nobody_asked_for_gzip(client, upstream):
    """An upstream must not see an Accept-Encoding that the client did not send; what it does encode arrives as it is."""
    assert client.request(b"GET", b"/plain").status == 200
    assert one(upstream, b"/plain").get(b"accept-encoding") is None
    packed = pattern(5000, 9)
    upstream.on(b"/gzip", lambda r, c: c.respond(200, [(b"Content-Encoding", b"gzip")], packed)
                if b"gzip" in (r.get(b"accept-encoding") or b"") else c.respond(200, [], b"plain"))
    answer = client.request(b"GET", b"/gzip", [(b"Accept-Encoding", b"gzip")])
    assert (answer.get(b"content-encoding"), answer.body) in ((b"gzip", packed), (None, b"plain"))


def test_unknown_fields_by_option(own_pair, upstream):
    unknown = (b"X-Never-Heard-Of", b'a "b" \\c; \xc3\xa9')
    daemons = own_pair(upstream.url, near_options=["--pass-unknown-headers"], far_options=["--pass-unknown-headers"])
    upstream.on(b"/unknown", lambda r, c: c.respond(200, [unknown], b"ok"))
    with Client(daemons.http_port) as client:
        answer = client.request(b"GET", b"/unknown", [unknown])
    assert answer.all(unknown[0]) == [unknown[1]]
    assert one(upstream, b"/unknown").all(unknown[0]) == [unknown[1]]


# --- many at once ---------------------------------------------------------------------------------------------------

def test_bodies_of_parallel_requests_never_mix(pair, upstream):
    workers, rounds, faults = 12, 12, []

    def work(w):
        rng = random.Random(w)
        try:
            with Client(pair.http_port, timeout=120) as client:
                for i in range(rounds):
                    path = b"/mix/%d/%d" % (w, i)
                    body = (b"%d-%d " % (w, i)) * rng.choice([0, 1, 50, 1000, 5000])
                    answer = client.request(b"PUT", path, [], body)
                    if answer.status != 200 or answer.body != body:
                        faults.append((path, answer.status, len(body), len(answer.body)))
        except Exception as e:  # noqa: BLE001 - carried to the test's own thread
            faults.append((w, repr(e)))

    threads = [threading.Thread(target=work, args=(w,)) for w in range(workers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(200)
    assert not faults
    seen = [r.target for r in upstream.seen(b"/mix/")]
    assert len(seen) == len(set(seen)) == workers * rounds
