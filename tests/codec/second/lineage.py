"""Puts the IDs of events back that a text leaves out, and says what is kept of where they stand (protocol.md, 14.12)."""

import re

from . import client_events, event_id, marks, notes
from .canonical import NoJson, string_member, strings
from .event_id import CREATE, JOIN_RULES, MEMBER, POWER
from .graph import Event, State, is_key

NEW, NAMES = 64, 512
NAME = re.compile(rb"\x01:([0-9]*)\Z")
IS_ID = re.compile(rb"\$[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")
LETTERS = {CREATE: b"c", POWER: b"p", JOIN_RULES: b"j"}
RANKED = [
    CREATE, MEMBER, POWER, b"m.room.canonical_alias", JOIN_RULES, b"m.room.history_visibility", b"m.room.guest_access",
    None, b"m.room.name", b"m.room.topic",
]  # fmt: skip
RANKS = {kind: rank for rank, kind in enumerate(RANKED)}
OTHER_RANK, OTHERS_MEMBER = RANKS[None], len(RANKS)
ANSWER = re.compile(rb'\{"(event_id|room_id)":"([^"]+)"\}\Z')
OF_INTEREST = (b'"event_id":"', b'{"room_id":"')
AUTHORISER = b"join_authorised_via_users_server"


def _rank(event):
    if event.state_key is None:
        return OTHER_RANK
    if event.type == MEMBER and event.state_key != event.sender:
        return OTHERS_MEMBER
    return RANKS.get(event.type, OTHER_RANK)


def ordered(events):
    """Room by room, each as its events most likely came to be."""
    latest, first = {}, {}
    for i, event in enumerate(events):
        first.setdefault(event.room, i)
        latest[event.room] = max(latest.get(event.room, 0), event.ts)
    way = -1 if events and events[0].ts > events[-1].ts else 1

    def key(numbered):
        i, event = numbered
        return (latest[event.room], first[event.room], event.ts, _rank(event), way * i)

    return [event for _, event in sorted(enumerate(events), key=key)]


def _letter_and_key(event):
    """Of the state that the event is; None if it is none that is known."""
    if event.type == MEMBER and event.state_key is not None:
        return b"m", event.state_key
    if event.type in LETTERS and event.state_key == b"":
        return LETTERS[event.type], b""
    return None


def _rules(event, room):
    if event_id.is_create(event):
        return event_id.rules_of_create(event.content)
    create = room.state(b"c")
    return 9 if create and len(create.word) == 1 else 11


def _auth(event, roles, room):
    """IDs of the states that the roles name."""
    users = {b"m": event.sender, b"t": event.state_key}
    for role in (roles[i : i + 1] for i in range(len(roles))):
        if role == b"a":
            key = string_member(event.content, AUTHORISER)
        else:
            key = users.get(role, b"")
        state = room.state(role if role in b"pcj" else b"m", key)
        if not state:
            raise marks.BadMark("a state that is not known")
        yield state.at(event.ts)


def _known(room, place):
    if not room or place >= len(room.events):
        raise marks.BadMark("an event that is not known")
    return room.events[place]


def _standing(event, mark, room):
    if event_id.is_create(event):
        return event_id.FIRST
    prev = [_known(room, place) for place in mark.places or [0]]
    if not mark.depth and not all(e.depth for e in prev):
        raise marks.BadMark("a depth that is not known")
    depth = mark.depth or 1 + max(e.depth for e in prev)
    return event_id.Standing(list(_auth(event, mark.roles, room)), [e.id for e in prev], depth)


class Lineage:
    """Of one text, whose view says the graph."""

    def __init__(self, graph):
        self.graph = graph
        self.names = 0

    def _computed(self, event, mark):
        """(ID, depth)"""
        room = self.graph.find(event.room)
        if mark.known is not None:
            known = _known(room, mark.known)
            return known.id, known.depth
        standing = _standing(event, mark, room)
        try:
            return event_id.compute(event, standing, _rules(event, room)), standing.depth
        except NoJson as e:
            raise marks.BadMark("no canonical JSON") from e

    def _named(self, body, at, end):
        """The ID that a string stands for; None: it is no name."""
        name = NAME.match(body[at:end])
        if not name:
            return None
        self.names += 1
        new = self.graph.new
        if len(name[1]) > 2 or int(name[1]) >= len(new) or self.names > NAMES or (len(name[1]) > 1 and name[1][:1] == b"0"):
            raise marks.BadMark("a name of nothing")
        _, event, computed = new[-1 - int(name[1])]
        if not computed:
            raise marks.BadMark("a name of what stands there")
        return event.id

    def names_within(self, body, event):
        """Places of the IDs that the event names, and what they are."""
        if event.replaced is not None and body[event.replaced : event.replaced + 2] == b'\x01"':
            which = _letter_and_key(event)
            room = self.graph.find(event.room)
            state = room.state(*which) if which and room else None
            if not state:
                raise marks.BadMark("a state that is not known")
            yield event.replaced, event.replaced + 1, state.id
        elif event.replaced is not None and body[event.replaced : event.replaced + 1] == b"\x01":
            raise marks.BadMark("no state")
        for at, end in strings(body, event.start, event.stop):
            id_ = self._named(body, at, end) if at not in (event.at, event.replaced) else None
            if id_:
                yield at, end, id_

    def names_around(self, body, events):
        starts = [0] + [e.stop for e in events]
        for start, stop in zip(starts, [e.start for e in events] + [len(body)]):
            for at, end in strings(body, start, stop):
                id_ = self._named(body, at, end)
                if id_:
                    yield at, end, id_

    def resolve(self, event, replaced):
        """The event's ID; the graph takes it, which says that it replaces that."""
        if not marks.is_mark(event.id):
            if IS_ID.match(event.id):
                self._take(event, event.id, 0, None, replaced)
            return event.id
        mark = marks.read(event.id)
        if mark.sender:
            raise marks.BadMark("a sender beside a sender")
        id_, depth = self._computed(event, mark)
        if IS_ID.match(id_):
            self._take(event, id_, depth, mark, replaced)
        return id_

    def answer(self, kind, id_, request):
        """The ID in an answer to what makes an event; the graph takes the event."""
        mark = marks.read(id_)
        if not request or request.creates() != (kind == b"room_id"):
            raise marks.BadMark("in another answer")
        if mark.known is not None:
            room = None if request.creates() else self.graph.find(request.room())
            return _known(room, mark.known).id
        event = request.makes(mark.sender, mark.ts) if mark.sender else None
        if not event:
            raise marks.BadMark("of no event that was made")
        made, depth = self._computed(event, mark)
        name = made
        if request.creates():
            name = b"!" + made[1:]
            event = event._replace(room=name)
        self._take(event, made, depth, mark, None)
        return name

    def _take(self, event, id_, depth, mark, replaced):
        room = self.graph.named(event.room)
        if not room:
            return
        known = room.event(id_)
        taken = known if known and depth in (0, known.depth) else Event(id_, event.ts, depth)
        room.put_event(taken)
        if taken is not known and len(self.graph.new) < NEW:
            self.graph.new.append((room, taken, mark is not None))
        which = _letter_and_key(event)
        if which:
            self._take_state(event, room, id_, which, replaced if replaced and IS_ID.match(replaced) else None)
        elif mark and mark.roles:
            self._take_word(event, room, mark.roles)

    @staticmethod
    def _take_word(event, room, roles):
        member = room.state(b"m", event.sender)
        if member and member.word != roles:
            member.word = roles
            member.new = member.ts == member.latest

    @staticmethod
    def _take_state(event, room, id_, which, replaced):
        known = room.state(*which)
        if not is_key(*which):
            return
        if known and known.id == id_:
            if replaced and not known.before:
                known.before, known.new = replaced, known.ts == known.latest
            return
        word = known.word if known else b""
        if not replaced and known and known.ts < event.ts:
            replaced = known.id
        if which[0] == b"c":
            word = b"%d" % event_id.rules_of_create(event.content)
        state = State(*which, id_, event.ts, word, before=replaced)
        state.latest = max(event.ts, known.latest) if known else event.ts
        state.new = state.latest == state.ts
        room.put_state(state)


def _filled(body, start, stop, places):
    """What stands there, with others in those places."""
    whole, done = b"", start
    for at, end, id_ in sorted(places):
        whole += body[done:at] + id_
        done = end
    return whole + body[done:stop]


def restored(body, graph, request):
    """The body with its IDs, and the notes. `graph` is what the view says; `request` that of a response in the view, None without."""
    if not any(one in body for one in OF_INTEREST):
        return body, b""
    lineage = Lineage(graph)
    events = client_events.found(body, request.room() if request else None)
    answer = None if events else ANSWER.match(body)
    places = []
    if answer and marks.is_mark(answer[2]):
        places = [(*answer.span(2), lineage.answer(answer[1], answer[2], request))]
    for event in ordered(events):
        named = list(lineage.names_within(body, event))
        inside = [p for p in named if event.content_at <= p[0] < event.content_at + len(event.content)]
        whole = event._replace(content=_filled(body, event.content_at, event.content_at + len(event.content), inside))
        replaced = next((id_ for at, _, id_ in named if at == event.replaced), None) or client_events.replaced(body, event)
        places += [*named, (event.at, event.end, lineage.resolve(whole, replaced))]
    if not answer:
        places += lineage.names_around(body, events)
    return _filled(body, 0, len(body), places), notes.written(graph)
