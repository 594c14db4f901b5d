"""Events of federation in a body: their content hashes, which a text leaves out, and their IDs, which history keeps (protocol.md, 14.1 and 14.11)."""

import base64
import hashlib

from .canonical import NoJson, canonical, members, string_end

HASHES = b'"hashes":{"sha256":"'
DEEPEST, IDS = 64, 32
NOT_HASHED = {b"hashes", b"signatures", b"unsigned"}
KEPT = {
    b"auth_events", b"content", b"depth", b"event_id", b"hashes", b"membership", b"origin", b"origin_server_ts", b"prev_events",
    b"prev_state", b"room_id", b"sender", b"state_key", b"type",
}  # fmt: skip
LASTING = {b'"m.room.' + t + b'"' for t in (b"member", b"create", b"join_rules", b"power_levels", b"redaction", b"history_visibility", b"aliases")}


def events(body):
    """(start, end, where the hash begins, where it ends) of each, in the order of their ends."""
    found, open_, at = [], [], 0
    while at < len(body):
        c = body[at]
        if c == 0x22:
            if open_ and body[at - 1] in b"{," and body.startswith(HASHES, at) and not open_[-1][1]:
                open_[-1][1] = at + len(HASHES)
            at = string_end(body, at)
            continue
        at += 1
        if c == 0x7B:
            if len(open_) == DEEPEST:
                break
            open_.append([at - 1, 0, False])
        elif c == 0x7D:
            if not open_:
                break
            start, hash_, holds = open_.pop()
            if open_ and (hash_ or holds):
                open_[-1][2] = True
            if hash_ and not holds:
                found.append((start, at, hash_, string_end(body, hash_ - 1) - 1))
    return found


def content_hash(event):
    text = canonical(event, lambda n, v: None if n in NOT_HASHED else v)
    return base64.b64encode(hashlib.sha256(text).digest()).rstrip(b"=")


def event_id(event):
    kind = next((v for n, v in members(event) if n == b"type"), None)
    if kind is None or kind in LASTING:
        return None
    text = canonical(event, lambda n, v: (b"{}" if n == b"content" else v) if n in KEPT else None)
    return b"$" + base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=")


def restored(body):
    out, done = b"", 0
    for start, end, hash_, hash_end in events(body):
        if body[hash_:hash_end] == b"\1":
            out += body[done:hash_] + content_hash(body[start:end])
            done = hash_end
    return out + body[done:]


def ids(body):
    """What history keeps after the text."""
    found = []
    for start, end, _, _ in events(body):
        if len(found) == IDS:
            break
        try:
            name = event_id(body[start:end])
        except NoJson:
            continue
        if name:
            found.append(b'"' + name + b'":{}')
    return b'\n{"pdus":{' + b",".join(found) + b"}}" if found else b""
