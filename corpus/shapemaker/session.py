"""A client's day with /sync: discovery, login, first sync, then what people do, each step where a real client has it."""

import json
import urllib.parse

from . import content as make
from . import crypto
from .client import Client
from .extras import EXTRAS
from .homeserver import Homeserver
from .tape import Tape
from .world import Room, User, server_name


class Session:
    """One client on one homeserver. `ask` makes one exchange."""

    def __init__(self, r, texts, kind, family, start_ms, encrypted=None):
        self.r, self.texts = r, texts
        server = "matrix.org" if family == "synapse" and r.chance(0.15) else server_name(r)
        if family != "synapse" and server == "matrix.org":
            server = "dendrite.example.org"
        self.hs, self.client = Homeserver(r, family, server), Client(r, kind)
        self.me = User(r, server)
        self.device = r.upper(10) if family != "dendrite" else r.alnum(8)
        self.token = None
        self.tape = Tape(r, f"{kind}/{family}", "cs", "hs", start_ms)
        others = [User(r, server if r.chance(0.6) else server_name(r)) for _ in range(r.randrange(2, 5))]
        self.rooms = []
        for _ in range(r.randrange(1, 4)):
            members = r.sample([self.me, *others], r.randrange(2, len(others) + 2))
            if self.me not in members:
                members.append(self.me)
            secret = encrypted if encrypted is not None else r.chance(0.25)
            self.rooms.append(Room(r, texts, members, start_ms - r.randrange(10**5, 10**10), encrypted=secret))
        self.room = self.rooms[0]
        self.keys = crypto.Keys(r, self.me.id, self.device)
        self.since = None
        self.filter = None
        self.txns = {}

    # --- one exchange --------------------------------------------------------------------------------------------------

    def ask(
        self,
        method,
        path,
        body=None,
        answer=None,
        status=200,
        query=None,
        raw=None,
        kind="application/json",
        wait=0,
        resp_kind="application/json",
        extra=(),
        auth=True,
    ):
        c, hs = self.client, self.hs
        sent = raw if raw is not None else (c.dumps(body) if body is not None else b"")
        target = path + ("?" + query if query else "")
        if c.browser and self.r.chance(0.12):
            self.tape.put(
                "OPTIONS",
                target,
                c.preflight(hs.host, method, bool(self.token)),
                b"",
                204 if hs.family == "synapse" else 200,
                hs.head(self.tape.ms, 0),
                b"" if hs.family == "synapse" else b"{}",
            )
        got = answer if isinstance(answer, bytes) else hs.dumps(answer if answer is not None else {})
        head = c.head(method, hs.host, self.token if auth else None, len(sent), kind)
        self.tape.put(method, target, head, sent, status, hs.head(self.tape.ms, len(got), resp_kind, extra), got, wait)

    def path(self, *parts, api=None, prefix="/_matrix/client/"):
        return prefix + (api or self.client.api) + "/" + "/".join(self.client.esc(p) for p in parts)

    def fail(self, what, method, path, body=None, **words):
        status, answer = self.hs.error(what, **words)
        self.ask(method, path, body, answer, status)

    # --- beginning -----------------------------------------------------------------------------------------------------

    def begin(self):
        r, hs, c = self.r, self.hs, self.client
        if r.chance(0.5):
            known = {"m.homeserver": {"base_url": f"https://{hs.host}"}}
            if r.chance(0.3):
                known["m.identity_server"] = {"base_url": "https://vector.im"}
            if r.chance(0.2):
                known["org.matrix.msc3575.proxy"] = {"url": f"https://{hs.host}"}
            if r.chance(0.15):
                known["org.matrix.msc4143.rtc_foci"] = [
                    {"type": "livekit", "livekit_service_url": f"https://{hs.host}/livekit/jwt"}
                ]
            self.ask("GET", "/.well-known/matrix/client", answer=known)
        self.ask("GET", "/_matrix/client/versions", answer=hs.versions())
        self.ask("GET", self.path("login"), answer=hs.flows())
        if r.chance(0.12):
            self.fail("password", "POST", self.path("login"), c.login(self.me, self.device))
        body = c.login(self.me, self.device)
        self.device = body.get("device_id", self.device)
        self.keys = crypto.Keys(r, self.me.id, self.device)
        token = hs.token(self.me)
        answer = {"user_id": self.me.id, "access_token": token, "home_server": hs.name, "device_id": self.device}
        if hs.family == "dendrite":
            answer = {"user_id": self.me.id, "access_token": token, "device_id": self.device}
        elif hs.family == "conduit":
            answer = {"user_id": self.me.id, "access_token": token, "device_id": self.device, "home_server": hs.name}
        if body.get("refresh_token") and hs.family == "synapse" and r.chance(0.5):
            answer.update({"expires_in_ms": 300000, "refresh_token": hs.of_synapse("syr", self.me)})
        if r.chance(0.3):
            answer["well_known"] = {"m.homeserver": {"base_url": f"https://{hs.host}/"}}
        self.ask("POST", self.path("login"), body, answer)
        self.token = token
        if c.kind in ("python-bot", "bot-sdk", "rust-bot") or r.chance(0.3):
            self.ask(
                "GET",
                self.path("account", "whoami"),
                answer={"user_id": self.me.id, "device_id": self.device, **({"is_guest": False} if r.chance(0.6) else {})},
            )
        if c.kind in ("element-web", "element-desktop", "cinny", "element-android", "element-ios"):
            self.ask("GET", self.path("capabilities"), answer=hs.capabilities())
            if r.chance(0.4):
                self.ask("GET", self.path("pushrules", ""), answer=pushrules(self))
            if r.chance(0.5):
                self.ask(
                    "GET",
                    self.path("voip", "turnServer"),
                    answer=r.pick(
                        [
                            {},
                            {
                                "username": f"{self.tape.ms // 1000 + 86400}:{self.me.id}",
                                "password": r.b64(20, pad=True),
                                "ttl": 86400,
                                "uris": [
                                    f"turn:turn.{hs.name.split(':')[0]}?transport=udp",
                                    f"turn:turn.{hs.name.split(':')[0]}?transport=tcp",
                                ],
                            },
                        ]
                    ),
                )
            if r.chance(0.4):
                self.ask(
                    "GET",
                    self.path("media", "config", api="v1"),
                    answer={"m.upload.size": r.pick([52428800, 104857600, 10485760, 20971520])},
                )
        wanted = c.filter()
        if wanted:
            self.filter = r.pick(["0", "1", "2", r.alnum(4)])
            self.ask("POST", self.path("user", self.me.id, "filter"), wanted, {"filter_id": self.filter})
        if c.kind not in ("python-bot", "bot-sdk"):
            self.keys.upload(self)
        self.first_sync()

    def sync_query(self, timeout):
        c, r = self.client, self.r
        chosen = (
            [("filter", self.filter)]
            if self.filter
            else ([("filter", json.dumps(c.inline_filter(), separators=(",", ":")))] if c.kind in ("python-bot", "bot-sdk") else [])
        )
        since = [("since", self.since)] if self.since else []
        wait = [("timeout", str(timeout))]
        presence = [("set_presence", r.pick(["online", "offline", "unavailable"]))]
        order = {
            "element-web": chosen + wait + since,
            "element-desktop": chosen + wait + since,
            "cinny": chosen + wait + since,
            "element-android": wait + (presence if r.chance(0.3) else []) + since + chosen,
            "element-x": chosen + since + wait,
            "element-ios": chosen + since + wait + (presence if not self.since else []),
            "fluffychat": chosen + since + presence[:0] + wait,
            "nheko": since + presence + wait,
        }.get(c.kind, since + chosen + wait)
        if not self.since and c.browser:
            order = order + [("_cacheBuster", str(self.tape.ms))]
        return urllib.parse.urlencode(
            order,
            quote_via=urllib.parse.quote if c.kind not in ("python-bot",) else urllib.parse.quote_plus,
            safe="" if c.browser else ":",
        )

    def first_sync(self):
        r, hs = self.r, self.hs
        self.tape.pause()
        joined = []
        for room in self.rooms:
            line, state = self.show(room.events[-3:]), self.show(room.state[:-3])
            heroes = {"m.heroes": [m.id for m in room.members if m is not self.me][:3]} if not room.name else {}
            if hs.family != "conduit":
                heroes.update({"m.joined_member_count": len(room.members), "m.invited_member_count": 0})
            receipts = (
                [
                    {
                        "type": "m.receipt",
                        "content": {room.events[-1].id: {"m.read": {m.id: {"ts": room.ts + 5000} for m in room.members[:2]}}},
                    }
                ]
                if r.chance(0.5)
                else []
            )
            tags = (
                [
                    {
                        "type": "m.tag",
                        "content": {"tags": {r.pick(["m.favourite", "m.lowpriority", "u.work"]): {"order": round(r.random(), 2)}}},
                    }
                ]
                if r.chance(0.2)
                else []
            )
            if r.chance(0.4):
                tags.append({"type": "m.fully_read", "content": {"event_id": room.events[-1].id}})
            joined.append((room, hs.room_section(line, True, state, receipts, tags, r.randrange(3), 0, heroes)))
        account = []
        if r.chance(0.12):
            account.append({"type": "m.push_rules", "content": pushrules(self)})
        if r.chance(0.5):
            account.append({"type": "m.direct", "content": {self.rooms[-1].members[0].id: [self.rooms[-1].id]}})
        if r.chance(0.3):
            account.append({"type": "im.vector.analytics", "content": {"pseudonymousAnalyticsOptIn": False}})
        if r.chance(0.3):
            account.append({"type": "m.ignored_user_list", "content": {"ignored_users": {}}})
        query = self.sync_query(0)
        self.since = hs.sync_token()
        presence = (
            [
                {
                    "type": "m.presence",
                    "sender": self.me.id,
                    "content": {"presence": "online", "last_active_ago": r.randrange(500), "currently_active": True},
                }
            ]
            if r.chance(0.4)
            else []
        )
        devices = [m.id for m in self.room.members] if self.room.encrypted else []
        self.ask(
            "GET",
            self.path("sync"),
            query=query,
            answer=hs.sync(self.since, joined, (), account, presence, devices, otk=50, initial=True),
        )

    def show(self, events, room=None):
        return [self.hs.event(e, self.tape.ms, self.me, self.txns.get(e.id), room) for e in events]

    # --- going on ------------------------------------------------------------------------------------------------------

    def sync(
        self,
        room,
        timeline=(),
        ephemeral=(),
        what="event",
        account=(),
        room_account=(),
        to_device=(),
        presence=(),
        state=(),
        devices=(),
        **more,
    ):
        """A long poll that ends with something."""
        hs, r = self.hs, self.r
        query = self.sync_query(30000)
        _, self.since = hs.advance(what)
        counts = r.randrange(4) if timeline else 0
        joined = (
            [(room, hs.room_section(self.show(timeline), False, self.show(state), ephemeral, room_account, counts, 0))]
            if timeline or ephemeral or room_account or state
            else []
        )
        otk = self.keys.count if self.keys else 50
        wait = r.randrange(20, 29000)
        self.tape.ms = max(self.tape.ms, room.ts - wait)
        self.ask(
            "GET",
            self.path("sync"),
            query=query,
            wait=wait,
            answer=hs.sync(self.since, joined, to_device, account, presence, devices, otk=otk, **more),
        )

    def idle(self):
        query = self.sync_query(30000)
        self.ask("GET", self.path("sync"), query=query, wait=30000, answer=self.hs.sync(self.since, otk=self.keys.count))

    def other(self, room):
        others = [m for m in room.members if m is not self.me]
        return self.r.pick(others or room.members)

    def typing(self, room, who):
        return [{"type": "m.typing", "content": {"user_ids": [who.id] if who else []}}]

    def receipt(self, room, who, event):
        entry = {"ts": self.tape.ms, **({"thread_id": "main"} if self.r.chance(0.4) else {})}
        return [
            {"type": "m.receipt", "content": {event.id: {self.r.weighted([(9, "m.read"), (1, "m.read.private")]): {who.id: entry}}}}
        ]

    def hear(self):
        """Another user types, writes, reads."""
        r, room = self.r, self.r.pick(self.rooms)
        room.ts = max(room.ts, self.tape.ms)
        who = self.other(room)
        if r.chance(0.4):
            self.sync(room, ephemeral=self.typing(room, who), what="typing")
        events = [self.utter(room, who) for _ in range(r.weighted([(9, 1), (2, 2), (1, 3)]))]
        quiet = self.typing(room, None) if r.chance(0.2) else (self.receipt(room, who, events[-1]) if r.chance(0.2) else [])
        self.sync(room, events, quiet)
        if r.chance(0.6):
            self.read(room, events[-1])

    def utter(self, room, who):
        r = self.r
        style = r.pick(["web", "web", "bare", "sorted", "fallback"])
        if room.encrypted:
            return room.add("m.room.encrypted", who, make.encrypted(r, room, r.upper(10), r.b64(32) if r.chance(0.4) else None))
        said = [e for e in room.events if e.type == "m.room.message" and e.sender == who.id]
        any_said = [e for e in room.events if e.type == "m.room.message"]
        pick = r.weighted(
            [
                (30, "text"),
                (4, "react"),
                (3, "media"),
                (2, "edit"),
                (1, "sticker"),
                (1, "location"),
                (1, "poll"),
                (1, "redact"),
                (1, "name"),
            ]
        )
        if pick == "react" and any_said:
            return room.add("m.reaction", who, make.reaction(r, r.pick(any_said[-5:])))
        if pick == "media":
            return room.add("m.room.message", who, make.media(r, room, who.server)[0])
        if pick == "edit" and said:
            return room.add("m.room.message", who, make.edit(r, room, said[-1], style))
        if pick == "sticker":
            return room.add("m.sticker", who, make.sticker(r, who.server))
        if pick == "location":
            return room.add("m.room.message", who, make.location(r))
        if pick == "poll":
            kind, body, _ = make.poll(r, room, r.chance(0.3))
            return room.add(kind, who, body)
        if pick == "redact" and said:
            content = {"reason": r.pick(["spam", "wrong room", "typo"])} if r.chance(0.3) else {}
            if room.version in ("11", "12"):
                content["redacts"] = said[-1].id
            return room.add("m.room.redaction", who, content, redacts=said[-1].id if room.version not in ("11", "12") else None)
        if pick == "name" and who is room.creator:
            old, room.name = room.name, room.text().split("\n")[0][:40]
            return room.add(
                "m.room.name", who, {"name": room.name}, "", prev_content={"name": old}, replaces_state=room.state[-1].id
            )
        return room.add("m.room.message", who, make.message(r, room, style))

    def read(self, room, event):
        r, c = self.r, self.client
        if c.kind in ("element-web", "element-desktop", "cinny", "element-x") or r.chance(0.3):
            body = {"thread_id": "main"} if c.kind in ("element-x", "element-web", "element-desktop") and r.chance(0.7) else {}
            self.ask(
                "POST", self.path("rooms", room.id, "receipt", r.weighted([(8, "m.read"), (2, "m.read.private")]), event.id), body
            )
            if r.chance(0.2):
                self.ask("POST", self.path("rooms", room.id, "read_markers"), {"m.fully_read": event.id, "m.read": event.id})
        else:
            self.ask("POST", self.path("rooms", room.id, "read_markers"), {"m.fully_read": event.id, "m.read": event.id})
        if r.chance(0.4):
            self.sync(room, ephemeral=self.receipt(room, self.me, event), what="receipt")

    def send(self):
        """Types and sends; its own message comes back by /sync."""
        r, c, room = self.r, self.client, self.r.pick(self.rooms)
        room.ts = self.tape.ms
        if r.chance(0.5):
            self.ask(
                "PUT",
                self.path("rooms", room.id, "typing", self.me.id),
                (
                    {"typing": True, "timeout": r.pick([30000, 20000, 4000])}
                    if c.kind != "fluffychat"
                    else {"timeout": 30000, "typing": True}
                ),
            )
        said = [e for e in room.events if e.type == "m.room.message"]
        kind, event = "m.room.message", None
        if room.encrypted:
            self.keys.share(self, room)
            kind, body = "m.room.encrypted", make.encrypted(r, room, self.device, self.keys.curve if r.chance(0.6) else None)
        else:
            pick = r.weighted([(30, "text"), (4, "react"), (2, "edit"), (1, "location"), (1, "sticker"), (2, "media"), (1, "poll")])
            mine = [e for e in said if e.sender == self.me.id]
            if pick == "react" and said:
                kind, body = "m.reaction", make.reaction(r, r.pick(said[-5:]))
            elif pick == "edit" and mine:
                body = make.edit(r, room, mine[-1], c.style)
            elif pick == "location":
                body = make.location(r)
            elif pick == "sticker":
                kind, body = "m.sticker", make.sticker(r, self.hs.name)
            elif pick == "media":
                body = self.upload(room)
            elif pick == "poll":
                kind, body, answers = make.poll(r, room, r.chance(0.3))
            else:
                body = make.message(r, room, c.style)
        txn = c.txn(self.tape.ms)
        event = room.add(kind, self.me, body)
        self.txns[event.id] = txn
        event.ts = room.ts = self.tape.ms + r.randrange(4, 40)
        if r.chance(0.03):
            self.fail("limit", "PUT", self.path("rooms", room.id, "send", kind, txn), body)
        self.ask("PUT", self.path("rooms", room.id, "send", kind, txn), body, {"event_id": event.id})
        if r.chance(0.4):
            self.ask(
                "PUT",
                self.path("rooms", room.id, "typing", self.me.id),
                {"typing": False} if c.kind != "nheko" else {"timeout": 0, "typing": False},
            )
        if r.chance(0.75):
            self.sync(room, [event])
        if "poll.start" in kind and r.chance(0.8):
            stable = kind == "m.poll.start"
            votes = [room.add(*_swap(make.vote(event, r.pick(answers), stable), m)) for m in room.members]
            self.sync(room, votes)
            end_kind, end = make.poll_end(event)
            txn = c.txn(self.tape.ms)
            ended = room.add(end_kind, self.me, end)
            self.ask("PUT", self.path("rooms", room.id, "send", end_kind, txn), end, {"event_id": ended.id})

    def upload(self, room):
        r = self.r
        body, mime, _ = make.media(r, room, self.hs.name, False)
        name = urllib.parse.quote(body.get("filename", body["body"]), safe="~-._")
        data = r.data(r.randrange(60, 220))
        self.ask(
            "POST",
            self.path("upload", api=r.pick(["v3", "r0"]) if self.client.kind == "bot-sdk" else "v3", prefix="/_matrix/media/"),
            query=f"filename={name}",
            raw=data,
            kind=mime,
            answer={"content_uri": body.get("url")},
        )
        return body

    def run(self, steps):
        self.begin()
        for _ in range(steps):
            self.tape.pause(50, 20000)
            pick = self.r.weighted([(9, "hear"), (7, "send"), (2, "idle"), (9, "extra")])
            if pick == "extra":
                self.r.weighted(EXTRAS)(self)
            else:
                getattr(self, pick)()
        if self.r.chance(0.3):
            self.ask("POST", self.path("logout"), {}, {})
            if self.r.chance(0.3):
                self.fail("token", "GET", self.path("sync"))
        return self.tape


def _swap(kind_body, who):
    kind, body = kind_body
    return kind, who, body


def pushrules(s):
    """The default rules in the server's order, without those few that matter least; the recordings have Synapse's whole."""
    me, family = s.me, s.hs.family

    def rule(rule_id, actions, conditions=None, pattern=None, enabled=True):
        parts = {
            "conditions": conditions,
            "actions": actions,
            "rule_id": rule_id,
            "default": True,
            "pattern": pattern,
            "enabled": enabled,
        }
        order = {
            "synapse": ["conditions", "actions", "rule_id", "default", "pattern", "enabled"],
            "dendrite": ["rule_id", "default", "enabled", "actions", "conditions", "pattern"],
            "conduit": ["actions", "default", "enabled", "rule_id", "conditions", "pattern"],
        }[family]
        return {k: parts[k] for k in order if parts[k] is not None}

    def match(key, pattern):
        return {"kind": "event_match", "key": key, "pattern": pattern}

    sound, light, dark = (
        {"set_tweak": "sound", "value": "default"},
        {"set_tweak": "highlight"},
        {"set_tweak": "highlight", "value": False},
    )
    two = {"kind": "room_member_count", "is": "2"}
    sets = {
        "override": [
            rule(".m.rule.master", [], [], enabled=False),
            rule(".m.rule.suppress_notices", [], [match("content.msgtype", "m.notice")]),
            rule(
                ".m.rule.invite_for_me",
                ["notify", sound, dark],
                [match("type", "m.room.member"), match("content.membership", "invite"), match("state_key", me.id)],
            ),
            rule(".m.rule.member_event", [], [match("type", "m.room.member")]),
            rule(".m.rule.reaction", [], [match("type", "m.reaction")]),
        ],
        "content": [rule(".m.rule.contains_user_name", ["notify", sound, light], pattern=me.local)],
        "room": [],
        "sender": [],
        "underride": [
            rule(".m.rule.call", ["notify", {"set_tweak": "sound", "value": "ring"}, dark], [match("type", "m.call.invite")]),
            rule(".m.rule.room_one_to_one", ["notify", sound, dark], [two, match("type", "m.room.message")]),
            rule(".m.rule.message", ["notify", dark], [match("type", "m.room.message")]),
            rule(".m.rule.encrypted", ["notify", dark], [match("type", "m.room.encrypted")]),
        ],
    }
    order = {
        "synapse": ["underride", "sender", "room", "content", "override"],
        "dendrite": ["override", "content", "room", "sender", "underride"],
        "conduit": ["content", "override", "room", "sender", "underride"],
    }[family]
    return {"global": {k: sets[k] for k in order}}
