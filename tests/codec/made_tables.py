"""The test tables of docs/protocol.md: easy to make, and of no use but to check a decoder."""

import struct

from codec.second.tables import BET_CELLS, CELLS, FORMAT, GATE_ROWS, GATES, HEADER, INPUTS, SET_ROWS, SQUASH, id_of

BITS = 8


def made_tables():
    x = 1

    def numbers(count, bound, less=0):
        nonlocal x
        made = []
        for _ in range(count):
            x = (x * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
            made.append((x >> 32) % bound - less)
        return made

    rows = sum(SET_ROWS)
    body = bytes(numbers(512, 256))
    body += struct.pack(f"<{SQUASH}H", *(1 + i * 65534 // (SQUASH - 1) for i in range(SQUASH)))
    body += struct.pack(f"<{CELLS}h", *numbers(CELLS, 1024, 512))
    body += struct.pack(f"<{rows * INPUTS}h", *numbers(rows * INPUTS, 2048, 1024))
    body += struct.pack(f"<{GATE_ROWS * GATES}h", *numbers(GATE_ROWS * GATES, 1024))
    body += struct.pack(f"<{BET_CELLS}H", *numbers(BET_CELLS, 65536))
    body += bytes(numbers(64 << BITS, 256))
    head = b"THMD" + bytes((FORMAT, BITS, 20, 8, 6, 0, 0, 0)) + struct.pack("<IQI", rows, id_of(body), 0)
    return head.ljust(HEADER, b"\0") + body
