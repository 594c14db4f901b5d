"""What a text leaves out of access tokens (protocol.md, 14.1)."""

import base64
import re
import zlib

DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MARKED = rb"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]{17,248}_)([\x1e\x1f])(?![A-Za-z0-9_-])"
NAMED = rb"(?<![A-Za-z0-9_-])(sy[A-Za-z]_)@([a-z0-9._=/+-]{1,167})(_[A-Za-z]{20}_)\x1e(?![A-Za-z0-9_-])"
EITHER = re.compile(NAMED + b"|" + MARKED)


def _whole(m):
    rest = m[1] + base64.b64encode(m[2]).rstrip(b"=") + m[3] if m[1] else m[4]
    left, digits = zlib.crc32(rest[:-1]), b""
    while left:
        left, digit = divmod(left, 62)
        digits = digits + DIGITS[digit : digit + 1] if m[5] == b"\x1f" else DIGITS[digit : digit + 1] + digits
    return rest + digits.rjust(6, b"0")


def restored(text):
    return EITHER.sub(_whole, text)
