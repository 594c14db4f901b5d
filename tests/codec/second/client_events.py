"""Events in a body as clients are told of them, and in which room each is (protocol.md, 14.12)."""

from collections import namedtuple

from .canonical import IS_NUMBER, NoJson, is_string, members, readable_members, string_end

DEEPEST, EVENTS = 64, 1024

# Strings as they are written, without quotes; None where there is none. In the body: `start`, `stop` of the event, `at`, `end` of its ID between the quotes,
# `content_at` of its content, `replaced` where unsigned.replaces_state has its string (None without).
ClientEvent = namedtuple("ClientEvent", "start stop at end id room type sender state_key redacts content ts content_at replaced", defaults=(0, None))


STRINGS = (b"event_id", b"room_id", b"type", b"sender", b"state_key", b"redacts")


def _read(body, start, end, room):
    """The event that this object is; None if it is none."""
    named = {b"room_id": room}
    try:
        for name, value in members(body[start:end]):
            named[name] = value
    except NoJson:
        return None
    if any(name in STRINGS and value is not room and not is_string(value) for name, value in named.items()):
        return None
    if not IS_NUMBER.match(named.get(b"origin_server_ts", b"")):
        return None
    named = {n: v[1:-1] if n in STRINGS and v is not room else v for n, v in named.items()}
    id_, room, kind, sender, state_key, redacts = (named.get(name) for name in STRINGS)
    content, ts = named.get(b"content", b""), named.get(b"origin_server_ts")
    if not (id_ and room and kind and sender and content[:1] == b"{" and ts):
        return None
    at = _place_of(body, start, b"event_id") + 1
    unsigned = _place_of(body, start, b"unsigned")
    replaced = None
    if unsigned is not None and body[unsigned : unsigned + 1] == b"{":
        for value_at, value in _placed(body, unsigned, named[b"unsigned"]):
            if is_string(value):
                replaced = value_at + 1
    content_at = _place_of(body, start, b"content")
    return ClientEvent(start, end, at, at + len(id_), id_, room, kind, sender, state_key, redacts, content, int(ts), content_at, replaced)


def replaced(body, event):
    """What unsigned.replaces_state says, as it stands there."""
    return body[event.replaced : string_end(body, event.replaced - 1) - 1] if event.replaced is not None else None


def _placed(body, at, unsigned):
    """(where, value) of each replaces_state that can be read."""
    at += 1
    for name, value in readable_members(unsigned):
        if name is None:
            return
        at += len(name) + 3
        if name == b"replaces_state":
            yield at, value
        at += len(value) + 1


def _place_of(body, start, name):
    """Where the last member of that name of the object at `start` has its value; None without."""
    at, place, depth = start + 1, None, 0
    key = b'"' + name + b'":'
    while depth >= 0:
        c = body[at]
        if c == 0x22:
            end = string_end(body, at)
            if depth == 0 and body[at - 1] in b"{," and body.startswith(key, at):
                place = at + len(key)
            at = end
            continue
        depth += (c in b"{[") - (c in b"}]")
        at += 1
    return place


def found(body, room=None):
    """The events of a body in their order; `room` is that of its request's path."""
    events, open_, name, at = [], [], None, 0
    while at < len(body):
        c = body[at]
        if c == 0x22:
            end = string_end(body, at)
            if body[end : end + 1] == b":":
                name = body[at + 1 : end - 1]
            at = end
            continue
        if c in b"{[":
            if len(open_) == DEEPEST:
                break
            around = name if name is not None and name[:1] == b"!" else open_[-1][1] if open_ else room
            open_.append((at, around))
            name = None
        elif c in b"}]":
            if not open_:
                break
            start, around = open_.pop()
            event = c == 0x7D and _read(body, start, at + 1, around)
            if event:
                while events and events[-1].at > start:
                    events.pop()
                events.append(event)
            name = None
        elif c == 0x2C:
            name = None
        at += 1
    return events[:EVENTS]
