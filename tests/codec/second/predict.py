"""How likely the next bit is a one."""

from operator import mul

from .bits import M32, hash2
from .recall import CHAIN, COLUMN, KEY, KIND, LONG, MID, SHORT, TOKEN
from .syntax import FIELD, METHOD, NAME, PATH, QUERY_NAME, QUERY_VALUE
from .tables import CONTEXTS, RULE_CELLS, RULES, SET_ROWS

FIRST_ROWS = [sum(SET_ROWS[:i]) for i in range(6)]
AT, EXCLAMATION, DOLLAR, HASH, COLON, SPACE = b"@!$#: "
BET_LEVELS = (16, 24, 32, 48, 64, 128, 256)


class Buckets:
    """The message's own buckets: 8192 lines of four."""

    def __init__(self, tables):
        self._tables = tables
        self._lines = {}  # line: [checks, states, turn]

    def find(self, h, may_be_trained):
        line = self._lines.setdefault((h * 0x2545F491 & M32) >> 19, [[], [], 0])
        checks, buckets, _ = line
        check = h & 0xFFFF or 1
        if check in checks:
            return buckets[checks.index(check)]
        states = (self._tables.trained(h) if may_be_trained else None) or [0] * 15
        if len(checks) < 4:
            checks.append(check)
            buckets.append(states)
            return states
        place = line[2] % 4
        line[2] += 1
        checks[place] = check
        buckets[place][:] = states  # in place: a context that had the bucket goes on with it until the next half
        return buckets[place]


def level(n):
    return n if n < 3 else 3 if n < 5 else 4 if n < 9 else 5 if n < 17 else 6 if n < 33 else 7


def place_class(s):
    if s.part_hex:
        return 19
    if s.part:
        return 18
    if s.percent:
        return 17
    if s.phase == METHOD:
        return 0
    if s.phase == PATH:
        return (24 if s.sigil == AT else 2) if s.sigil else 1 if s.value_n else 25
    if s.phase == QUERY_NAME:
        return 3
    if s.phase == QUERY_VALUE:
        return 4
    if s.phase == NAME:
        return 5
    if s.phase == FIELD:
        return 26 if s.token_n > 12 else 6
    if not s.in_string:
        return 7 if s.expect_key else 8 if s.value_n == 0 else 9 if s.value_n < 3 else 23 if s.value_n < 8 else 27
    if s.is_key:
        return 28 if s.segment in (EXCLAMATION, DOLLAR, AT, COLON) else 10
    if s.sigil:
        return {DOLLAR: 12, EXCLAMATION: 13, AT: 14, HASH: 15}[s.sigil]
    if s.value_n == 0:
        return 22
    if s.cp[0] == SPACE:
        return 21
    return 16 if s.token_n > 12 else 20 if s.token_n > 5 else 11


def clip(v, limit):
    return max(-limit, min(limit, v))


class Predictor:
    """Predicts a text's bits, one after the other; `recall` holds the history."""

    def __init__(self, tables, recall, syntax):
        self._tables, self._recall, self._syntax = tables, recall, syntax
        self._buckets = Buckets(tables)
        recall.begin(syntax)

    def _guessed(self, rule, after=0):
        at, text = self._recall.guesses[rule].at, self._recall.text
        return 1 + text[at + after] if at and at + after < len(text) else 0

    def _contexts(self):
        s, guesses, guessed = self._syntax, self._recall.guesses, self._guessed
        cp = s.cp
        orders = [hash2(cp[0], s.part)]
        for character in cp[1:7]:
            orders.append(hash2(orders[-1], character))
        place = hash2(s.key, s.in_string + 2 * s.is_key + 4 * s.phase)
        inside = hash2(hash2(place, s.value), s.value_start)
        word = hash2(s.word, s.part)
        between = 0 if s.word else cp[0]
        key, token, column = guessed(KEY), guessed(TOKEN), guessed(COLUMN)
        order = 512 * guesses[COLUMN].order
        hashes = (
            place_class(s),
            *orders[:5],
            orders[6],
            hash2(word, between),
            hash2(word, hash2(s.last_word, between)),
            inside,
            hash2(inside, s.parent),
            hash2(hash2(place, s.parent), min(s.value_n, 60)),
            hash2(place, hash2(min(s.value_n, 40), cp[0] & 0x60 if cp[0] < 128 else 0)),
            hash2(hash2(key, column + order), place_class(s)),
            hash2(hash2(guessed(MID), token), level(guesses[MID].run)),
            hash2(hash2(column, guessed(COLUMN, 1) + order), place),
            hash2(key, guessed(LONG) * 257 + min(guesses[LONG].suffix, 16)),
            hash2(guessed(KIND), orders[1]),
            hash2(token, hash2(guessed(CHAIN), place)),
            hash2(hash2(place, min(s.value_n, 40)), hash2(column, s.token_n)),
        )
        return [hash2(h, 0x3000 + i) for i, h in enumerate(hashes)]

    def _rule_cell(self, rule):
        guess = self._recall.guesses[rule]
        if rule == COLUMN:
            second = guess.order
        elif rule == KIND:
            second = guess.misses & 0x38 != 0
        else:
            second = 0 if guess.suffix < 4 else 1 if guess.suffix < 8 else 2 if guess.suffix < 16 else 3
        return CONTEXTS * 256 + RULE_CELLS * rule + ((level(guess.run) * 4 + second) * 8 + (guess.misses & 7)) * 3

    def bet(self):
        """The byte that is bet on and the probability that it is right, in 1/65536; None without a bet."""
        text = self._recall.text
        guesses = [(text[guess.at], guess.run > 7 or guess.suffix > 11, guess.run) for guess in self._recall.guesses if guess.at]
        sure = [guess for guess in guesses if guess[1]]
        if not sure:
            return None
        byte, _, run = max(sure, key=lambda guess: guess[2])  # the first of equal ones
        agree = sum(guess[0] == byte for guess in sure)
        against = min(3, sum(1 + is_sure for other, is_sure, _ in guesses if other != byte))
        kind = 0 if 48 <= byte <= 57 else 1 if 65 <= byte & 0xDF <= 90 and byte < 128 else 2 if byte == 34 else 3
        cell = ((place_class(self._syntax) * 4 + kind) * 8 + agree - 1) * 4 + against
        p = self._tables.bets[cell * 8 + sum(run >= least for least in BET_LEVELS)]
        return (byte, p) if p else None

    def open(self, lost=None):
        """Makes ready for the bits of a byte; `lost` is one that it was bet to be."""
        s, guesses = self._syntax, self._recall.guesses
        self._partial, self._bit = 1, 0
        self._context = self._contexts()
        # of each rule with a guess: number, byte behind a one, cell, whether sure
        self._votes = [
            (rule, 0x100 | self._recall.text[guess.at], self._rule_cell(rule), guess.run > 7 or guess.suffix > 11)
            for rule, guess in enumerate(guesses)
            if guess.at and self._recall.text[guess.at] != lost
        ]
        self._half = [self._buckets.find(hash2(h, 0x100), True) for h in self._context]
        self._known = [states[0] != 0 for states in self._half]
        self._class = place_class(s)
        longest = max((guesses[rule].suffix for rule in (LONG, MID, SHORT) if guesses[rule].at), default=0)
        have = (guesses[KEY].at != 0) + 2 * (guesses[COLUMN].at != 0) + 4 * (guesses[TOKEN].at != 0)
        self._rows = (
            self._class * 16,
            level(longest) * 16 + have * 2,
            0,
            0,
            sum(self._known[1:7]) * 8 + self._known[8] * 2 + self._known[10] * 4 + (lost is not None),
            (hash2(s.key, s.parent) >> 24) * 2,
        )

    def _node(self):
        """The node of the half byte's tree, from 0."""
        bits = self._bit % 4
        return (1 << bits | self._partial & (1 << bits) - 1) - 1

    def probability(self):
        """Of a one, in 1/65536."""
        tables, bit, node = self._tables, self._bit, self._node()
        third = 0 if bit == 0 else 1 if bit < 4 else 2
        x = [tables.inputs[256 * i + states[node]] for i, states in enumerate(self._half)]
        x += [0] * RULES + [256]
        sure, unsure = [0, 0], [0, 0]
        for rule, guess, cell, is_sure in self._votes:
            if guess >> (8 - bit) != self._partial:
                continue
            one = guess >> (7 - bit) & 1
            x[CONTEXTS + rule] = tables.inputs[cell + third] if one else -tables.inputs[cell + third]
            (sure if is_sure else unsure)[one] += 1
        alive = any(sure) or any(unsure)
        vote = 0
        for voters in sure + unsure:
            vote = vote * 3 + min(voters, 2)
        row = self._rows
        rows = (row[0] + bit * 2 + alive, row[1] + alive, vote * 3 + third, self._partial, row[4], row[5] + (bit > 3))
        gates = tables.gates[(self._class * 2 + alive) * 3 + third]
        total = 0
        for gate, first, number in zip(gates, FIRST_ROWS, rows):
            total += gate * clip(sum(map(mul, x, tables.weights[first + number])) >> 11, 8191)
        return tables.squash[clip(total >> 11, 3071) + 3072]

    def update(self, bit):
        """Takes the bit; returns the byte that it completes, or None."""
        node, following = self._node(), self._tables.next
        for states in self._half:
            states[node] = following[states[node]][bit]
        self._partial = self._partial << 1 | bit
        self._bit += 1
        if self._bit == 4:
            self._half = [self._buckets.find(hash2(h, 0x100 + self._partial), known) for h, known in zip(self._context, self._known)]
        elif self._bit == 8:
            self.take(self._partial & 0xFF)
            return self._partial & 0xFF
        return None

    def take(self, byte):
        """Takes a byte, by its bits or by a bet."""
        self._syntax.step(byte)
        self._recall.step(self._syntax, byte)
