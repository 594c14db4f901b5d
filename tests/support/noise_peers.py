"""Two Noise implementations of other people behind one interface: what our handshakes are checked against."""

import logging
import warnings

from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dissononce.cipher.aesgcm import AESGCMCipher
from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.keypair import KeyPair
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.public import PublicKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.hash.blake2s import Blake2sHash
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.IK import IKHandshakePattern
from dissononce.processing.handshakepatterns.interactive.KK import KKHandshakePattern
from dissononce.processing.handshakepatterns.interactive.NK import NKHandshakePattern
from dissononce.processing.handshakepatterns.interactive.XX import XXHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier
from noise.connection import Keypair, NoiseConnection

PATTERNS = ("NK", "NKpsk0", "NKpsk2", "KK", "KKpsk0", "KKpsk2", "IK", "IKpsk0", "IKpsk2", "XX", "XXpsk0", "XXpsk2", "XXpsk3")
SUITES = ("25519_ChaChaPoly_BLAKE2s", "25519_AESGCM_SHA256")
MESSAGES = {"NK": 2, "KK": 2, "IK": 2, "XX": 3}

logging.getLogger("dissononce").setLevel(logging.CRITICAL)
logging.getLogger("noise").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module="noise")


def public(secret):
    key = x25519.X25519PrivateKey.from_private_bytes(secret)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def needs(pattern, initiator):
    """What a side is given before: its own static key, the other's, a psk."""
    base = pattern[:2]
    return {
        "s": base != "NK" or not initiator,
        "rs": base == "KK" or (base in ("NK", "IK") and initiator),
        "psk": "psk" in pattern,
    }


class Noiseprotocol:
    """PyPI noiseprotocol. Secrets and psk as 32 bytes; e None: a random one."""

    name = "noiseprotocol"

    def __init__(self, protocol, initiator, prologue=b"", s=None, e=None, rs=None, psk=None):
        self.c = NoiseConnection.from_name(protocol.encode())
        if initiator:
            self.c.set_as_initiator()
        else:
            self.c.set_as_responder()
        self.c.set_prologue(prologue)
        if psk:
            self.c.set_psks(psk)
        if s:
            self.c.set_keypair_from_private_bytes(Keypair.STATIC, s)
        if e:
            self.c.set_keypair_from_private_bytes(Keypair.EPHEMERAL, e)
        if rs:
            self.c.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, rs)
        self.c.start_handshake()

    def write(self, payload):
        return bytes(self.c.write_message(payload))

    def read(self, message):
        return bytes(self.c.read_message(message))

    def hash(self):
        return self.c.get_handshake_hash()

    def seal(self, payload):
        return bytes(self.c.encrypt(payload))

    def open(self, message):
        return bytes(self.c.decrypt(message))


class FixedDH(X25519DH):
    """dissononce makes its ephemeral key itself; this one hands out a given secret once."""

    def __init__(self, secret):
        super().__init__()
        self.secret = secret

    def generate_keypair(self, privatekey=None):
        if privatekey is None and self.secret:
            privatekey, self.secret = PrivateKey(self.secret), None
        return super().generate_keypair(privatekey)


class Dissononce:
    """PyPI dissononce, likewise."""

    name = "dissononce"
    patterns = {"NK": NKHandshakePattern, "KK": KKHandshakePattern, "IK": IKHandshakePattern, "XX": XXHandshakePattern}

    def __init__(self, protocol, initiator, prologue=b"", s=None, e=None, rs=None, psk=None):
        _, pattern, suite = protocol.split("_", 2)
        cipher, digest = ((AESGCMCipher, SHA256Hash) if "AESGCM" in suite else (ChaChaPolyCipher, Blake2sHash))
        made = self.patterns[pattern[:2]]()
        if pattern[2:]:
            made = PSKPatternModifier(int(pattern[5:])).modify(made)
        self.initiator = initiator
        self.symmetric = SymmetricState(CipherState(cipher()), digest())
        self.state = HandshakeState(self.symmetric, FixedDH(e))
        pair = KeyPair(PublicKey(public(s)), PrivateKey(s)) if s else None
        self.state.initialize(made, initiator, prologue, s=pair, rs=PublicKey(rs) if rs else None,
                              psks=[psk] if psk else None)
        if self.state.protocol_name != protocol:
            raise ValueError(f"{self.state.protocol_name} instead of {protocol}")
        self.ciphers = None

    def write(self, payload):
        out = bytearray()
        self._finish(self.state.write_message(payload, out))
        return bytes(out)

    def read(self, message):
        out = bytearray()
        self._finish(self.state.read_message(message, out))
        return bytes(out)

    def _finish(self, ciphers):
        if ciphers:
            self.handshake_hash = self.symmetric.get_handshake_hash()
            self.ciphers = ciphers if self.initiator else ciphers[::-1]

    def hash(self):
        return self.handshake_hash

    def seal(self, payload):
        return bytes(self.ciphers[0].encrypt_with_ad(b"", payload))

    def open(self, message):
        return bytes(self.ciphers[1].decrypt_with_ad(b"", message))


IMPLEMENTATIONS = (Noiseprotocol, Dissononce)
