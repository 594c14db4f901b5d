"""Homeservers' own ways: header fields, key order, wording of errors, tokens. Synapse of today is in ../recorded; here are older ones,
ones behind proxies, Dendrite, and the Conduit family (Conduit, conduwuit, tuwunel)."""

import base64
import json
import time

from access_token import mended

CORS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization, Date"),
]

R0 = ["r0.0.1", "r0.1.0", "r0.2.0", "r0.3.0", "r0.4.0", "r0.5.0", "r0.6.0", "r0.6.1"]

SYNAPSE_FEATURES = [
    "org.matrix.label_based_filtering",
    "org.matrix.e2e_cross_signing",
    "org.matrix.msc2432",
    "uk.half-shot.msc2666.query_mutual_rooms",
    "io.element.e2ee_forced.public",
    "io.element.e2ee_forced.private",
    "io.element.e2ee_forced.trusted_private",
    "org.matrix.msc3026.busy_presence",
    "org.matrix.msc2285.stable",
    "org.matrix.msc3827.stable",
    "org.matrix.msc3440.stable",
    "org.matrix.msc3771",
    "org.matrix.msc3773",
    "fi.mau.msc2815",
    "fi.mau.msc2659.stable",
    "org.matrix.msc3882",
    "org.matrix.msc3881",
    "org.matrix.msc3874",
    "org.matrix.msc3886",
    "org.matrix.msc3912",
    "org.matrix.msc3981",
    "org.matrix.msc3391",
    "org.matrix.msc4069",
    "org.matrix.msc4028",
    "org.matrix.msc4108",
    "org.matrix.msc4151",
    "org.matrix.simplified_msc3575",
]
SYNAPSE_ON = {
    "org.matrix.label_based_filtering",
    "org.matrix.e2e_cross_signing",
    "org.matrix.msc2432",
    "uk.half-shot.msc2666.query_mutual_rooms",
    "org.matrix.msc2285.stable",
    "org.matrix.msc3827.stable",
    "org.matrix.msc3440.stable",
    "org.matrix.msc3771",
    "fi.mau.msc2659.stable",
    "org.matrix.msc3981",
    "org.matrix.simplified_msc3575",
}
CONDUIT_FEATURES = [
    "org.matrix.e2e_cross_signing",
    "org.matrix.msc2285.stable",
    "org.matrix.msc2836",
    "org.matrix.msc2946",
    "org.matrix.msc3026.busy_presence",
    "org.matrix.msc3575",
    "org.matrix.msc3827",
    "org.matrix.msc3916.stable",
    "org.matrix.msc3952_intentional_mentions",
    "org.matrix.msc4180",
    "org.matrix.simplified_msc3575",
    "uk.half-shot.msc2666.query_mutual_rooms",
    "uk.tcpip.msc4133",
    "us.cloke.msc4175",
]

# what: (status, errcode, wording by family)
ERRORS = {
    "token": (
        401,
        "M_UNKNOWN_TOKEN",
        {"synapse": "Invalid access token passed.", "dendrite": "Unknown token", "conduit": "Unknown access token."},
    ),
    "no_token": (
        401,
        "M_MISSING_TOKEN",
        {"synapse": "Missing access token", "dendrite": "missing access token", "conduit": "Missing access token."},
    ),
    "password": (
        403,
        "M_FORBIDDEN",
        {
            "synapse": "Invalid username or password",
            "dendrite": "The username or password was incorrect or the account does not exist.",
            "conduit": "Wrong username or password.",
        },
    ),
    "not_in_room": (
        403,
        "M_FORBIDDEN",
        {
            "synapse": "User {user} not in room {room}",
            "dendrite": "You aren't a member of the room and weren't previously a member of the room.",
            "conduit": "You don't have permission to view this room.",
        },
    ),
    "no_event": (
        404,
        "M_NOT_FOUND",
        {
            "synapse": "Event not found.",
            "dendrite": "The event was not found or you do not have permission to read this event",
            "conduit": "Event not found.",
        },
    ),
    "no_backup": (
        404,
        "M_NOT_FOUND",
        {"synapse": "No current backup version", "dendrite": "No backup found", "conduit": "Key backup does not exist."},
    ),
    "no_profile": (
        404,
        "M_NOT_FOUND",
        {
            "synapse": "Profile was not found",
            "dendrite": "The user does not exist or does not have a profile",
            "conduit": "Profile was not found.",
        },
    ),
    "no_account_data": (
        404,
        "M_NOT_FOUND",
        {"synapse": "Account data not found", "dendrite": "data not found", "conduit": "Data not found."},
    ),
    "no_alias": (
        404,
        "M_NOT_FOUND",
        {
            "synapse": "Room alias {alias} not found",
            "dendrite": "Room alias {alias} not found.",
            "conduit": "Room with alias not found.",
        },
    ),
    "unrecognized": (
        404,
        "M_UNRECOGNIZED",
        {"synapse": "Unrecognized request", "dendrite": "Unrecognized request", "conduit": "Not Found"},
    ),
    "media": (404, "M_NOT_FOUND", {"synapse": "Not found", "dendrite": "File not found", "conduit": "Media not found."}),
    "state": (
        404,
        "M_NOT_FOUND",
        {"synapse": "Event not found.", "dendrite": "cannot find state", "conduit": "State event not found."},
    ),
    "limit": (
        429,
        "M_LIMIT_EXCEEDED",
        {
            "synapse": "Too Many Requests",
            "dendrite": "You are sending too many requests too quickly!",
            "conduit": "Too many requests.",
        },
    ),
    "power": (
        403,
        "M_FORBIDDEN",
        {
            "synapse": "You don't have permission to post that to the room. user_level (0) < send_level (50)",
            "dendrite": 'eventauth: sender with power level 0 is not allowed to send "m.room.name" because a power level of 50 is required',
            "conduit": "Event is not authorized.",
        },
    ),
    "in_use": (
        400,
        "M_USER_IN_USE",
        {
            "synapse": "User ID already taken.",
            "dendrite": "Desired user ID is already taken.",
            "conduit": "Desired user ID is already taken.",
        },
    ),
}


class Homeserver:
    def __init__(self, r, family, name):
        self.r, self.family, self.name = r, family, name
        self.front = (
            r.weighted([(4, None), (2, "nginx"), (1, "Caddy"), (1, "cloudflare")]) if name != "matrix.org" else "cloudflare"
        )
        self.version = {
            "synapse": r.pick(["1.73.0", "1.85.2", "1.98.0", "1.110.0", "1.121.1", "1.127.1", "1.136.0"]),
            "dendrite": r.pick(["0.13.7", "0.13.8", "0.14.1"]),
            "conduit": r.pick(["0.9.0", "0.4.6", "0.5.0-rc.5", "1.4.3"]),
        }[family]
        self.conduit = r.pick(["Conduit", "conduwuit", "Tuwunel"])
        self.at = [r.randrange(50, 3000000)] + [r.randrange(0, 90000) for _ in range(13)]
        self.modern = family == "synapse" and r.chance(0.5)  # key order of event serialising in Rust (2024 and later)
        self.host = r.pick([name, f"matrix.{name}", f"matrix-client.{name}"]) if ":" not in name else name

    # --- bytes ---------------------------------------------------------------------------------------------------------

    def dumps(self, data):
        if self.family == "synapse":  # ASCII with \u escapes
            return json.dumps(data, separators=(",", ":")).encode()
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        if self.family == "dendrite":  # Go's encoding/json escapes for HTML
            text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
        return text.encode()

    def head(self, ms, size, kind="application/json", extra=()):
        """Response header fields for a body of `size` bytes."""
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(ms // 1000))
        if self.family == "synapse":
            head = [
                ("Server", self.front if self.front in ("nginx", "cloudflare") else f"Synapse/{self.version}"),
                ("Date", date),
                ("Content-Type", kind),
            ]
            head += [("Transfer-Encoding", "chunked")] if kind == "application/json" else [("Content-Length", str(size))]
            head += [("Connection", "keep-alive")] if self.front else []
            head += [("Cache-Control", "no-cache, no-store, must-revalidate")] + CORS
            head += [("Access-Control-Expose-Headers", "Synapse-Trace-Id, Server")] if self.modern else []
        elif self.family == "dendrite":
            head = [
                ("Access-Control-Allow-Headers", "Origin, X-Requested-With, Content-Type, Accept, Authorization"),
                ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
                ("Access-Control-Allow-Origin", "*"),
                ("Content-Type", kind),
                ("Date", date),
            ]
            head += [("Content-Length", str(size))] if size < 2048 else [("Transfer-Encoding", "chunked")]
        else:
            head = [
                ("content-type", kind),
                ("access-control-allow-origin", "*"),
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("vary", "origin, access-control-request-method, access-control-request-headers"),
            ]
            if self.conduit == "conduwuit":
                head += [
                    ("permissions-policy", "interest-cohort=(),browsing-topics=()"),
                    ("origin-agent-cluster", "?1"),
                    (
                        "content-security-policy",
                        "sandbox; default-src 'none'; font-src 'none'; script-src 'none'; plugin-types application/pdf; "
                        "style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none';",
                    ),
                ]
            head += [("content-length", str(size)), ("date", date)]
        if self.front == "nginx" and self.r.chance(0.5):
            head.append(("Strict-Transport-Security", "max-age=31536000; includeSubDomains"))
        if self.front == "Caddy":
            head = [("Alt-Svc", 'h3=":443"; ma=2592000')] + head + [("Via", "1.1 Caddy")]
        if self.front == "cloudflare":
            head += [
                ("CF-Cache-Status", "DYNAMIC"),
                ("CF-RAY", f"{self.r.hexa(16)}-{self.r.pick(['FRA', 'LHR', 'AMS', 'CDG', 'EWR'])}"),
                ("alt-svc", 'h3=":443"; ma=86400'),
            ]
        return [list(h) for h in head + list(extra)]

    # --- words ---------------------------------------------------------------------------------------------------------

    def token(self, user):
        r = self.r
        if self.family == "dendrite":
            return r.b64(32, url=True)
        if self.family == "conduit":
            return r.alnum(32)
        if r.chance(0.2):
            return mended(f"mat_{r.alnum(30)}_{r.alnum(6)}")
        return self.of_synapse("syt", user)

    def of_synapse(self, kind, user):
        """A token of that kind."""
        local = base64.b64encode(user.local.encode()).decode().rstrip("=")
        return mended(f"{kind}_{local}_{self.r.letters(20)}_{self.r.alnum(6)}")

    def error(self, what, **words):
        """Status and body."""
        status, code, text = ERRORS[what]
        text = text[self.family].format(**words)
        if self.family == "conduit" and self.conduit != "Conduit":
            text = f"{code}: {text}"
        body = {"errcode": code, "error": text}
        if what == "token" and self.family != "dendrite":
            body["soft_logout"] = False
        if what == "limit":
            body["retry_after_ms"] = self.r.randrange(100, 9000)
        return status, body

    def versions(self):
        r = self.r
        if self.family == "dendrite":
            features = {
                k: True
                for k in [
                    "org.matrix.e2e_cross_signing",
                    "org.matrix.msc2285.stable",
                    "org.matrix.msc2836",
                    "org.matrix.msc2946",
                    "org.matrix.msc3916.stable",
                ]
                if r.chance(0.8)
            }
            return {
                "versions": ["r0.0.1", "r0.1.0", "r0.2.0", "r0.3.0", "r0.4.0", "r0.5.0", "r0.6.1", "v1.0", "v1.1", "v1.2"],
                "unstable_features": features,
            }
        newest = r.randrange(6, 16)
        if self.family == "conduit":
            versions = (
                R0[5:] + ["v1.1", "v1.2", "v1.3", "v1.4", "v1.5"]
                if r.chance(0.3)
                else R0 + ["v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.11"]
            )
            return {"versions": versions, "unstable_features": {k: True for k in CONDUIT_FEATURES if r.chance(0.85)}}
        features = {k: k in SYNAPSE_ON or r.chance(0.1) for k in SYNAPSE_FEATURES if r.chance(0.92)}
        return {"versions": R0 + [f"v1.{i}" for i in range(1, newest)], "unstable_features": features}

    def capabilities(self):
        r = self.r
        stable = {str(i): "stable" for i in range(1, r.randrange(11, 14))}
        if self.family == "dendrite":
            return {
                "capabilities": {
                    "m.change_password": {"enabled": True},
                    "m.room_versions": {"available": dict(sorted(stable.items())), "default": "10"},
                }
            }
        if self.family == "conduit":
            return {
                "capabilities": {
                    "m.change_password": {"enabled": True},
                    "m.room_versions": {
                        "default": r.pick(["10", "11"]),
                        "available": {**{k: r.pick(["unstable", "stable"]) if k in "12345" else "stable" for k in sorted(stable)}},
                    },
                    "m.set_displayname": {"enabled": True},
                    "m.set_avatar_url": {"enabled": True},
                    "m.3pid_changes": {"enabled": False},
                    "m.get_login_token": {"enabled": False},
                }
            }
        return {
            "capabilities": {
                "m.room_versions": {
                    "default": r.pick(["9", "10", "11"]),
                    "available": {**stable, "org.matrix.msc3757.10": "unstable"},
                },
                "m.change_password": {"enabled": r.chance(0.8)},
                "m.set_displayname": {"enabled": True},
                "m.set_avatar_url": {"enabled": True},
                "m.3pid_changes": {"enabled": True},
                "m.get_login_token": {"enabled": r.chance(0.5)},
            }
        }

    def flows(self):
        r = self.r
        if self.family == "dendrite":
            return {"flows": [{"type": "m.login.password"}]}
        if self.family == "conduit":
            return {"flows": [{"type": "m.login.password"}, {"type": "m.login.application_service"}]}
        sso = {
            "type": "m.login.sso",
            "identity_providers": [
                {"id": f"oidc-{n}", "name": n.capitalize(), "brand": n}
                for n in r.pick([["github", "google", "gitlab"], ["google"], ["keycloak"], ["authentik"]])
            ],
        }
        return {
            "flows": r.pick(
                [
                    [{"type": "m.login.password"}],
                    [{"type": "m.login.password"}, {"type": "m.login.application_service"}],
                    [
                        {"type": "m.login.password"},
                        sso,
                        {"type": "m.login.token", "get_login_token": True},
                        {"type": "m.login.application_service"},
                    ],
                    [sso, {"type": "m.login.token"}],
                ]
            )
        }

    def media_id(self):
        r = self.r
        return {"synapse": lambda: r.letters(24), "dendrite": lambda: r.b64(32, url=True), "conduit": lambda: r.alnum(32)}[
            self.family
        ]()

    # --- sync ----------------------------------------------------------------------------------------------------------

    def advance(self, what="event"):
        """A token after something happened, and the one before."""
        before = self.sync_token()
        self.at[{"event": 0, "typing": 2, "receipt": 3, "account": 4, "to_device": 6, "device": 7}[what]] += self.r.weighted(
            [(6, 1), (3, 2), (1, 5)]
        )
        if self.family == "synapse" and self.r.chance(0.3):
            self.at[1] += 1
        return before, self.sync_token()

    def sync_token(self):
        if self.family == "dendrite":
            return "s" + "_".join(str(n) for n in self.at[:9])
        if self.family == "conduit":
            return str(sum(self.at[:8]))
        return "s" + "_".join(str(n) for n in self.at[: 14 if self.modern else 11])

    def prev_batch(self):
        if self.family == "dendrite":
            return f"t{self.r.randrange(3, 9000)}_{self.at[0]}"
        if self.family == "conduit":
            return str(self.at[0])
        return (
            f"t{self.r.randrange(3, 900)}-{self.at[0]}" + "".join(f"_{n}" for n in self.at[1:11])
            if self.r.chance(0.4)
            else self.sync_token()
        )

    def event(self, e, now, me=None, txn=None, room=None):
        """An event in client format, in this server's key order. With `room` as outside /sync."""
        unsigned = {}
        if self.family != "conduit" or e.state_key is None or self.r.chance(0.5):
            unsigned = {**e.unsigned, "age": now - e.ts if now > e.ts else self.r.randrange(9, 400)}
        if txn and me is not None and e.sender == me.id:
            unsigned["transaction_id"] = txn
        if self.modern and room is None:
            unsigned["membership"] = "join"
        fields = {
            "type": e.type,
            "sender": e.sender,
            "content": e.content,
            "state_key": e.state_key,
            "origin_server_ts": e.ts,
            "unsigned": unsigned,
            "event_id": e.id,
            "redacts": e.redacts,
            "room_id": room.id if room is not None else None,
        }
        fields = {k: v for k, v in fields.items() if v is not None}
        if self.family == "synapse" and not self.modern:
            order = ["type", "room_id", "sender", "content", "state_key", "redacts", "origin_server_ts", "unsigned", "event_id"]
            out = {k: fields[k] for k in order if k in fields}
            if room is not None:
                out["user_id"], out["age"] = e.sender, unsigned["age"]
            return out
        if self.family != "synapse":
            fields["content"] = canonical(fields["content"])
        return {k: fields[k] for k in sorted(fields)}

    def sync(
        self, token, joined=(), to_device=(), account=(), presence=(), devices=(), invited=(), left=(), otk=None, initial=False
    ):
        """The body of /sync; `joined`: (room, section) pairs as room_section makes them."""
        out = {"next_batch": token}
        otk = {"signed_curve25519": otk if otk is not None else 50}
        rooms = {"join": {room.id: section for room, section in joined}, "invite": dict(invited), "leave": dict(left)}
        if self.family == "dendrite":
            parts = [
                ("account_data", {"events": list(account)}, account),
                ("presence", {"events": list(presence)}, presence),
                ("rooms", {k: v for k, v in rooms.items() if v}, any(rooms.values())),
                ("to_device", {"events": list(to_device)}, to_device),
                ("device_lists", {"changed": list(devices)}, devices),
                ("device_one_time_keys_count", otk, True),
            ]
            out.update({k: v for k, v, there in parts if there})
            if self.r.chance(0.5):
                out["device_unused_fallback_key_types"] = []
            return out
        if self.family == "conduit":
            parts = [
                ("rooms", {k: rooms[k] for k in ("leave", "join", "invite") if rooms[k]}, any(rooms.values())),
                ("presence", {"events": list(presence)}, presence),
                ("account_data", {"events": list(account)}, account),
                ("to_device", {"events": list(to_device)}, to_device),
                ("device_lists", {"changed": list(devices)}, devices),
                ("device_one_time_keys_count", otk, True),
            ]
            out.update({k: v for k, v, there in parts if there})
            return out
        if account:
            out["account_data"] = {"events": list(account)}
        if presence:
            out["presence"] = {"events": list(presence)}
        if to_device:
            out["to_device"] = {"events": list(to_device)}
        if devices:
            out["device_lists"] = {"changed": list(devices), "left": []}
        out["device_one_time_keys_count"] = otk
        unused = [] if self.r.chance(0.1) else ["signed_curve25519"]
        if not self.modern:
            out["org.matrix.msc2732.device_unused_fallback_key_types"] = unused
        out["device_unused_fallback_key_types"] = unused
        if any(rooms.values()):
            out["rooms"] = {k: v for k, v in rooms.items() if v}
        return out

    def room_section(self, timeline, limited=False, state=(), ephemeral=(), account=(), unread=0, highlight=0, summary=None):
        counts = {"notification_count": unread, "highlight_count": highlight}
        line = {"events": list(timeline), "prev_batch": self.prev_batch(), "limited": limited}
        if self.family == "synapse":
            return {
                "timeline": line,
                "state": {"events": list(state)},
                "account_data": {"events": list(account)},
                "ephemeral": {"events": list(ephemeral)},
                "unread_notifications": counts,
                "summary": summary or {},
            }
        if self.family == "dendrite":
            parts = [
                ("summary", summary),
                ("state", {"events": list(state)} if state else None),
                (
                    "timeline",
                    {"events": line["events"], "limited": limited, "prev_batch": line["prev_batch"]} if timeline else None,
                ),
                ("ephemeral", {"events": list(ephemeral)} if ephemeral else None),
                ("account_data", {"events": list(account)} if account else None),
                ("unread_notifications", {"highlight_count": highlight, "notification_count": unread}),
            ]
            return {k: v for k, v in parts if v is not None}
        parts = [
            ("summary", summary),
            ("unread_notifications", counts if timeline else None),
            (
                "timeline",
                (
                    {**({"limited": True} if limited else {}), "prev_batch": line["prev_batch"], "events": line["events"]}
                    if timeline
                    else None
                ),
            ),
            ("state", {"events": list(state)} if state else None),
            ("account_data", {"events": list(account)} if account else None),
            ("ephemeral", {"events": list(ephemeral)} if ephemeral else None),
        ]
        return {k: v for k, v in parts if v is not None}


def canonical(value):
    """Keys sorted at every depth, as in Canonical JSON."""
    if isinstance(value, dict):
        return {k: canonical(value[k]) for k in sorted(value)}
    if isinstance(value, list):
        return [canonical(v) for v in value]
    return value
