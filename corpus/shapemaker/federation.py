"""Server-Server API: joins, transactions, backfill and the rest, between homeservers of several families, in all room versions.

Events: room version 1 and 2 name others by [id, {"sha256": …}] pairs and carry event_id; from 3 the ID is the hash. Version 12 room IDs
are the create event's hash and the create event is in no auth_events.
"""

import json
import urllib.parse

from . import content as make
from .graph import named
from .homeserver import Homeserver, canonical
from .tape import Tape
from .world import Room, User, server_name


class Server:
    def __init__(self, r, family, name):
        self.family, self.name = family, name
        self.hs = Homeserver(r, family, name)
        self.hs.front = self.hs.front if family == "synapse" else None
        self.key = {
            "synapse": f"ed25519:a_{r.letters(4)}",
            "dendrite": f"ed25519:{r.alnum(6)}",
            "conduit": f"ed25519:{r.alnum(8)}",
        }[family]
        if family == "synapse" and r.chance(0.15):
            self.key = "ed25519:auto"
        self.public = r.b64(32)
        self.agent = {
            "synapse": f"Synapse/{self.hs.version}",
            "dendrite": f"Dendrite/{self.hs.version}",
            "conduit": f"{self.hs.conduit}/{self.hs.version}",
        }[family]


class Federation:
    def __init__(self, r, texts, start_ms, version):
        self.r, self.texts = r, texts
        families = ["synapse", "synapse", "dendrite", "conduit"]
        self.servers = []
        while len(self.servers) < 3:
            name = server_name(r)
            if name not in [s.name for s in self.servers]:
                self.servers.append(Server(r, "synapse" if name == "matrix.org" else r.pick(families), name))
        self.a, self.b = self.servers[:2]
        self.tape = Tape(r, f"federation/{self.a.family}-{self.b.family}", "ss", "hs", start_ms)
        members = [User(r, s.name) for s in (self.a, self.a, self.servers[2])]
        self.room = Room(r, texts, members, start_ms - r.randrange(10**6, 10**10), version, origins=True)
        self.own = User(r, self.b.name)
        self.txn = start_ms - r.randrange(10**5, 10**9)
        self.signatures = {}

    # --- events --------------------------------------------------------------------------------------------------------

    def pdu(self, e, transaction=False):
        """Federation format, canonical."""
        if e.id not in self.signatures:
            server = next(s for s in self.servers if s.name == e.user.server)
            self.signatures[e.id] = {server.name: {server.key: self.r.b64(64)}}
        out = dict(e.pdu, signatures=self.signatures[e.id])
        if transaction and self.r.chance(0.7):
            out["unsigned"] = {"age": self.r.randrange(2, 900)} if self.r.chance(0.5) else {"age_ts": e.ts}
        return canonical(out)

    # --- one exchange --------------------------------------------------------------------------------------------------

    def ask(self, frm, to, method, path, body=None, answer=None, status=200, query=None, auth=True, raw=None):
        """raw: an answer's bytes as they are"""
        r = self.r
        sent = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() if body is not None else b""
        target = path + ("?" + query if query else "")
        sig = r.b64(64)
        x = {
            "synapse": f'X-Matrix origin="{frm.name}",key="{frm.key}",sig="{sig}",destination="{to.name}"',
            "dendrite": f'X-Matrix origin="{frm.name}",key="{frm.key}",sig="{sig}",destination="{to.name}"',
            "conduit": f'X-Matrix destination="{to.name}",key="{frm.key}",origin="{frm.name}",sig="{sig}"',
        }[frm.family]
        auth = [("Authorization", x)] if auth else []
        if frm.family == "synapse":
            head = (
                [("Content-Length", str(len(sent)))] * bool(sent)
                + [("User-Agent", frm.agent)]
                + [("Content-Type", "application/json")] * bool(sent)
                + auth
                + [("Host", to.name)]
            )
        elif frm.family == "dendrite":
            head = (
                [("Host", to.name), ("User-Agent", frm.agent)]
                + [("Content-Length", str(len(sent)))] * bool(sent)
                + auth
                + [("Content-Type", "application/json")] * bool(sent)
                + [("Accept-Encoding", "gzip")]
            )
        else:
            head = (
                [("content-type", "application/json")] * bool(sent)
                + [(f.lower(), v) for f, v in auth]
                + [("user-agent", frm.agent), ("accept", "*/*"), ("accept-encoding", "gzip"), ("host", to.name)]
                + [("content-length", str(len(sent)))] * bool(sent)
            )
        if raw is None:
            data = answer if answer is not None else {}
            raw = to.hs.dumps(data)
        self.tape.put(method, target, [list(h) for h in head], sent, status, to.hs.head(self.tape.ms, len(raw)), raw)

    def quote(self, frm, part):
        return urllib.parse.quote(part, safe="" if frm.family == "synapse" else "!$:@")

    def path(self, frm, version, *parts):
        return f"/_matrix/federation/{version}/" + "/".join(self.quote(frm, p) for p in parts)

    # --- steps ---------------------------------------------------------------------------------------------------------

    def greet(self):
        r, a, b = self.r, self.a, self.b
        if r.chance(0.6):
            self.ask(
                b,
                a,
                "GET",
                "/.well-known/matrix/server",
                answer={"m.server": f"{a.hs.host.split(':')[0]}:{r.pick([443, 8448])}"},
                auth=False,
            )
        self.ask(b, a, "GET", "/_matrix/key/v2/server", answer=self.keys(a), auth=b.family == "synapse" and r.chance(0.5))
        if r.chance(0.3):
            body = {"server_keys": {a.name: {a.key: {"minimum_valid_until_ts": self.tape.ms}}}}
            third = self.servers[2]
            notary = self.keys(a)
            notary["signatures"][third.name] = {third.key: r.b64(64)}
            self.ask(b, third, "POST", "/_matrix/key/v2/query", body, {"server_keys": [notary]}, auth=False)
        if r.chance(0.5):
            name = {"synapse": "Synapse", "dendrite": "Dendrite", "conduit": a.hs.conduit}[a.family]
            self.ask(
                b,
                a,
                "GET",
                "/_matrix/federation/v1/version",
                answer={"server": {"name": name, "version": a.hs.version}},
                auth=False,
            )

    def keys(self, s):
        r = self.r
        old = {f"ed25519:{r.alnum(6)}": {"key": r.b64(32), "expired_ts": self.tape.ms - 10**10}} if r.chance(0.2) else {}
        out = {
            "old_verify_keys": old,
            "server_name": s.name,
            "signatures": {s.name: {s.key: r.b64(64)}},
            "valid_until_ts": self.tape.ms + 86400000,
            "verify_keys": {s.key: {"key": s.public}},
        }
        return (
            out
            if s.family == "synapse"
            else {k: out[k] for k in ("server_name", "verify_keys", "valid_until_ts", "old_verify_keys", "signatures")}
        )

    def join(self):
        """By invite or by name, with make_join and send_join."""
        r, a, b, room, me = self.r, self.a, self.b, self.room, self.own
        if r.chance(0.4):
            invite = room.add(
                "m.room.member",
                room.creator,
                {**room.membership(me, "invite"), **({"is_direct": True} if r.chance(0.4) else {})},
                me.id,
            )
            pdu = self.pdu(invite)
            stripped = [
                {"content": e.content, "sender": e.sender, "state_key": e.state_key, "type": e.type}
                for e in room.state
                if e.type in ("m.room.create", "m.room.name", "m.room.join_rules")
            ]
            signed = dict(pdu)
            signed["signatures"] = {**pdu["signatures"], b.name: {b.key: r.b64(64)}}
            self.ask(
                a,
                b,
                "PUT",
                self.path(a, "v2", "invite", room.id, invite.id),
                {
                    "event": {**pdu, "unsigned": {"invite_room_state": stripped}},
                    "invite_room_state": stripped,
                    "room_version": room.version,
                },
                {"event": signed},
            )
        elif room.alias:
            self.ask(
                b,
                a,
                "GET",
                "/_matrix/federation/v1/query/directory",
                query=f"room_alias={urllib.parse.quote(room.alias, safe='')}",
                answer={"room_id": room.id, "servers": sorted({m.server for m in room.members})},
            )
        versions = [str(i) for i in range(1, 13 if b.family == "synapse" else 11)]
        draft = {
            "auth_events": [named(room, e) for e in room.state[:3]],
            "content": {"membership": "join"},
            "depth": room.depth + 1,
            "origin_server_ts": self.tape.ms,
            "prev_events": [named(room, room.events[-1])],
            "room_id": room.id,
            "sender": me.id,
            "state_key": me.id,
            "type": "m.room.member",
        }
        if r.chance(0.08):
            self.ask(
                b,
                a,
                "GET",
                self.path(b, "v1", "make_join", room.id, me.id),
                query="ver=1&ver=2",
                status=400,
                answer={
                    "errcode": "M_INCOMPATIBLE_ROOM_VERSION",
                    "error": "Your homeserver does not support the features required to interact with this room",
                    "room_version": room.version,
                },
            )
        self.ask(
            b,
            a,
            "GET",
            self.path(b, "v1", "make_join", room.id, me.id),
            query="&".join(f"ver={v}" for v in versions),
            answer={"event": draft, "room_version": room.version},
        )
        joined = room.add("m.room.member", me, room.membership(me), me.id)
        state = room.state if len(room.state) < 12 else room.state[:12]
        pdu = self.pdu(joined)
        auth = [self.pdu(e) for e in state[:3]] if r.chance(0.5) else []
        answer = {
            "auth_chain": auth,
            "state": [self.pdu(e) for e in state],
            "origin": a.name,
            "event": pdu,
            "members_omitted": False,
        }
        if a.family == "synapse":
            answer = (
                {
                    "event": pdu,
                    "members_omitted": True,
                    "servers_in_room": sorted({m.server for m in room.members}),
                    "state": answer["state"],
                    "auth_chain": auth,
                }
                if r.chance(0.3)
                else {"event": pdu, "members_omitted": False, "state": answer["state"], "auth_chain": auth}
            )
        self.ask(
            b,
            a,
            "PUT",
            self.path(b, "v2", "send_join", room.id, joined.id),
            pdu,
            answer,
            query="omit_members=true" if b.family == "synapse" and r.chance(0.5) else None,
        )
        room.members.append(me)

    def transaction(self):
        """PUT /send: one PDU or one EDU as a rule."""
        r, room = self.r, self.room
        frm, to = (self.a, self.b) if r.chance(0.5) else (self.b, self.a)
        room.ts = max(room.ts, self.tape.ms)
        members = [m for m in room.members if m.server == frm.name] or [self.own]
        who = r.pick(members)
        pdus, edus = [], []
        if r.chance(0.55):
            for _ in range(r.weighted([(9, 1), (2, 2), (1, 4)])):
                pdus.append(self.utter(who))
        else:
            edus.append(self.edu(who))
        self.txn += r.randrange(1, 4)
        body = {"origin": frm.name, "origin_server_ts": max(self.tape.ms, room.ts), "pdus": [self.pdu(e, True) for e in pdus]}
        if edus or frm.family == "dendrite":
            body["edus"] = edus
        answer = {"pdus": {e.id: {} for e in pdus}}
        if pdus and r.chance(0.05):
            answer["pdus"][pdus[-1].id] = {
                "error": r.pick(
                    [
                        "You don't have permission to send events to this room",
                        f"403: '{who.id} not in room {room.id}'",
                        "Event is soft-failed",
                    ]
                )
            }
        self.ask(
            frm,
            to,
            "PUT",
            self.path(frm, "v1", "send", str(self.txn) if frm.family != "conduit" else r.b64(32, url=True)),
            canonical(body),
            answer,
        )

    def utter(self, who):
        r, room = self.r, self.room
        said = [e for e in room.events if e.type == "m.room.message"]
        pick = r.weighted(
            [(14, "text"), (3, "secret"), (2, "react"), (2, "media"), (1, "edit"), (1, "redact"), (1, "state"), (1, "poll")]
        )
        if pick == "secret":
            return room.add("m.room.encrypted", who, make.encrypted(r, room, r.upper(10), r.b64(32)))
        if pick == "react" and said:
            return room.add("m.reaction", who, make.reaction(r, said[-1]))
        if pick == "media":
            return room.add("m.room.message", who, make.media(r, room, who.server)[0])
        if pick == "edit" and said:
            return room.add("m.room.message", who, make.edit(r, room, said[-1], "web"))
        if pick == "redact" and said:
            new = room.version in ("11", "12")
            return room.add("m.room.redaction", who, {"redacts": said[-1].id} if new else {}, redacts=None if new else said[-1].id)
        if pick == "state":
            return room.add(
                *r.pick(
                    [
                        ("m.room.topic", who, {"topic": room.text()}, ""),
                        ("m.room.member", who, room.membership(who), who.id),
                        ("m.room.pinned_events", who, {"pinned": [room.events[-1].id]}, ""),
                        ("m.room.member", who, {"membership": "leave"}, who.id),
                    ]
                )
            )
        if pick == "poll":
            kind, body, _ = make.poll(r, room)
            return room.add(kind, who, body)
        return room.add("m.room.message", who, make.message(r, room, r.pick(["web", "bare", "fallback"])))

    def edu(self, who):
        r, room = self.r, self.room
        return r.weighted(
            [
                (4, {"edu_type": "m.typing", "content": {"room_id": room.id, "user_id": who.id, "typing": r.chance(0.5)}}),
                (
                    4,
                    {
                        "edu_type": "m.receipt",
                        "content": {
                            room.id: {
                                "m.read": {
                                    who.id: {
                                        "data": {"ts": self.tape.ms, **({"thread_id": "main"} if r.chance(0.3) else {})},
                                        "event_ids": [room.events[-1].id],
                                    }
                                }
                            }
                        },
                    },
                ),
                (
                    3,
                    {
                        "edu_type": "m.presence",
                        "content": {
                            "push": [
                                {
                                    "user_id": who.id,
                                    "presence": r.pick(["online", "unavailable", "offline"]),
                                    "last_active_ago": r.randrange(10**5),
                                    **({"currently_active": True} if r.chance(0.5) else {}),
                                }
                            ]
                        },
                    },
                ),
                (
                    2,
                    {
                        "edu_type": "m.device_list_update",
                        "content": {
                            "user_id": who.id,
                            "device_id": r.upper(10),
                            "stream_id": r.randrange(10**6),
                            "prev_id": [],
                            "deleted": False,
                            "device_display_name": "Element Android",
                            "keys": {
                                "user_id": who.id,
                                "device_id": "D",
                                "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
                                "keys": {"curve25519:D": r.b64(32), "ed25519:D": r.b64(32)},
                                "signatures": {who.id: {"ed25519:D": r.b64(64)}},
                            },
                        },
                    },
                ),
                (
                    2,
                    {
                        "edu_type": "m.direct_to_device",
                        "content": {
                            "sender": who.id,
                            "type": "m.room.encrypted",
                            "message_id": r.alnum(16),
                            "messages": {r.pick(room.members).id: {r.upper(10): make.olm(r, r.b64(32), r.b64(32), True)}},
                        },
                    },
                ),
                (
                    1,
                    {
                        "edu_type": "m.signing_key_update",
                        "content": {
                            "user_id": who.id,
                            "master_key": {"user_id": who.id, "usage": ["master"], "keys": {"ed25519:M": r.b64(32)}},
                        },
                    },
                ),
            ]
        )

    def fetch(self):
        """Questions for events and state."""
        r, room = self.r, self.room
        frm, to = (self.a, self.b) if r.chance(0.5) else (self.b, self.a)
        some = [self.pdu(e) for e in room.events[-r.randrange(1, 4) :]]
        origin = {"origin": to.name, "origin_server_ts": self.tape.ms, "pdus": some}
        pick = r.randrange(10)
        if pick == 0:
            self.ask(
                frm,
                to,
                "GET",
                self.path(frm, "v1", "backfill", room.id),
                query=f"v={urllib.parse.quote(room.events[-1].id, safe='')}&limit={r.pick([100, 20, 50])}",
                answer=origin,
            )
        elif pick == 1:
            self.ask(
                frm,
                to,
                "POST",
                self.path(frm, "v1", "get_missing_events", room.id),
                {
                    "earliest_events": [room.events[-4].id],
                    "latest_events": [room.events[-1].id],
                    "limit": 10,
                    "min_depth": room.events[-4].depth,
                },
                {"events": some},
            )
        elif pick == 2:
            self.ask(
                frm,
                to,
                "GET",
                self.path(frm, "v1", "state_ids", room.id),
                query="event_id=" + urllib.parse.quote(room.events[-1].id, safe=""),
                answer={"pdu_ids": [e.id for e in room.state], "auth_chain_ids": [e.id for e in room.state[:3]]},
            )
        elif pick == 3:
            self.ask(
                frm,
                to,
                "GET",
                self.path(frm, "v1", "event", room.events[-1].id),
                answer={"origin": to.name, "origin_server_ts": self.tape.ms, "pdus": some[-1:]},
            )
        elif pick == 4:
            self.ask(
                frm,
                to,
                "GET",
                self.path(frm, "v1", "event_auth", room.id, room.events[-1].id),
                answer={"auth_chain": [self.pdu(e) for e in room.state[:2]]},
            )
        elif pick == 5:
            who = r.pick(room.members)
            field = r.pick(["displayname", "avatar_url", None])
            self.ask(
                frm,
                to,
                "GET",
                "/_matrix/federation/v1/query/profile",
                query=f"user_id={urllib.parse.quote(who.id, safe='')}" + (f"&field={field}" if field else ""),
                answer={"displayname": who.name} if field != "avatar_url" else {},
            )
        elif pick == 6:
            who = r.pick(room.members)
            device = r.upper(10)
            answer = {
                "user_id": who.id,
                "stream_id": r.randrange(9999),
                "devices": [
                    {
                        "device_id": device,
                        "device_display_name": "Element X iOS",
                        "keys": {
                            "user_id": who.id,
                            "device_id": device,
                            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
                            "keys": {f"curve25519:{device}": r.b64(32), f"ed25519:{device}": r.b64(32)},
                            "signatures": {who.id: {f"ed25519:{device}": r.b64(64)}},
                        },
                    }
                ],
            }
            self.ask(frm, to, "GET", self.path(frm, "v1", "user", "devices", who.id), answer=answer)
        elif pick == 7:
            who = r.pick(room.members)
            self.ask(
                frm,
                to,
                "POST",
                "/_matrix/federation/v1/user/keys/query" if r.chance(0.5) else "/_matrix/federation/v1/user/keys/claim",
                {"device_keys": {who.id: []}} if r.chance(0.5) else {"one_time_keys": {who.id: {r.upper(10): "signed_curve25519"}}},
                {"device_keys": {}} if r.chance(0.5) else {"one_time_keys": {}},
            )
        elif pick == 8:
            self.ask(
                frm,
                to,
                "POST",
                self.path(frm, "v1", "publicRooms"),
                {"include_all_networks": False, "limit": 20, "filter": {"generic_search_term": "boat"}},
                {
                    "chunk": [
                        {
                            "room_id": room.id,
                            "name": room.name or "?",
                            "num_joined_members": 7,
                            "world_readable": False,
                            "guest_can_join": False,
                            "join_rule": "public",
                        }
                    ],
                    "total_room_count_estimate": 1,
                },
            )
        else:
            self.ask(
                frm,
                to,
                "GET",
                self.path(frm, "v1", "hierarchy", room.id),
                query="suggested_only=false",
                answer={
                    "room": {
                        "room_id": room.id,
                        "num_joined_members": 3,
                        "world_readable": False,
                        "guest_can_join": False,
                        "join_rule": "public",
                        "children_state": [],
                    },
                    "children": [],
                    "inaccessible_children": [],
                },
            )

    def refuse(self):
        r = self.r
        status, body = r.pick(
            [
                (
                    401,
                    {
                        "errcode": "M_UNAUTHORIZED",
                        "error": f"Failed to find any key to satisfy: _FetchKeyRequest(server_name='{self.b.name}', minimum_valid_until_ts={self.tape.ms}, key_ids=['{self.b.key}'])",
                    },
                ),
                (403, {"errcode": "M_FORBIDDEN", "error": "Host not in room."}),
                (404, {"errcode": "M_NOT_FOUND", "error": "Could not find event"}),
                (403, {"errcode": "M_FORBIDDEN", "error": "You are not invited to this room."}),
                (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": r.randrange(100, 5000)}),
                (400, {"errcode": "M_BAD_JSON", "error": "The request body is malformed"}),
            ]
        )
        self.ask(self.b, self.a, "GET", self.path(self.b, "v1", "event", self.room.events[-1].id), answer=body, status=status)

    def leave(self):
        room, me = self.room, self.own
        draft = {
            "auth_events": [named(room, e) for e in room.state[:3]],
            "content": {"membership": "leave"},
            "depth": room.depth + 1,
            "origin_server_ts": self.tape.ms,
            "prev_events": [named(room, room.events[-1])],
            "room_id": room.id,
            "sender": me.id,
            "state_key": me.id,
            "type": "m.room.member",
        }
        self.ask(
            self.b,
            self.a,
            "GET",
            self.path(self.b, "v1", "make_leave", room.id, me.id),
            answer={"event": draft, "room_version": room.version},
        )
        gone = room.add("m.room.member", me, {"membership": "leave"}, me.id)
        self.ask(self.b, self.a, "PUT", self.path(self.b, "v2", "send_leave", room.id, gone.id), self.pdu(gone), {})

    def run(self, steps):
        self.greet()
        self.join()
        for _ in range(steps):
            self.tape.pause(30, 30000)
            getattr(self, self.r.weighted([(14, "transaction"), (5, "fetch"), (1, "refuse")]))()
        if self.r.chance(0.3):
            self.leave()
        return self.tape
