"""The handshake example of docs/protocol.md, worked out by another implementation of Noise and of AES-CCM."""
import hashlib
import hmac
import pathlib
import re

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from support.noise_peers import Noiseprotocol, public

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
PROTOCOL = "Noise_NK_25519_ChaChaPoly_BLAKE2s"


def example(marker):
    """name → bytes of the indented lines behind `<!-- marker`."""
    found, inside = {}, False
    for line in PAGE.read_text().split("\n"):
        if line.startswith("<!-- "):
            inside = line.startswith(f"<!-- {marker}")
        m = re.match(r"    (\S.*?)  +((?:[0-9a-f]{2} ?)+)", line)
        if inside and m:
            found[m[1]] = bytes.fromhex(m[2])
    return found


def hkdf(ck, ikm):
    def mac(key, data):
        return hmac.new(key, data, hashlib.blake2s).digest()

    temp = mac(ck, ikm)
    first = mac(temp, b"\x01")
    return first, mac(temp, first + b"\x02")


def test_the_example_is_what_another_implementation_makes_of_it():
    e = example("handshake NK")
    secret = e["responder's secret"]
    assert public(secret) == e["responder's public"]
    initiator = Noiseprotocol(PROTOCOL, True, e["prologue"], e=e["initiator's ephemeral"], rs=public(secret))
    responder = Noiseprotocol(PROTOCOL, False, e["prologue"], s=secret, e=e["responder's ephemeral"])
    state = initiator.c.noise_protocol.handshake_state.symmetric_state

    first = initiator.write(e["first payload"])
    assert e["first message"] == b"\xc0" + first
    assert responder.read(first) == e["first payload"]
    second = responder.write(e["second payload"])
    assert e["second message"] == b"\xd0" + second
    assert initiator.read(second) == e["second payload"]

    to_responder, to_initiator = hkdf(state.ck, b"")
    assert (to_responder, to_initiator) == (e["key to the responder"], e["key to the initiator"])
    assert hkdf(state.ck, b"thimble session name")[0][:8] == e["session name"]
    nonce = bytes(5) + (1).to_bytes(8, "big")
    assert e["record"] == b"\x81\x07" + AESCCM(to_responder, tag_length=8).encrypt(nonce, b"again", b"\x07")
