"""Exchanges of a homeserver that never was: rooms with right event IDs in which everything happens that changes what is known of them.

More rooms, members and events than are remembered, forks, times that go back, room versions 10 and 12, redactions, restricted
joins, strings with all escapes, and events with IDs of other kinds.
"""

import base64
import json
import random
from email.utils import formatdate

from codec.second.client_events import ClientEvent
from codec.second.event_id import FIRST, Standing, compute, is_create, rules_of_create

TS = 1700000000000
PATH = "/_matrix/client/v3/"
TEXTS = ["plain", "a\\/b", "\\u00e9\\ud83d\\ude00", "\\u0001\\u001F\\n\\t", "\\\"\\\\ q", "é €"]


class Room:
    def __init__(self, rng, number, version, creation=""):
        self.rng, self.version, self.creation = rng, version, creation
        self.name = f"!made{number}:a.example"
        self.ts = TS + 1000 * number
        self.power = self.rules = self.create = None
        self.members, self.ends, self.told = {}, [], []  # ends: (ID, depth)
        self.creator = f"@u0-{number}:a.example"
        self.users = [f"@u{i}-{number}:a.example" for i in range(24)]
        self.begin()

    def begin(self):
        content = f'{{"room_version":"{self.version}"{self.creation}}}'
        event = ClientEvent(0, 0, 0, 0, b"", b"!", b"m.room.create", self.creator.encode(), b"", None, content.encode(), self.ts)
        if self.version == 12:
            self.name = "!" + compute(event, FIRST, 11)[1:].decode()
        self.create = self.add("m.room.create", self.creator, content, "")
        self.join(self.creator)
        self.power = self.add("m.room.power_levels", self.creator, '{"users":{},"ban":50,"invite":0,"notifications":{"room":1}}', "")
        self.rules = self.add("m.room.join_rules", self.creator, '{"join_rule":"restricted","allow":[],"x":1}', "")
        self.add("m.room.history_visibility", self.creator, '{"history_visibility":"shared","x":2}', "")

    def join(self, user, more=""):
        self.members[user] = self.add("m.room.member", user, f'{{"displayname":"{self.rng.choice(TEXTS)}","membership":"join"{more}}}', user)

    def _auth(self, kind, sender, state_key, content):
        auth = [] if self.version == 12 else [self.create]
        auth += [self.power, self.members.get(sender)]
        if kind == "m.room.member":
            auth += [self.rules, self.members.get(state_key)]
            auth += [self.members[self.creator]] if "authorised" in content else []
        auth = list(dict.fromkeys(a for a in auth if a))
        self.rng.shuffle(auth)
        return auth

    def add(self, kind, sender, content, state_key=None, redacts=None):
        """Makes an event behind those that end the graph."""
        self.ts += -300 if len(self.told) > 8 and self.rng.random() < 0.05 else self.rng.choice([0, 1, 3, 700])
        event = ClientEvent(
            0, 0, 0, 0, b"", self.name.encode(), kind.encode(), sender.encode(), None if state_key is None else state_key.encode(),
            None if redacts is None else redacts.encode(), content.encode(), self.ts,
        )  # fmt: skip
        standing, rules = FIRST, 11 if self.version == 12 else 9
        if is_create(event):
            assert rules == rules_of_create(event.content)
        else:
            auth = self._auth(kind, sender, state_key, content)
            standing = Standing([a.encode() for a in auth], [i.encode() for i, _ in self.ends], 1 + max(d for _, d in self.ends))
        id_ = compute(event, standing, rules).decode()
        if self.rng.random() < 0.1 and len(self.ends) == 1 and len(self.told) > 6:
            self.ends.append((id_, standing.depth))  # a fork: the next one is behind both
        else:
            self.ends = [(id_, standing.depth)]
        self.told.append(self._shown(event, id_))
        return id_

    def _shown(self, event, id_):
        """As clients see it."""
        members = [f'"content":{event.content.decode()}', f'"event_id":"{id_}"', f'"origin_server_ts":{event.ts}']
        members += [f'"sender":"{event.sender.decode()}"', f'"type":"{event.type.decode()}"']
        members += [] if event.state_key is None else [f'"state_key":"{event.state_key.decode()}"']
        members += [] if event.redacts is None else [f'"redacts":"{event.redacts.decode()}"']
        members += ['"unsigned":{"age":1}'] if self.rng.random() < 0.5 else []
        self.rng.shuffle(members)
        return "{" + ",".join(members) + "}"

    def goes_on(self):
        sender, what = self.rng.choice(list(self.members)), self.rng.random()
        user = self.rng.choice(self.users)
        if what < 0.4:
            if user not in self.members and self.rng.random() < 0.3:
                self.join(user, f',"join_authorised_via_users_server":"{self.creator}"')
            else:
                self.join(user)
        elif what < 0.45 and user not in self.members:
            self.add("m.room.member", sender, '{"membership":"invite"}', user)
        elif what < 0.5:
            self.power = self.add("m.room.power_levels", self.creator, '{"users":{},"events":{"a":1},"invite":50}', "")
        elif what < 0.6:
            target = json.loads(self.rng.choice(self.told))["event_id"]
            beside = target if self.version == 10 else None
            self.add("m.room.redaction", sender, "{}" if beside else f'{{"redacts":"{target}"}}', redacts=beside)
        elif what < 0.65:
            self.add("m.room.topic", sender, '{"topic":"t"}', "")
        else:
            self.add("m.room.message", sender, f'{{"body":"{self.rng.choice(TEXTS)}","msgtype":"m.text","n":{{"b":[1,{{}}],"a":-2.5}}}}')


def exchange(target, body, method="GET", asked="", ts=TS):
    def coded(text):
        return base64.b64encode(text.encode()).decode()

    fields = [["Content-Type", "application/json"], ["Date", formatdate(ts / 1000, usegmt=True)]]
    return {
        "method": method, "target": target, "req_headers": [], "req_body": coded(asked),
        "status": 200, "resp_headers": fields, "resp_body": coded(body),
    }  # fmt: skip


def synced(rooms, since):
    """A sync answer; `since`: how many events of each room were told before."""
    told = []
    for room in rooms:
        new = room.told[since.get(room, 0) :]
        since[room] = len(room.told)
        told.append(f'"{room.name}":{{"state":{{"events":[]}},"timeline":{{"events":[{",".join(new)}]}}}}')
    return exchange(PATH + "sync?since=s1", '{"next_batch":"s2","rooms":{"join":{' + ",".join(told) + "}}}")


def read_backwards(room, count):
    path = room.name.replace("!", "%21")
    events = [event.replace("{", f'{{"room_id":"{room.name}",', 1) for event in reversed(room.told[-count:])]
    return exchange(f"{PATH}rooms/{path}/messages?dir=b", '{"chunk":[' + ",".join(events) + '],"start":"t9-1"}')


def sent(room):
    """A message or a state that a member sends, with its answer."""
    sender = room.rng.choice(list(room.members))
    path = f"{PATH}rooms/{room.name.replace('!', '%21')}/"
    content = f'{{"body":"{room.rng.choice(TEXTS)}","a":{{}}}}'
    if room.rng.random() < 0.5:
        id_, path = room.add("m.room.message", sender, content), path + "send/m.room.message/t1"
    else:
        key = room.rng.choice(["", "x y"])
        id_, path = room.add("org.x", sender, content, key), path + f"state/org.x/{key.replace(' ', '%20')}"
    return exchange(path, f'{{"event_id":"{id_}"}}', "PUT", content, ts=room.ts)


def created(rng, number):
    """A room is made, by who has just said who that is."""
    asked, creation = rng.choice([('{"name": "x", "room_version": "12"}', ""), ('{"creation_content":{"m.federate":false}}', ',"m.federate":false')])
    room = Room(rng, number, 12, creation)
    yield exchange(PATH + "account/whoami", f'{{"user_id":"{room.creator}"}}')
    yield exchange(PATH + "createRoom", f'{{"room_id":"{room.name}"}}', "POST", asked, ts=TS + 1000 * number)
    yield synced([room], {room: 1})


def made_exchanges(seed, count):
    rng, since = random.Random(seed), {}
    rooms = [Room(rng, number, rng.choice([10, 12])) for number in range(22)]
    for made in range(100, 100 + count):
        some, what = rng.sample(rooms[: rng.choice([2, 22])], rng.choice([1, 1, 2])), rng.random()
        if what < 0.2:
            yield read_backwards(some[0], rng.choice([3, 30, 90]))
            continue
        if what < 0.35:
            yield sent(some[0])
            continue
        if what < 0.38:
            yield from created(rng, made)
            continue
        for room in some:
            for _ in range(rng.choice([1, 1, 2, 5, 40] if what < 0.5 else [1, 2, 5])):
                room.goes_on()
        if what < 0.9:
            yield synced(some, since)
        else:
            yield exchange(PATH + "x", f'{{"{some[0].name}":[{some[0].told[-1]},{{"event_id":"$no","b":{some[0].told[0]}}}]}}')
