"""The envelope of docs/protocol.md §3, written from that page alone and without looking at src/codec: a second implementation.

The table of header field numbers is read from the page itself.
"""

import pathlib
import re
from dataclasses import dataclass, field

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
REQUEST_FORMAT, GIVE_UP_FORMAT = 65000, 65001
IDENTITY = 0
METHODS = {1: b"GET", 2: b"PUT", 3: b"POST", 4: b"DELETE", 5: b"OPTIONS", 6: b"HEAD", 7: b"PATCH"}
FIELDS_MAX, TARGET_MAX = 128, 16384
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2


class Malformed(ValueError):
    pass


def field_names():
    """number -> name, from the table in §4."""
    rows = re.findall(r"^\| (\d+) \| (\S+) \| (?:yes|no|unless)", PAGE.read_text(encoding="utf-8"), re.M)
    return {int(number): name.encode() for number, name in rows}


FIELDS = field_names()
NUMBERS = {name.lower(): number for number, name in FIELDS.items()}


@dataclass
class Head:
    body_length: int | None = None
    method: bytes = b""
    target: bytes = b""
    status: int = 0
    fields: list = field(default_factory=list)

    def get(self, name):
        return next((v for n, v in self.fields if n.lower() == name.lower()), None)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Malformed("cut off")
        self.at += n
        return self.data[self.at - n:self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
            if shift > 63:
                raise Malformed("varint too long")
        if byte == 0 and shift > 7:
            raise Malformed("varint not in its shortest form")
        return value

    def string(self):
        return self.take(self.varint())

    def end(self):
        if self.at != len(self.data):
            raise Malformed("bytes left over")


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def string(value):
    return varint(len(value)) + value


def _length(body_length):
    return varint(0 if body_length is None else body_length + 1)


def _fields(fields):
    out = varint(len(fields))
    for name, value in fields:
        number = NUMBERS.get(name.lower(), 0)
        out += varint(number) + (b"" if number else string(name)) + string(value)
    return out


def _wrap(head, body):
    return bytes([IDENTITY]) + string(head) + body


def write_request(method, target, fields=(), body=b"", body_length=-1):
    number = next((k for k, v in METHODS.items() if v == method), 0)
    head = _length(len(body) if body_length == -1 else body_length)
    head += varint(number) + (b"" if number else string(method)) + string(target) + _fields(list(fields))
    return _wrap(head, body)


def write_response(status, fields=(), body=b"", body_length=-1):
    head = _length(len(body) if body_length == -1 else body_length)
    return _wrap(head + varint(status) + _fields(list(fields)), body)


def _unwrap(data):
    outer = Reader(data)
    if outer.take(1)[0] != IDENTITY:
        raise Malformed("unknown coding")
    head = Reader(outer.string())
    return head, data[outer.at:]


def _read_length(reader):
    value = reader.varint()
    return None if value == 0 else value - 1


def _read_fields(reader):
    count = reader.varint()
    if count > FIELDS_MAX:
        raise Malformed("too many fields")
    fields = []
    for _ in range(count):
        number = reader.varint()
        name = reader.string() if number == 0 else FIELDS.get(number)
        if name is None or not TOKEN.fullmatch(name):
            raise Malformed("field name")
        value = reader.string()
        if any(byte < 0x20 and byte != 0x09 or byte == 0x7F for byte in value):
            raise Malformed("field value")
        fields.append((name, value))
    reader.end()
    return fields


def _check(head, body):
    if head.body_length is not None and head.body_length != len(body):
        raise Malformed("body length")
    return head, body


def read_request(data):
    reader, body = _unwrap(data)
    head = Head(_read_length(reader))
    number = reader.varint()
    head.method = reader.string() if number == 0 else METHODS.get(number, b"")
    if not TOKEN.fullmatch(head.method):
        raise Malformed("method")
    head.target = reader.string()
    if not 0 < len(head.target) <= TARGET_MAX or any(byte <= 0x20 or byte == 0x7F for byte in head.target):
        raise Malformed("target")
    head.fields = _read_fields(reader)
    return _check(head, body)


def read_response(data):
    reader, body = _unwrap(data)
    head = Head(_read_length(reader))
    head.status = reader.varint()
    if not 200 <= head.status <= 599:
        raise Malformed("status")
    head.fields = _read_fields(reader)
    return _check(head, body)
