"""What each end keeps of a session, and what of it a message is coded against."""

from collections import namedtuple

MESSAGES = 352
VIEW_TEXTS = 286

# A message by who sent it (True: the initiator, so a request) and its number; its bases: also and own are numbers of bits, parts sixteenths of a view or 0.
Ref = namedtuple("Ref", "by_initiator number")
Base = namedtuple("Base", "parent request also own parts")
NOTHING = Base(None, None, (), (), 0)
# A text of a view.
Seen = namedtuple("Seen", "ref about text")


class Refused(Exception):
    """Something the message is coded against is not there."""


class Entry:
    def __init__(self, ref, bases, about, text, depth):
        self.ref, self.bases, self.depth = ref, bases, depth
        self.seen = Seen(ref, about, text)


def bases_of(ref, base):
    """Those named themselves, those named by a bit."""
    named = [b for b in (base.parent, base.request) if b]
    place = ref.number
    if not ref.by_initiator:
        place = max(ref.number, base.parent.number if base.parent else 0) + 1
    near = [Ref(not ref.by_initiator, place - 1 - i) for i in base.also] + [Ref(ref.by_initiator, place - 1 - i) for i in base.own]
    return named, [b for b in near if b != ref]


class History:
    def __init__(self, size):
        self.size = size
        self.text_max = size // 4
        self.entries = {}  # in the order in which they came

    def add(self, ref, base, about, text):
        """`text` is what is kept, of at most `text_max` bytes."""
        named, by_bit = bases_of(ref, base)
        if any(b not in self.entries for b in named + by_bit):
            return
        depths = {b: self.entries[b].depth for b in named + by_bit}
        while len(self.entries) == MESSAGES or sum(len(e.seen.text) for e in self.entries.values()) + len(text) > self.size:
            del self.entries[next(iter(self.entries))]
        # what is named keeps its depth, for the day when it is forgotten
        bases = [(b, depths[b]) for b in named] + [(b, None) for b in by_bit]
        self.entries[ref] = Entry(ref, bases, about, text, 1 + max(depths.values(), default=0))

    def view(self, ref, base):
        """What the message is coded against, oldest first."""
        named, by_bit = bases_of(ref, base)
        reached, waiting, gone = set(), [], 0
        left, view = self.size // 8 * 7, []
        if base.parts:
            left = left // 16 * base.parts

        def reach(b, depth):
            nonlocal gone
            if b in self.entries:
                if b not in reached:
                    reached.add(b)
                    waiting.append(self.entries[b])
            elif depth is None:
                raise Refused(f"{b} is not there")
            else:
                gone = max(gone, depth)

        for b in named + by_bit:
            reach(b, None)
        while waiting:
            latest = max(waiting, key=lambda e: (e.depth, e.ref))
            if gone >= latest.depth:
                raise Refused(f"a message of depth {gone} is not there any more")
            if len(latest.seen.text) + 1 > left or len(view) == VIEW_TEXTS:
                break
            waiting.remove(latest)
            left -= len(latest.seen.text) + 1
            view.append(latest.seen)
            for b, depth in latest.bases:
                reach(b, depth)
            if gone and not waiting:
                raise Refused(f"a message of depth {gone} is not there any more")
        return view[::-1]
