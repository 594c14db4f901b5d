"""Hashes of events (Matrix specification, server-server API): the content hash, and the reference hash, which is the ID from room version 3 on."""

import base64
import hashlib
import json


def unpadded(digest, alphabet=b"+/"):
    return base64.b64encode(digest, alphabet).rstrip(b"=")


def hash_of(event, leave_out):
    rest = {k: v for k, v in event.items() if k not in leave_out}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).digest()


LASTING = {"create": ["creator"], "member": ["membership", "join_authorised_via_users_server"], "join_rules": ["join_rule", "allow"],
           "power_levels": ["ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"],
           "redaction": [], "history_visibility": ["history_visibility"], "aliases": []}
FROM_11 = {"power_levels": ["invite"], "redaction": ["redacts"]}
KEPT = ("auth_events", "content", "depth", "event_id", "hashes", "membership", "origin", "origin_server_ts", "prev_events", "prev_state",
        "room_id", "sender", "state_key", "type")


def reference(event, content=None):
    rest = {k: v for k, v in event.items() if k in KEPT}
    rest["content"] = content or {}
    return unpadded(hash_of(rest, ()), b"-_")


def redacted(event, version):
    name = event["type"].removeprefix("m.room.") if event["type"].startswith("m.room.") else ""
    if name == "create" and version >= 11:
        return event["content"]
    keep = LASTING.get(name, []) + (FROM_11.get(name, []) if version >= 11 else [])
    return {k: v for k, v in event["content"].items() if k in keep}
