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


def model_round_seeds():
    texts = [
        b"GET /_matrix/client/versions\n\n",
        b"#0 \x02!a:b/send/m.room.message/m17.0\n\x13\x06\n{\"msgtype\":\"m.text\",\"body\":\"Hello\"}",
        b"200\n\x04\n{\"event_id\":\"$lebEJABvaqLF7hQCn4CM-DaMRE3BV76kphSP_MWW40U\"}",
        b"\x01sync?since=s72_12_1&timeout=0\n\n",
        b"{\"a\":[{\"b\":\"\\u00e4\\ud83d\\ude00\\n\"},1.5e3,null]}",
        bytes(range(256)),
        b"%21a%3Ab%2",
        b"\0\0\1",
    ]
    for i, text in enumerate(texts):
        yield f"cold-{i}", bytes([i, 0]) + text
        yield f"warm-{i}", bytes([i + 3, min(255, len(text))]) + text + text
    yield "deep", b"\0\0" + b"[{\"a\":" * 60


def model_decode_seeds():
    yield "empty", b""
    yield "zeros", bytes(40)
    yield "ones", b"\xff" * 40
    yield "request", b"#0 \x02!a:b/typing/@c:d\n\x13\x06\n{\"access_token\":\"x\"}"
    yield "response", b"200\n\x04\n{\"password\":\"\\\"\"}"
    yield "bomb", b"GET /\n" + b"\x04" * 300 + b"\n"
    yield "tokens", b"GET /?a=mat_kkLSacJDpek22jKWw4AcXG68b7U3W6_\x1f\n\x14syt_dGFtc2lu_juOYubhpBMedQkMXBaAa_\x1e\n\nmat_aaaaaaaaaaaaaa_\x1e"
    yield "unknown-length", b"GET /\nAuthorization: ##\n:\n\n"
    yield "secrets", b"GET /?access_token=a&b=c\nCookie: a\n\x14Bearer\n\n{\"token\" : \"a"


def pieces_seeds():
    room = b'{"rooms":{"join":{"!a:b":{"timeline":{"events":[{"content":{},"event_id":"$x","origin_server_ts":1,"sender":"@a:b","type":"m.x"}]}},"!c:d":{}}}}'
    yield "sync", b"\xfe" + room
    yield "short", b"\xf8" + room * 3
    yield "longer", b"\xfa" + room * 9
    yield "mark", b"\xf8" + b'{"event_id":"\x01"}'
    yield "chance", b"\xfc" + bytes((i * i * 7919 + i * 31) >> 3 & 0xff for i in range(3000))
    yield "raw", b"\x01" + varint(2 * 5 + 1) + b"hello" + varint(2 * 2 + 1) + b"!!"
    yield "codes", b"\x41" + (varint(2 * 9) + b"\0" * 9) * 3
    yield "too-long", b"\xf9" + b"\xff\xff\x7f" + b"x" * 30


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
    deliver, dup, lose, ms, sec, request, respond, cancel, resume, starve, forge, tell, all_arrive, echo = (
        0, 0x40, 0x80, 3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 15)
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
    for name, link in (("unknown", 0), ("thin", 0x15), ("fast", 0x0D)):
        yield f"burst-up-{name}", bytes([2, tell, link, request, 1, 250, *[all_arrive, sec, 9] * 6, b | respond, 0, 0,
                                         *[all_arrive, sec, 9] * 4])
        yield f"burst-down-{name}", bytes([2, tell, link, request, 0, *[all_arrive, sec, 9] * 2, b | respond, 0, 0xFC,
                                           *[deliver, deliver, lose, sec, 9] * 6, *[all_arrive, sec, 60] * 4])
    yield "burst-slow-user", bytes([2, tell, 0x0D, b | resume, 0, 40, request, 1, 250, *[all_arrive, sec, 9] * 3, b | resume, 0, 1,
                                    *[all_arrive, sec, 9] * 4])
    yield "burst-forged", bytes([3, tell, 0, request, 1, 250, *[all_arrive, b | forge, 0x20, 9, 7, b | forge, 0x41, 4, 9, 12, 0xff] * 4])
    yield "burst-starved", bytes([2, tell, 0x0D, b | starve, 3, request, 1, 250, *[all_arrive, sec, 9, starve, 2] * 6])


def sync_form_seeds():
    """A byte that says what it is and in which pieces it comes (x / 3 + 1), then JSON."""
    idle = b'{"next_batch":"s1_2","device_one_time_keys_count":{"signed_curve25519":50},"rooms":{},"presence":{"events":[]}}'
    sliding = (b'{"pos":"5/s1_2","lists":{"all":{"count":1}},"rooms":{%s},"extensions":{"to_device":{"next_batch":"9","events":[%s]},'
               b'"e2ee":{"device_one_time_keys_count":{"a":1},"device_lists":{"changed":[],"left":[]}},"typing":{"rooms":{}}}}')
    ask = b'{"lists":{"all":{"ranges":[[0,9]]}},"extensions":{"e2ee":{"enabled":true},"to_device":{%s"enabled":true}}}'
    return {
        "idle": b"\x00" + idle, "idle-pieces": b"\x18" + idle,
        "news": b"\x03" + b'{"rooms":{"join":{"!a":{"timeline":{"events":[{"x":"\\"}"}]}}}},"next_batch":"s2"}',
        "spaces": b"\x06" + b' { "next_batch" : "a" , "x" : [ ] , "y" : 1.5e3 } ', "error": b"\x09" + b'{"errcode":"M_UNKNOWN"}',
        "sliding-idle": b"\x01" + sliding % (b"", b""), "sliding-rooms": b"\x01" + sliding % (b'"!a":{}', b""),
        "sliding-events": b"\x01" + sliding % (b"", b'{"type":"x"}'), "sliding-error": b'\x01{"errcode":"M_UNKNOWN_POS"}',
        "ask": b"\x02" + ask % b'"since":"11",', "ask-first": b"\x02" + ask % b"", "ask-spaces": b'\x02{ "extensions":{}}',
    }.items()


def profile_seeds():
    yield "nothing", bytes([2])
    yield "thin", bytes([0x17, 0x37, 0x7C, 0x44, 0x0F])
    yield "slowest", bytes([0x1C, 1, 2, 255, 255, 255])
    yield "fastest", bytes([4, 255, 1, 0])
    yield "two-rates", bytes([0x0C, 255, 1, 1, 0])
    yield "mtu", bytes([0x14, 0, 0, 0, 9])
    yield "says-nothing", bytes([4, 0, 0, 0])
    yield "flags", bytes([8])


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


def emulator_seeds():
    def lines(*what):
        return "\n".join((*what, "")).encode()

    yield "thin", lines("set rate 100", "set latency 2 s", "set jitter 40 %", ">60", ">1000", "<100", "+30000", "stats", "+90000")
    yield "presets", lines(*(f"preset {p}\n>200\n<200\n+1500" for p in ("100bps", "300bps", "hf", "lora", "2g", "geo")), "get")
    yield "schedule", lines("at 2s down", "at 5 s up", "at 3s rebind", "at 1 min set up.loss 50%", ">50", "+2500", "<50", "+9000")
    yield "chances", lines("set loss 10.5 %", "set duplicate 50 %", "set reorder 30 %", "set reorder-delay 1 s",
                           "set jitter-reorders yes", "set latency 10 ms", "set jitter 5 ms", *[">9"] * 9, "+5000", "reset")
    yield "bursts", lines("set burst-enter 50 %", "set burst-leave 20 %", "set burst-loss 100 %", *["<77"] * 12, "stats")
    yield "limits", lines("set rate 8", "set queue-bytes 100 B", "set queue-packets 2", "set mtu 255", *[">80"] * 5, ">300",
                          "set half-duplex true", "set turnaround 3 s", "<10", "+100000", "+100000", "stats")
    yield "mistakes", lines("", "set", "set loss 0.2", "set x 1", "get up.", "get down.rate", "at", "at 1s at 2s up", "preset",
                            "help", "stats now", "x" * 201)


def compact_seeds():
    """A byte of settings, two numbers of 3 bytes (the record's; the newest received), a compact or an ordinary message."""
    def case(short, number, heard, text):
        return bytes([short]) + struct.pack(">I", number)[1:] + struct.pack(">I", heard)[1:] + text

    def short(name, text, number=1000, newest=1000):
        return name, case(1, number, newest, bytes.fromhex(text))

    def long(name, number, heard, text):
        return name, case(0, number, heard, text)

    env = [(CONTENT_FORMAT, uint(65000))]
    yield short("request", "01 78797a")
    yield short("response", "09 e6 6f6b")
    yield short("response-wide", "10 0381 6f6b")
    yield short("separate", "18 e6 6f6b")
    yield short("register", "2b 78")
    yield short("notify", "41 e6 8501 6e")
    yield short("ping", "60")
    yield short("acks", "61 e6")
    yield short("ack-wide", "62 03e7")
    yield short("cancel", "65 04")
    yield short("block1", "68 04 3e 6162")
    yield short("block2", "74 e6 04 8608 6162")
    yield short("blocks", "7a e6 04 3e 36 61")
    yield short("continue", "80 e6 04 3e")
    yield short("failure", "88 e6 a3 d1011e ff 66756c6c")
    yield short("own", "90 02 00 ff 78")
    yield short("all", "92 02 01f4 02 01f4 c2fde8 ff 01 78")
    yield short("stale", "61 e7")
    yield short("free", "96 00")
    yield short("long-varint", "67 8600 01")
    yield long("plain-request", 7, 0, message(CON, POST, 7, b"\x07", env, b"\x01xyz"))
    yield long("plain-response", 3, 8, message(ACK, code("2.04"), 7, b"\x07", env, b"\x01xyz"))
    yield long("plain-late", 3, 9000, message(CON, code("2.04"), 3, b"\x07", env, b"\x01xyz"))
    yield long("plain-block", 105, 50, message(CON, POST, 105, b"\x64", env + [(BLOCK1, block(3, True, 1024))], b"x"))
    yield long("plain-cancel", 105, 50, message(NON, POST, 105, b"\x69", [(CONTENT_FORMAT, uint(65001))], b"\x64"))
    yield long("plain-observe", 12, 20, message(NON, code("2.05"), 12, b"\x07", env + [(OBSERVE, uint(5))], b"\x01n"))
    yield long("plain-foreign", 12, 20, message(CON, GET, 0x7D34, b"tok", [(URI_PATH, b"a")]))
    yield long("plain-empty", 12, 0x27D34, message(ACK, 0, 0x7D34))


def json_cbor_seeds():
    ascii_style, spaced, slash, html, newline = 1, 2, 4, 8, 16

    def text(style, json):
        return bytes([style]) + json

    def cbor(style, hexa):
        return bytes([0x80 | style]) + bytes.fromhex(hexa)

    yield "event", text(0, b'{"type":"m.room.message","content":{"body":"Gr\xc3\xbc\xc3\x9fe","msgtype":"m.text"},"age":123}')
    yield "ids", text(0, b'["$F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij-_klmnopQ","!F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij-_klmnopQ",'
                         b'"F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij+/klmnopQ"]')
    yield "ascii", text(ascii_style, rb'{"a":"\u00e9\ud83d\ude00","b":"\ud83d"}')
    yield "spaced", text(spaced, b'{"a": 1, "b": [1, 2.50, -0, 1e2, 18446744073709551616]}')
    yield "slash", text(slash, rb'{"url":"mxc:\/\/a\/b"}')
    yield "html", text(html | newline, rb'{"a":"\u003cb\u003e\u0026"}' + b"\n")
    yield "nested", text(0, b"[" * 70 + b"]" * 70)
    yield "many", text(0, b"[" + b"1," * 300 + b"1]")
    yield "twice", text(0, b'{"a":1,"a":2}')
    yield "cbor-event", cbor(0, "a201e202a2166448616c6c18f8e1")
    yield "cbor-verbatim", cbor(ascii_style, "82d90106422d3062c3a9")
    yield "cbor-deep", cbor(0, "81" * 66 + "80")
    yield "cbor-long", cbor(0, "9b7fffffffffffffff")
    yield "cbor-indefinite", cbor(0, "9fff")


def flate_seeds():
    import zlib

    def case(kind, data, response=False, history=False, bare=True):
        return bytes([kind | response << 2 | history << 3 | bare << 4]) + data

    def deflated(form):
        z = zlib.compressobj(9, zlib.DEFLATED, -15)
        return z.compress(form) + z.flush()

    sync = bytes([1 << 5, 1, 0x41, 2, 0x19, 0x75, 0x30, 0])  # GET sync?timeout=30000
    other_version = bytes([1 << 5, 255, 1]) + b"\x62r0" + bytes([0, 0])
    answer = bytes([1 << 3 | 2, 128, 0]) + b"\xa1\x04" + b"\x58\x20" + bytes(range(32))
    verbatim = bytes([1 << 3 | 1, 2, 0xC7, 0]) + b"not JSON"
    outside = bytes([1 << 3 | 7, 128, 0, 0])
    unknown = bytes([0, 0xC8, 0x01, 255]) + b"\x63X-A\x61b" + bytes([0])
    for name, form, response in (("sync", sync, False), ("r0", other_version, False), ("answer", answer, True),
                                 ("verbatim", verbatim, True), ("outside", outside, True), ("unknown", unknown, True)):
        yield "form-" + name, case(1, form, response)
        yield "packed-" + name, case(0, deflated(form), response)
    yield "bomb", case(0, deflated(bytes(200000)), True)
    head = b"Authorization: Bearer syt_x\nContent-Type: application/json\n"
    yield "send", case(2, b"/_matrix/client/v3/rooms/!a%3Ab/send/m.room.message/1\n" + head +
                       b'\n{"body":"Hello World","msgtype":"m.text"}')
    yield "send-bare", case(2, b"/_matrix/client/v3/sync?since=s1_2&filter=%7B%7D\n\n", bare=False, history=True)
    yield "answer", case(3, b"\n" + head + b'\n{"event_id":"$F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij-_klmnopQ"}', True, True, False)
    yield "x-matrix", case(2, b"/_matrix/federation/v1/send/1\nAuthorization:X-Matrix origin=\"a\",key=\"ed25519:a\",sig=\"" +
                           b"F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij+/klmnopQF0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij+/klmnopQ\"\n\n{}")
    yield "splitting", case(2, b"/a b\nA\rB: c\rd\n\n")
    yield "old-query", case(2, b"/x?a=+&b=%20&c&&=\n\n")


def bulk_seeds():
    frame = bytes.fromhex("28b52ffd0040")
    yield "stored", bytes([1 | 4 << 3, 0]) + b"as it is"
    yield "raw-block", bytes([1 | 4 << 3, 1]) + frame + bytes([5 << 3 | 1, 0, 0]) + b"bytes"
    yield "rle-block", bytes([1 | 4 << 3, 1]) + frame + struct.pack("<I", 100000 << 3 | 1 << 1 | 1)[:3] + b"a"
    yield "large-window", bytes([1 | 4 << 3, 1]) + bytes.fromhex("28b52ffd00b0010000")
    yield "no-kind", bytes([1, 2])
    yield "skippable", bytes([1 | 8, 1]) + bytes.fromhex("502a4d1801000000") + b"x"
    yield "json", bytes([0 << 1 | 3 << 3]) + b'{"a":"b"},' * 40
    yield "octets", bytes([1 << 1 | 9 << 3]) + bytes(range(256)) * 5
    yield "text", bytes([1 << 1 | 31 << 3]) + b"a line of text\n" * 100
    yield "small", bytes([2 << 1]) + b"x"


def leg_bulk_seeds():
    """Settings, then a body; or, from a hostile peer, what follows the coding: head length, head, kind, stream."""
    frame = bytes.fromhex("28b52ffd0040")
    head = bytes.fromhex("00060002022f7800")
    for name, settings in ("slow", 2 | 1 << 2), ("quick", 2 | 7 << 2 | 7 << 5), ("unknown-length", 3 << 2 | 2 << 5):
        yield name, bytes([settings]) + b'{"a":"b","c":[1,2,3]},' * 300
    yield "empty", bytes([2])
    yield "bomb", bytes([1 | 7 << 2 | 7 << 5, len(head)]) + head + b"\x01" + frame + (struct.pack("<I", 100000 << 3 | 1 << 1)[:3] + b"a") * 50
    yield "cut", bytes([1 | 7 << 2 | 7 << 5, len(head)]) + head + b"\x01" + frame
    yield "stored", bytes([1 | 7 << 2 | 1 << 5, len(head)]) + head + b"\x00" + b"as it is"
    yield "no-head", bytes([1, 0])
    yield "long-head", bytes([1, 255, 255, 255, 255])


def lineage_seeds():
    """Flags, a size, texts of the view, each ended by 1E, and the text that crosses: as it is cut, so that its IDs come out right (lineage.c)."""
    response, no_view, request, split, dated = 1, 2, 4, 16, 32

    def case(flags, text, *view, size=200):
        return bytes([flags, size]) + b"".join(t + b"\x1e" for t in view) + text

    def event(mark, kind, sender, ts, content, key=None, more=""):
        state = "" if key is None else f'"state_key":"{key}",'
        return f'{{"content":{content},"event_id":"{mark}","origin_server_ts":{ts},{more}"sender":"{sender}",{state}"type":"{kind}"}}'

    def sync(room, *events):
        return f'200\n\n{{"next_batch":"s1","rooms":{{"join":{{"{room}":{{"timeline":{{"events":[{",".join(events)}]}}}}}}}}}}'.encode()

    def of_id(c):
        return "$" + c + "A" * 42

    ask = b"GET /_matrix/client/v3/sync\n\n"
    join = '{"membership":"join"}'
    room, old = "!r", "!r:s"
    first = [
        event("\1", "m.room.create", "@a:b", 1, '{"room_version":"12"}', ""),
        event("\1", "m.room.member", "@a:b", 2, join, "@a:b"),
        event("\1m", "m.room.power_levels", "@a:b", 3, '{"users":{"@a:b":100},"x":"\\u00e9\\n"}', ""),
        event("\1pm", "m.room.join_rules", "@a:b", 3, '{"join_rule":"public"}', ""),
        event("\1jp", "m.room.member", "@c:b", 4, join, "@c:b"),
    ]
    say = [event(m, "m.room.message", s, t, '{"body":"x"}') for m, s, t in
           (("\1pm", "@a:b", 5), ("\1pm1", "@c:b", 6), ("\1pm01", "@a:b", 7), ("\1mp=9", "@c:b", 8), ("\1.0", "@c:b", 8), (of_id("x"), "@a:b", 9))]
    notes = (f'\n\x1f{old}\nc1  9 {of_id("c")}\nm2 @a:b pmc {of_id("a")}\np3   {of_id("p")}\nj3   {of_id("j")}\nm4 @c:b  {of_id("b")}\nm4 @d:b  {of_id("d")}\n'
             f'e8 5 "event_id":"{of_id("e")}"\ne0 6 "event_id":"{of_id("f")}"\ne9 7 "event_id":"{of_id("g")}"\n')
    told = b"200\n\n{}" + notes.encode()
    send = f'PUT /_matrix/client/v3/rooms/{old}/send/m.room.message/1\n\n{{"body":"x"}}'.encode()
    yield "room", case(response | no_view, sync(room, *first, *say))
    yield "room-backwards", case(response, sync(room, *reversed(first + say)), ask)
    yield "room-11", case(response, sync(old, event("\1", "m.room.create", "@a:b", 1, '{"room_version":"11"}', ""),
                                         event("\1c", "m.room.member", "@a:b", 1, join, "@a:b")), ask)
    yield "noted", case(response | 2 * request | split, sync(old, *say), told, ask)
    yield "noted-redaction", case(response, sync(old, event("\1pmc2", "m.room.redaction", "@a:b", 9, "{}", None, '"redacts":"$x",')), told)
    yield "old-notes", case(response, sync(old, *say), told, b"x" * 1500, b"y" * 1000)
    yield "authorised", case(response, sync(old, event("\1pjmcta", "m.room.member", "@a:b", 9, '{"membership":"invite","join_authorised_via_users_server":"@d:b"}', "@c:b")), told)
    yield "within", case(response, sync(old, event("\1pm", "m.t", "@a:b", 9, "{}", None, '"unsigned":{"redacted_because":' + say[5] + "},")), told)
    yield "middle", case(response, sync(old, event(of_id("y"), "m.t", "@a:b", 8, "{}"), event("\1pm=47", "m.t", "@a:b", 9, "{}")) + b':"t47-1_2"', told)
    yield "send", case(response | 2 * request | dated, b'200\n\n{"event_id":"\1pmc@a:b 1699999999123"}', told, send)
    yield "send-soon", case(response | 2 * request, b'200\n\n{"event_id":"\1cpm@c:b 9"}', told, send)
    yield "send-known", case(response | 2 * request, b'200\n\n{"event_id":"\1.1"}', told, send)
    yield "send-state", case(response | 2 * request | dated, b'200\n\n{"event_id":"\1pmc@a:b 1700000000000"}', told,
                             b"PUT /_matrix/client/v3/rooms/%21r%3As/state/m.room.topic/?x\n\n{}")
    yield "create", case(response | 3 * request | dated, b'200\n\n{"room_id":"\1@a:b 1700000000000"}', b"x", b'200\n\n{"user_id":"@a:b"}',
                         b'POST /_matrix/client/v3/createRoom\n\n{"room_version":"12","creation_content":{"type":"m.space"}}')
    yield "transaction", case(0, b'PUT /_matrix/app/v1/transactions/1\n\n{"events":[%s]}' %
                              event(of_id("x"), "m.t", "@a:b", 8, "{}", None, '"room_id":"!r:s",').encode(), told)
    yield "marked", case(response, b'200\n\n{"a":{"event_id":"\1"}}')
    yield "states", case(response, sync(old, *say), b"\n\x1f!r:s\n" + b"".join(b"p1 %d  $%s\n" % (i, b"A" * 43) for i in range(24)))
    yield "notes-garbage", case(response, sync(old, *say), b"\n\x1f!r:s\nm1 @a:b p\ne1 1\n!x", told + b"e1 9 \"event_id\":\"$x\n")
    yield "deep", case(response, b'200\n\n{"event_id":"$1","x":' + b"[" * 70)
    yield "empty", case(response, b"")


def session_seeds():
    """Two bytes of settings, then operations of two bytes each (session.c)."""
    ask, last, flying, stranger, changed, lose, resend, pause, hour, restart, move, clock = (
        b"\0", b"\2", b"\4", b"\5", b"\6", b"\7", b"\x08", b"\x0a", b"\x0b", b"\x0c", b"\x0d", b"\x0e")
    newest, first, responder, initiator = b"\0", b"\0", b"\0", b"\1"
    exchange = ask + b"\x14" + last + newest + last + newest
    for settings in range(0, 256, 37):
        yield f"exchanges-{settings}", bytes([settings, settings * 5 % 16]) + exchange * 6
    for settings, more in ((1, 0), (0x44, 4), (0x28, 2), (2, 10), (0x43, 1)):
        s = bytes([settings, more])
        yield f"replays-{settings}", s + exchange * 2 + (stranger + first + flying + first) * 4 + exchange
        yield f"changed-{settings}", s + ask + b"\x14" + changed + first + b"\x28\x01" + last + newest + changed + b"\1\x20\x80" + exchange
        yield f"lost-reply-{settings}", s + ask + b"\x14" + last + newest + resend + first + last + newest + exchange
        yield f"restart-b-{settings}", s + exchange * 2 + restart + responder + exchange + (resend + b"\2" + last + newest) * 4
        yield f"restart-a-{settings}", s + exchange * 2 + restart + initiator + exchange
        yield f"moves-{settings}", s + exchange * 2 + move + b"\2" + exchange + move + b"\1" + exchange
        yield f"clocks-{settings}", s + clock + b"\xff" + exchange + clock + b"\x10" + hour + b"\xff" + exchange * 2
        yield f"late-attempt-{settings}", s + ask + b"\x14" + lose + b"\7" + hour + b"\2" + resend + first + last + newest + flying + first
        yield f"silence-{settings}", s + exchange + ask + b"\x14" + (resend + b"\1" + pause + b"\x30") * 5 + last + newest + last + newest
        yield f"made-up-{settings}", s + exchange + b"\x0f\x28\xc0" + bytes(range(39)) + b"\x0f\x29\xd0" + bytes(range(40)) + exchange


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
    "emulator": emulator_seeds,
    "compact": compact_seeds,
    "bulk": bulk_seeds,
    "leg_bulk": leg_bulk_seeds,
    "lineage": lineage_seeds,
    "engine": engine_seeds,
    "engine_named": engine_seeds,
    "envelope": envelope_seeds,
    "flate": flate_seeds,
    "model_decode": model_decode_seeds,
    "model_round": model_round_seeds,
    "home_text": home_text_seeds,
    "http_request": http_request_seeds,
    "json_cbor": json_cbor_seeds,
    "noise": noise_seeds,
    "option": pdu_seeds,
    "pdu": pdu_seeds,
    "pieces": pieces_seeds,
    "profile": profile_seeds,
    "sync_form": sync_form_seeds,
    "rd": rd_seeds,
    "record": record_seeds,
    "session": session_seeds,
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
