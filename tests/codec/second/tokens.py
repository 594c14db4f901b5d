"""The checksums of access tokens, which a text leaves out (protocol.md, 14.1)."""

import re
import zlib

DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MARKED = re.compile(rb"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]{17,248}_)([\x1e\x1f])(?![A-Za-z0-9_-])")


def _checksum(m):
    left, digits = zlib.crc32(m[1][:-1]), b""
    while left:
        left, digit = divmod(left, 62)
        digits = digits + DIGITS[digit : digit + 1] if m[2] == b"\x1f" else DIGITS[digit : digit + 1] + digits
    return m[1] + digits.rjust(6, b"0")


def restored(text):
    return MARKED.sub(_checksum, text)
