"""Where in a text a byte stands."""

from .bits import M32, hash2

METHOD, PATH, QUERY_NAME, QUERY_VALUE, NAME, FIELD, BODY = range(7)
KEY_ROOT, KEY_STATUS, KEY_METHOD, KEY_NAME, KEY_PATH, KEY_QUERY = range(1, 7)
DEPTH = 24  # containers whose keys are remembered
SIGILS = frozenset(b"!$@#")
DIGITS = frozenset(b"0123456789")
TOKEN_BYTES = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.+") | frozenset(range(0x80, 0x100))
HEX = {c: int(chr(c), 16) for c in b"0123456789abcdefABCDEF"}
WHOLE_ENTRIES = (18, 19, 22, 25)  # entries from 16 on that are whole lines


def name_hash(name):
    h = 0
    for c in name:
        h = hash2(h, c + 1)
    return h


PREV_BATCH = name_hash(b"prev_batch")
ALIAS = {name_hash(b"since"): name_hash(b"next_batch"), name_hash(b"from"): PREV_BATCH, name_hash(b"to"): PREV_BATCH}


def is_letter(cp):
    return 0x61 <= cp <= 0x7A or 0x41 <= cp <= 0x5A or 0xAA <= cp < 0x2000 or cp >= 0x2C00


class Syntax:
    """The state after some bytes of a text."""

    def __init__(self, is_response, kind, account):
        self.phase = METHOD
        self.kind, self.account = kind, account
        self.key = KEY_STATUS if is_response else KEY_METHOD
        self.also = self.parent = self.last_key = 0
        self.value = self.value_n = self.last_value = 0
        self.value_start = True
        self.path = self.segment = 0
        self.in_string = self.is_key = self.escaped = self.expect_key = False
        self.depth, self.stack, self.objects = 0, [0] * DEPTH, [False] * DEPTH
        self.token = self.token_n = self.sigil = 0
        self.percent = self.percent_value = 0
        self.word = self.last_word = 0
        self.cp = [0] * 8  # newest first
        self.part = self.part_cp = self.part_left = 0
        self.part_hex = self.part_escape = False

    def step(self, c):
        self.value_start = False
        self._character_byte(c)
        self._token_byte(c)
        if self.phase == BODY:
            self._body_byte(c)
        else:
            self._head_byte(c)

    # characters and words

    def _character(self, cp):
        self.cp = [cp] + self.cp[:7]
        self.part = 0
        self.part_hex = self.part_escape = False
        if is_letter(cp):
            self.word = hash2(self.word + 1 & M32, cp + 32 if 0x41 <= cp <= 0x5A else cp)
        elif self.word:
            self.last_word, self.word = self.word, 0

    def _character_byte(self, c):
        if self.part_escape:
            self.part_escape = False
            if c == 0x75:  # u
                self.part_hex, self.part_left, self.part_cp = True, 4, 0
                self.part = hash2(self.part, c)
            else:
                self._character(0x100 | c)
            return
        if self.part_hex:
            v = HEX.get(c)
            self.part_cp = self.part_cp << 4 | (v or 0)
            self.part = hash2(self.part, c)
            self.part_left -= 1
            if v is None:
                self._character(c)
            elif self.part_left == 0:
                self._character(self.part_cp)
            return
        if self.part:
            if c & 0xC0 == 0x80:
                self.part_cp = self.part_cp << 6 | c & 0x3F
                self.part = hash2(self.part, c)
                self.part_left -= 1
                if self.part_left == 0:
                    self._character(self.part_cp)
                return
            self._character(0xFFFD)
        if c == 0x5C and self.phase == BODY:  # backslash
            self.part, self.part_escape = hash2(1, c) | 1, True
        elif 0xC2 <= c < 0xF5:
            self.part_left = 1 if c < 0xE0 else 2 if c < 0xF0 else 3
            self.part_cp = c & (0x3F >> self.part_left)
            self.part = hash2(2, c) | 1
        else:
            self._character(c)

    # tokens

    def _token_end(self):
        if self.token_n:
            self.token = self.token_n = 0
        self.sigil = 0

    def _token_char(self, c):
        if c in SIGILS:
            self._token_end()
            self.sigil = c
            self.token = hash2(0x51, c)
        elif c in TOKEN_BYTES or (c == 0x3A and self.sigil):
            self.token = hash2(self.token, c)
            self.token_n += 1
        else:
            self._token_end()

    def _token_byte(self, c):
        if not self.percent:
            if c == 0x25:
                self.percent = 1
            else:
                self._token_char(c)
            return
        v = HEX.get(c)
        if v is None:
            self.percent = 0
            self._token_end()
            self._token_char(c)
            return
        self.percent_value = (self.percent_value << 4 | v) & 0xFF
        self.percent += 1
        if self.percent == 3:
            self.percent = 0
            self._token_char(self.percent_value)

    # values

    def _value_reset(self):
        self.value = self.value_n = 0
        self.value_start = True

    def _value_end(self):
        if self.value_n:
            self.last_value = self.value
        self._value_reset()

    def _value_byte(self, c):
        self.value = hash2(self.value, c + 1)
        self.value_n += 1

    # the body

    def _find_parent(self):
        self.parent = self.stack[min(self.depth, DEPTH) - 1] if self.depth else 0

    def _push(self, is_object):
        if self.depth < DEPTH:
            self.stack[self.depth] = self.key
            self.objects[self.depth] = is_object
        if self.depth < 1000:
            self.depth += 1
        self._find_parent()
        self.expect_key = is_object
        if is_object:
            self.key = hash2(KEY_ROOT, self.parent)
        self._value_reset()

    def _pop(self):
        self._value_end()
        if self.depth > 0:
            self.depth -= 1
            if self.depth < DEPTH:
                self.key = self.stack[self.depth]
        self._find_parent()
        self.expect_key = False

    def _string_byte(self, c):
        if self.escaped:
            self.escaped = False
            self._value_byte(c)
        elif c == 0x22:
            self.in_string = False
            if self.is_key:
                self.last_key, self.key = self.key, self.value
                self.expect_key = False
                self._value_reset()
            else:
                self._value_end()
            self.is_key = False
        else:
            self.escaped = c == 0x5C
            if self.is_key and (self.segment in SIGILS or self.segment == 0x3A):
                self.value_n += 1
                return
            if self.is_key and (self.value_n == 0 or c == 0x3A):
                self.segment = c
            self._value_byte(c)

    def _body_byte(self, c):
        if self.in_string:
            self._string_byte(c)
        elif c == 0x22:
            self.in_string, self.is_key = True, self.expect_key
            self.segment = 0
            self._value_reset()
        elif c in b"{[":
            self._push(c == 0x7B)
        elif c in b"}]":
            self._pop()
        elif c == 0x2C:
            self._value_end()
            self.expect_key = 0 < self.depth <= DEPTH and self.objects[self.depth - 1]
        elif c == 0x3A:
            self._value_reset()
        else:
            self._value_byte(c)

    # the head

    def _segment_end(self):
        self.path = hash2(self.path, self.segment or 7)
        self.segment = 1
        self._value_end()
        self.key = hash2(KEY_PATH, self.path)

    def _method_byte(self, c):
        if c == 0x20 and self.segment == 0x23:  # after the slot
            self.segment = 0
            self._value_reset()
        elif c < 33 and c != 0x0A:
            self.path = hash2(self.value, c)
            self.segment = 1
            self.phase = PATH
            self._value_end()
            self.key = hash2(KEY_PATH, self.path)
        elif c == 0x0A:
            self.parent = self.value
            self.phase = NAME
            self.key = hash2(KEY_NAME, self.value)
            self._value_end()
        else:
            if self.segment == 0x23 and c in DIGITS and self.account < 1000:
                self.account = max(self.account, 0) * 10 + c - 0x30
            if self.value_n == 0 and c == 0x23:
                self.segment = 0x23
            self._value_byte(c)

    def _path_byte(self, c):
        if c == 0x2F:
            self._segment_end()
        elif c in b"?\n":
            self._segment_end()
            self.kind = self.parent = self.path
            self.phase = QUERY_NAME if c == 0x3F else NAME
            self.key = hash2(KEY_QUERY if c == 0x3F else KEY_NAME, 0)
        else:
            if c in SIGILS or c in b"%:" or self.value_n > 24 or (c in DIGITS and self.value_n > 1):
                self.segment = 0
            elif self.segment:
                self.segment = hash2(self.segment, c)
            self._value_byte(c)

    def _query_byte(self, c):
        if c == 0x3D and self.phase == QUERY_NAME:
            self.last_key = self.key
            self.key = ALIAS.get(self.value, self.value)
            self.also = PREV_BATCH if self.value in ALIAS else 0
            self.phase = QUERY_VALUE
            self._value_reset()
        elif c in b"&\n":
            self._value_end()
            self.also = 0
            self.last_key = self.key
            self.key = hash2(KEY_QUERY if c == 0x26 else KEY_NAME, self.key)
            self.phase = QUERY_NAME if c == 0x26 else NAME
        else:
            self._value_byte(c)

    def _name_byte(self, c):
        if c == 0x0A:
            self.phase = BODY
            self.parent = hash2(self.kind, 0)
            self.key = hash2(KEY_ROOT, self.kind)
            self._value_reset()
        elif c == 0x20:
            self.key = hash2(KEY_NAME, self.value)
            self.phase = FIELD
            self._value_reset()
        elif c < 32:
            self.key = hash2(KEY_NAME, c)
            if c >= 16 and c not in WHOLE_ENTRIES:
                self.phase = FIELD
            self._value_reset()
        else:
            self._value_byte(c)

    def _field_byte(self, c):
        if c == 0x0A:
            self._value_end()
            self.last_key = self.key
            self.key = hash2(KEY_NAME, self.key)
            self.phase = NAME
        else:
            self._value_byte(c)

    def _head_byte(self, c):
        if self.phase == METHOD:
            self._method_byte(c)
        elif self.phase == PATH:
            self._path_byte(c)
        elif self.phase in (QUERY_NAME, QUERY_VALUE):
            self._query_byte(c)
        elif self.phase == NAME:
            self._name_byte(c)
        else:
            self._field_byte(c)


def kind_of_request(text):
    """Kind and account, from a request's text."""
    s = Syntax(False, 0, -1)
    for c in text:
        if s.phase > PATH:
            break
        s.step(c)
    return s.kind, s.account
