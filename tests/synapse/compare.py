"""Makes two runs of one conversation comparable, and says where they differ.

Every body is compared but for what a homeserver draws at random or takes from the clock:

- replaced by its order of appearance: event ids, room ids, access tokens, media ids, stream tokens (sync and /messages),
  authentication sessions
- left out: times (origin_server_ts and other 13-digit millisecond numbers), `age`
- left out of headers: Date, Server, and what belongs to one hop (Connection, Keep-Alive, Transfer-Encoding); Content-Length is
  compared through the body
- an empty answer of a /sync long poll, and the split of what happened into several /sync answers: what one user was told by
  consecutive syncs is joined before it is compared, since a homeserver may wake a poll once or twice for two things at a time

Media is compared byte for byte.
"""

import difflib
import json
import re

HEADERS_LEFT_OUT = {"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length", "age"}

_KINDS = [
    ("event", re.compile(r"(?:\$|%24)[A-Za-z0-9_-]{43}")),
    ("room", re.compile(r"(?:!|%21)(?:[A-Za-z0-9_-]{43}|[A-Za-z]{18}(?::|%3A)localhost)")),
    ("token", re.compile(r"syt_[A-Za-z0-9]+_[A-Za-z]+_[A-Za-z0-9]+")),
    ("media", re.compile(r"(?:(?<=mxc://localhost/)|(?<=download/localhost/))[A-Za-z]{24}")),
    ("stream", re.compile(r"\b[stm]\d+(?:[-_~.]\d+)+\b")),
    ("session", re.compile(r'(?<="session":")[A-Za-z]{24}')),
]
_TIME = re.compile(r"(?<![\d\"A-Za-z])1[5-9]\d{11}(?!\d)")
_AGE = re.compile(r'("age": ?)\d+')


class Normaliser:
    """One for each run, fed with its texts in order."""

    def __init__(self):
        self.names = {}

    def _name(self, kind, value):
        value = value.replace("%24", "$").replace("%21", "!").replace("%3A", ":")
        key = (kind, value)
        if key not in self.names:
            self.names[key] = f"<{kind} {sum(1 for k in self.names if k[0] == kind) + 1}>"
        return self.names[key]

    def text(self, text):
        for kind, pattern in _KINDS:
            text = pattern.sub(lambda m, kind=kind: self._name(kind, m.group()), text)
        return _AGE.sub(r"\1<age>", _TIME.sub("<time>", text))

    def body(self, step):
        kind = step.headers.get("content-type", "")
        if not kind.startswith("application/json"):
            return step.body
        return self.text(step.body.decode("utf-8"))

    def headers(self, step):
        return {k: self.text(v) for k, v in sorted(step.headers.items()) if k not in HEADERS_LEFT_OUT}


def is_sync(step):
    return step.path.startswith("/_matrix/client/") and "/sync?" in step.path and step.method == "GET"


def _merge_sync(into, body):
    """Adds what one /sync answer tells to the sum of those before it."""
    for room, told in body.get("rooms", {}).get("join", {}).items():
        sums = into.setdefault(room, {"timeline": [], "state": [], "ephemeral": {}, "account_data": {}, "last": {}})
        sums["timeline"] += told.get("timeline", {}).get("events", [])
        sums["state"] += told.get("state", {}).get("events", [])
        for event in told.get("ephemeral", {}).get("events", []):
            sums["ephemeral"][event["type"]] = event["content"]
        for event in told.get("account_data", {}).get("events", []):
            sums["account_data"][event["type"]] = event["content"]
        for key in ("unread_notifications", "summary"):
            if key in told:
                sums["last"][key] = told[key]
    for kind in ("invite", "leave"):
        for room, told in body.get("rooms", {}).get(kind, {}).items():
            into.setdefault(f"{kind} {room}", []).append(told)
    for event in body.get("account_data", {}).get("events", []):
        into.setdefault("account data", {})[event["type"]] = event["content"]
    for event in body.get("to_device", {}).get("events", []):
        into.setdefault("to device", []).append(event)


def digest(record):
    """The run as a list of (title, text or bytes), comparable line by line with that of another run."""
    norm = Normaliser()
    out, told = [], {}
    for step in record.steps:
        if is_sync(step) and step.status == 200:
            # Every text goes through the normaliser in the order it was seen, so that names agree.
            _merge_sync(told.setdefault(step.who, {}), json.loads(norm.body(step).replace("<age>", "0").replace(
                "<time>", "0")))
            continue
        title = norm.text(f"{step.who}: {step.method} {step.path} -> {step.status}")
        out.append((title, {"headers": norm.headers(step), "sent": norm.text(step.sent.decode("utf-8", "replace")),
                            "body": norm.body(step)}))
    for who in sorted(told):
        for what in sorted(told[who]):
            out.append((f"{who} was told by /sync: {what}", {"body": json.dumps(told[who][what], indent=1)}))
    return out


def differences(one, other, limit=10):
    """Sentences; empty when the two digests agree."""
    found = []
    titles = [t for t, _ in one], [t for t, _ in other]
    if titles[0] != titles[1]:
        found += list(difflib.unified_diff(*titles, "direct", "pair", lineterm="", n=1))[:40]
        return found
    for (title, a), (_, b) in zip(one, other):
        for part in a:
            if a[part] == b[part]:
                continue
            if isinstance(a[part], bytes) or isinstance(b[part], bytes):
                found.append(f"{title}: {part} differs ({len(a[part])} and {len(b[part])} bytes)")
            else:
                lines = [str(x[part]).replace(",", ",\n").splitlines() for x in (a, b)]
                found.append(f"{title}: {part} differs\n" +
                             "\n".join(list(difflib.unified_diff(*lines, "direct", "pair", lineterm="", n=1))[:30]))
        if len(found) >= limit:
            break
    return found
