"""docs/protocol.md is enough to write a peer from: envelope.py and aiocoap against our daemons, in both roles."""

import asyncio
import concurrent.futures
import http.client
import re
import socket
import threading
import time

import aiocoap
import pytest
from aiocoap import resource
from support.pair import Daemon, _udp_bound
from support.proc import LOOPBACK, free_port, wait_until
from support.wire import Upstream

import envelope
from peers import decode, message_bytes, pattern

CONTENT_FORMAT, REQUEST_TAG, MAX_AGE = 12, 292, 14
CON, NON = 0, 1
ODD_TARGET = b"/_matrix/client/v3/rooms/%21a%2Fb:hs.example/send/m.room.message/1?a=+&a=%20&b=&&c=%C3%A9"


def examples():
    """(what, bytes) of each hex example of the page: the words before the two spaces that set off the remarks."""
    text = envelope.PAGE.read_text(encoding="utf-8")
    found = []
    for what, block in re.findall(r"<!-- example: (.*?) -->\n((?:    .*\n)+)", text):
        lines = [re.match(r"    ((?:[0-9a-f]{2}\s?)+)", line)[1] for line in block.splitlines()]
        found.append((what, bytes.fromhex("".join(lines))))
    return found


class TestThePage:
    def test_every_example_is_what_it_says(self):
        assert len(examples()) >= 2
        for what, data in examples():
            kind, *words = what.split()
            if kind == "request":
                head, body = envelope.read_request(data)
                assert [head.method.decode(), head.target.decode()] == words
                assert envelope.write_request(head.method, head.target, head.fields, body) == data
            else:
                head, body = envelope.read_response(data)
                assert str(head.status) == words[0]
                assert envelope.write_response(head.status, head.fields, body) == data

    def test_the_table_of_fields_is_whole(self):
        assert sorted(envelope.FIELDS) == list(range(1, len(envelope.FIELDS) + 1))
        assert len(envelope.NUMBERS) == len(envelope.FIELDS) >= 50


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as server:
        yield server


@pytest.fixture(scope="module")
def far(upstream, tmp_path_factory):
    """Our egress half alone; its CoAP port."""
    port = free_port()
    daemon = Daemon("far", tmp_path_factory.mktemp("far"), [
        "--only-coap", "--coap-bind-host", LOOPBACK, "--coap-port", port, "--http-target", upstream.url,
        "--disable-encryption"])
    wait_until(lambda: _udp_bound(port), 30, "the CoAP port", daemon.check_alive)
    yield port
    assert daemon.stop() == 0


def send(port, payload, content_format=envelope.REQUEST_FORMAT, code=aiocoap.POST, tag=b"\x01"):
    """One request of the Python peer; its CoAP answer."""
    async def run():
        context = await aiocoap.Context.create_client_context()
        try:
            message = aiocoap.Message(code=code, uri=f"coap://{LOOPBACK}:{port}", payload=payload,
                                      content_format=content_format, request_tag=[tag])
            return await context.request(message).response
        finally:
            await context.shutdown()

    return asyncio.run(asyncio.wait_for(run(), 60))


def exchange(port, *request, **more):
    answer = send(port, envelope.write_request(*request, **more))
    assert (answer.code, answer.opt.content_format) == (aiocoap.CHANGED, envelope.REQUEST_FORMAT), answer.payload
    return envelope.read_response(answer.payload)


class TestPythonClient:
    """The ingress half in Python before our egress half."""

    def test_get(self, far, upstream):
        upstream.on(b"/_matrix/client/versions", lambda request, conn: conn.respond(
            200, [(b"Content-Type", b"application/json")], b'{"versions":[]}'))
        head, body = exchange(far, b"GET", b"/_matrix/client/versions")
        assert (head.status, head.get(b"content-type"), body) == (200, b"application/json", b'{"versions":[]}')

    def test_target_fields_and_body_arrive_as_they_were(self, far, upstream):
        fields = [(b"Authorization", b"Bearer secret"), (b"Content-Type", b"application/json; charset=utf-8")]
        body = b'{"a": 1.0, "a": 9007199254740993}'
        head, back = exchange(far, b"PUT", ODD_TARGET, fields, body)
        seen = upstream.seen(ODD_TARGET.split(b"?")[0])[-1]
        assert (seen.method, seen.target, seen.body) == (b"PUT", ODD_TARGET, body)
        assert [seen.get(name) for name, _ in fields] == [value for _, value in fields]
        assert (head.status, back) == (200, body)

    @pytest.mark.parametrize("method", [b"GET", b"PUT", b"POST", b"DELETE", b"OPTIONS", b"HEAD", b"PATCH", b"REPORT"])
    def test_methods(self, far, upstream, method):
        assert exchange(far, method, b"/method")[0].status == 200
        assert upstream.seen(b"/method")[-1].method == method

    @pytest.mark.parametrize("size", [0, 1, 950, 1024, 5000, 100_000])
    def test_bodies_by_blocks_both_ways(self, far, size):
        body = pattern(size, 3)
        assert exchange(far, b"POST", b"/echo", body=body)[1] == body

    def test_body_of_unknown_length(self, far, upstream):
        body = pattern(5000, 4)
        assert exchange(far, b"POST", b"/unknown", body=body, body_length=None)[1] == body
        assert upstream.seen(b"/unknown")[-1].body == body

    @pytest.mark.parametrize("status", [204, 304, 401, 404, 429, 500, 502, 599])
    def test_status(self, far, upstream, status):
        upstream.on(b"/status", lambda request, conn: conn.respond(status, [(b"ETag", b'"x"')]))
        head, body = exchange(far, b"GET", b"/status")
        assert (head.status, head.get(b"etag"), body) == (status, b'"x"', b"")

    def test_slow_answer_comes_separately(self, far, upstream):
        def late(_, conn):
            conn.sleep_or_gone(1.5)
            conn.respond(200, [], b"late")

        upstream.on(b"/slow", late)
        assert exchange(far, b"GET", b"/slow")[1] == b"late"

    @pytest.mark.parametrize("payload,why", [
        (b"", "nothing"),
        (b"\x07\x01\x01", "unknown coding"),
        (b"\x00\x02\x01\x01", "head cut off"),
        (b"\x00\x06\x01\x01\x01 \x00\x00", "space in the target, bytes left over"),
        (b"\x00\x05\x01\x01\x01 \x00", "space in the target"),
        (b"\x00\x07\x01\x01\x01/\x01\x7f\x00", "field number without a name"),
        (b"\x00\x09\x01\x01\x01/\x01\x02\x02\r\n", "line break in a value"),
        (b"\x00\x06\x81\x00\x01\x01/\x00", "varint not in its shortest form"),
    ])
    def test_what_is_no_envelope_is_4_00(self, far, payload, why):
        answer = send(far, payload)
        assert answer.code == aiocoap.BAD_REQUEST, why
        assert len(answer.payload) <= 240 and answer.opt.content_format is None

    def test_other_method_and_format(self, far):
        good = envelope.write_request(b"GET", b"/")
        assert send(far, good, content_format=50).code == aiocoap.UNSUPPORTED_CONTENT_FORMAT
        assert send(far, good, code=aiocoap.PUT).code == aiocoap.METHOD_NOT_ALLOWED

    def test_upstream_gone_is_5_02(self, tmp_path):
        port = free_port()
        daemon = Daemon("far", tmp_path, ["--only-coap", "--coap-bind-host", LOOPBACK, "--coap-port", port,
                                          "--http-target", f"http://{LOOPBACK}:{free_port()}", "--disable-encryption"])
        try:
            wait_until(lambda: _udp_bound(port), 30, "the CoAP port", daemon.check_alive)
            answer = send(port, envelope.write_request(b"GET", b"/"))
            assert answer.code == aiocoap.BAD_GATEWAY
            assert answer.payload.decode()
        finally:
            assert daemon.stop() == 0

    def test_overlapping_requests_with_tags(self, far):
        bodies = [pattern(8000, seed) for seed in range(6)]
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda item: exchange(far, b"POST", b"/echo", body=item), bodies))
        assert [body for _, body in answers] == bodies

    def test_giving_up_closes_the_upstream_request(self, far, upstream):
        gone = threading.Event()

        def wait(_, conn):
            if conn.sleep_or_gone(20):
                gone.set()

        upstream.on(b"/poll", wait)
        options = [(CONTENT_FORMAT, envelope.REQUEST_FORMAT), (REQUEST_TAG, b"\x09")]
        request = message_bytes(CON, aiocoap.POST, 0x0101, b"give", options, envelope.write_request(b"GET", b"/poll"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(5)
            one.connect((LOOPBACK, far))
            one.send(request)
            assert one.recv(2048) == bytes.fromhex("60000101")  # it will answer separately
            options = [(CONTENT_FORMAT, envelope.GIVE_UP_FORMAT)]
            one.send(message_bytes(NON, aiocoap.POST, 0x0102, b"over", options, b"give"))
            answers = {}
            while b"over" not in answers:
                answer = decode(one.recv(2048))
                answers[answer.token] = answer.code
        assert answers[b"over"] == aiocoap.CHANGED
        assert answers.get(b"give") in (None, aiocoap.SERVICE_UNAVAILABLE)  # nobody waits for it any more
        assert gone.wait(5)


class Far(resource.Resource):
    """The egress half in Python: answers envelopes from a table, keeps what came."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.given_up = []
        self.tags = []

    async def render_post(self, request):
        if request.opt.content_format == envelope.GIVE_UP_FORMAT:
            self.given_up.append(request.payload)
            return aiocoap.Message(code=aiocoap.CHANGED)
        head, body = envelope.read_request(request.payload)
        self.seen.append((head, body, request))
        if head.target.startswith(b"/fail/"):
            code = aiocoap.numbers.codes.Code(int(head.target[6:]))
            return aiocoap.Message(code=code, payload=b"because", max_age=7 if b"163" in head.target else None)
        if head.target == b"/wait":
            await asyncio.sleep(30)
        status = int(head.target[8:]) if head.target.startswith(b"/status/") else 200
        fields = [(b"Content-Type", head.get(b"content-type") or b"text/plain"), (b"X-Unknown", b"dropped or passed")]
        payload = envelope.write_response(status, fields, b"" if status in (204, 304) else body)
        return aiocoap.Message(code=aiocoap.CHANGED, payload=payload, content_format=envelope.REQUEST_FORMAT)


@pytest.fixture(scope="module")
def python_far():
    """A CoAP server in a thread of its own; yields (Far, port)."""
    far, port, ready, loop = Far(), free_port(), threading.Event(), asyncio.new_event_loop()
    site = resource.Site()
    site.add_resource([], far)

    async def serve():
        context = await aiocoap.Context.create_server_context(site, bind=(LOOPBACK, port))
        ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await context.shutdown()

    task = loop.create_task(serve())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield far, port
    loop.call_soon_threadsafe(task.cancel)
    thread.join(10)


@pytest.fixture(scope="module")
def near(python_far, tmp_path_factory):
    """Our ingress half before it; its HTTP port."""
    port = free_port()
    daemon = Daemon("near", tmp_path_factory.mktemp("near"), [
        "--only-http", "--http-port", port, "--coap-target", f"{LOOPBACK}:{python_far[1]}", "--disable-encryption", "--retry-grace", "0s"])
    wait_until(lambda: "event=" in daemon.log(), 30, "the near daemon's log", daemon.check_alive)
    time.sleep(0.3)
    yield port
    assert daemon.stop() == 0


def ask(port, method, target, body=None, headers=None, timeout=30):
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in {"Content-Length": str(len(body or b"")), **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body or b"")
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class TestPythonServer:
    """The egress half in Python behind our ingress half."""

    def test_request_and_response(self, near, python_far):
        status, headers, body = ask(near, "POST", ODD_TARGET.decode(), b'{"a":1.0}',
                                    {"Content-Type": "application/json", "Authorization": "Bearer x"})
        head, came, request = python_far[0].seen[-1]
        assert (head.method, head.target, came) == (b"POST", ODD_TARGET, b'{"a":1.0}')
        assert (head.get(b"content-type"), head.get(b"authorization")) == (b"application/json", b"Bearer x")
        assert (head.get(b"host"), head.get(b"user-agent")) == (None, None)
        assert request.opt.content_format == envelope.REQUEST_FORMAT and request.opt.uri_path == ()
        assert len(request.opt.request_tag) == 1
        assert (status, headers["Content-Type"], body) == (200, "application/json", b'{"a":1.0}')

    @pytest.mark.parametrize("size", [0, 1, 950, 1024, 5000, 100_000])
    def test_bodies(self, near, python_far, size):
        body = pattern(size, 5)
        assert ask(near, "PUT", "/body", body)[2] == body
        assert python_far[0].seen[-1][0].body_length in (size, None)

    @pytest.mark.parametrize("status", [204, 304, 404, 429, 500])
    def test_status(self, near, status):
        assert ask(near, "GET", f"/status/{status}")[0] == status

    @pytest.mark.parametrize("code,status", [
        ("4.00", 400), ("4.05", 502), ("4.15", 502), ("4.13", 413), ("5.01", 501), ("5.02", 502), ("5.03", 503), ("5.04", 504),
    ])
    def test_failures_become_http(self, near, code, status):
        number = int(code[0]) << 5 | int(code[2:])
        got, headers, body = ask(near, "GET", f"/fail/{number}")
        assert got == status
        assert headers["Content-Type"].startswith("application/json") and b"errcode" in body
        if code == "5.03":
            assert headers["Retry-After"] == "7"

    def test_leaving_client_is_told(self, near, python_far):
        """The give-up message names the token of the request."""
        far = python_far[0]
        before = len(far.given_up)
        with pytest.raises(TimeoutError):
            ask(near, "GET", "/wait", timeout=1)
        wait_until(lambda: len(far.given_up) > before, 10, "the give-up message")
        assert far.given_up[-1] == far.seen[-1][2].token
