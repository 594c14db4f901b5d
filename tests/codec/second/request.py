"""What the request of a response names: a room, and the event that it makes (protocol.md, 14.12)."""

import re

from .canonical import NoJson, readable_members, string_member
from .client_events import ClientEvent
from .event_id import CREATE

BEHIND_VERSION = re.compile(rb"/_matrix/client/[^/]*(/.*)\Z", re.S)
SEGMENTS = 5  # of a path behind rooms/ that are looked at
ESCAPE = re.compile(rb"%(?:([0-9A-Fa-f]{2})|)")
NEVER = re.compile(rb'[\x00-\x1f"\\]')


class Request:
    def __init__(self, method, target, body):
        self.method, self.body = method, body
        behind = BEHIND_VERSION.match(target.partition(b"?")[0])
        self._path = behind[1] if behind else b""
        self._segments = self._behind_rooms()

    def _behind_rooms(self):
        if not self._path.startswith(b"/rooms/"):
            return []
        segments = [_resolved(s) for s in self._path.split(b"/")[2 : 2 + SEGMENTS]]
        return [] if None in segments else segments

    def creates(self):
        return self.method == b"POST" and self._path == b"/createRoom"

    def room(self):
        """None where the path names none."""
        return b"!" if self.creates() else self._segments[0] if self._segments else None

    def makes(self, sender, ts):
        """The event that it makes if these are its sender and its time; None if it makes none."""
        event = self._made(sender, ts)
        return event if event and event.room and event.type and event.content[:1] == b"{" else None

    def _made(self, sender, ts):
        if self.creates():
            return ClientEvent(0, 0, 0, 0, b"", b"!", CREATE, sender, b"", None, self._creation(), ts)
        if self.method != b"PUT":
            return None
        match self._segments:
            case [room, b"send", kind, _]:
                return ClientEvent(0, 0, 0, 0, b"", room, kind, sender, None, None, self.body, ts)
            case [room, b"state", kind, *key] if len(key) < 2:
                return ClientEvent(0, 0, 0, 0, b"", room, kind, sender, key[0] if key else b"", None, self.body, ts)
        return None

    def _creation(self):
        version = string_member(self.body, b"room_version") or b"12"
        more = [v[1:-1] for n, v in readable_members(self.body) if n == b"creation_content" and v[:1] == b"{" and len(v) > 2]
        return b"{" + b",".join([b'"room_version":"' + version + b'"', *more]) + b"}"


def _resolved(escaped):
    """With percent escapes resolved; None where it names nothing."""

    def one(m):
        if not m[1]:
            raise NoJson
        return bytes((int(m[1], 16),))

    try:
        plain = ESCAPE.sub(one, escaped)
    except NoJson:
        return None
    return None if NEVER.search(plain) else plain
