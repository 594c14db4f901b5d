#!/usr/bin/env python3
"""Writes the vectors of Project Wycheproof that concern the primitives we ship, one a line, from its JSON files. ../README.md says
where they come from and what is left out.

    tests/vectors/wycheproof/make_vectors.py FOLDER          writes the .txt files; FOLDER is testvectors_v1 of the version below
    tests/vectors/wycheproof/make_vectors.py --check FOLDER  says whether what is committed is what this script writes
    tests/vectors/wycheproof/make_vectors.py --check         the same without the JSON files, by the checksums that were written then
"""

import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SUMS = HERE / "SHA256SUMS"
SOURCE = "github.com/c2sp/wycheproof v0.0.0-20260902155932-3fa63dd0344a"
HASH = 32  # bytes of SHA-256's result
AEAD = ("key", "iv", "aad", "msg", "ct", "tag")


def octets(vector, name):
    return len(vector[name]) // 2


def noise_aead(group, vector):
    """Keys of 256 bits under nonces of 96 bits: Noise has no others."""
    return group["keySize"] == 256 and group["ivSize"] == 96


def record_ccm(group, vector):
    """Keys of 256 bits and tags of 8 or 16 bytes, as records have them; nonces of every length that CCM has."""
    return group["keySize"] == 256 and group["tagSize"] in (64, 128) and 7 * 8 <= group["ivSize"] <= 13 * 8


def noise_hmac(group, vector):
    """Keys of at most one hash length."""
    return octets(vector, "key") <= HASH


def noise_hkdf(group, vector):
    """No info, a salt of at most one hash length, at most three hash lengths of output."""
    return not vector["info"] and octets(vector, "salt") <= HASH and vector["size"] <= 3 * HASH


def everything(group, vector):
    return True


# file, checksum of the JSON it is made of, columns, which vectors
FILES = [
    ("x25519", "35c3f5231cf25cc640b524d403461deee9e49441d5d915a3a25b2c8ff5adbe7d", ("private", "public", "shared"), everything),
    ("chacha20_poly1305", "fe61d25f90e1bde4461d00eafe61049e5f29bd999f36b766df9cda90906ad53d", AEAD, noise_aead),
    ("aes_gcm", "985e5ecc172e181eaf49e89508b9470dcf478002eb7e8559c707eb42dc97dfe7", AEAD, noise_aead),
    ("aes_ccm", "e713a981df1f261098245f4a1031a34a611df93e0d83f4a6a2c1a13e9ba62d7b", AEAD, record_ccm),
    ("hmac_sha256", "2d201cfa61d1bf95e6f5d07d96634b4a348b31e8eaa277ad7c8d09677b7a743f", ("key", "msg", "tag"), noise_hmac),
    ("hkdf_sha256", "bb2b462a38b251cb52a2aede706d6d4b62b26864f4e80c95497507ddb07c5f1e", ("salt", "ikm", "okm"), noise_hkdf),
]


def text(folder, name, checksum, columns, wanted):
    data = (folder / f"{name}_test.json").read_bytes()
    if hashlib.sha256(data).hexdigest() != checksum:
        sys.exit(f"{name}_test.json is not that of {SOURCE}")
    lines, every = [], 0
    for group in json.loads(data)["testGroups"]:
        for vector in group["tests"]:
            every += 1
            if wanted(group, vector):
                words = [str(vector["tcId"]), vector["result"], *(vector[column] or "-" for column in columns)]
                lines.append(" ".join(words) + "\n")
    head = f"""\
# Project Wycheproof, Apache-2.0. {SOURCE}, testvectors_v1/{name}_test.json,
# {len(lines)} of {every} vectors; written by make_vectors.py. Values are hex, - is empty.
# tcId result {" ".join(columns)}
"""
    return head + "".join(lines)


def sums(texts):
    return "".join(f"{hashlib.sha256(t.encode()).hexdigest()}  {name}\n" for name, t in texts.items())


def main():
    check = sys.argv[1:2] == ["--check"]
    folders = sys.argv[1 + check:]
    if len(folders) > 1 or not (check or folders):
        sys.exit(__doc__)
    committed = {f"{row[0]}.txt": HERE / f"{row[0]}.txt" for row in FILES}
    if folders:
        texts = {f"{row[0]}.txt": text(pathlib.Path(folders[0]), *row) for row in FILES}
    else:
        texts = {name: file.read_text() for name, file in committed.items()}
    if not check:
        for name, file in committed.items():
            file.write_text(texts[name])
        SUMS.write_text(sums(texts))
        return
    for name, file in committed.items():
        if file.read_text() != texts[name]:
            sys.exit(f"{name} differs from what {sys.argv[0]} writes")
    if SUMS.read_text() != sums(texts):
        sys.exit(f"{SUMS.name} is not that of the files")


if __name__ == "__main__":
    main()
