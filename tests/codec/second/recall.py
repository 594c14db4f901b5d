"""What earlier text says comes next."""

from .bits import M32, hash2
from .syntax import BODY, METHOD, NAME, QUERY_NAME

LONG, MID, SHORT, TOKEN, KEY, CHAIN, COLUMN, KIND = range(8)
HASHED = (LONG, MID, SHORT, TOKEN, KEY, CHAIN)
PLACE = 0x7FFFF
M64 = 0xFFFFFFFFFFFFFFFF


def is_delimiter(c):
    return not (0x30 <= c <= 0x39 or 0x61 <= c <= 0x7A or 0x41 <= c <= 0x5A or c >= 0x80)


class Guess:
    __slots__ = ("at", "run", "suffix", "misses", "order")

    def __init__(self, at=0, misses=0):
        self.at, self.misses = at, misses
        self.run = self.suffix = self.order = 0


def kind_known(s, c):
    return (c == 0x3F and s.phase == QUERY_NAME and s.value_start) or (c == 0x0A and s.phase == NAME and s.key != 0 and s.last_key == 0)


def key_hash(s, key):
    return hash2(hash2(key, s.value), s.value_start + 2 * (s.in_string or s.phase != BODY))


def column_hash(s):
    return hash2(s.key, s.account + (7 if s.in_string or s.phase != BODY else 2000) & M32)


def kind_hash(s):
    return hash2(s.kind, s.account + (1000 if s.phase == METHOD else 9) & M32)


class Recall:
    def __init__(self):
        self.text = bytearray(16)
        self.tables = [{} for _ in range(8)]
        self.guesses = [Guess() for _ in range(8)]

    def copy(self):
        other = Recall()
        other.text = bytearray(self.text)
        other.tables = [dict(table) for table in self.tables]
        return other

    def _get(self, rule, h):
        """The place last stored under the hash, 0 for none."""
        tag, at = self.tables[rule].get(h >> 19, (0, 0))
        return at if tag == h & 0x1FFF else 0

    def _set(self, rule, h):
        self.tables[rule][h >> 19] = (h & 0x1FFF, len(self.text))

    def _hash_last(self, count):
        text = self.text
        if count == 12:
            v = int.from_bytes(text[-8:], "little") ^ int.from_bytes(text[-12:-4], "little") * 0xFF51AFD7ED558CCD & M64
        else:
            v = int.from_bytes(text[-count:], "little")
        return (v * 0x9E3779B97F4A7C15 & M64) >> 32

    def _hashes(self, s):
        """Of the six rules that look up at every byte."""
        return (
            self._hash_last(12),
            self._hash_last(7),
            self._hash_last(4),
            hash2(s.token + s.percent * 0x1234567 & M32, 1 if s.token_n else 2),
            key_hash(s, s.key),
            key_hash(s, s.key + 3 * s.last_value & M32),
        )

    def begin(self, s):
        self.guesses = [Guess() for _ in range(8)]
        h = kind_hash(s)
        self.guesses[KIND].at = self._get(KIND, h)
        self._set(KIND, h)

    def learn(self, s, c):
        """Takes a byte of history, which `s` has taken already."""
        self.text.append(c)
        for rule, h in zip(HASHED, self._hashes(s)):
            self._set(rule, h)
        if s.also:
            self._set(KEY, key_hash(s, s.also))
        if s.value_start:
            self._set(COLUMN, column_hash(s))
        if kind_known(s, c):
            self._set(KIND, kind_hash(s))

    def learn_text(self, s, text):
        self.begin(s)
        for c in bytes(text) + b"\0":
            s.step(c)
            self.learn(s, c)

    def _judge(self, rule, guess, c):
        """Whether the guess was right."""
        hit = self.text[guess.at] == c
        guess.misses = (guess.misses << 1 | (not hit)) & 0xFF
        guess.run = guess.run + 1 if hit else 0
        if rule < COLUMN:
            guess.at = guess.at + 1 if hit else 0
        elif not hit and not guess.order:
            guess.order = 1 if c > self.text[guess.at] else 2

    def _common(self, at):
        text, n = self.text, 0
        while n < 32 and n < at and text[at - 1 - n] == text[-1 - n]:
            n += 1
        return n

    def _look_up(self, rule, guess, h):
        if rule > SHORT or not guess.at or guess.run <= 15:
            at = self._get(rule, h)
            if at != guess.at:
                guess.run = 0
            guess.at = at
        guess.suffix = self._common(guess.at) if guess.at else 0
        if rule <= SHORT and guess.suffix < 3:
            guess.at = 0
        self._set(rule, h)

    def _go_along(self, guess, c):
        text, at = self.text, guess.at
        if text[at] == c:
            guess.at += 1
        elif is_delimiter(c):
            for i in range(at, min(len(text), at + 100)):
                if text[i] == 0:
                    break
                if text[i] == c:
                    guess.at = i + 1
                    break
        elif not is_delimiter(text[at]):
            guess.at += 1
        if guess.at >= len(text):
            guess.at = 0

    def step(self, s, c):
        """Takes a byte of the text being coded, and makes the guesses for the next one."""
        for rule, guess in enumerate(self.guesses):
            if guess.at:
                self._judge(rule, guess, c)
        self.text.append(c)
        for rule, h in zip(HASHED, self._hashes(s)):
            self._look_up(rule, self.guesses[rule], h)
        if s.also:
            self._set(KEY, key_hash(s, s.also))
        for guess in self.guesses[COLUMN:]:
            if guess.at:
                self._go_along(guess, c)
            if guess.misses == 0xFF:
                guess.at = 0
        if is_delimiter(c):
            self.guesses[COLUMN].order = 0
        if s.value_start:
            h = column_hash(s)
            self.guesses[COLUMN] = Guess(self._get(COLUMN, h), self.guesses[COLUMN].misses & 0x7F)
            self._set(COLUMN, h)
        if kind_known(s, c):
            h = kind_hash(s)
            at = self._get(KIND, h)
            if at:
                self.guesses[KIND] = Guess(at)
            self._set(KIND, h)
