"""JSON without white space: its members, and its canonical form (protocol.md, 14.1 and 14.12)."""

import re

MEMBERS, LEVELS = 64, 12
SIMPLE = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"\\": b"\\", b"/": b"/"}
STAY = {v: b"\\" + k for k, v in SIMPLE.items() if k != b"/"}
ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|(.)|$)", re.S)
NUMBER = rb"(0|[1-9][0-9]{0,14})"
IS_NUMBER = re.compile(NUMBER + rb"\Z")


def strings(s, start, stop):
    """(at, end) between the quotes of each string that begins and ends there."""
    at = s.find(b'"', start, stop)
    while at >= 0:
        end = string_end(s, at)
        if end > stop:
            return
        yield at + 1, end - 1
        at = s.find(b'"', end, stop)


class NoJson(Exception):
    pass


def string_end(s, at):
    """Behind the string that begins at `at`; behind the end of `s` if it does not end."""
    at += 1
    while at < len(s) and s[at] != 0x22:
        at += 2 if s[at] == 0x5C else 1
    return at + 1


def value_end(s, at):
    depth = 0
    while at < len(s):
        c = s[at]
        if c == 0x22:
            at = string_end(s, at)
            continue
        if depth == 0 and c in b",}]":
            return at
        depth += (c in b"{[") - (c in b"}]")
        at += 1
    raise NoJson


def readable_members(s):
    """(name, value) of each member of an object as it is written, as far as it is one without white space; (None, None) behind the last one."""
    at = 0
    while at + 1 < len(s) and s[at] == (0x2C if at else 0x7B) and s[at + 1] == 0x22:
        colon = string_end(s, at + 1)
        if s[colon : colon + 1] != b":":
            return
        try:
            end = value_end(s, colon + 1)
        except NoJson:
            return
        yield s[at + 2 : colon - 1], s[colon + 1 : end]
        at = end
    if s == b"{}" or (at and s[at:] == b"}"):
        yield None, None


def members(s):
    found = list(readable_members(s))
    if not found or found.pop() != (None, None):
        raise NoJson
    return found


def is_string(value):
    return len(value) > 1 and value[:1] == b'"'


def string_member(s, name):
    """The last member of that name that is a string, without its quotes; empty without."""
    return ([b""] + [v[1:-1] for n, v in readable_members(s) if n == name and is_string(v)])[-1]


def elements(s):
    found, at = [], 0
    if s == b"[]":
        return found
    while at + 1 < len(s):
        if s[at] != (0x2C if at else 0x5B):
            raise NoJson
        end = value_end(s, at + 1)
        found.append(s[at + 1 : end])
        at = end
    if s[at:] != b"]":
        raise NoJson
    return found


def _character(escape):
    """What is written for an escape: the character, if it does not have to stay escaped."""
    first, second, simple = escape.groups()
    if simple in SIMPLE:
        c = SIMPLE[simple]
    elif not first:
        raise NoJson
    else:
        code = int(first, 16)
        if 0xD800 <= code < 0xDC00 and second:
            return chr(0x10000 + (code - 0xD800 << 10) + int(second, 16) - 0xDC00).encode()
        if second or code == 0 or 0xD800 <= code < 0xE000:
            raise NoJson  # half a pair, or a zero
        c = chr(code).encode()
    return STAY.get(c) or (c if c >= b" " else b"\\u%04x" % ord(c))


def string(s):
    """The canonical form of what stands between the quotes."""
    return ESCAPE.sub(_character, s)


def canonical(value, keep=None, depth=0):
    """`keep(name, value)`: what a member of the outermost object is taken as, None for nothing."""
    if depth == LEVELS or not value:
        raise NoJson
    if value[:1] == b"{":
        kept = [(n, keep(n, v)) if keep else (n, v) for n, v in members(value)]
        kept = sorted(((n, v) for n, v in kept if v is not None), key=lambda m: m[0])
        if len(kept) > MEMBERS:
            raise NoJson
        return b"{" + b",".join(b'"' + string(n) + b'":' + canonical(v, None, depth + 1) for n, v in kept) + b"}"
    if value[:1] == b"[":
        return b"[" + b",".join(canonical(v, None, depth + 1) for v in elements(value)) + b"]"
    if value[:1] == b'"':
        return b'"' + string(value[1:-1]) + b'"'
    return value
