"""The bases of a message, and the check of its text: the first bits of its code."""

from .coder import Malformed
from .history import Base, Ref

HALF = 32768
NEAR = 16  # bits of also and own


def _number(coder, first, more):
    bits = 0
    while bits < 16 and coder.bit(more if bits else first):
        bits += 1
    value = 1
    for _ in range(bits):
        value = value << 1 | coder.bit(HALF)
    return value - 1


def _near(coder, some):
    """Numbers of the bits that are set."""
    found = []
    more = coder.bit(some)
    at = 0
    while more:
        at += _number(coder, 39322, 7864)
        if at >= NEAR:
            raise Malformed("a message that is not near")
        found.append(at)
        at += 1
        more = coder.bit(17694)
    return found


def _parts(coder):
    if not coder.bit(655):
        return 0
    parts = sum(coder.bit(HALF) << 3 - i for i in range(4))
    if not parts:
        raise Malformed("a view of nothing")
    return parts


def read_bases(coder, is_response, number):
    """Of the message with that number."""
    before = not is_response or coder.bit(256)
    distance = _number(coder, 16384, 24576)
    parent = number - distance - 1 if before else number + distance
    if parent < 0:
        raise Malformed("a parent before the first message")
    request = is_response and (parent == number or not coder.bit(512))
    also = _near(coder, 11796 if is_response else 2048)
    own = _near(coder, 512 if not is_response else 3277 if parent == number and not also else 24576)
    return Base(Ref(is_response, parent), Ref(True, number) if request else None, also, own, _parts(coder))


def read_check(coder):
    return sum(coder.bit(HALF) << 7 - i for i in range(8))


def check_of(text):
    """FNV-1a of 32 bits, its bytes folded into one."""
    h = 0x811C9DC5
    for byte in text:
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return (h ^ h >> 8 ^ h >> 16 ^ h >> 24) & 0xFF
