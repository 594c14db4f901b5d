#!/usr/bin/env python3
"""Writes records.txt: records made from their description in docs/protocol.md by another AES-256-CCM than the daemon's own
calls, with every number in the clear, so that a second implementation can check itself.

    tests/vectors/record/make_vectors.py          writes records.txt
    tests/vectors/record/make_vectors.py --check  says whether what is committed is what this script writes
"""
import hashlib
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

FILE = pathlib.Path(__file__).resolve().parent / "records.txt"

HEAD = """\
# Records as docs/protocol.md describes them; written by make_vectors.py. Values are hex, numbers decimal.
#
# One record a paragraph. `sender-acknowledged`: how many packet numbers the sender knows its peer has seen (its largest + 1);
# `receiver-next`: the receiver's newest + 1. The receiver opens the record to `payload` and finds `number`.
"""


def some_bytes(label, n):
    out = b""
    while len(out) < n:
        out += hashlib.sha256(f"{label} {len(out)}".encode()).digest()
    return out[:n]


def seal(key, number, acknowledged, cid, payload, tag_len):
    behind = number - acknowledged
    if behind <= 16:
        header = bytes([0x80 | number % 32])
    else:
        assert behind <= 2**20
        header = bytes([0xA0 | number % 32]) + (number // 32 % 65536).to_bytes(2, "big")
    nonce = bytes(5) + number.to_bytes(8, "big")
    return header + cid + AESCCM(key, tag_length=tag_len).encrypt(nonce, payload, cid or None)


def cases():
    """number, acknowledged, receiver's next, cid length, payload length, tag length"""
    for tag in (8, 16):
        for cid in (0, 1, 2):
            for n in (0, 1, 15, 16, 17, 64, 255, 1300):
                yield 0, 0, 0, cid, n, tag
    for number, acknowledged, receiver in [
            (1, 0, 0), (1, 0, 1), (16, 0, 0), (16, 0, 16), (17, 0, 0), (17, 0, 17), (17, 1, 1), (31, 31, 31), (32, 31, 31),
            (32, 31, 32), (47, 31, 31), (48, 31, 31), (40, 40, 55), (255, 250, 252), (256, 250, 256), (1000, 0, 900),
            (65535, 65000, 65535), (65536, 65530, 65536), (2097151, 2097151, 2097151), (2097152, 2097151, 2097151),
            (2097152, 2097000, 2097100), (2097160, 2097000, 2097152), (3145728, 2097152, 2097152), (67108863, 67108862, 67108863),
            (67108863, 67000000, 67000001)]:
        yield number, acknowledged, receiver, 1, 24, 8


def text():
    parts = [HEAD]
    for i, (number, acknowledged, receiver, cid_len, n, tag) in enumerate(cases()):
        key, cid, payload = some_bytes(f"key {i}", 32), some_bytes(f"cid {i}", cid_len), some_bytes(f"payload {i}", n)
        record = seal(key, number, acknowledged, cid, payload, tag)
        parts.append(f"""
key {key.hex()}
tag-length {tag}
number {number}
sender-acknowledged {acknowledged}
receiver-next {receiver}
cid {cid.hex()}
payload {payload.hex()}
record {record.hex()}
""")
    return "".join(parts).replace(" \n", "\n")


def main():
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text() != text():
            sys.exit(f"{FILE.name} is not what {sys.argv[0]} writes: run it")
    else:
        FILE.write_text(text())


if __name__ == "__main__":
    main()
