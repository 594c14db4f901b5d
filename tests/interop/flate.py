"""The flate codings of docs/protocol.md §6, decoding only, written from that page: a second implementation.

The tables are read from src/codec/known.c, to which the page refers.
"""

import base64
import hashlib
import json
import pathlib
import re
import zlib

import envelope
from envelope import Malformed, Reader

FLATE, BARE = 2, 4
KNOWN = (pathlib.Path(__file__).resolve().parents[2] / "src" / "codec" / "known.c").read_text(encoding="utf-8")


def strings(text):
    """C string literals, those behind each other joined."""
    return [json.loads('"' + "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', s)) + '"').encode()
            for s in re.findall(r'\bS\(((?:\s*"(?:[^"\\]|\\.)*")+)\s*\)', text)]


def table(name):
    return re.search(name + r"\[\] = \{(.*?)\n\};", KNOWN, re.S)[1]


KEYS, VALUES, PATHS, QUERY = (strings(table(t)) for t in ("known_keys", "known_values", "known_paths", "known_query"))
STATUSES = [int(n) for n in re.findall(r"\d+", table("known_statuses"))]
CORS = strings(re.search(r"#define CORS(.*?)\n\n", KNOWN, re.S)[1].replace("\\\n", ""))
RUNS = []
for run in re.findall(r"RUN\((\w+)\)", table("known_runs")):
    flat = []
    for part in re.split(r"(\bCORS\b)", re.search(r"\b" + run + r"\[\] = \{(.*?)\};\n", KNOWN, re.S)[1]):
        flat += CORS if part == "CORS" else strings(part)
    RUNS.append(list(zip(flat[::2], flat[1::2])))


def preset_id(preset):
    hashed = hashlib.sha256()
    for strings_of_one in (KEYS, VALUES, PATHS, QUERY):
        hashed.update(b"".join(s + b"\0" for s in strings_of_one) + b"\0")
    hashed.update(b"".join(n.to_bytes(2, "big") for n in STATUSES))
    for pairs in RUNS:
        hashed.update(b"".join(name + b"\0" + value + b"\0\0" for name, value in pairs))
    hashed.update(preset)
    return hashed.hexdigest()[:16]


UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"
RAW = {"unreserved": b"~", "component": b"~!*'()", "path": b"~!$&'()*+,;=:@", "form": b"*", "query": b"~!$'()*,:@/?"}
PATH_STYLES, QUERY_STYLES = ("unreserved", "component", "path", "form"), ("unreserved", "component", "query", "form")
ASCII, SPACED, SLASH, HTML, NEWLINE = 1, 2, 4, 8, 16


def quote(data, style):
    out = bytearray()
    for b in data:
        if b in UNRESERVED or b in RAW[style]:
            out.append(b)
        elif b == 0x20 and style in ("form", "query"):
            out += b"+"
        else:
            out += b"%%%02X" % b
    return bytes(out)


def head_of(r):
    """Major type and value of a CBOR item."""
    first = r.take(1)[0]
    info = first & 31
    if info < 24:
        return first >> 5, info
    if info > 27:
        raise Malformed("indefinite")
    return first >> 5, int.from_bytes(r.take(1 << info - 24), "big")


def b64(data, url):
    text = base64.b64encode(data).rstrip(b"=")
    return text.translate(bytes.maketrans(b"+/", b"-_")) if url else text


def byte_string(r):
    major, n = head_of(r)
    if major != 2:
        raise Malformed("no byte string")
    return r.take(n)


def short(r, major, value):
    """A string that is no text string, or None."""
    if major == 7 and value < 20:
        return VALUES[value]
    if major == 7 and value >= 32:
        return VALUES[value - 12]
    if major == 2:
        return b"$" + b64(r.take(value), True)
    if major == 6 and value == 8:
        return b"!" + b64(byte_string(r), True)
    if major == 6 and value in (21, 22):
        return b64(byte_string(r), value == 21)
    return None


def string(r):
    """A string in a head."""
    major, value = head_of(r)
    if major == 0:
        return b"%d" % value
    if major == 3:
        return r.take(value)
    if major == 4:
        return b"".join(string(r) for _ in range(value))
    if major == 6 and value == 262:
        return byte_string(r)
    found = short(r, major, value)
    if found is None:
        raise Malformed("no string")
    return found


def escape(text, style):
    out = ""
    for c in text:
        if c in '"\\\b\f\n\r\t':
            out += "\\" + dict(zip('"\\\b\f\n\r\t', '"\\bfnrt'))[c]
        elif c == "/" and style & SLASH:
            out += "\\/"
        elif c < " " or (style & HTML and c in "<>&\u2028\u2029") or (style & ASCII and c >= "\x80"):
            units = c.encode("utf-16-be")
            out += "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
        else:
            out += c
    return out.encode()


def json_item(r, style, key=False):
    major, value = head_of(r)
    comma, colon = (b", ", b": ") if style & SPACED else (b",", b":")
    if key and major in (0, 1):
        number = value if major == 0 and value < 24 else value + 24
        return b'"' + KEYS[number] + b'"'
    if major == 0:
        return b"%d" % value
    if major == 1:
        return b"-%d" % (value + 1)
    if major == 3:
        return b'"' + escape(r.take(value).decode(), style) + b'"'
    if major == 4:
        return b"[" + comma.join(json_item(r, style) for _ in range(value)) + b"]"
    if major == 5:
        return b"{" + comma.join(json_item(r, style, True) + colon + json_item(r, style) for _ in range(value)) + b"}"
    if major == 6 and value == 262:
        return byte_string(r)
    if major == 7 and value in (20, 21, 22):
        return (b"false", b"true", b"null")[value - 20]
    return b'"' + short(r, major, value) + b'"'


def target(r, style):
    number = r.take(1)[0]
    version = None
    if number == 255:
        number = r.take(1)[0]
        version = string(r)
    if number == 0:
        path = string(r)
    else:
        segments = PATHS[number].split(b"/")
        if version is not None:
            segments[3] = version
        path = b"/".join(quote(string(r), PATH_STYLES[style]) if s == b"*" else s for s in segments)
    query = r.take(1)[0]
    if query == 0:
        return path
    if query == 63:
        return path + b"?" + string(r)
    pairs = []
    for _ in range((query & 63) - 1):
        known = r.take(1)[0]
        name = QUERY[known] if known else quote(string(r), QUERY_STYLES[query >> 6])
        pairs.append(name + b"=" + quote(string(r), QUERY_STYLES[query >> 6]))
    return path + b"?" + b"&".join(pairs)


def fields(r):
    found = []
    while code := r.take(1)[0]:
        if code == 255:
            name = string(r)
            found.append((name, string(r)))
        elif code > 127:
            found += RUNS[code - 128]
        else:
            found.append((envelope.FIELDS[code], string(r)))
    return found


def read_form(form, response):
    """Head and body of a compact form; the body None when it is outside."""
    r = Reader(form)
    head = envelope.Head()
    first = r.take(1)[0]
    if response:
        kind = first & 7
        head.status = STATUSES[first >> 3] or r.varint()
    else:
        kind = first >> 2 & 7
        head.method = envelope.METHODS[first >> 5] if first >> 5 else string(r)
        head.target = target(r, first & 3)
    head.fields = fields(r)
    body = b""
    if kind in (1, 5):
        body = r.take(len(form) - r.at)
    elif kind in (2, 3, 6):
        style = 0 if kind == 2 else r.take(1)[0]
        body = json_item(r, style) + (b"\n" if style & NEWLINE else b"")
    elif kind == 7:
        length = r.varint()
        head.body_length, body = (length - 1 if length else None), None
    if kind < 4:
        head.body_length = len(body)
    if r.at != len(form):
        raise Malformed("bytes left over")
    return head, body


def decode(data, response, preset=b"", history=b""):
    if data[0] not in (FLATE, BARE):
        raise Malformed("another coding")
    # zlib takes one dictionary here: what the two make together, as far as a window of 32 kB goes.
    z = zlib.decompressobj(-15, zdict=((preset if data[0] == FLATE else b"") + history[-24 * 1024:])[-32768:])
    form = z.decompress(data[1:])
    if not z.eof or z.unused_data:
        raise Malformed("no deflate stream")
    return read_form(form, response)
