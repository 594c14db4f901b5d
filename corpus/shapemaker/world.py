"""Who and what there is: identifiers, servers, users, rooms, texts. Everything comes from one seeded generator."""

import base64
import os
import random
import string

from .graph import place, untold

CHAT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "chat")

# Reserved names (RFC 2606, RFC 6761) but for the one server that nearly every room has members of.
PLACES = [
    "harbour",
    "fjord",
    "alpenglow",
    "lagoon",
    "tundra",
    "meadow",
    "orchard",
    "foundry",
    "beacon",
    "delta",
    "mesa",
    "spruce",
    "granite",
    "kestrel",
    "lantern",
    "mistral",
    "nebula",
    "oasis",
    "pebble",
    "quarry",
    "reef",
    "saffron",
    "thistle",
    "umbra",
    "vesper",
    "willow",
    "yarrow",
    "zephyr",
    "basalt",
    "cinder",
    "dune",
    "ember",
    "fathom",
    "glade",
    "hearth",
    "islet",
]
FORMS = [
    "{}.example",
    "matrix.{}.example",
    "{}.example.org",
    "{}.example.com",
    "chat.{}.example",
    "{}.example.net",
    "m.{}.test",
    "{}-{}.example",
    "im.{}.example.org",
    "{}.test:8448",
    "synapse.{}.example",
    "{}.home.arpa",
]

NAMES = [
    "anna",
    "ben",
    "chloe",
    "daan",
    "elif",
    "farid",
    "greta",
    "hugo",
    "ines",
    "jonas",
    "kaya",
    "leo",
    "mila",
    "nour",
    "olga",
    "pavel",
    "quinn",
    "rosa",
    "sami",
    "tove",
    "umar",
    "vera",
    "wout",
    "xenia",
    "yuki",
    "zoe",
    "aino",
    "bruno",
    "carmen",
    "dmitri",
    "emre",
    "freya",
    "giulia",
    "hana",
    "ivan",
    "jin",
    "kofi",
    "lena",
    "mateo",
    "nadia",
    "oskar",
    "priya",
    "ravi",
    "sofia",
    "tariq",
    "ursula",
    "viktor",
    "wei",
    "yara",
    "zainab",
    "captain",
    "skipper",
    "hut",
    "radio",
    "basecamp",
    "weather",
    "shop",
    "school",
]
SHOWN = [
    "Анна",
    "Дмитрий",
    "Олена",
    "Νίκος",
    "محمد",
    "نور",
    "דנה",
    "राहुल",
    "প্রিয়া",
    "มานี",
    "小明",
    "美咲",
    "ゆうき",
    "지우",
    "민수",
    "Łukasz",
    "Jürgen",
    "Zoë",
    "Çağla",
    "Ömer",
    "Señor K",
    "Åsa",
    "Nguyễn",
    "🌊 Mara",
    "Kofi (boat)",
    "Hut 2",
    "DL0XYZ",
    "Radio room",
    "Mum",
    "Papa",
]
ROOM_WORDS = [
    "General",
    "Random",
    "Announcements",
    "Family",
    "Crew",
    "Weather",
    "Trip to the coast",
    "Kitchen",
    "Support",
    "Dev",
    "Off-topic",
    "Net 7074",
    "Base camp",
    "Neighbours",
    "School run",
    "Book club",
    "Allgemein",
    "Familie",
    "Équipage",
    "Météo",
    "Кухня",
    "Семья",
    "العائلة",
    "家族",
    "가족방",
    "聊天室",
    "Förening",
    "Comunidad",
    "Vizinhos",
    "Ops",
    "Alerts",
    "Project X",
    "Board games",
    "Harbour office",
    "Hut wardens",
    "Rescue team",
    "Music",
    "Garden",
    "Matrix help",
    "Test room",
]
TOPICS = [
    "Everything that fits nowhere else",
    "Be kind. Keep it short, the link is slow.",
    "Daily net at 0600z and 1830z",
    "Logistik, Termine, Kuchen",
    "Photos of cats only",
    "Rules: https://example.org/rules",
    "Wer bringt was mit?",
    "Questions about the new release",
    "Météo marine et mouillages",
    "Правила в закрепе",
    "雑談",
    "Bitte keine Romane",
    "On-call: see pinned",
    "Duty roster and alarms",
    "Room for the weekend trip 🏕️",
]
EMOJI = ["👍", "❤️", "😂", "🎉", "👀", "🙏", "🚀", "😢", "👎", "✅", "🔥", "😄", "💯", "🤔", "👏", "+1", "😮", "⛵", "☕", "🥳"]


class Rand(random.Random):
    """random.Random with the identifiers of Matrix."""

    def chance(self, p):
        return self.random() < p

    def text(self, alphabet, n):
        return "".join(alphabet[self.randrange(len(alphabet))] for _ in range(n))

    def letters(self, n):
        return self.text(string.ascii_letters, n)

    def alnum(self, n):
        return self.text(string.ascii_letters + string.digits, n)

    def upper(self, n):
        return self.text(string.ascii_uppercase, n)

    def hexa(self, n):
        return self.text("0123456789abcdef", n)

    def data(self, n):
        return bytes(self.getrandbits(8) for _ in range(n))

    def b64(self, n, url=False, pad=False):
        """n random bytes as base64, without padding unless asked for."""
        coded = (base64.urlsafe_b64encode if url else base64.b64encode)(self.data(n)).decode()
        return coded if pad else coded.rstrip("=")

    def uuid(self, upper=False):
        h = self.hexa(32)
        h = f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[self.randrange(4)]}{h[17:20]}-{h[20:]}"
        return h.upper() if upper else h

    def pick(self, seq):
        return seq[self.randrange(len(seq))]

    def weighted(self, pairs):
        """pairs: (weight, value)"""
        at = self.random() * sum(w for w, _ in pairs)
        for w, v in pairs:
            at -= w
            if at < 0:
                return v
        return pairs[-1][1]


class Texts:
    """The chat lines, and now and then two or three as one message."""

    def __init__(self):
        self.lines = {}
        for name in sorted(os.listdir(CHAT)):
            if name.endswith(".txt"):
                with open(os.path.join(CHAT, name), encoding="utf-8") as f:
                    self.lines[name[:-4]] = f.read().splitlines()
        self.languages = sorted(self.lines)

    def language(self, r):
        return r.weighted([(8, "en"), (3, "de"), (2, "fr"), (2, "es"), (1, "pt"), (2, "ru"), (9, r.pick(self.languages))])

    def say(self, r, lang):
        lines = self.lines[lang]
        n = r.weighted([(10, 1), (3, 2), (1, 3)])
        return (" " if r.chance(0.8) else "\n").join(r.pick(lines) for _ in range(n))


class User:
    def __init__(self, r, server):
        base = r.pick(NAMES)
        local = r.weighted(
            [
                (4, base),
                (2, f"{base}{r.randrange(100)}"),
                (2, f"{base}.{r.pick(NAMES)}"),
                (1, f"{base}_{r.letters(1).lower()}"),
                (1, f"{base}-{r.pick(PLACES)}"),
                (1, f"{r.letters(r.randrange(3, 8)).lower()}{r.randrange(10)}"),
            ]
        )
        self.server, self.local = server, local
        self.id = f"@{local}:{server}"
        self.name = r.weighted(
            [(5, base.capitalize()), (2, f"{base.capitalize()} {r.pick(string.ascii_uppercase)}."), (2, r.pick(SHOWN)), (2, local)]
        )
        self.avatar = f"mxc://{server}/{r.letters(24)}" if r.chance(0.5) else None


def server_name(r):
    if r.chance(0.12):
        return "matrix.org"
    return r.pick(FORMS).format(r.pick(PLACES), r.pick(PLACES))


def event_id(r, version, server, ts):
    """Event IDs: random with a server in versions 1 and 2, the hash in 3 (standard base64) and after (URL-safe)."""
    if version in ("1", "2"):
        return f"${ts // 1000}{r.randrange(100000)}{r.letters(5)}:{server}"
    return "$" + r.b64(32, url=version != "3")


class Event:
    def __init__(self, **fields):
        self.state_key = self.redacts = None
        self.unsigned = {}
        self.__dict__.update(fields)


class Room:
    """A room and its newest events. `say` and `state` append one."""

    def __init__(self, r, texts, members, ts, version=None, encrypted=False, origins=False):
        self.r, self.texts, self.members, self.encrypted, self.origins = r, texts, members, encrypted, origins
        self.version = version or r.weighted([(4, "10"), (2, "11"), (2, "12"), (1, "6"), (1, "9"), (1, str(r.randrange(1, 13)))])
        self.creator = members[0]
        self.server = self.creator.server
        self.id = "!" + (r.b64(32, url=True) if self.version == "12" else f"{r.letters(18)}:{self.server}")
        self.name = r.pick(ROOM_WORDS) if r.chance(0.8) else None
        self.topic = r.pick(TOPICS) if r.chance(0.5) else None
        self.alias = f"#{(self.name or r.pick(PLACES)).lower().replace(' ', '-')}:{self.server}" if r.chance(0.3) else None
        self.lang = texts.language(r)
        self.ts, self.depth = ts, 0
        self.events = []
        self.before, self.current = None, {}
        self.session = r.b64(32)
        self.index = 0
        self.initial()
        self.depth += r.randrange(3, 4000)
        self.before = untold(self)

    def add(self, kind, sender, content, state_key=None, redacts=None, **unsigned):
        self.ts += self.r.weighted(
            [(3, self.r.randrange(40, 900)), (6, self.r.randrange(900, 40000)), (2, self.r.randrange(40000, 4000000))]
        )
        self.depth += 1
        event = Event(
            type=kind,
            sender=sender.id,
            user=sender,
            content=content,
            state_key=state_key,
            redacts=redacts,
            ts=self.ts,
            id=event_id(self.r, self.version, sender.server, self.ts),
            unsigned=dict(unsigned),
            depth=self.depth,
        )
        place(self, event)
        self.events.append(event)
        return event

    def initial(self):
        """The state a room begins with, in the order servers make it."""
        r, c = self.r, self.creator
        create = {"room_version": self.version} if self.version not in ("1",) else {}
        if self.version not in ("11", "12"):
            create["creator"] = c.id
        if r.chance(0.1):
            create["type"] = "m.space"
        self.state = [self.add("m.room.create", c, create, "")]
        self.state.append(self.add("m.room.member", c, self.membership(c), c.id))
        levels = {
            "users": {} if self.version == "12" else {c.id: 100},
            "users_default": 0,
            "events": {
                "m.room.name": 50,
                "m.room.power_levels": 100,
                "m.room.history_visibility": 100,
                "m.room.canonical_alias": 50,
                "m.room.avatar": 50,
                "m.room.tombstone": 100,
                "m.room.server_acl": 100,
                "m.room.encryption": 100,
            },
            "events_default": 0,
            "state_default": 50,
            "ban": 50,
            "kick": 50,
            "redact": 50,
            "invite": r.pick([0, 50]),
            "historical": 100,
        }
        self.state.append(self.add("m.room.power_levels", c, levels, ""))
        if self.alias:
            self.state.append(self.add("m.room.canonical_alias", c, {"alias": self.alias}, ""))
        self.state.append(self.add("m.room.join_rules", c, {"join_rule": r.pick(["public", "invite", "knock"])}, ""))
        self.state.append(
            self.add("m.room.history_visibility", c, {"history_visibility": r.pick(["shared", "invited", "world_readable"])}, "")
        )
        if r.chance(0.6):
            self.state.append(self.add("m.room.guest_access", c, {"guest_access": r.pick(["can_join", "forbidden"])}, ""))
        if self.encrypted:
            self.state.append(self.add("m.room.encryption", c, {"algorithm": "m.megolm.v1.aes-sha2"}, ""))
        if self.name:
            self.state.append(self.add("m.room.name", c, {"name": self.name}, ""))
        if self.topic:
            self.state.append(self.add("m.room.topic", c, {"topic": self.topic}, ""))
        if r.chance(0.15):
            self.state.append(self.add("m.room.avatar", c, {"url": f"mxc://{self.server}/{r.letters(24)}"}, ""))
        for m in self.members[1:]:
            self.state.append(self.add("m.room.member", m, self.membership(m), m.id))

    def membership(self, user, kind="join"):
        content = {"membership": kind, "displayname": user.name}
        if user.avatar:
            content["avatar_url"] = user.avatar
        return content

    def text(self):
        return self.texts.say(self.r, self.lang)
