"""What is answered without the link, through two daemons: preflights, the cache, repetitions, the lean policy, and 503 while the link is down."""

import base64
import hashlib
import json
import threading
import time

import pytest

from support.pair import direct
from support.proc import wait_until
from support.wire import Client, compose

pytestmark = pytest.mark.skipif(direct(), reason="needs real daemons")

MILO = (b"Authorization", b"Bearer milo")
YUSUF = (b"Authorization", b"Bearer yusuf")
SYNAPSE_CORS = [
    (b"Access-Control-Allow-Origin", b"*"),
    (b"Access-Control-Allow-Methods", b"GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    (b"Access-Control-Allow-Headers", b"X-Requested-With, Content-Type, Authorization, Date"),
]
NO_STORE = (b"Cache-Control", b"no-cache, no-store, must-revalidate")
PROFILE = b"/_matrix/client/v3/profile/@milo:hs"


def preflight(method, headers):
    return [(b"Origin", b"https://app.example"), (b"Access-Control-Request-Method", method),
            (b"Access-Control-Request-Headers", headers)]


def answers(upstream, path, *answer):
    upstream.on(path, lambda request, conn: conn.respond(*answer))


def test_preflights_cross_once(upstream, own_pair):
    daemons = own_pair(upstream.url)
    paths = [b"/_matrix/client/v3/pre/%d" % i for i in range(10)]
    for path in paths:
        answers(upstream, path, 204, SYNAPSE_CORS)
    with Client(daemons.http_port) as client:
        for path in paths:
            got = client.request(b"OPTIONS", path, preflight(b"PUT", b"authorization,content-type"))
            assert got.status == 204
            for name, value in SYNAPSE_CORS:
                assert got.all(name) == [value]
    assert [r.target for r in upstream.seen(b"/_matrix/client/v3/pre/")] == paths[:1]
    assert len(daemons.near.events("home")) == 9


def test_cache_keeps_accounts_apart_and_writes_end_it(upstream, own_pair):
    daemons = own_pair(upstream.url)
    name = {MILO: b"0", YUSUF: b"0"}

    def serve(request, conn):
        who = MILO if request.get(b"authorization") == MILO[1] else YUSUF
        if request.method == b"PUT":
            name[MILO] = name[YUSUF] = request.body
        conn.respond(200, [(b"Content-Type", b"application/json"), NO_STORE], name[who] + who[1])

    upstream.on(PROFILE, serve)
    upstream.on(PROFILE + b"/displayname", serve)

    def asked():
        return len([r for r in upstream.seen(PROFILE) if r.method == b"GET"])

    with Client(daemons.http_port) as client:
        for who in (MILO, YUSUF):
            for _ in range(3):
                got = client.request(b"GET", PROFILE, [who])
                assert got.body == b"0" + who[1]
        assert asked() == 2
        assert got.get(b"age") == b"0"
        assert client.request(b"PUT", PROFILE + b"/displayname", [MILO], b"1").status == 200
        for who in (MILO, YUSUF):
            assert client.request(b"GET", PROFILE, [who]).body == b"1" + who[1]
        assert asked() == 4
        head = client.request(b"HEAD", PROFILE, [MILO])
        client.stream.buf = b""
        assert head.status == 200 and head.get(b"content-length") == str(len(b"1" + MILO[1])).encode()
        assert asked() == 4


def test_what_is_the_same_crosses_as_a_few_bytes(upstream, own_pair):
    daemons = own_pair(upstream.url)
    path = b"/_matrix/client/v3/capabilities"
    body = json.dumps({"capabilities": {"m.room_versions": {str(i): "stable" for i in range(200)}}}).encode()
    other = body + hashlib.sha512(body).hexdigest().encode()
    fields = [(b"Content-Type", b"application/json"), NO_STORE, (b"X-Odd", b"y"), *SYNAPSE_CORS]
    answers(upstream, path, 200, fields, body)
    with Client(daemons.http_port) as client:
        first = client.request(b"GET", path, [MILO])
        again = client.request(b"GET", path, [MILO, (b"Cache-Control", b"no-cache")])
        assert first.body == again.body == body
        assert [f for f in first.fields if f[0] != b"Date"] == [f for f in again.fields if f[0] != b"Date"]
        answers(upstream, path, 200, fields, other)
        assert client.request(b"GET", path, [MILO, (b"Cache-Control", b"no-cache")]).body == other
    seen = upstream.seen(path)
    assert len(seen) == 3
    assert all(r.get(b"if-none-match") is None for r in seen)
    lines = [e for e in daemons.exchanges("near") if e["route"] == "capabilities"]
    assert [e["status"] for e in lines] == ["200", "304", "200"]
    down = [int(e["link_down"]) for e in lines]
    print("bytes down on the link:", down)
    assert down[1] < 70 < 2 * down[1] < min(down[0], down[2])  # whole bodies travel coded, too


def tag(status, fields, body):
    """docs/protocol.md, section 6, written down a second time."""
    def text(b):
        return len(b).to_bytes(8, "little") + b

    whole = status.to_bytes(2, "big") + b"".join(text(n.lower()) + text(v) for n, v in fields) + text(b"") + body
    return b'"~t:' + base64.urlsafe_b64encode(hashlib.sha256(whole).digest()[:12]) + b'"'


def test_tag_is_as_documented(upstream, pair):
    fields = [(b"CONTENT-type", b"text/plain"), (b"ETag", b'"x"')]
    answers(upstream, b"/tag", 200, [*fields, (b"Age", b"7"), (b"X-Unknown", b"y")], b"the body")
    with Client(pair.http_port) as client:
        right, wrong = tag(200, fields, b"the body"), tag(200, fields, b"the bodY")
        assert client.request(b"GET", b"/tag", [(b"If-None-Match", right)]).status == 304
        got = client.request(b"GET", b"/tag", [(b"If-None-Match", wrong)])
        assert got.status == 200 and got.body == b"the body"


def test_cache_off(upstream, own_pair):
    daemons = own_pair(upstream.url, near_options=["--cache-size", "0", "--cors-preflight", "off"])
    path = b"/_matrix/client/off/login"
    answers(upstream, path, 200, [(b"Cache-Control", b"max-age=100")], b"{}")
    with Client(daemons.http_port) as client:
        for _ in range(2):
            client.request(b"GET", path, [MILO])
            client.request(b"OPTIONS", path, preflight(b"GET", b"authorization"))
    assert len(upstream.seen(path)) == 4


@pytest.mark.parametrize("method,path,body", [
    (b"GET", b"/_matrix/client/v3/sync?since=r1", None),
    (b"PUT", b"/_matrix/client/v3/rooms/!r:x/send/m.room.message/r2", b'{"body":"hi"}'),
    (b"POST", b"/_matrix/client/v3/createRoom", b'{"name":"r3"}'),
])
def test_client_that_comes_back_finds_its_answer(upstream, own_pair, method, path, body):
    daemons = own_pair(upstream.url)
    go_on = threading.Event()

    def slowly(request, conn):
        go_on.wait(30)
        conn.respond(200, [(b"ETag", b"b")], b"answer of " + request.body)

    upstream.on(path.split(b"?")[0], slowly)
    before = len(upstream.seen(path))
    for joins in (True, False):
        client = Client(daemons.http_port)
        client.send(compose(method, path, [MILO], body))
        wait_until(lambda: len(upstream.seen(path)) > before, 20, "the request upstream")
        client.close()
        if not joins:
            go_on.set()
            wait_until(lambda: len(daemons.exchanges("near")) > 1, 20, "the answer at the near side")
        with Client(daemons.http_port) as client:
            client.send(compose(method, path, [MILO], body))
            if joins:
                time.sleep(0.2)
                assert len(upstream.seen(path)) == before + 1
                go_on.set()
            got = client.response()
            assert got.status == 200 and got.body == b"answer of " + (body or b"") and got.get(b"etag") == b"b"
        assert len(upstream.seen(path)) == before + 1
        before += 1
        go_on.clear()


def test_lean_policy(upstream, own_pair):
    daemons = own_pair(upstream.url, near_options=["--lean-typing", "--lean-receipts", "--lean-timeline-limit", "5",
                                                   "--lean-no-presence"],
                       far_options=["--lean-max-media", "1000"])
    room = b"/_matrix/client/lean/rooms/!r:x"
    media = b"/_matrix/client/v1/media/download/x/lean"
    sync = b"/_matrix/client/lean/sync"
    answers(upstream, media, 200, [(b"Content-Type", b"image/png")], b"x" * 5000)
    answers(upstream, sync, 200, [], b"{}")
    with Client(daemons.http_port) as client:
        for method, path in ((b"PUT", room + b"/typing/@milo:x"), (b"POST", room + b"/receipt/m.read/$e")):
            got = client.request(method, path, [MILO], b'{"typing":true}')
            assert (got.status, got.body) == (200, b"{}")
            assert got.get(b"access-control-allow-origin") == b"*"
        got = client.request(b"GET", media, [MILO])
        assert got.status == 502 and json.loads(got.body)["errcode"] == "M_TOO_LARGE"
        client.request(b"GET", sync + b"?since=s", [MILO])
    assert not upstream.seen(room)
    assert upstream.seen(sync)[0].target == (
        sync + b"?since=s&filter=%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:5%7D%7D,%22presence%22:%7B%22not_types%22:%5B"
        b"%22*%22%5D%7D%7D")
    (line,) = [e for e in daemons.exchanges("near") if e["route"] == "media"]
    assert int(line["link_down"]) < 600 # the error, not the picture


def test_link_down_fails_fast_and_recovers(upstream, own_pair):
    daemons = own_pair(upstream.url, near_options=["--link-silence", "2s", "--link-retry-after", "7s", "--ack-timeout", "1s"])
    answers(upstream, b"/down", 200, [], b"up")
    with Client(daemons.http_port) as client, Client(daemons.http_port) as waiting:
        assert client.request(b"GET", b"/down").body == b"up"
        daemons.far.kill()
        waiting.send(compose(b"GET", b"/down?waits"))
        time.sleep(2.5)
        start = time.monotonic()
        got = client.request(b"GET", b"/down?refused")
        assert got.status == 503 and got.get(b"retry-after") == b"7"
        assert json.loads(got.body)["errcode"].startswith("M_")
        assert time.monotonic() - start < 1
        assert len(daemons.near.events("link_down")) == 1
        daemons.start_far()
        assert waiting.response().body == b"up"
        assert client.request(b"GET", b"/down?again").body == b"up"
        assert len(daemons.near.events("link_up")) == 1
