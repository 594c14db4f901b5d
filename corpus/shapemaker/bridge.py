"""Bridges (Application Service API): what mautrix-go and matrix-appservice-bridge ask of a homeserver, and what it pushes to them."""

import json
import urllib.parse

from . import content as make
from .homeserver import Homeserver
from .tape import Tape
from .world import Room, User, server_name


class Bridge:
    def __init__(self, r, texts, family, start_ms):
        self.r, self.texts = r, texts
        self.hs = Homeserver(r, family, server_name(r))
        self.net = r.pick(
            ["whatsapp", "telegram", "signal", "discord", "irc", "slack", "meta", "gmessages", "hf", "aprs", "meshtastic"]
        )
        self.go = r.chance(0.7)
        self.agent = (
            f"mautrix-{self.net}/0.{r.randrange(5, 12)}.{r.randrange(6)} mautrix-go/v0.{r.randrange(15, 24)}.{r.randrange(3)} go/1.{r.randrange(21, 25)}.{r.randrange(9)}"
            if self.go
            else "matrix-appservice-bridge"
        )
        self.tape = Tape(r, f"bridge-{self.net}/{family}", "cs", "hs", start_ms)
        self.token, self.hs_token = r.alnum(64) if self.go else r.hexa(64), r.alnum(64)
        self.txn, self.n = r.randrange(1, 9000), 0
        self.bot = User(r, self.hs.name)
        self.bot.id, self.bot.name = f"@{self.net}bot:{self.hs.name}", f"{self.net.capitalize()} bridge bot"
        ghosts = [self.ghost() for _ in range(r.randrange(2, 4))]
        self.room = Room(r, texts, [self.bot, User(r, self.hs.name), *ghosts], start_ms - 10**7)
        self.ghosts = ghosts

    def ghost(self):
        u = User(self.r, self.hs.name)
        u.id = f"@{self.net}_{self.r.pick([str(self.r.randrange(10**9, 10**11)), u.local, self.r.uuid()])}:{self.hs.name}"
        u.name += self.r.pick([" (WA)", f" [{self.net}]", ""])
        return u

    def ask(self, method, path, user, body=None, answer=None, status=200):
        sent = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() if body is not None else b""
        query = [("user_id", user.id)] if user is not self.bot else []
        if self.go and self.r.chance(0.3) and "/send/" in path:
            query = [("ts", str(self.tape.ms))] + query
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        head = [["Host", self.hs.host], ["User-Agent", self.agent]]
        if self.go:
            head += (
                [["Content-Length", str(len(sent))]] * bool(sent)
                + [["Authorization", f"Bearer {self.token}"]]
                + [["Content-Type", "application/json"]] * bool(sent)
                + [["Accept-Encoding", "gzip"]]
            )
        else:
            head += (
                [["Accept", "application/json"], ["Authorization", f"Bearer {self.token}"]]
                + [["Content-Type", "application/json"], ["Content-Length", str(len(sent))]] * bool(sent)
                + [["Connection", "keep-alive"]]
            )
        got = self.hs.dumps(answer if answer is not None else {})
        self.tape.put(method, target, head, sent, status, self.hs.head(self.tape.ms, len(got)), got)

    def path(self, *parts):
        return "/_matrix/client/v3/" + "/".join(urllib.parse.quote(p, safe="$&+=:@~-._" if self.go else "~-._") for p in parts)

    def next_txn(self):
        self.n += 1
        return f"mautrix-go_{self.tape.ms * 1000000 + self.r.randrange(10**6)}_{self.n}" if self.go else f"m{self.tape.ms}.{self.n}"

    def push(self, events, ephemeral=()):
        """PUT /transactions from homeserver to bridge."""
        self.txn += 1
        shown = [self.hs.event(e, self.tape.ms, room=self.room) for e in events]
        body = {"events": shown}
        if ephemeral or self.r.chance(0.3):
            body["de.sorunome.msc2409.ephemeral" if self.r.chance(0.5) else "ephemeral"] = list(ephemeral)
        if self.r.chance(0.2):
            body["de.sorunome.msc2409.to_device"] = []
            body["org.matrix.msc3202.device_one_time_keys_count"] = {self.bot.id: {self.r.upper(10): {"signed_curve25519": 50}}}
        sent = self.hs.dumps(body)
        head = [
            ["Content-Length", str(len(sent))],
            ["User-Agent", f"Synapse/{self.hs.version}"],
            ["Content-Type", "application/json"],
            ["Authorization", f"Bearer {self.hs_token}"],
            ["Host", "localhost:29318"],
        ]
        self.tape.put(
            "PUT",
            f"/_matrix/app/v1/transactions/{self.txn}",
            head,
            sent,
            200,
            [["Content-Type", "application/json"], ["Content-Length", "2"]],
            b"{}",
        )

    def run(self, steps):
        r, room = self.r, self.room
        self.ask("GET", "/_matrix/client/versions", self.bot, answer=self.hs.versions())
        self.ask("GET", self.path("account", "whoami"), self.bot, answer={"user_id": self.bot.id})
        if r.chance(0.6):
            self.ask(
                "POST",
                f"/_matrix/client/v1/appservice/{self.net}/ping",
                self.bot,
                {"transaction_id": r.alnum(12)},
                {"duration_ms": r.randrange(2, 40)},
            )
        if r.chance(0.5):
            self.ask("PUT", self.path("profile", self.bot.id, "displayname"), self.bot, {"displayname": self.bot.name})
        for _ in range(steps):
            self.tape.pause(100, 40000)
            ghost = r.pick(self.ghosts)
            room.ts = self.tape.ms
            pick = r.weighted([(8, "in"), (6, "out"), (2, "new"), (2, "read"), (1, "edit"), (1, "query")])
            if pick == "new":
                new = self.ghost()
                status, answer = (
                    (200, {"user_id": new.id, "home_server": self.hs.name}) if r.chance(0.7) else self.hs.error("in_use")
                )
                body = {"username": new.id[1:].split(":")[0], "inhibit_login": True, "type": "m.login.application_service"}
                self.ask("POST", self.path("register"), self.bot, body, answer, status)
                self.ask("PUT", self.path("profile", new.id, "displayname"), new, {"displayname": new.name})
                self.ask(
                    "POST",
                    self.path("rooms", room.id, "invite"),
                    self.bot,
                    {"user_id": new.id, **({"reason": "", "fi.mau.will_auto_accept": True} if self.go and r.chance(0.5) else {})},
                )
                self.ask(
                    "POST",
                    self.path("rooms", room.id, "join") if r.chance(0.5) else self.path("join", room.id),
                    new,
                    {},
                    {"room_id": room.id},
                )
            elif pick == "in":
                body = make.message(r, room, r.pick(["bare", "web"]))
                if self.go and r.chance(0.3):
                    body[f"fi.mau.{self.net}.source_id" if r.chance(0.3) else "fi.mau.double_puppet_source"] = f"mautrix-{self.net}"
                event = room.add("m.room.message", ghost, body)
                self.ask(
                    "PUT",
                    self.path("rooms", room.id, "send", "m.room.message", self.next_txn()),
                    ghost,
                    body,
                    {"event_id": event.id},
                )
                if r.chance(0.4):
                    self.push([event])
            elif pick == "out":
                events = [
                    room.add("m.room.message", room.members[1], make.message(r, room, "web"))
                    for _ in range(r.weighted([(5, 1), (1, 2)]))
                ]
                typing = (
                    [{"type": "m.typing", "room_id": room.id, "content": {"user_ids": [room.members[1].id]}}]
                    if r.chance(0.3)
                    else []
                )
                self.push(events, typing)
                if r.chance(0.5):
                    self.ask("POST", self.path("rooms", room.id, "receipt", "m.read", events[-1].id), self.bot, {})
            elif pick == "read":
                event = room.events[-1]
                self.ask(
                    "POST",
                    self.path("rooms", room.id, "read_markers"),
                    ghost,
                    {
                        "m.fully_read": event.id,
                        "m.read": event.id,
                        **({"com.beeper.fully_read.extra": {"ts": self.tape.ms}} if self.go and r.chance(0.3) else {}),
                    },
                )
                if r.chance(0.4):
                    self.ask("PUT", self.path("rooms", room.id, "typing", ghost.id), ghost, {"timeout": 15000, "typing": True})
            elif pick == "edit":
                said = [e for e in room.events if e.type == "m.room.message"]
                if said:
                    body = make.edit(r, room, said[-1], "web") if r.chance(0.5) else make.reaction(r, said[-1])
                    kind = "m.room.message" if "m.new_content" in body else "m.reaction"
                    event = room.add(kind, ghost, body)
                    self.ask("PUT", self.path("rooms", room.id, "send", kind, self.next_txn()), ghost, body, {"event_id": event.id})
            else:
                missing = self.ghost()
                self.tape.put(
                    "GET",
                    "/_matrix/app/v1/users/" + urllib.parse.quote(missing.id, safe=""),
                    [
                        ["User-Agent", f"Synapse/{self.hs.version}"],
                        ["Authorization", f"Bearer {self.hs_token}"],
                        ["Host", "localhost:29318"],
                    ],
                    b"",
                    404,
                    [["Content-Type", "application/json"], ["Content-Length", "46"]],
                    b'{"errcode":"M_NOT_FOUND","error":"not mine 1"}',
                )
        return self.tape
