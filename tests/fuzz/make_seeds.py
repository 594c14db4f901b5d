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


TARGETS = {"pdu": pdu_seeds, "option": pdu_seeds, "rd": rd_seeds}


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
