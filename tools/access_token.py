"""The checksums that access tokens end in: CRC-32 of what is before the last "_", in six digits of base 62 (src/codec/access_token.h)."""

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
