"""Where an event stands in its room's graph, and what follows from that: content hash, ID, and a version 12 room's own ID.

Homeservers' event IDs are hashes from room version 3 on, and the coding computes what both ends can: made-up ones would teach that
they are noise.
"""

import hashlib
import itertools
from types import SimpleNamespace

from event_hash import hash_of, redacted, reference, unpadded

PAIRS = ("1", "2")  # room versions whose events have IDs of their own and name others with their hashes


def chance(room, *words):
    """A number that depends on the room and the words alone, so that what is drawn elsewhere stays the same."""
    return int.from_bytes(hashlib.sha256(repr((room.server, room.ts, *words)).encode()).digest()[:4], "big")


def authorizing(room, event):
    """Types and keys of the state that lets the event pass (server-server API, "Auth events selection")."""
    wanted = [("m.room.power_levels", ""), ("m.room.member", event.sender)]
    if room.version != "12":
        wanted.append(("m.room.create", ""))
    if event.type == "m.room.member":
        if event.content.get("membership") in ("join", "invite", "knock"):
            wanted.append(("m.room.join_rules", ""))
        if event.state_key != event.sender:
            wanted.append(("m.room.member", event.state_key))
    orders = list(itertools.permutations(wanted))
    return orders[chance(room, "order") % len(orders)]  # homeservers keep no order; each mostly the same


def untold(room):
    """An event that nobody tells of."""
    digest = hashlib.sha256(repr((room.server, room.ts, "untold")).encode())
    reference = unpadded(digest.digest()).decode()
    return SimpleNamespace(
        reference=reference,
        id=f"${room.ts // 1000}{digest.hexdigest()[:8]}:{room.server}"
        if room.version in PAIRS
        else "$" + (reference if room.version == "3" else reference.replace("+", "-").replace("/", "_")),
    )


def named(room, event):
    return [event.id, {"sha256": event.reference}] if room.version in PAIRS else event.id


def place(room, event):
    """Gives the event its `pdu`, without signatures, and the ID that follows; `room.current` is the state before it, `room.before` what it
    follows, None at the beginning."""
    pdu = {
        "auth_events": [named(room, room.current[t]) for t in authorizing(room, event) if t in room.current],
        "content": event.content,
        "depth": event.depth,
        "origin_server_ts": event.ts,
        "prev_events": [named(room, room.before)] if room.before else [],
        "room_id": room.id,
        "sender": event.sender,
        "type": event.type,
    }
    if event.state_key is not None:
        pdu["state_key"] = event.state_key
    if event.redacts:
        pdu["redacts"] = event.redacts
    if room.origins and room.version not in ("11", "12") and chance(room, "origin") % 100 < 15:
        pdu["origin"] = event.user.server
    if room.version in PAIRS:
        pdu.update(event_id=event.id, prev_state=[])
    if room.version == "12" and event.type == "m.room.create":
        del pdu["room_id"]
    pdu["hashes"] = {"sha256": unpadded(hash_of(pdu, ("unsigned",))).decode()}
    id_ = reference(pdu, redacted(pdu, int(room.version))).decode()
    event.reference = id_.replace("-", "+").replace("_", "/")
    if room.version == "3":
        event.id = "$" + event.reference
    elif room.version not in PAIRS:
        event.id = "$" + id_
    if room.version == "12" and event.type == "m.room.create":
        room.id = "!" + id_
    event.pdu = pdu
    room.before = event
    if event.state_key is not None:
        room.current[event.type, event.state_key] = event
