"""From the text that was decoded to the one that was meant: with its event IDs, and what is kept of it (protocol.md, 14.11 and 14.12)."""

from collections import namedtuple

from . import lineage, notes, text
from .request import Request

# `plain` is the text of 14.1.
Whole = namedtuple("Whole", "plain kept")


def _request(kept_text):
    """A request as it is kept, perhaps without its end."""
    try:
        (_, method, target), _, body, _ = text.read(kept_text, False)
    except (text.NotText, ValueError):
        return None
    return Request(method, target, body)


def _asked(base, view):
    """The request of a response, if it is one of its bases and in the view."""
    kept_text = next((seen.text for seen in view if base.request and seen.ref == base.request), None)
    return kept_text and _request(kept_text)


def whole(cut, base, view, limit):
    """Of a text as it was decoded with that view; `limit` is how much a history keeps of a text."""
    head, body = text.parted(cut)
    body, noted = lineage.restored(body, notes.graph_of([seen.text for seen in view]), _asked(base, view))
    return Whole(head + body, text.kept(cut, body, noted, limit))
