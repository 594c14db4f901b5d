"""A text as an exchange's head and body, and without its secrets."""

import re

from . import events, tokens

SYNAPSE_CORS = (
    b"Access-Control-Allow-Origin: *\n"
    b"Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE, OPTIONS\n"
    b"Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization, Date\n"
)
EXPOSE = b"Access-Control-Expose-Headers: Synapse-Trace-Id, Server\n"
NO_STORE = b"Cache-Control: no-cache, no-store, must-revalidate\n"
JSON = b"Content-Type: application/json\n"
ENTRIES = {
    1: b"GET /_matrix/client/v3/",
    2: b"PUT /_matrix/client/v3/rooms/",
    3: b"POST /_matrix/client/v3/",
    4: JSON + NO_STORE + SYNAPSE_CORS + EXPOSE,
    5: SYNAPSE_CORS + EXPOSE,
    6: JSON,
    7: NO_STORE,
    8: SYNAPSE_CORS,
    11: b"PUT /_matrix/client/v3/",
    12: b"GET /_matrix/federation/v1/",
    14: b"PUT /_matrix/federation/",
    15: b"OPTIONS /_matrix/client/v3/",
    16: b"Access-Control-Request-Method: ",
    17: b"Access-Control-Request-Headers: ",
    18: b"Accept-Language: en-US,en;q=0.9\n",
    19: b"Authorization: #\n",
    20: b"Authorization: Bearer ",
    21: b"Authorization: X-Matrix origin=",
    22: b"Access-Control-Allow-Origin: *\n",
    23: b"Access-Control-Allow-Methods: ",
    24: b"Access-Control-Allow-Headers: ",
    25: b"Cross-Origin-Resource-Policy: cross-origin\n",
    26: b"Content-Disposition: ",
    27: b"Content-Security-Policy: ",
    28: b"POST /_matrix/client/v3/rooms/",
    29: b"GET /_matrix/client/v3/rooms/",
}

SECRET_FIELDS = {b"authorization", b"cookie", b"set-cookie", b"proxy-authorization"}
SECRET_KEYS = set(
    b"access_token refresh_token password new_password token login_token loginToken client_secret id_token code code_verifier secret private_key mac "
    b"recovery_key passphrase pushkey macaroon session_key openid_token registration_token device_code user_code sid k".split()
)


class NotText(ValueError):
    pass


def unpacked(text):
    """Lines of the head, and the body."""
    line, lines = bytearray(), []
    for at, c in enumerate(text):
        line += ENTRIES.get(c, bytes((c,)))
        if line == b"\n" and lines:
            return [tokens.restored(bytes(one)) for one in lines], text[at + 1 :]
        if line.endswith(b"\n"):
            lines += line[:-1].split(b"\n")
            line.clear()
    raise NotText("the head does not end")


def restored(body):
    """A text's body with what it leaves out."""
    return (events if events.HASHES in body else tokens).restored(body)


def read(text, is_response):
    """(slot, method, target), or (status,); then fields, body, whether the body's length was known."""
    lines, body = unpacked(text)
    first = bytes(lines[0])
    slot = None
    if is_response:
        start = (int(first),)
    else:
        if first.startswith(b"#"):
            word, _, first = first.partition(b" ")
            slot = None if word == b"#-" else int(word[1:])
        method, _, target = first.partition(b" ")
        start = (slot, method, target)
    fields, known = [], True
    for line in lines[1:]:
        if line == b":":
            known = False
            continue
        name, colon, value = bytes(line).partition(b": ")
        if not colon:
            raise NotText(f"no field: {line!r}")
        if name.lower() == b"authorization":
            if slot is not None and not any(n.lower() == b"authorization" for n, _ in fields):
                value = None  # what both ends know
            elif value.startswith(b"#"):
                value = value[1:]
        fields.append((name, value))
    return start, fields, bytes(body), known


def _mask_query(line):
    def parameter(m):
        return m[1] + m[2] + b"=" if m[2] in SECRET_KEYS else m[0]

    path, mark, query = line.partition(b"?")
    return path + re.sub(rb"(^\?|&)([^&=]*)=[^&]*", parameter, mark + query)


def _mask_field(line):
    entry = ENTRIES.get(line[0]) if line else None
    name = (entry or line).partition(b":")[0]
    value_at = 1 if entry else len(name) + 2
    if name.lower() not in SECRET_FIELDS or value_at > len(line):
        return line
    if line[0] == 21 or (not entry and line[value_at:].startswith(b"X-Matrix ")):
        return line
    return line[:value_at]


def _unescaped(key):
    def one(m):
        if m[1]:
            v = int(m[1], 16)
            return bytes((v,)) if v < 128 else b"?"
        return m[2]

    return re.sub(rb"\\(?:u([0-9a-fA-F]{4})|(.))", one, key, flags=re.S)


STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S)
COLON = re.compile(rb"[ \t\n\r]*:[ \t\n\r]*(?=\")")


def _mask_body(body):
    out, at = bytearray(), 0
    while True:
        string = STRING.search(body, at)
        if not string:
            return bytes(out + body[at:])
        out += body[at : string.end()]
        at = string.end()
        key = _unescaped(string[1])
        colon = COLON.match(body, at)
        if not colon or key not in SECRET_KEYS:
            continue
        out += body[at : colon.end()] + b'"'
        value = STRING.match(body, colon.end())
        if not value:
            return bytes(out)  # the string does not end
        out += b'"'
        at = value.end()


def parted(text):
    """Head and body: what stands behind the empty line."""
    at = _head_end(text) + 1
    return text[:at], text[at:]


def kept(text, body, notes, limit):
    """What history keeps, in `limit` bytes, of a text as it was decoded; `body` has its event IDs."""
    whole = masked(text) + events.ids(restored(body))
    notes = notes if len(notes) <= limit // 2 else b""
    return whole[: limit - len(notes)] + notes


def _head_end(text):
    """Where the empty line stands; the text's end without."""
    at = text.find(b"\n") + 1 or len(text)
    while at < len(text) and text[at] != 0x0A:
        if text[at] in ENTRIES and ENTRIES[text[at]].endswith(b"\n"):
            at += 1
        else:
            at = text.find(b"\n", at) + 1 or len(text)
    return at


def masked(text):
    """The text without its secrets."""
    head_end = _head_end(text)
    lines, at = [], 0
    while at < head_end:
        if at and text[at] in ENTRIES and ENTRIES[text[at]].endswith(b"\n"):
            lines.append(text[at : at + 1])
            at += 1
            continue
        end = text.find(b"\n", at, head_end)
        end = head_end if end < 0 else end
        lines.append((_mask_field if at else _mask_query)(text[at:end]) + text[end : end + 1])
        at = end + 1
    return b"".join(lines) + _mask_body(text[head_end:])
