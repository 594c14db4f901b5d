#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets: small inputs that each reach another part of the code.

    tests/fuzz/make_seeds.py          writes tests/fuzz/corpus/TARGET/seed-*
    tests/fuzz/make_seeds.py --check  says whether what is committed is what this script writes

Inputs that fuzzing found and a fix needs are committed beside the seeds under other names and left alone here.
"""
import pathlib
import struct
import sys

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"

CON, NON, ACK, RST = range(4)
GET, POST, PUT, DELETE, FETCH = 1, 2, 3, 4, 5
ETAG, OBSERVE, URI_PATH, CONTENT_FORMAT, URI_QUERY, ACCEPT = 4, 6, 11, 12, 15, 17
BLOCK2, BLOCK1, SIZE2, SIZE1, ECHO, REQUEST_TAG = 23, 27, 28, 60, 252, 292


def code(text):
    """'2.05' as the byte on the wire."""
    major, minor = text.split(".")
    return int(major) << 5 | int(minor)


def nibble(v):
    if v >= 269:
        return 14, struct.pack(">H", v - 269)
    if v >= 13:
        return 13, bytes([v - 13])
    return v, b""


def uint(v):
    return v.to_bytes((v.bit_length() + 7) // 8, "big")


def block(num, more, size):
    return uint(num << 4 | bool(more) << 3 | size.bit_length() - 5)


def message(kind, what, mid, token=b"", options=(), payload=b""):
    out = bytes([0x40 | kind << 4 | len(token), what]) + struct.pack(">H", mid) + token
    last = 0
    for number, value in sorted(options, key=lambda o: o[0]):
        d, dx = nibble(number - last)
        n, nx = nibble(len(value))
        out += bytes([d << 4 | n]) + dx + nx + value
        last = number
    return out + (b"\xff" + payload if payload else b"")


def pdu_seeds():
    path = [(URI_PATH, b"a"), (URI_PATH, b"temperature")]
    yield "ping", message(CON, 0, 1)
    yield "rst", message(RST, 0, 2)
    yield "get", message(CON, GET, 0x7D34, b"", path)
    yield "get-token", message(CON, GET, 0x7D35, b"\x20", path)
    yield "content", message(ACK, code("2.05"), 0x7D34, b"", [(CONTENT_FORMAT, b"")], b"22.3 C")
    yield "block1", message(CON, POST, 3, b"tok", path + [(BLOCK1, block(1, True, 64)), (REQUEST_TAG, b"r")], b"x" * 64)
    yield "block2", message(ACK, code("2.05"), 4, b"tok", [(ETAG, b"e"), (BLOCK2, block(9, False, 1024))], b"tail")
    yield "observe", message(NON, code("2.05"), 5, b"12345678", [(OBSERVE, uint(70000)), (14, uint(60))], b"now")
    yield "echo", message(ACK, code("4.01"), 6, b"t", [(ECHO, bytes(range(8)))])
    yield "wide-delta", message(CON, GET, 7, b"", [(300, b"y"), (65000, b"")])
    yield "long-value", message(CON, PUT, 8, b"", [(35, b"coap://example/" + b"p" * 300), (2048, b"z" * 13)])
    yield "many-options", message(CON, GET, 9, b"", [(URI_QUERY, b"q")] * 64)
    yield "bad-critical", message(CON, GET, 10, b"", [(65001, b"?")])
    yield "reserved-token", bytes([0x49, 1, 0, 11]) + b"123456789"
    yield "marker-alone", message(CON, GET, 12) + b"\xff"


def rd_seeds():
    def case(ops, body):
        return bytes([len(ops)]) + bytes(ops) + body

    yield "uints", case([4, 8, 12, 16, 28], bytes(range(40)))
    yield "varints", case([1, 5, 5, 1], b"\x05\xff\x01" + b"\xff" * 9 + b"\x01" + b"\x87\x00")
    yield "strings", case([2 | 40, 2 | 40, 2 | 4], b"\x05hello\x00\x01x")
    yield "bytes", case([3 | 16, 3, 3 | 252], b"abcdefgh" * 10)
    yield "short", case([4, 16], b"\x01")


def http_request_seeds():
    host = b"Host: h\r\n"
    get = b"GET / HTTP/1.1\r\n" + host
    post = b"POST / HTTP/1.1\r\n" + host
    chunked = b"POST /u HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n"
    put = b"PUT /x HTTP/1.1\r\n" + host + b"Content-Length: 5\r\n\r\nhello"

    def case(text):  # the first byte chooses the size of the pieces
        return bytes([len(text) % 61]) + text

    yield "get", case(b"GET /%2F?a=&b HTTP/1.1\r\n" + host + b"\r\n")
    yield "http10", case(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    yield "http09", case(b"GET /\r\n\r\n")
    yield "blank-lines", case(b"\r\n\r\n" + get + b"\r\n")
    yield "absolute", case(b"GET http://h:8/x HTTP/1.1\r\n" + host + b"\r\n")
    yield "asterisk", case(b"OPTIONS * HTTP/1.1\r\n" + host + b"\r\n")
    yield "non-ascii", case(b"FROB /\xc3\xa9\xff HTTP/1.1\r\n" + host + b"X: \xe9\r\n\r\n")
    yield "length", case(put)
    yield "pipelined", case(put + get + b"\r\n" + chunked + b"1\r\nx\r\n0\r\n\r\n")
    yield "chunked", case(chunked + b'5;a=b\r\nhello\r\n10;q="x y"\r\n0123456789abcdef\r\n0\r\n\r\n')
    yield "trailers", case(chunked + b"1\r\nx\r\n0\r\nT: a\r\nU: b\r\n\r\n")
    yield "connection", case(get + b"Connection: close, X-A\r\nX-A: 1\r\nTE: trailers\r\nUpgrade: h2c\r\n\r\n")
    yield "expect", case(post + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx")
    yield "upgrade", case(post + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi")
    yield "cl-te", case(post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    yield "cl-cl", case(post + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx")
    yield "fold", case(get + b"A: b\r\n c\r\n\r\n")
    yield "bare-lf", case(chunked + b"0\r\n\n")
    yield "bare-cr", case(get + b"A: b\rC: d\r\n\r\n")
    yield "two-hosts", case(get + host + b"\r\n")
    yield "many-fields", case(get + b"".join(b"F%d: x\r\n" % i for i in range(7)) + b"\r\n")
    yield "long-target", case(b"GET /" + b"a" * 80 + b" HTTP/1.1\r\n" + host + b"\r\n")
    yield "connect", case(b"CONNECT h:443 HTTP/1.1\r\n" + host + b"\r\n")
    yield "h2-preface", case(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield "tls", case(b"\x16\x03\x01\x02\x00\x01")


def varint(v):
    out = b""
    while v > 0x7F:
        out += bytes([v & 0x7F | 0x80])
        v >>= 7
    return out + bytes([v])


def string(s):
    return varint(len(s)) + s


def envelope(head, body=b"", coding=0):
    return bytes([coding]) + varint(len(head)) + head + body


def envelope_seeds():
    auth = varint(1) + string(b"Bearer x")
    own = varint(0) + string(b"X-Own") + string(b"1")
    yield "get", envelope(varint(1) + varint(1) + string(b"/_matrix/client/versions") + varint(0))
    yield "put", envelope(varint(3) + varint(2) + string(b"/a%2Fb?c=+&c=\xff") + varint(2) + auth + own, b"{}")
    yield "other-method", envelope(varint(0) + varint(0) + string(b"PURGE") + string(b"*") + varint(0))
    yield "ok", envelope(varint(0) + varint(200) + varint(1) + varint(2) + string(b"application/json"), b"{}")
    yield "no-name", envelope(varint(0) + varint(200) + varint(1) + varint(0) + string(b"") + string(b"x"))
    yield "splitting", envelope(varint(0) + varint(200) + varint(1) + varint(2) + string(b"a\r\nb: c"))
    yield "left-over", envelope(varint(1) + varint(599) + varint(0) + b"x")
    yield "coding", envelope(b"", coding=9)
    yield "long-head", bytes([0]) + varint(1 << 20)


def engine_seeds():
    """A byte of settings, then operations: see one_op() in engine.c. Side 0 is 0x00, side 1 is 0x10."""
    deliver, dup, lose, ms, sec, request, respond, cancel, resume, starve, forge, all_arrive, echo = (
        0, 0x40, 0x80, 3, 4, 5, 7, 9, 10, 11, 12, 14, 15)
    b = 0x10

    yield "get", bytes([0, request, 0, all_arrive, b | respond, 0, 0x51, all_arrive])
    yield "separate", bytes([8, request, 0, all_arrive, sec, 1, b | respond, 0, 0x50, all_arrive, all_arrive])
    yield "block1", bytes([2, request, 1, 200, all_arrive, all_arrive, b | respond, 0, 0, all_arrive])
    yield "block2", bytes([2, request, 0, all_arrive, b | respond, 0, 0xFC, all_arrive, all_arrive])
    yield "lost", bytes([0, request, 0, lose, sec, 3, deliver, b | respond, 0, 0x30, lose, sec, 4, all_arrive])
    yield "double", bytes([0, request, 3, 40, dup, dup, deliver, b | respond, 0, 0x30, dup, dup, deliver])
    yield "observe", bytes([0, request, 8, all_arrive, b | respond, 0, 0x32, all_arrive, sec, 5, b | respond, 0, 0x33,
                            all_arrive, b | respond, 0, 0xFE, all_arrive, cancel, 0, all_arrive])
    yield "non", bytes([0, request, 4, all_arrive, b | respond, 0, 0x31, all_arrive])
    yield "echo", bytes([0, b | echo | 0x80, request, 1, 9, all_arrive, b | respond, 0, 0x30, all_arrive])
    yield "many", bytes([0x30, *[request, 1, 30] * 6, all_arrive, *[b | respond, 0, 0x24] * 6, all_arrive])
    yield "slow-user", bytes([2, b | resume, 0, 10, request, 1, 100, all_arrive, b | resume, 0, 1, all_arrive])
    yield "starved", bytes([2, b | starve, 2, request, 1, 100, all_arrive, starve, 1, request, 1, 100, all_arrive])
    yield "forged", bytes([1, request, 0, b | forge, 0x20, 1, 2, b | forge, 0x13, 5, 0x41, 1, 0, 9, 7, all_arrive])
    yield "cancelled", bytes([0, request, 1, 90, deliver, b | cancel, 0, all_arrive, request, 0, cancel, 1, all_arrive])


def record_seeds():
    """A byte of settings, then operations: see one_op() in record.c."""
    seal, pass_on, deliver, change, resend, news, jump, raw = range(8)

    yield "pass", bytes([0, *[pass_on, 10, news, 0] * 20])
    yield "cids-and-tags", bytes([0x82, pass_on, 0, pass_on, 255, deliver, 0, deliver, 1])
    yield "replays", bytes([1, pass_on, 1, deliver, 0, deliver, 0, resend, 0])
    yield "reordered", bytes([1, *[seal, 3] * 12, *[v for i in reversed(range(12)) for v in (deliver, i)]])
    yield "late", bytes([1, *[seal, 3] * 30, deliver, 29, *[v for i in range(30) for v in (resend, i)]])
    yield "long-form", bytes([2, pass_on, 1, *[jump, 200, pass_on, 9] * 6, news, 0, pass_on, 9])
    yield "left-the-window", bytes([0, jump, 20, seal, 1, *[jump, 255] * 9, pass_on, 1, deliver, 0, resend, 0])
    yield "changed", bytes([1, seal, 20, *[v for i in range(31) for v in (change, 0, i, 0x10)], change, 0, 3, 0, change, 0, 4, 0])
    yield "made-up", bytes([0, raw, 9, 0x80, *range(8), raw, 12, 0xA0, *range(11), raw, 3, 0x80, 1, 2, raw, 2, 0xA0, 0])
    yield "plain-coap", bytes([0, raw, 10, 0x40, 2, 0, 1, *range(6)])


def noise_seeds():
    """Two of the patterns' suites follow each other in the numbering; messages are told by index."""
    patterns = ("NK", "NKpsk0", "NKpsk2", "KK", "KKpsk0", "KKpsk2", "IK", "IKpsk0", "IKpsk2", "XX", "XXpsk0", "XXpsk2", "XXpsk3")
    raw, small_order = 0x80, bytes(32)

    def xor(at, value=1):
        return struct.pack(">HB", at, value)

    for p, pattern in enumerate(patterns):
        for s, suite in enumerate(("chacha", "aesgcm")):
            for m in range(3 if pattern.startswith("XX") else 2):
                yield f"{pattern}-{suite}-{m}", bytes([2 * p + s, m, 0])
    for p in (0, 6, 9):
        name, which = patterns[p], 2 * p
        yield f"{name}-key-bit", bytes([which, 0, 0]) + xor(0)
        yield f"{name}-key-top-bit", bytes([which, 0, 0]) + xor(31, 0x80)
        yield f"{name}-tag", bytes([which, 1, 0]) + xor(50, 0x10)
        yield f"{name}-shorter", bytes([which, 0, 0xFF])
        yield f"{name}-longer", bytes([which, 0, 100])
        yield f"{name}-small-order", bytes([which, raw]) + small_order + bytes(64)
        yield f"{name}-answer-small-order", bytes([which, raw | 1]) + b"\x01" + bytes(100)
        yield f"{name}-nothing", bytes([which, raw])


def home_text_seeds():
    """What src/home reads as text; the first byte says as what."""
    for name, text in {
        "empty": b"{}", "limit": b'{"room":{"timeline":{"limit":20}}}', "odd": b' { "room" : 5 , "presence":null } ',
        "deep": b'{"a":' + b"[" * 40, "string": b'{"a\\"":"\\u0041"}', "open": b'{"room":{"state":{',
    }.items():
        yield "filter-" + name, b"\0" + text
    for name, text in {
        "inline": b"/_matrix/client/v3/sync?filter=%7B%22room%22%3A%7B%7D%7D&x=1", "id": b"/s?filter=0", "none": b"/s?since=a",
        "cut": b"/s?filter=%7", "profile": b"/_matrix/client/v3/profile/%40a%3Ab/x", "rules": b"/_matrix/client/r0/pushrules/",
    }.items():
        yield "target-" + name, b"\1" + text
    for name, text in {
        "media": b"public,max-age=86400,s-maxage=0,proxy-revalidate", "quoted": b'private="a, b", max-age="5" ,, x=\\"',
        "lists": b"GET, PUT, *, W/\"a,b\", \"c", "number": b"99999999999999999999", "open": b'"no-store',
    }.items():
        yield "field-" + name, b"\2" + text


TARGETS = {
    "engine": engine_seeds,
    "envelope": envelope_seeds,
    "home_text": home_text_seeds,
    "http_request": http_request_seeds,
    "noise": noise_seeds,
    "option": pdu_seeds,
    "pdu": pdu_seeds,
    "rd": rd_seeds,
    "record": record_seeds,
}


def main():
    check = sys.argv[1:] == ["--check"]
    stale = 0
    for target, seeds in TARGETS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {"seed-" + name: data for name, data in seeds()}
        for old in folder.glob("seed-*"):
            if old.name not in wanted:
                stale += 1
                if not check:
                    old.unlink()
        for name, data in wanted.items():
            file = folder / name
            if not file.exists() or file.read_bytes() != data:
                stale += 1
                if not check:
                    file.write_bytes(data)
    if check and stale:
        sys.exit(f"{stale} seeds differ from what {sys.argv[0]} writes: run it")


if __name__ == "__main__":
    main()
