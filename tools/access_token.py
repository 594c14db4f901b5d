"""Access tokens: the checksums that they end in, CRC-32 of what is before the last "_", in six digits of base 62; and the names in Synapse's
(src/codec/access_token.h)."""

import base64
import re
import string
import zlib

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Synapse's tokens for access, refresh and login; those of matrix-authentication-service.
FORM = r"(?:sy[trl]|ma[tr]|mc[tr])_[A-Za-z0-9_-]+_[0-9A-Za-z]{6}"


def mended(token):
    """A token of that form with the checksum that it has to have."""
    rest = token[:-7]
    left, digits = zlib.crc32(rest.encode()), ""
    while left:
        left, digit = divmod(left, 62)
        digits = DIGITS[digit] + digits
    return rest + "_" + (digits[::-1] if token.startswith("m") else digits).rjust(6, "0")


def is_right(token):
    return re.fullmatch(FORM, token) is not None and mended(token) == token


def localpart(token):
    """The name in a token of Synapse's whose checksum is right; else None."""
    m = re.fullmatch(r"sy[a-z]_([A-Za-z0-9]+)_[A-Za-z]{20}_[A-Za-z0-9]{6}", token)
    if not m or not is_right(token) or len(m[1]) % 4 == 1:
        return None
    name = base64.b64decode(m[1] + "=" * (-len(m[1]) % 4))
    return name.decode() if re.fullmatch(rb"[a-z0-9._=/+-]+", name) and base64.b64encode(name).decode().rstrip("=") == m[1] else None
