"""Notes: what history keeps of the graph behind a text (protocol.md, 14.12)."""

import re

from .canonical import NUMBER
from .graph import NAME_MAX, Event, Graph, State, is_key

LENGTH_MAX = 4096
OLD = 16384
BEGIN = b"\n\x1f"
ID = rb"\$[^\n]{43}"
EVENT = re.compile(rb"e" + NUMBER + b" " + NUMBER + rb' "event_id":"(' + ID + rb')"\Z')
STATE = re.compile(rb"([cpjm])" + NUMBER + rb" ([^ ]*) ([^ ]*) (" + ID + rb")(?: (" + ID + rb"))?\Z")


def _of(text):
    """The lines of a kept text's notes; what stands behind the last LF is none."""
    _, begin, notes = text[-LENGTH_MAX:].partition(BEGIN)
    return notes.split(b"\n")[:-1] if begin else []


def _take(graph, lines, old):
    room = None
    for line in lines:
        event, state = EVENT.match(line), STATE.match(line)
        if line[:1] == b"!" and len(line) <= NAME_MAX:
            room = graph.named(line)
        elif event and room:
            depth, ts, id_ = event.groups()
            room.note_event(Event(id_, int(ts), int(depth), old))
        elif state and room:
            letter, ts, key, word, id_, before = state.groups()
            if is_key(letter, key):
                room.note_state(State(letter, key, id_, int(ts), word, old, before))
        else:
            return


def graph_of(texts):
    """What the notes of the texts say, which stand from the oldest to the newest."""
    graph = Graph()
    following = sum(map(len, texts))
    for text in texts:
        following -= len(text)
        _take(graph, _of(text), following > OLD)
    return graph


def _event(e):
    return b'e%d %d "event_id":"%s"\n' % (e.depth, e.ts, e.id)


def _state(s):
    return b"%s%d %s %s %s%s\n" % (s.letter, s.ts, s.key, s.word, s.id, b" " + s.before if s.before else b"")


def _of_room(room, new):
    noted = [_state(s) for s in room.states if s.old or s.new]
    last = room.events[:2]
    noted += [_event(e) for e in last[::-1] if e.old]
    noted += [_event(e) for of, e, computed in new if of is room and (computed or e.id in [one.id for one in last])]
    return room.name + b"\n" + b"".join(noted) if noted else b""


def written(graph):
    """The notes of a text after whose events the graph is this; nothing if none was new."""
    if not graph.new:
        return b""
    notes = BEGIN
    for room in graph.rooms:
        one = _of_room(room, graph.new)
        if len(notes) + len(one) <= LENGTH_MAX:
            notes += one
    return notes if notes != BEGIN else b""
