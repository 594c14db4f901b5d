"""The ID of an event from what a client sees of it and its place in the graph (protocol.md, 14.12)."""

import base64
import hashlib
from collections import namedtuple

from .canonical import IS_NUMBER, canonical, members, readable_members

CREATE, MEMBER, POWER, JOIN_RULES = b"m.room.create", b"m.room.member", b"m.room.power_levels", b"m.room.join_rules"
LEFT = {
    MEMBER: {b"membership", b"join_authorised_via_users_server"},
    JOIN_RULES: {b"join_rule", b"allow"},
    POWER: {b"ban", b"events", b"events_default", b"kick", b"redact", b"state_default", b"users", b"users_default"},
    b"m.room.history_visibility": {b"history_visibility"},
}
LEFT_9 = {CREATE: {b"creator"}}
LEFT_11 = {POWER: LEFT[POWER] | {b"invite"}, b"m.room.redaction": {b"redacts"}}

# Where it stands: IDs, IDs, a number.
Standing = namedtuple("Standing", "auth prev depth")
FIRST = Standing((), (), 1)


def is_create(event):
    return event.type == CREATE and event.state_key == b""


def rules_of_create(content):
    """9 or 11, by the room version that an m.room.create event's content names."""
    versions = [v[1:-1] for n, v in readable_members(content) if n == b"room_version"]
    return 11 if versions and IS_NUMBER.match(versions[-1]) and int(versions[-1]) >= 11 else 9


def _redacted(event, rules):
    if event.type == CREATE and rules == 11:
        return event.content
    left = (LEFT_11 if rules == 11 else LEFT_9).get(event.type) or LEFT.get(event.type, set())
    return b"{" + b",".join(b'"%s":%s' % m for m in members(event.content) if m[0] in left) + b"}"


def _string(s):
    return canonical(b'"' + s + b'"')


def _list(ids):
    return b"[" + b",".join(b'"' + id_ + b'"' for id_ in ids) + b"]"


def _hash(named):
    """Of the object with these members, whose values are canonical."""
    text = b"{" + b",".join(b'"%s":%s' % m for m in sorted(named.items())) + b"}"
    return hashlib.sha256(text).digest()


def _seen(event, rules):
    """What clients see of it and is hashed, but for the content."""
    seen = {b"origin_server_ts": b"%d" % event.ts, b"sender": _string(event.sender), b"type": _string(event.type)}
    if not is_create(event) or b":" in event.room:
        seen[b"room_id"] = _string(event.room)
    if event.state_key is not None:
        seen[b"state_key"] = _string(event.state_key)
    if event.redacts is not None and rules == 9:
        seen[b"redacts"] = _string(event.redacts)
    return seen


def compute(event, standing, rules):
    """`$` and the hash. NoJson if the event has no canonical form."""
    named = _seen(event, rules)
    named |= {b"auth_events": _list(standing.auth), b"depth": b"%d" % standing.depth, b"prev_events": _list(standing.prev)}
    whole = _hash({**named, b"content": canonical(event.content)})
    named.pop(b"redacts", None)
    named[b"content"] = canonical(_redacted(event, rules))
    named[b"hashes"] = b'{"sha256":"%s"}' % base64.b64encode(whole).rstrip(b"=")
    return b"$" + base64.urlsafe_b64encode(_hash(named)).rstrip(b"=")
