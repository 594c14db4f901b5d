"""What stands in the place of an event's ID that both ends can compute (protocol.md, 14.12)."""

import re
from collections import namedtuple

from .canonical import NUMBER

PLACES = b"0123456789ABCDEFGHIJKLMN"
MARK = re.compile(rb"\x01(?:\.([0-9A-N])|([pmcjta]{0,8})([0-9A-N]{0,8})(?:=" + NUMBER + rb")?(?:(@[^ ]*) " + NUMBER + rb")?)\Z")

# Either `known`, a place, or the others; `roles` are letters; `depth` 0, `sender` and `ts` None where they are not said.
Mark = namedtuple("Mark", "known roles places depth sender ts")


class BadMark(ValueError):
    pass


def is_mark(id_):
    return id_[:1] == b"\1"


def read(id_):
    found = MARK.match(id_)
    if not found:
        raise BadMark(id_)
    known, roles, places, depth, sender, ts = found.groups()
    if depth == b"0":
        raise BadMark(id_)
    if known is not None:
        return Mark(PLACES.index(known), b"", (), 0, None, None)
    return Mark(None, roles, tuple(PLACES.index(place) for place in places), int(depth or 0), sender, ts and int(ts))
