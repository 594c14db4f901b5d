#!/usr/bin/env python3
"""Writes Noise test vectors in the published (cacophony) format with two implementations that are not ours.

    tests/vectors/noise/make_vectors.py          writes IMPLEMENTATION.json beside this file
    tests/vectors/noise/make_vectors.py --check  says whether what is committed is what this script writes

Every pattern and suite that we ship, with and without prologue and payloads. Keys are derived from names, so that a second run
writes the same bytes. Each vector's messages are read by the other implementation, too, before they count.
"""

import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from support.noise_peers import IMPLEMENTATIONS, MESSAGES, PATTERNS, SUITES, needs, public  # noqa: E402

TRANSPORT = 6


def derived(*words):
    return hashlib.sha256("/".join(words).encode()).digest()


def payload(label, i, filled):
    if not filled and i != 1:
        return b""
    n = (0, 1, 15, 16, 17, 64, 100, 255, 300)[i % 9]
    return b"".join(derived(label, "payload", str(i), str(k)) for k in range(n // 32 + 1))[:n]


def pass_messages(label, filled, handshakes, sides, reader):
    messages = []
    for i in range(handshakes + TRANSPORT):
        writer = sides[i % 2]
        data = payload(label, i, filled)
        sealed = writer.write(data) if i < handshakes else writer.seal(data)
        for other in (sides[1 - i % 2], reader[1 - i % 2]):
            if (other.read(sealed) if i < handshakes else other.open(sealed)) != data:
                raise SystemExit(f"{label}: message {i} does not arrive")
        same = reader[i % 2].write(data) if i < handshakes else reader[i % 2].seal(data)
        if same != sealed:
            raise SystemExit(f"{label}: two implementations disagree about message {i}")
        messages.append({"payload": data.hex(), "ciphertext": sealed.hex()})
    return messages


def vector(own, other, pattern, suite, filled):
    protocol = f"Noise_{pattern}_{suite}"
    label = f"{own.name}/{protocol}/{'filled' if filled else 'empty'}"
    prologue = derived(label, "prologue")[:20] if filled else b""
    out = {"protocol_name": protocol}
    keys = {}
    for role, initiator in (("init", True), ("resp", False)):
        need = needs(pattern, initiator)
        secret = {who: derived(label, "static", who) for who in ("init", "resp")}
        far = "resp" if initiator else "init"
        keys[role] = k = {"e": derived(label, "ephemeral", role)}
        out[f"{role}_prologue"] = prologue.hex()
        if need["psk"]:
            k["psk"] = derived(label, "psk")
            out[f"{role}_psks"] = [k["psk"].hex()]
        if need["s"]:
            k["s"] = secret[role]
            out[f"{role}_static"] = k["s"].hex()
        out[f"{role}_ephemeral"] = k["e"].hex()
        if need["rs"]:
            k["rs"] = public(secret[far])
            out[f"{role}_remote_static"] = k["rs"].hex()

    def sides(implementation):
        return [implementation(protocol, role == "init", prologue, **keys[role]) for role in ("init", "resp")]

    ours, theirs = sides(own), sides(other)
    messages = pass_messages(label, filled, MESSAGES[pattern[:2]], ours, theirs)
    if len({side.hash() for side in ours + theirs}) != 1:
        raise SystemExit(f"{label}: handshake hashes differ")
    out["handshake_hash"] = ours[0].hash().hex()
    out["messages"] = messages
    return out


def main():
    check = sys.argv[1:] == ["--check"]
    for own, other in (IMPLEMENTATIONS, IMPLEMENTATIONS[::-1]):
        vectors = [vector(own, other, p, s, filled) for p in PATTERNS for s in SUITES for filled in (False, True)]
        text = json.dumps({"vectors": vectors}, indent=1) + "\n"
        file = HERE / (own.name + ".json")
        if not check:
            file.write_text(text)
        elif file.read_text() != text:
            sys.exit(f"{file.name} differs from what {sys.argv[0]} writes")
        print(f"{file.name}: {len(vectors)} vectors")


if __name__ == "__main__":
    main()
