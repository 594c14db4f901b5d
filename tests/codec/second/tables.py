"""The file of trained tables, as the build makes it."""

import struct

CONTEXTS = 20
RULES = 8
SETS = 6
INPUTS = 32  # in a row of weights; the last three are not in use
RULE_CELLS = 768
CELLS = CONTEXTS * 256 + RULES * RULE_CELLS
SET_ROWS = (512, 128, 243, 256, 64, 512)  # rows of each set
GATE_ROWS = 192
GATES = 8  # in a row of gates; the last two are not in use
BET_CELLS = 32768
FORMAT = 4
SQUASH = 6144
HEADER = 64


class NotTables(ValueError):
    pass


def fnv1a64(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def id_of(body):
    """The ID of a file with that after its head."""
    return fnv1a64(bytes((FORMAT,)) + body)


class Tables:
    """`check_id` also computes the ID anew, which takes a second."""

    def __init__(self, data, check_id=False):
        if len(data) < HEADER or data[:4] != b"THMD":
            raise NotTables("no tables")
        form, self.bits, contexts, rules, sets = data[4:9]
        rows, self.id, seed_bytes = struct.unpack_from("<IQI", data, 12)
        if (form, contexts, rules, sets, rows) != (FORMAT, CONTEXTS, RULES, SETS, sum(SET_ROWS)):
            raise NotTables("tables of another shape")
        if check_id and id_of(data[HEADER:]) != self.id:
            raise NotTables("the ID is not that of the contents")
        self._at = HEADER
        self._data = data
        following = self._numbers("B", 512)
        self.next = [following[i : i + 2] for i in range(0, 512, 2)]
        self.squash = self._numbers("H", SQUASH)
        self.inputs = self._numbers("h", CELLS)
        weights = self._numbers("h", rows * INPUTS)
        self.weights = [weights[i : i + INPUTS] for i in range(0, len(weights), INPUTS)]
        gates = self._numbers("h", GATE_ROWS * GATES)
        self.gates = [gates[i : i + SETS] for i in range(0, len(gates), GATES)]
        self.bets = self._numbers("H", BET_CELLS)
        self._lines = self._at
        self._at += 64 << self.bits
        if len(data) != self._at + seed_bytes:
            raise NotTables("the length is wrong")
        self.seeds = list(self._seed_texts())

    def _numbers(self, kind, count):
        numbers = struct.unpack_from(f"<{count}{kind}", self._data, self._at)
        self._at += struct.calcsize(f"<{count}{kind}")
        return numbers

    def _seed_texts(self):
        """(is response, kind, text), oldest first."""
        while self._at < len(self._data):
            is_response, kind, length = struct.unpack_from("<BII", self._data, self._at)
            self._at += 9
            yield is_response != 0, kind, self._data[self._at : self._at + length]
            self._at += length

    def trained(self, h):
        """The 15 states that training left of a bucket, None when it left nothing."""
        line = self._lines + 64 * (h >> (32 - self.bits))
        first, second = h & 0xFF or 1, h >> 8 & 0xFF
        for i in range(4):
            if self._data[line + i] != first:
                continue
            states = self._data[line + 4 + 15 * i : line + 19 + 15 * i]
            if sum((states[n] >> 7) << n for n in range(8)) == second:
                return [state & 0x7F for state in states]
        return None
