"""What is known of rooms: their last events and some of their state (protocol.md, 14.12)."""

ROOMS, EVENTS, STATES = 16, 24, 20
NAME_MAX, KEY_MAX, WORD_MAX = 255, 255, 8


class Event:
    def __init__(self, id_, ts, depth, old=False):
        self.id, self.ts, self.depth, self.old = id_, ts, depth, old


class State:
    """`letter`: c, p, j or m; `latest`: the latest TS that it has had; `before`: the ID of what it has replaced, None: not known."""

    def __init__(self, letter, key, id_, ts, word=b"", old=False, before=None):
        self.letter, self.key, self.id, self.ts, self.word, self.old = letter, key, id_, ts, word[:WORD_MAX], old
        self.before = before
        self.latest, self.new = ts, False

    def at(self, ts):
        """The ID that it was at that time, as far as that is known."""
        return self.before if ts < self.ts and self.before else self.id


class Room:
    def __init__(self, name):
        self.name, self.events, self.states = name, [], []

    def event(self, id_):
        return next((e for e in self.events if e.id == id_), None)

    def state(self, letter, key=b""):
        return next((s for s in self.states if (s.letter, s.key) == (letter, key)), None)

    def put_event(self, event, at=0):
        self.events = [e for e in self.events if e.id != event.id]
        if at < EVENTS:
            self.events.insert(at, event)
            del self.events[EVENTS:]

    def note_event(self, event):
        """As notes tell of them: the latest one stands first."""
        others = [e for e in self.events if e.id != event.id]
        self.put_event(event, next((i for i, e in enumerate(others) if e.ts <= event.ts), len(others)))

    def put_state(self, state):
        known = self.state(state.letter, state.key)
        if known:
            self.states[self.states.index(known)] = state
            return
        if len(self.states) == STATES:
            member = next((s for s in self.states if s.letter == b"m"), None)
            if not member:
                return
            self.states.remove(member)
        self.states.append(state)

    def note_state(self, state):
        known = self.state(state.letter, state.key)
        if not known or state.ts >= known.latest:
            self.put_state(state)


def is_key(letter, key):
    """Whether there is such a state."""
    return (letter == b"m" or not key) and len(key) <= KEY_MAX and b" " not in key and b"\n" not in key


class Graph:
    def __init__(self):
        self.rooms = []  # the one named last stands first
        self.new = []  # (room, event, whether it was computed), in their order

    def find(self, name):
        return next((r for r in self.rooms if r.name == name), None)

    def named(self, name):
        """The room, which now is the one named last; None if it cannot have notes."""
        if not 0 < len(name) <= NAME_MAX or name[:1] != b"!" or b"\n" in name:
            return None
        room = self.find(name) or Room(name)
        self.rooms = [room] + [r for r in self.rooms if r is not room][: ROOMS - 1]
        self.new = [n for n in self.new if n[0] in self.rooms]
        return room
