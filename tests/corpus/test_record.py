"""tools/record: bytes pass untouched, and the file holds what was sent."""

import asyncio
import base64
import importlib.machinery
import importlib.util
import json
import os
import re
import socket
import sys
import threading

import pytest

from support.proc import LOOPBACK, Child, repository, wait_until

RECORD = os.path.join(repository(), "tools", "record")


def load_record():
    loader = importlib.machinery.SourceFileLoader("record", RECORD)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("record", loader))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    sys.path.insert(0, os.path.dirname(RECORD))
    try:
        loader.exec_module(module)
    finally:
        sys.path.pop(0)
        sys.dont_write_bytecode = before
    return module


class Server:
    """Answers each connection with what `answers` says and keeps every byte that came. An answer is (bytes of the request it waits for,
    bytes to write); the next one follows on the same connection."""

    def __init__(self, answers):
        self.answers, self.got = list(answers), []
        self.socket = socket.create_server((LOOPBACK, 0))
        self.port = self.socket.getsockname()[1]
        self.release = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(conn,), daemon=True).start()

    def talk(self, conn):
        with conn:
            for want, answer in self.answers:
                got = b""
                while len(got) < len(want):
                    piece = conn.recv(len(want) - len(got))
                    if not piece:
                        return
                    got += piece
                self.got.append(got)
                for part in answer if isinstance(answer, list) else [answer]:
                    if part is None:
                        self.release.wait(30)
                    else:
                        conn.sendall(part)

    def close(self):
        self.release.set()
        self.socket.close()


@pytest.fixture
def recorder(tmp_path):
    """recorder(server, *options) starts tools/record before it; returns its port, file and child."""
    started = []

    def start(server, *options):
        out = tmp_path / "out.jsonl"
        child = Child(
            "record",
            [
                sys.executable,
                RECORD,
                "--listen",
                f"{LOOPBACK}:0",
                "--homeserver",
                f"http://{LOOPBACK}:{server.port}",
                "--out",
                out,
                "--scenario",
                "test",
                *options,
            ],
            tmp_path / "record.log",
        )
        started.append((child, server))
        at = wait_until(lambda: re.search(r"listening on \S+:(\d+)", child.log()), 20, "the recorder's port", child.check_alive)
        return int(at.group(1)), out, child

    yield start
    for child, server in started:
        server.close()
        child.stop()


def lines(out):
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def body(line, which):
    return base64.b64decode(line[which])


def receive(sock, n):
    got = b""
    while len(got) < n:
        piece = sock.recv(n - len(got))
        assert piece, f"closed after {len(got)} of {n} bytes: {got[-80:]!r}"
        got += piece
    return got


def through(port, pairs):
    """Sends each request on one connection and expects exactly the answer's bytes."""
    with socket.create_connection((LOOPBACK, port), timeout=20) as sock:
        for request, answer in pairs:
            sock.sendall(request)
            whole = b"".join(p for p in answer if p) if isinstance(answer, list) else answer
            assert receive(sock, len(whole)) == whole


ODD = (
    b"PUT /_matrix/client/v3/rooms/%21a:b/send/m.room.message/1?x=a+b%20c&flag HTTP/1.1\r\nhOST: hs\r\nx-a:1\r\nX-A:   2 \r\nAuthorization: Bearer syt_bWlsbw_abc_123\r\n"
    b'Content-Type: application/json\r\nContent-Length: 27\r\n\r\n{"body": "\xc3\xbc", "n":1.50 }  '
)
ODD_ANSWER = (
    b"HTTP/1.1 200 Fine thanks\r\nserver: S\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"
    b'5;ext=1\r\n{"eve\r\n00a\r\nnt_id":1}\n\r\n0\r\nTrailer: x\r\n\r\n'
)
CHUNKED = b"POST /up HTTP/1.1\r\nHost: hs\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\x00\xff\x01\r\n1\r\n.\r\n0\r\n\r\n"
NONE = b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n"


def test_bytes_pass_untouched_and_are_recorded(recorder):
    pairs = [
        (ODD, ODD_ANSWER),
        (CHUNKED, NONE),
        (b"HEAD /h HTTP/1.1\r\nHost: hs\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        (b"GET /e HTTP/1.1\r\nHost: hs\r\n\r\n", b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"),
    ]
    server = Server(pairs)
    port, out, child = recorder(server)
    through(port, pairs)
    assert b"".join(server.got) == b"".join(request for request, _ in pairs)
    assert child.stop() == 0
    first, second, third, fourth = lines(out)
    assert (first["scenario"], first["plane"], first["method"], first["status"]) == ("test", "cs", "PUT", 200)
    assert first["target"] == "/_matrix/client/v3/rooms/%21a:b/send/m.room.message/1?x=a+b%20c&flag"
    assert first["req_headers"] == [
        ["hOST", "hs"],
        ["x-a", "1"],
        ["X-A", "2"],
        ["Authorization", "Bearer syt_bWlsbw_abc_123"],
        ["Content-Type", "application/json"],
        ["Content-Length", "27"],
    ]
    assert body(first, "req_body") == b'{"body": "\xc3\xbc", "n":1.50 }  '
    assert body(first, "resp_body") == b'{"event_id":1}\n'
    assert [h for h in first["resp_headers"] if h[0] == "Set-Cookie"] == [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]
    assert (first["req_head_bytes"], first["resp_head_bytes"]) == (ODD.index(b"\r\n\r\n") + 4, ODD_ANSWER.index(b"\r\n\r\n") + 4)
    assert body(second, "req_body") == b"\x00\xff\x01." and second["status"] == 204 and second["resp_body"] == ""
    assert third["method"] == "HEAD" and third["resp_body"] == ""
    assert fourth["status"] == 404 and body(fourth, "resp_body") == b"{}"
    assert first["t"] <= second["t"] <= third["t"] and len({line["conn"] for line in lines(out)}) == 1


def test_connections_do_not_wait_for_each_other(recorder):
    """A long poll is open while ten others are answered; the order in the file is that of completion."""
    poll, quick = b"GET /sync?timeout=30000 HTTP/1.1\r\n\r\n", b"GET /quick-to-answer-me  HTTP/1.1\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    held = Server([(poll, [None, answer])])
    port, out, child = recorder(held)
    with socket.create_connection((LOOPBACK, port), timeout=20) as slow:
        slow.sendall(poll)
        wait_until(lambda: held.got, 20, "the poll at the server")
        held.answers = [(quick, answer)]
        for _ in range(10):
            through(port, [(quick, answer)])
        held.release.set()
        assert receive(slow, len(answer)) == answer
    child.stop()
    assert [line["target"] for line in lines(out)][-1] == "/sync?timeout=30000"
    assert len({line["conn"] for line in lines(out)}) == 11


def test_body_to_the_end_of_the_connection(recorder):
    request, answer = b"GET /old HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end"
    server = Server([(request, answer)])
    port, out, child = recorder(server)
    with socket.create_connection((LOOPBACK, port), timeout=20) as sock:
        sock.sendall(request)
        got = b""
        while piece := sock.recv(4096):
            got += piece
    assert got == answer
    child.stop()
    assert body(lines(out)[0], "resp_body") == b"to the end"


def test_interim_and_early_answers(recorder):
    """100 Continue passes; an answer before the request's end ends the connection."""
    head = b"POST /up HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    server = Server([(head, b"HTTP/1.1 100 Continue\r\n\r\n"), (b"data", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")])
    port, out, child = recorder(server)
    through(port, [(head, b"HTTP/1.1 100 Continue\r\n\r\n"), (b"data", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")])
    early = b"POST /up HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n"
    server.answers = [(early, b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n")]
    with socket.create_connection((LOOPBACK, port), timeout=20) as sock:
        sock.sendall(early)
        assert receive(sock, 30).startswith(b"HTTP/1.1 413")
        while sock.recv(4096):
            pass
    child.stop()
    assert [(line["status"], body(line, "req_body")) for line in lines(out)] == [(200, b"data"), (413, b"")]


def test_homeserver_that_cannot_be_reached(recorder):
    server = Server([])
    server.socket.close()
    port, out, child = recorder(server)
    with socket.create_connection((LOOPBACK, port), timeout=20) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(10) == b""
    assert child.stop() == 0
    assert lines(out) == []


def test_scrub_replaces_secrets_in_the_file_alone(recorder):
    sent = b'{"type":"m.login.password","password":"Pw-\\"quote\\u00fc9","user":"milo"}'
    answer_body = b'{"user_id":"@milo:hs","access_token":"syt_bWlsbw_ABCDEFGHIJKLMNOPQRST_1a2B3c","device_id":"ABC"}'
    login = b"POST /login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(sent), sent)
    token = b"GET /sync?access_token=syt_bWlsbw_ABCDEFGHIJKLMNOPQRST_1a2B3c&since=s1 HTTP/1.1\r\nAuthorization: Bearer syt_bWlsbw_ABCDEFGHIJKLMNOPQRST_1a2B3c\r\n\r\n"
    pairs = [
        (
            login,
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(answer_body), answer_body),
        ),
        (token, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    ]
    server = Server(pairs)
    port, out, child = recorder(server, "--scrub")
    through(port, pairs)
    assert b"".join(server.got) == login + token
    child.stop()
    text = out.read_text(encoding="utf-8")
    first, second = lines(out)
    login_sent, login_got = json.loads(body(first, "req_body")), json.loads(body(first, "resp_body"))
    everything = text.encode() + b"".join(body(line, which) for line in (first, second) for which in ("req_body", "resp_body"))
    assert b"ABCDEFGHIJKLMNOPQRST" not in everything and b"quote" not in everything
    new = login_got["access_token"]
    assert re.fullmatch(r"syt_bWlsbw_[A-Z]{20}_\d[a-z]\d[A-Z]\d[a-z]", new)
    assert (
        second["req_headers"] == [["Authorization", f"Bearer {new}"]] and second["target"] == f"/sync?access_token={new}&since=s1"
    )
    assert re.fullmatch(r'[A-Z][a-z]-"[a-z]{5}ü\d', login_sent["password"]) and login_sent["user"] == "milo"
    assert len(body(first, "req_body")) == len(sent) and len(body(first, "resp_body")) == len(answer_body)


def test_scrubber_keeps_shapes():
    record = load_record()
    scrub = record.Scrubber()
    for secret in ["abc123", "MDAxABC_-x", "0123456789abcdef0123456789abcdef", "mat_AbC_9z", "a\\nb\\\\c", ""]:
        other = scrub.replace(secret)
        assert len(other) == len(secret) and scrub.replace(secret) == other
    assert re.fullmatch("[0-9a-f]{32}", scrub.replace("0123456789abcdef0123456789abcdef"))
    assert scrub.replace("mat_AbC_9z").startswith("mat_")
    right = ["syt_dGFtc2lu_juOYubhpBMedQkMXBaAa_318SMY", "mat_kkLSacJDpek22jKWw4AcXG68b7U3W6_0Lg9yb", "mar_PkpplxPkfjsqvtdfUlYR1Afg2TpaHF_GaTQd2"]
    for token in [*right, record.access_token.mended("syl_dGFtc2lu_juOYubhpBMedQkMXBaAa_000000")]:
        other = scrub.replace(token)
        assert other != token and other[:4] == token[:4] and record.access_token.is_right(token) and record.access_token.is_right(other)
    assert json.loads('"' + scrub.replace("a\\nb\\\\c\\u00e9") + '"').count("\n") == 1
    sig = scrub.field("Authorization", 'X-Matrix origin="a",key="ed25519:x",sig="AbC+/9",destination="b"')
    assert re.fullmatch(r'X-Matrix origin="a",key="ed25519:x",sig="[A-Z][a-z][A-Z]\+/\d",destination="b"', sig)


def test_hostile_heads_end_the_connection_alone():
    """What is no HTTP raises Broken, whatever the bytes."""
    record = load_record()

    async def feed(data, what):
        reader = asyncio.StreamReader(limit=1000)
        reader.feed_data(data)
        reader.feed_eof()
        return await what(reader)

    for data in [b"GET / HTT", b"x" * 5000]:
        with pytest.raises((record.Broken, asyncio.IncompleteReadError)):
            asyncio.run(feed(data, record.read_head))
    assert asyncio.run(feed(b"", record.read_head)) is None
