#!/usr/bin/python3
"""Turns corpus files into the records that `train` and the benchmark read.

usage: records.py [--vary N] [--part first|last|all] [--share PERCENT] [--without NAME] --out FILE CORPUS

CORPUS is the folder with recorded/*.jsonl, shapes/*.jsonl (one exchange a line, see its README) and chat/*.txt (one utterance a line).
Without --vary the exchanges come as recorded, without chat. With it, N variants of each file come: names, servers, identifiers, tokens, clocks
and texts are replaced by others, the same everywhere in a piece of a file, so that the model learns shapes and not the recordings' own names.
Output is a function of the corpus alone: the "random" choices come from hashes.

A record: kind (1 byte: S session, Q request, R response), length (4 bytes, big endian), payload. Payloads: Q and R begin with the exchange's
number (4 bytes); Q: method, target; R: status (2 bytes); both: number of fields (2 bytes), names and values; body. Strings have a length of 4 bytes.
S: the session's name.
"""
import argparse
import base64
import calendar
import glob
import hashlib
import itertools
import json
import os
import re
import struct
import sys
import time
import urllib.parse

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import access_token  # noqa: E402
from event_hash import LASTING, hash_of, redacted, reference, unpadded  # noqa: E402

BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = b"0123456789abcdef"
UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTERS = UPPER + UPPER.lower()
LOWER = UPPER.lower()
SYLLABLES = """an ar al ba be bi bo da de di do el en er fa fi ga ge go ha he hi ho in is ja jo ka ke ki ko la le li lo lu ma me mi mo na ne ni no
nu ol or pa pe pi ra re ri ro ru sa se si so su ta te ti to tu ul va ve vi wa we ya yo za""".split()
FIRST = """Anna Ben Carla David Emma Felix Grace Hugo Ida Jonas Kim Lena Marco Nina Oscar Paula Quentin Rosa Sam Tina Uwe Vera Will Xenia Yara Zoe
Ahmed Bruno Chen Dmitri Elif Fatima Giulia Hana Igor Jun Katya Luis Mei Noor Olga Pedro Priya Rafael Sofia Tomas Viktor Yuki Omar Alice Bob
José Zoë Jürgen François Øyvind Łukasz Мария Иван 健太 小明 علی نور Γιώργος""".split()
HOSTS = """matrix.org example.org example.com chat.example.net matrix.example.org synapse.local home.lan tchncs.de envs.net hs1.example im.example.org
mozilla.org kde.org gnome.org fosdem.org nitro.chat converser.eu msg.example.com matrix.uni.example localhost hs.local""".split()
ROOMS = """General;Random;Office;Family;Lunch;Weekend trip;Project updates;Team;Support;Music;Books;Garden;Test room;Dev;Ops;News;Friends;Game night;
School;Kitchen;Travel plans;Announcements;Sailing;Radio;Choir;Climbing;Movie club;Housing;Photos;Off-topic""".replace("\n", "").split(";")


TOKEN = re.compile(("(?<![A-Za-z0-9_-])(%s)(?![A-Za-z0-9_-])" % access_token.FORM).encode())
DATE = "%a, %d %b %Y %H:%M:%S GMT"


class Dice:
    """Choices that depend on the words they are asked with, and on nothing else."""

    def __init__(self, *words):
        self.seed = hashlib.sha256(repr(words).encode()).digest()

    def number(self, *words):
        return int.from_bytes(hashlib.sha256(self.seed + repr(words).encode()).digest()[:8], "big")

    def below(self, bound, *words):
        return self.number(*words) % bound

    def pick(self, items, *words):
        return items[self.below(len(items), *words)]

    def text(self, alphabet, n, *words):
        out = bytearray()
        block = 0
        while len(out) < n:
            out += bytes(alphabet[b % len(alphabet)] for b in hashlib.sha256(self.seed + repr((words, block)).encode()).digest())
            block += 1
        return bytes(out[:n])

    def word(self, *words):
        return "".join(self.pick(SYLLABLES, i, *words) for i in range(2 + self.below(2, *words)))


class Vary:
    """Replaces what is particular to one recording, consistently."""

    def __init__(self, dice, chat, blob):
        self.dice, self.chat = dice, chat
        self.shift = (dice.below(4 * 365 * 86400, "clock") - 3 * 365 * 86400) * 1000 + dice.below(86400000, "ms")
        scale = 10 ** (1 + dice.below(6, "scale"))
        self.offsets = [dice.below(scale if i == 0 else scale // 10 + 2, "sync", i) for i in range(16)]
        self.servers = self.names_of(blob, rb'(?:@|%40)[A-Za-z0-9._=/+-]+(?::|%3A)([a-z0-9.-]+(?:(?::|%3A)\d+)?)', self.server)
        self.servers.update(self.names_of(blob, rb'origin="?([a-z0-9.-]+\.[a-z]+(?::\d+)?)', self.server))
        self.locals = self.names_of(blob, rb'(?:@|%40)([a-z0-9._=/+-]+)(?::|%3A)', self.localpart)
        self.shown = self.names_of(blob, rb'display_?name":\s?"((?:[^"\\]|\\.)*)"', self.display)
        self.steps = []
        if self.servers:
            names = sorted(self.servers, key=lambda n: (-len(n), n))
            self.steps.append((re.compile(rb"(?<![A-Za-z0-9.-])(" + b"|".join(re.escape(n).replace(rb":", rb"(?::|%3A)") for n in names) + rb")(?![A-Za-z0-9-])"),
                               lambda m: self.servers[m[1].replace(b"%3A", b":")].replace(b":", b"%3A" if b"%3A" in m[1] else b":")))
        if self.locals:
            names = sorted(self.locals, key=lambda n: (-len(n), n))
            self.steps.append((re.compile(rb'(@|%40|"user":\s?")(' + b"|".join(map(re.escape, names)) + rb')(?=[":%])'), lambda m: m[1] + self.locals[m[2]]))
        self.steps += [
            (re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), self.uuid),
            (re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"), lambda m: dice.text(HEX, 32, m[0])),
            (re.compile(rb"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), lambda m: dice.text(BASE64 + b"-_", 43, m[0])),
            (re.compile(rb'(?<=")[A-Za-z0-9+/]{22,}(?==*")'), lambda m: dice.text(BASE64 + b"+/", len(m[0]), m[0]) if self.mixed(m[0]) else m[0]),
            (re.compile(rb"(?<![A-Za-z])[A-Za-z]{18,24}(?![A-Za-z0-9_.])"), lambda m: dice.text(LETTERS, len(m[0]), m[0]) if self.mixed(m[0]) else m[0]),
            (re.compile(rb'(?<![A-Z])[A-Z]{10}(?![A-Z_])'), lambda m: dice.text(UPPER, 10, m[0])),
            (re.compile(rb"(?<![0-9])1[67][0-9]{11}(?![0-9])"), lambda m: b"%d" % (int(m[0]) + self.shift)),
            (re.compile(rb"(?<![A-Za-z0-9])([st])([0-9]+(?:-[0-9]+)?(?:_[0-9]+){3,})"), self.sync_token),
            (re.compile(rb"ed25519:a_([A-Za-z]{4})"), lambda m: b"ed25519:a_" + dice.text(LETTERS, 4, m[1])),
            (re.compile(rb'"(password)":(\s?)"([^"]*)"'), lambda m: b'"password":' + m[2] + b'"' + dice.text(BASE64, 6 + dice.below(10, m[3]), m[3]) + b'"'),
        ]

    def names_of(self, blob, pattern, make):
        return {n.replace(b"%3A", b":"): make(n.replace(b"%3A", b":")) for n in sorted(set(re.findall(pattern, blob)))}

    def server(self, old):
        d = self.dice
        if d.below(3, "host", old) == 0:
            name = d.pick(HOSTS, old)
        else:
            name = d.pick(["", "matrix.", "chat.", "hs."], "sub", old) + d.word("host", old) + d.pick([".org", ".com", ".net", ".de", ".example", ".chat", ".io", ".fr", ".test", ".lan"], "top", old)
        if b":" in old:
            name += ":%d" % d.pick([8448, 8008, 443, 1024 + d.below(60000, "port", old)], "port", old)
        return name.encode()

    def localpart(self, old):
        d = self.dice
        style = d.below(6, "style", old)
        first = d.pick(FIRST, "local", old).lower()
        first = first if first.isascii() else d.word("local", old)
        return [first, first + str(d.below(10000, "n", old)), first + "." + d.word("last", old), d.word("nick", old),
                first + "_" + d.word("last", old)[:1], d.word("nick", old) + "-" + d.word("more", old)][style].encode()

    def display(self, old):
        d = self.dice
        name = d.pick(FIRST, "shown", old)
        style = d.below(5, "shown style", old)
        if style == 0:
            name = d.word("nick", old)
        elif style < 3:
            name += " " + d.word("last", old).capitalize()
        elif style == 3:
            name += " " + d.text(UPPER, 1, old).decode() + "."
        return name

    @staticmethod
    def mixed(s):
        up = sum(65 <= c < 91 for c in s[1:])
        return up > 3 and any(97 <= c < 123 for c in s) and b"_matrix" not in s and b"//" not in s

    def token(self, old):
        """A right checksum is right in what was made of it, too: the coding leaves it out (src/codec/access_token.h)."""
        kind, *parts = old.split(b"_")
        name = access_token.localpart(old.decode())
        new = kind + b"".join(b"_" + self.dice.text(LETTERS if len(p) == 20 and p.isalpha() else BASE64, len(p), p) for p in parts)
        if name:
            name = self.locals.get(name.encode()) or self.localpart(name.encode())
            new = b"_".join([kind, base64.b64encode(name).rstrip(b"="), *new.split(b"_")[2:]])
        return access_token.mended(new.decode()).encode() if access_token.is_right(old.decode()) else new

    def uuid(self, m):
        h = self.dice.text(HEX, 32, m[0])
        return h[:8] + b"-" + h[8:12] + b"-4" + h[13:16] + b"-" + self.dice.text(b"89ab", 1, m[0]) + h[17:20] + b"-" + h[20:32]

    def sync_token(self, m):
        parts = re.split(rb"([-_])", m[2])
        out = m[1]
        for i, part in enumerate(parts):
            if i % 2:
                out += part
            else:
                out += b"%d" % (int(part) + (self.offsets[(i // 2) % 16] if part not in (b"0", b"1") or self.dice.below(3, "keep", i) == 0 else 0))
        return out

    def date(self, old):
        at = calendar.timegm(time.strptime(old.decode(), DATE)) + self.shift // 1000 + (self.shift % 1000 > 0)
        return time.strftime(DATE, time.gmtime(at)).encode()

    def sentence(self, old, ascii_only):
        if self.dice.below(4, "as it was", old) == 0 or not old.strip() or (len(old) > 60 and " " not in old):
            return old
        star = "* " if old.startswith("* ") else ""
        text = star + self.dice.pick(self.chat, "line", old[len(star):])
        return text

    def text_values(self, data, ascii_only):
        def replace(m):
            try:
                old = json.loads(b'"' + m[3] + b'"')
            except ValueError:
                return m[0]
            if m[1] in (b"displayname", b"display_name", b"device_display_name"):
                new = self.shown.get(m[3], old)
            elif m[1] == b"name":
                if "." in old or old.islower():
                    return m[0]
                new = self.dice.pick(ROOMS, old)
            else:
                new = self.sentence(old, ascii_only)
            return b'"' + m[1] + b'":' + m[2] + json.dumps(new, ensure_ascii=ascii_only).encode()
        return re.sub(rb'"(body|formatted_body|topic|reason|displayname|name)":(\s?)"((?:[^"\\]|\\.)*)"', replace, data)

    def apply(self, data, body=False, ascii_only=True):
        if body:
            data = self.text_values(data, ascii_only)
        pieces = TOKEN.split(data)
        return b"".join(self.token(p) if i % 2 else self.replaced(p) for i, p in enumerate(pieces))

    def replaced(self, data):
        for pattern, new in self.steps:
            data = pattern.sub(new, data)
        return data


class Computed:
    """Content hashes and event IDs are functions of the event. Where they are right in the recording, they are in what was made of it, too: the
    coding leaves out what both ends can compute (src/codec/computed.h, lineage.h)."""

    PLACE = re.compile(rb"(?<![A-Za-z0-9_+/-])[A-Za-z0-9_+/-]{43}(?![A-Za-z0-9_+/=-])")

    def __init__(self, exchanges, places, change):
        self.new = {}
        events = {}
        for e in exchanges:
            for body in (e["q"], e["r"]):
                if b'"hashes":{"sha256":' not in body and b'"event_id":"$' not in body:
                    continue
                changed = change(body, body=True, ascii_only=False)
                try:
                    pairs = list(pairs_of(json.loads(body), json.loads(changed), e["room"], change(e["room"].encode()).decode()))
                except ValueError:
                    continue
                for old, new, room, new_room in pairs:
                    if "sha256" in old.get("hashes", {}):
                        events[old["hashes"]["sha256"]] = old.get("depth", 0), old["hashes"]["sha256"], old, new, None
                    elif old["event_id"] in places:
                        place = places[old["event_id"]]
                        events[old["event_id"]] = place["depth"], old["event_id"], old, dict(new, room_id=new_room), place
        for _, _, old, new, place in sorted(events.values(), key=lambda e: e[:2]):
            if place:
                self.follow_client(old, new, place, change)
            else:
                self.follow(old, new, change)

    def follow(self, old, event, change):
        not_hashed = ("hashes", "signatures", "unsigned")
        if unpadded(hash_of(old, not_hashed)).decode() != old["hashes"]["sha256"]:
            return
        event = json.loads(self.apply(json.dumps(event, ensure_ascii=False).encode()))
        right = unpadded(hash_of(event, not_hashed))
        self.new[event["hashes"]["sha256"].encode()] = right
        event["hashes"] = {"sha256": right.decode()}
        if old["type"].removeprefix("m.room.") not in LASTING:
            self.new[change(b'"$' + reference(old) + b'"')[2:-1]] = reference(event)

    def follow_client(self, old, event, place, change):
        event = json.loads(self.apply(json.dumps(event, ensure_ascii=False).encode()))
        edges = {k: [self.apply(change(('"%s"' % i).encode())).decode()[1:-1] for i in place[k]] for k in ("auth_events", "prev_events")}
        right = client_id(event, dict(place, **edges))
        self.new[change(b'"' + old["event_id"].encode() + b'"')[2:-1]] = right[1:].encode()

    def apply(self, data):
        return self.PLACE.sub(lambda m: self.new.get(m[0], m[0]), data) if self.new else data


def client_id(event, place):
    """The ID of an event in the form that clients see, `room_id` included, in that place of its room's graph."""
    pdu = {k: event[k] for k in ("type", "sender", "content", "origin_server_ts", "state_key", "room_id") if k in event}
    pdu.update({k: place[k] for k in ("auth_events", "prev_events", "depth")})
    if place["version"] < 11 and "redacts" in event:
        pdu["redacts"] = event["redacts"]
    if event["type"] == "m.room.create" and ":" not in event["room_id"]:
        del pdu["room_id"]
    pdu["hashes"] = {"sha256": unpadded(hash_of(pdu, ("hashes",))).decode()}
    return "$" + reference(pdu, redacted(pdu, place["version"])).decode()


def is_client_event(value):
    return all(k in value for k in ("event_id", "type", "sender", "content", "origin_server_ts"))


def pairs_of(old, new, room, new_room):
    """Events in federation's form and in that of clients, with what was made of them, and their rooms."""
    if isinstance(old, dict) and isinstance(new, dict):
        if isinstance(old.get("hashes"), dict) and "sha256" in old["hashes"]:
            yield old, new, room, new_room
        elif is_client_event(old) and (room or "room_id" in old):
            yield old, new, old.get("room_id", room), new.get("room_id", new_room)
        for (k, v), (nk, nv) in zip(old.items(), new.items()):
            yield from pairs_of(v, nv, *((k, nk) if k.startswith("!") else (room, new_room)))
    elif isinstance(old, list) and isinstance(new, list):
        for a, b in zip(old, new):
            yield from pairs_of(a, b, room, new_room)


def auth_types(event, room):
    types = [("m.room.power_levels", ""), ("m.room.member", event["sender"])] + ([("m.room.create", "")] if ":" in room else [])
    if event["type"] == "m.room.member":
        if event["content"].get("membership") in ("join", "invite", "knock"):
            types.append(("m.room.join_rules", ""))
        types += [("m.room.member", u) for u in (event.get("state_key"), event["content"].get("join_authorised_via_users_server")) if u and u != event["sender"]]
    return types


def places_of(exchanges):
    """Where in their rooms' graphs the recording's events stand, as far as it can be told from what clients see."""
    rooms, places = {}, {}
    for e in exchanges:
        for body in (e["q"], e["r"]):
            if b'"event_id":"$' not in body:
                continue
            try:
                found = list(pairs_of(json.loads(body), json.loads(body), e["room"], ""))
            except ValueError:
                continue
            for event, _, room, _ in found:
                if is_client_event(event):
                    rooms.setdefault(room, {}).setdefault(event["event_id"], dict(event, room_id=room))
    for room, events in rooms.items():
        state, version = {}, 11
        known = []
        for event in sorted(events.values(), key=lambda e: e["origin_server_ts"]):
            if event["type"] == "m.room.create":
                version = int(event["content"].get("room_version", "1")) if event["content"].get("room_version", "1").isdigit() else 11
                tries = [{"auth_events": [], "prev_events": [], "depth": 1}]
            else:
                auth = [state[t] for t in auth_types(event, room) if t in state]
                tries = ({"auth_events": list(order), "prev_events": [before], "depth": places[before]["depth"] + 1}
                         for before in reversed(known[-6:]) for order in itertools.permutations(auth))
            place = next((p for p in (dict(t, version=version) for t in tries) if client_id(event, p) == event["event_id"]), None)
            if place:
                places[event["event_id"]] = place
                known.append(event["event_id"])
            if "state_key" in event:
                state[event["type"], event["state_key"]] = event["event_id"]
    return places


def string(b):
    return struct.pack(">I", len(b)) + b


class Out:
    def __init__(self, f):
        self.f, self.number = f, 0

    def record(self, kind, payload):
        self.f.write(kind + struct.pack(">I", len(payload)) + payload)

    def session(self, name):
        self.record(b"S", name.encode())

    def request(self, number, method, target, fields, body):
        self.record(b"Q", struct.pack(">I", number) + string(method) + string(target) + self.fields(fields) + string(body))

    def response(self, number, status, fields, body):
        self.record(b"R", struct.pack(">IH", number, status) + self.fields(fields) + string(body))

    @staticmethod
    def fields(fields):
        return struct.pack(">H", len(fields)) + b"".join(string(n) + string(v) for n, v in fields)


def is_framing(name, has_body):
    return name.lower() in (b"transfer-encoding", b"connection", b"keep-alive") or (name.lower() == b"content-length" and has_body)


def plain_fields(pairs, has_body):
    pairs = [(n.encode("latin-1"), v.strip().encode("latin-1")) for n, v in pairs]
    # A length of zero says nothing a missing one does not, but on answers to HEAD and 304.
    return [(n, v) for n, v in pairs if not is_framing(n, has_body or v == b"0")]


def load(path):
    with open(path, encoding="utf-8") as f:
        exchanges = [json.loads(line) for line in f if line.strip()]
    exchanges.sort(key=lambda e: e.get("t", 0))
    for e in exchanges:
        e["q"], e["r"] = base64.b64decode(e.get("req_body") or ""), base64.b64decode(e.get("resp_body") or "")
        room = re.search(r"/rooms/([^/?]+)/", e["target"])
        e["room"] = urllib.parse.unquote(room[1]) if room else ""
    return exchanges


def play(out, name, exchanges, vary=None, places={}):
    """Requests and responses in the order of time."""
    events = []
    for e in exchanges:
        number = out.number
        out.number += 1
        t = e.get("t", 0)
        events.append((t, number, 0, e))
        events.append((t + max(e.get("dur", 0), 0), number, 1, e))
    events.sort(key=lambda x: x[:3])
    out.session(name)
    computed = Computed(exchanges, places, vary.apply) if vary else None

    def change(data, **how):
        return computed.apply(vary.apply(data, **how)) if vary else data

    for _, number, is_response, e in events:
        agent = dict((n.lower(), v) for n, v in e["req_headers"]).get("user-agent", "")
        if is_response:
            fields = [(n, vary.date(v) if vary and n.lower() == b"date" else change(v)) for n, v in plain_fields(e["resp_headers"], bool(e["r"]))]
            out.response(number, e["status"], fields, change(e["r"], body=True, ascii_only=e.get("plane") != "ss"))
        else:
            fields = [(n, change(v)) for n, v in plain_fields(e["req_headers"], bool(e["q"]))]
            out.request(number, e["method"].encode(), change(e["target"].encode("latin-1", "replace")), fields,
                        change(e["q"], body=True, ascii_only="aiohttp" in agent))


def blob_of(exchanges):
    return b"\n".join(e["target"].encode("latin-1", "replace") + b"\n" + repr(e["req_headers"]).encode() + e["q"] + b"\n" + e["r"] for e in exchanges)


CORS = [("Cache-Control", "no-cache, no-store, must-revalidate"), ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
        ("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization, Date"), ("Access-Control-Expose-Headers", "Synapse-Trace-Id, Server")]


def compact(value, ascii_only=True):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only).encode()


class Room:
    """A room's graph in which one event follows the other."""

    def __init__(self, dice, v12, server):
        self.dice, self.version, self.state, self.n = dice, 12 if v12 else 11, {}, 0
        self.id, self.last = "!" + dice.text(LETTERS, 18, "room").decode() + ":" + server, []
        self.v12 = v12

    def add(self, sender, now, type, content, state_key=None, **unsigned):
        """The event as sync shows it."""
        self.n += 1
        event = {"content": content, "event_id": "", "origin_server_ts": now, "sender": sender}
        if state_key is not None:
            event["state_key"] = state_key
        event["type"] = type
        if type == "m.room.create" and self.v12:
            self.id = "!"
        full = dict(event, room_id=self.id)
        auth = [self.state[t] for t in auth_types(full, self.id) if t in self.state] if self.n > 1 else []
        auth.sort(key=lambda i: self.dice.number("order", sender, i))
        event["event_id"] = client_id(full, {"auth_events": auth, "prev_events": self.last, "depth": self.n, "version": self.version})
        if self.id == "!":
            self.id += event["event_id"][1:]
        self.last = [event["event_id"]]
        if state_key is not None:
            self.state[type, state_key] = event["event_id"]
        return dict(event, unsigned=unsigned)


def sync_body(batch, since, room, events, n):
    return {"next_batch": batch, "device_one_time_keys_count": {"signed_curve25519": 0}, "device_unused_fallback_key_types": [], "rooms": {"join": {room.id: {
        "timeline": {"events": events, "prev_batch": since, "limited": False}, "state": {"events": []}, "account_data": {"events": []}, "ephemeral": {"events": []},
        "unread_notifications": {"notification_count": n, "highlight_count": 0}, "summary": {}}}}}


def answer(now, body):
    date = time.strftime(DATE, time.gmtime((now + 30) // 1000))
    return {"status": 200, "resp_headers": [("Date", date), ("Content-Type", "application/json")] + CORS, "r": compact(body)}


def talk(dice, lines, size=40):
    """Conversations of `size` utterances, sent by one client and heard by another, as exchanges."""
    for start in range(0, len(lines), size):
        d = Dice(dice.seed, start)
        nio = d.below(2, "client") == 0
        server = d.word("server") + d.pick([".org", ".net", ".example", ".com"], "top")
        users = ["@%s:%s" % (d.word("user", i), server) for i in range(3)]
        now = 1700000000000 + d.below(10 ** 11, "now")
        stream = d.below(100000, "stream")
        tail = "_".join(str(d.below(50, "tail", i)) for i in range(5)) + "_9_0_1_1_1_1_1"
        token = b"_".join((b"syt", d.text(BASE64, 8, "token"), d.text(LETTERS, 20, "t"), b"000000")).decode()
        auth = ("Authorization", "Bearer " + access_token.mended(token))
        head = [("Content-Type", "application/json"), auth] if nio else [auth, ("Content-Type", "application/json")]
        get = head if nio else [auth]
        batch = "s%d_%s" % (stream, tail)
        room = Room(d, d.below(2, "v12"), server)
        first = [room.add(users[0], now - 90000, "m.room.create", {"room_version": str(room.version)}, "", age=91000),
                 room.add(users[0], now - 89900, "m.room.member", {"displayname": users[0][1:], "membership": "join"}, users[0], age=90900),
                 room.add(users[0], now - 89800, "m.room.power_levels", {"users": {users[0]: 100}, "users_default": 0, "invite": 0}, "", age=90800),
                 room.add(users[0], now - 89790, "m.room.join_rules", {"join_rule": "public"}, "", age=90790)]
        first += [room.add(u, now - 80000 + 999 * i, "m.room.member", {"displayname": u[1:], "membership": "join"}, u, age=81000 - 999 * i) for i, u in enumerate(users[1:])]
        out = [dict(answer(now, sync_body(batch, batch, room, first, 0)), t=-1, dur=0.1, method="GET", target="/_matrix/client/v3/sync?timeout=0", req_headers=get, q=b"", room="")]
        if d.below(4, "told") == 0:
            out = []  # a room of which nothing was told: its events' IDs cannot be computed
        waiting = []
        for i, line in enumerate(lines[start:start + size]):
            now += 500 + d.below(40000, "pause", i)
            sender = d.pick(users, "who", i)
            txn = str(Vary.uuid(VaryUuid(d), [b"%d" % i]), "ascii") if nio else "m%d.%d" % (now - 20, i)
            content = {"msgtype": "m.text", "body": line}
            if d.below(4, "order", i) == 0:
                content = {"body": line, "msgtype": "m.text"}
            own = {"transaction_id": txn} if sender == users[0] else {}
            event = room.add(sender, now, "m.room.message", dict(sorted(content.items())), None, age=20 + d.below(300, "age", i), membership="join", **own)
            waiting.append(event)
            if sender == users[0]:
                out.append(dict(answer(now, {"event_id": event["event_id"]}), t=i, dur=0.1, method="PUT", req_headers=head, q=compact(content, nio), room=room.id,
                                target="/_matrix/client/v3/rooms/%s/send/m.room.message/%s" % (room.id.replace("!", "!" if nio else "%21").replace(":", ":" if nio else "%3A"), txn)))
            if sender == users[0] and d.below(3, "sync", i):
                continue
            since = batch
            stream += 1
            batch = "s%d_%s" % (stream, tail)
            query = "since=%s&timeout=30000&set_presence=online" % since if nio else "filter=1&timeout=30000&since=%s" % since
            out.append(dict(answer(now, sync_body(batch, since, room, waiting, i)), t=i + 0.2, dur=0.1, method="GET", target="/_matrix/client/v3/sync?" + query, req_headers=get,
                            q=b"", room=""))
            waiting = []
        yield out


class VaryUuid:
    def __init__(self, dice):
        self.dice = dice


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--vary", type=int, default=0)
    ap.add_argument("--part", choices=["first", "last", "all"], default="all")
    ap.add_argument("--share", type=int, default=80, help="where `first` ends and `last` begins, in percent of a file")
    ap.add_argument("--without", default="", help="a file to leave out")
    ap.add_argument("--only", default="", help="the only file to take")
    ap.add_argument("--pieces", type=int, default=8, help="pieces of a file that get names of their own")
    ap.add_argument("--say", help="what the last message of each file says instead")
    ap.add_argument("--out", required=True)
    ap.add_argument("corpus")
    args = ap.parse_args()
    chat = {}
    for path in sorted(glob.glob(os.path.join(args.corpus, "chat", "*.txt"))):
        with open(path, encoding="utf-8") as f:
            chat[os.path.basename(path)] = [line.rstrip("\n") for line in f if line.strip()]
    lines = [line for name in sorted(chat) for line in chat[name]] or ["ok"]
    with open(args.out, "wb") as f:
        out = Out(f)
        for path in sorted(glob.glob(os.path.join(args.corpus, "recorded", "*.jsonl")) + glob.glob(os.path.join(args.corpus, "shapes", "*.jsonl"))):
            name = os.path.basename(path)[:-6]
            if name == args.without or (args.only and name != args.only) or (args.vary and name == "errors"):
                continue
            exchanges = load(path)
            cut = len(exchanges) * args.share // 100
            exchanges = {"first": exchanges[:cut], "last": exchanges[cut:], "all": exchanges}[args.part]
            if not args.vary:
                if args.say:
                    for e in [e for e in exchanges if "/send/m.room.message/" in e["target"] and b"relates_to" not in e["q"]][-1:]:
                        e["q"] = re.sub(rb'"body":(\s?)"(?:[^"\\]|\\.)*"', lambda m: b'"body":' + m[1] + json.dumps(args.say).encode(), e["q"])
                play(out, name, exchanges)
                continue
            places = places_of(exchanges)
            for variant in range(args.vary):
                size = max(1, -(-len(exchanges) // args.pieces))
                for start in range(0, len(exchanges), size):
                    piece = exchanges[start:start + size]
                    play(out, "%s.%d" % (name, start // size), piece, Vary(Dice(name, variant, start), lines, blob_of(piece)), places)
        if args.vary:
            for name in sorted(chat):
                for i, exchanges in enumerate(talk(Dice("talk", name), chat[name])):
                    play(out, "chat-%s.%d" % (name, i % 8), exchanges)


if __name__ == "__main__":
    main()
