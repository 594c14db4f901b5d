"""A long body in pieces (protocol.md, 9)."""

from collections import namedtuple

from .coder import About, ArithmeticDecoder
from .exchange import whole
from .history import NOTHING
from .reference import check_of, read_check
from .text import read, restored

QUARTER, BEFORE = 16384, 3
ABOUT = About(True, 0, -1)
Seen = namedtuple("Seen", "ref about text")


def _varint(stream, at):
    value = shift = 0
    while True:
        value |= (stream[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not stream[at - 1] & 0x80:
            return value, at


def read_pieces(decoder, stream):
    """(whether it is raw, the piece) for each one."""
    at, view, first = 0, [], True
    while at < len(stream):
        prefix, at = _varint(stream, at)
        code, at = stream[at : at + (prefix >> 1)], at + (prefix >> 1)
        assert code and at <= len(stream)
        if prefix & 1:
            yield True, code
            continue
        coder = ArithmeticDecoder(code)
        check = read_check(coder)
        text = whole(decoder.decode_on(coder, view, ABOUT), NOTHING, view, QUARTER)
        assert check_of(text.plain) == check
        start, fields, body, known = read(text.plain, True)
        assert start == (200,) and not fields and known and (first or body[:1] == b"{")
        yield False, restored(body)[not first :]
        first = False
        view = [*view, Seen(None, ABOUT, text.kept)][-BEFORE:]
