"""The bases of a message: the first bits of its code."""

from .coder import Malformed
from .history import Base, Ref

HALF = 32768
NEAR = 16  # bits of also and own


def _number(coder, first):
    bits = 0
    while bits < 16 and coder.bit(39322 if bits else first):
        bits += 1
    value = 1
    for _ in range(bits):
        value = value << 1 | coder.bit(HALF)
    return value - 1


def _near(coder):
    """Numbers of the bits that are set."""
    found = []
    more = coder.bit(4096)
    at = 0
    while more:
        at += _number(coder, HALF)
        if at >= NEAR:
            raise Malformed("a message that is not near")
        found.append(at)
        at += 1
        more = coder.bit(16384)
    return found


def read_bases(coder, is_response, number):
    """Of the message with that number."""
    before = not is_response or coder.bit(1024)
    distance = _number(coder, 6554)
    parent = number - distance - 1 if before else number + distance
    if parent < 0:
        raise Malformed("a parent before the first message")
    request = is_response and (parent == number or not coder.bit(2048))
    return Base(Ref(is_response, parent), Ref(True, number) if request else None, _near(coder), _near(coder))
