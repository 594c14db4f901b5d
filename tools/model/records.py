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
import glob
import hashlib
import json
import os
import re
import struct

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
            (re.compile(rb"syt_([A-Za-z0-9]+)_([A-Za-z]{20})_([A-Za-z0-9]{6})"), self.token),
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

    def token(self, m):
        return b"syt_" + self.dice.text(BASE64, len(m[1]), m[1]) + b"_" + self.dice.text(LETTERS, 20, m[2]) + b"_" + self.dice.text(BASE64, 6, m[3])

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
        for pattern, new in self.steps:
            data = pattern.sub(new, data)
        return data


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
    return exchanges


def play(out, name, exchanges, vary=None):
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
    same = lambda b, **_: b
    change = vary.apply if vary else same
    for _, number, is_response, e in events:
        agent = dict((n.lower(), v) for n, v in e["req_headers"]).get("user-agent", "")
        if is_response:
            fields = [(n, change(v)) for n, v in plain_fields(e["resp_headers"], bool(e["r"]))]
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


def talk(dice, lines, size=40):
    """Conversations of `size` utterances, sent by one client and heard by another, as exchanges."""
    for start in range(0, len(lines), size):
        d = Dice(dice.seed, start)
        nio = d.below(2, "client") == 0
        server = d.word("server") + d.pick([".org", ".net", ".example", ".com"], "top")
        users = ["@%s:%s" % (d.word("user", i), server) for i in range(3)]
        room = "!" + d.text(BASE64 + b"-_", 43, "room").decode() if d.below(2, "v12") else "!" + d.text(LETTERS, 18, "room").decode() + ":" + server
        now = 1700000000000 + d.below(10 ** 11, "now")
        stream = d.below(100000, "stream")
        tail = "_".join(str(d.below(50, "tail", i)) for i in range(5)) + "_9_0_1_1_1_1_1"
        auth = ("Authorization", "Bearer syt_" + d.text(BASE64, 8, "token").decode() + "_" + d.text(LETTERS, 20, "t").decode() + "_" + d.text(BASE64, 6, "t6").decode())
        head = [("Content-Type", "application/json"), auth] if nio else [auth, ("Content-Type", "application/json")]
        get = head if nio else [auth]
        batch = "s%d_%s" % (stream, tail)
        out = []
        for i, line in enumerate(lines[start:start + size]):
            now += 500 + d.below(40000, "pause", i)
            sender = d.pick(users, "who", i)
            event = "$" + d.text(BASE64 + b"-_", 43, "event", i).decode()
            txn = str(Vary.uuid(VaryUuid(d), [b"%d" % i]), "ascii") if nio else "m%d.%d" % (now - 20, i)
            content = {"msgtype": "m.text", "body": line}
            if d.below(4, "order", i) == 0:
                content = {"body": line, "msgtype": "m.text"}
            if sender == users[0]:
                out.append({"t": i, "dur": 0.1, "method": "PUT", "target": "/_matrix/client/v3/rooms/%s/send/m.room.message/%s" % (room.replace("!", "!" if nio else "%21").replace(":", ":" if nio else "%3A"), txn),
                            "req_headers": head, "q": compact(content, nio), "status": 200, "resp_headers": [("Content-Type", "application/json")] + CORS, "r": compact({"event_id": event})})
            if d.below(3, "sync", i):
                continue
            since = batch
            stream += 1
            batch = "s%d_%s" % (stream, tail)
            unsigned = {"age": 20 + d.below(300, "age", i), "membership": "join"}
            if sender == users[0]:
                unsigned["transaction_id"] = txn
            body = {"next_batch": batch, "device_one_time_keys_count": {"signed_curve25519": 0}, "device_unused_fallback_key_types": [], "rooms": {"join": {room: {"timeline": {"events": [
                {"content": dict(sorted(content.items())), "event_id": event, "origin_server_ts": now, "sender": sender, "type": "m.room.message", "unsigned": unsigned}], "prev_batch": since, "limited": False},
                "state": {"events": []}, "account_data": {"events": []}, "ephemeral": {"events": []}, "unread_notifications": {"notification_count": i, "highlight_count": 0}, "summary": {}}}}}
            query = "since=%s&timeout=30000&set_presence=online" % since if nio else "filter=1&timeout=30000&since=%s" % since
            out.append({"t": i + 0.2, "dur": 0.1, "method": "GET", "target": "/_matrix/client/v3/sync?" + query, "req_headers": get, "q": b"", "status": 200,
                        "resp_headers": [("Content-Type", "application/json")] + CORS, "r": compact(body)})
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
    ap.add_argument("--pieces", type=int, default=5, help="pieces of a file that get names of their own")
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
                play(out, name, exchanges)
                continue
            for variant in range(args.vary):
                size = max(1, -(-len(exchanges) // args.pieces))
                for start in range(0, len(exchanges), size):
                    piece = exchanges[start:start + size]
                    play(out, "%s.%d" % (name, start // size), piece, Vary(Dice(name, variant, start), lines, blob_of(piece)))
        if args.vary:
            for name in sorted(chat):
                for i, exchanges in enumerate(talk(Dice("talk", name), chat[name])):
                    play(out, "chat-%s.%d" % (name, i % 5), exchanges)


if __name__ == "__main__":
    main()
