"""Our Noise handshakes live against those of two other implementations: random pattern, suite, role, keys, payloads."""

import os
import random
import subprocess
import time

import peers
import pytest
from support.noise_peers import IMPLEMENTATIONS, MESSAGES, PATTERNS, SUITES, needs, public

HANDSHAKES = 1000
SPENT_MAX_S = 60
PAYLOAD_SIZES = (0, 0, 1, 15, 16, 17, 100, 255, 1000, 1500)


class Ours:
    """tests/interop/noise_peer.c as a child; see there for its lines."""

    def __init__(self):
        self.process = subprocess.Popen([peers.PROGRAMS / "noise_peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)

    def ask(self, *words):
        self.process.stdin.write(" ".join((w.hex() or "-") if isinstance(w, bytes) else w for w in words) + "\n")
        status, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
        return status, rest

    def ok(self, *words):
        status, rest = self.ask(*words)
        assert status == "ok", f"{words[0]}: {status} {rest}"
        return rest

    def bytes(self, *words):
        rest = self.ok(*words)
        return b"" if rest == "-" else bytes.fromhex(rest)

    def init(self, protocol, initiator, prologue=b"", s=None, rs=None, psk=None):
        return self.ok("init", protocol, "i" if initiator else "r", prologue, s or b"", rs or b"", psk or b"")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()


@pytest.fixture
def ours():
    one = Ours()
    yield one
    one.close()


class Game:
    """One random handshake; everything follows from the generator."""

    def __init__(self, rng):
        self.rng = rng
        self.pattern = rng.choice(PATTERNS)
        self.protocol = f"Noise_{self.pattern}_{rng.choice(SUITES)}"
        self.theirs_class = rng.choice(IMPLEMENTATIONS)
        self.we_initiate = rng.random() < 0.5
        self.prologue = rng.randbytes(rng.choice((0, 1, 20, 200)))
        self.secret = {True: rng.randbytes(32), False: rng.randbytes(32)}
        self.psk = rng.randbytes(32)

    def __str__(self):
        return f"{self.protocol}, {self.theirs_class.name}, we {'initiate' if self.we_initiate else 'respond'}"

    def keys(self, initiator):
        need = needs(self.pattern, initiator)
        return {"s": self.secret[initiator] if need["s"] else None,
                "rs": public(self.secret[not initiator]) if need["rs"] else None,
                "psk": self.psk if need["psk"] else None}

    def start(self, ours):
        ours.init(self.protocol, self.we_initiate, self.prologue, **self.keys(self.we_initiate))
        self.theirs = self.theirs_class(self.protocol, not self.we_initiate, self.prologue, **self.keys(not self.we_initiate))

    def payload(self):
        return self.rng.randbytes(self.rng.choice(PAYLOAD_SIZES))

    def shake(self, ours):
        for i in range(MESSAGES[self.pattern[:2]]):
            data = self.payload()
            if (i % 2 == 0) == self.we_initiate:
                assert self.theirs.read(ours.bytes("write", data)) == data
            else:
                assert ours.bytes("read", self.theirs.write(data)) == data
        handshake_hash, remote = ours.ok("split").split(" ")
        assert bytes.fromhex(handshake_hash) == self.theirs.hash()
        anonymous = self.pattern.startswith("NK") and not self.we_initiate
        assert remote == ("-" if anonymous else public(self.secret[not self.we_initiate]).hex())

    def talk(self, ours):
        for _ in range(self.rng.randrange(2, 6)):
            data = self.payload()
            assert self.theirs.open(ours.bytes("seal", data)) == data
            data = self.payload()
            assert ours.bytes("open", self.theirs.seal(data)) == data


def seed():
    value = int(os.environ.get("TH_SEED", time.time_ns() % 2**32))
    print(f"seed {value} (TH_SEED)")
    return value


def test_random_handshakes(ours):
    first = seed()
    begun = time.monotonic()
    played = set()
    for i in range(HANDSHAKES):
        game = Game(random.Random(f"{first}/{i}"))
        try:
            game.start(ours)
            game.shake(ours)
            game.talk(ours)
        except Exception as e:
            raise AssertionError(f"seed {first}, handshake {i}: {game}: {e!r}") from e
        played.add((game.protocol, game.theirs_class, game.we_initiate))
    assert len(played) > 100  # of 104
    assert time.monotonic() - begun < SPENT_MAX_S


def test_changed_messages_are_refused(ours):
    """Theirs with one bit changed: we refuse at once, or, where nothing seals the message, they refuse our answer."""
    first = seed()
    for i in range(200):
        game = Game(random.Random(f"{first}/changed/{i}"))
        game.we_initiate = False
        game.start(ours)
        message = bytearray(game.theirs.write(game.payload()))
        message[game.rng.randrange(len(message))] ^= 1 << game.rng.randrange(8)
        status, rest = ours.ask("read", bytes(message))
        if game.pattern == "XX":
            assert status == "ok", f"seed {first}, {i}: {game}"
            with pytest.raises(Exception):  # noqa: B017 -- each library has its own
                game.theirs.read(ours.bytes("write", b""))
            continue
        assert (status, rest) == ("dead", "malformed message"), f"seed {first}, {i}: {game}"
        assert ours.ask("write", b"")[0] == "dead"


def test_wrong_psk_is_refused(ours):
    for pattern in (p for p in PATTERNS if "psk" in p):
        game = Game(random.Random(pattern))
        game.pattern, game.protocol = pattern, f"Noise_{pattern}_{SUITES[0]}"
        game.start(ours)
        keys = dict(game.keys(game.we_initiate), psk=bytes(32))
        ours.init(game.protocol, game.we_initiate, game.prologue, **keys)
        with pytest.raises(Exception):  # noqa: B017
            game.shake(ours)


def test_what_we_do_not_do(ours):
    assert ours.ask("init", "Noise_NN_25519_ChaChaPoly_BLAKE2s", "i", b"", b"", b"", b"")[0] == "dead"
    assert ours.ask("init", "Noise_NK_25519_ChaChaPoly_BLAKE2s", "i", b"", b"", b"", b"")[0] == "dead"
    assert ours.ask("write", b"")[0] == "dead"
    assert ours.ask("seal", b"x")[0] == "dead"
