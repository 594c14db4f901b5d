"""`thimble explain --live`: what two running daemons code, seen at both."""

import os
import re
import signal
import socket
import stat
import struct
import subprocess

import pytest
from support.link import Link
from support.pair import binary, direct
from support.proc import Child, free_port, wait_until
from support.wire import Client

pytestmark = pytest.mark.skipif(direct(), reason="needs real daemons")

ANSWER = b'{"text":"what came back","access_token":"hiddenhidden"}'
TOKEN = b"Bearer syt_bGl2ZQ_veryLongAndSecret_1"


class Reader(Child):
    def __init__(self, folder, path, *options):
        super().__init__("explain-" + os.path.basename(path), [binary(), "explain", *options, "--live", path], os.path.join(folder, os.path.basename(path) + ".out"))

    def shown(self):
        """(sent or received, request or response, bytes) of each message."""
        return re.findall(r"^\d+, (sent|received) (request|response): (\d+) bytes", self.log(), re.M)


@pytest.fixture
def watched(tmp_path, own_pair, upstream):
    """A pair with explain sockets and a reader at each."""
    paths = [str(tmp_path / half) for half in ("near.sock", "far.sock")]
    pair = own_pair(upstream.url, near_options=["--explain-socket", paths[0]], far_options=["--explain-socket", paths[1]])
    readers = []
    for path in paths:
        readers.append(Reader(str(tmp_path), path))
        wait_until(lambda r=readers[-1]: "Bits a character" in r.log(), 20, "a reader that has begun", readers[-1].check_alive)
    yield pair, readers, paths
    for reader in readers:
        reader.kill()


def talk(pair, upstream, numbers):
    """Each number once: the near daemon remembers answers."""
    for i in numbers:
        upstream.on(b"/_matrix/client/v3/profile/%d" % i, lambda r, c: c.respond(200, [(b"Content-Type", b"application/json")], ANSWER))
    with Client(pair.http_port) as client:
        for i in numbers:
            answer = client.request(b"GET", b"/_matrix/client/v3/profile/%d" % i, [(b"Authorization", TOKEN)])
            assert answer.status == 200


def test_both_ends_see_the_same(watched, upstream):
    pair, (near, far), paths = watched
    talk(pair, upstream, range(3))
    wait_until(lambda: len(near.shown()) >= 6 and len(far.shown()) >= 6, 20, "six messages at each end")
    ours, theirs = near.shown(), far.shown()
    other = {"sent": "received", "received": "sent"}
    assert sorted(ours) == sorted((other[way], kind, size) for way, kind, size in theirs)
    assert {(way, kind) for way, kind, _ in ours} == {("sent", "request"), ("received", "response")}
    for reader in (near, far):
        assert reader.stop(sig=signal.SIGINT) == 0
        text = reader.log()
        assert "what came back" in text and "***" in text
        assert "hiddenhidden" not in text and "veryLong" not in text
        total = int(re.search(r"^ *(\d+) +100.0 +together$", text, re.M)[1])
        assert total == sum(int(size) for _, _, size in ours)
        assert abs(float(re.search(r"^ *(-?[\d.]+) .* rounding of codes", text, re.M)[1])) <= 6
    assert all(stat.S_IMODE(os.stat(path).st_mode) == 0o600 for path in paths)


def test_bytes_on_the_link(tmp_path, own_pair, upstream):
    """What is said of a message's bytes on the link is what crosses it, once the handshake is over."""
    port, path = free_port(), str(tmp_path / "near.sock")
    link = Link(str(tmp_path), port, [])
    link.start()
    try:
        pair = own_pair(upstream.url, coap_port=port, coap_target_port=link.port, near_options=["--explain-socket", path])
        talk(pair, upstream, [0])
        reader = Reader(str(tmp_path), path)
        wait_until(lambda: "Bits a character" in reader.log(), 20, "a reader that has begun", reader.check_alive)
        before = link.stats()
        talk(pair, upstream, range(1, 6))
        wait_until(lambda: len(reader.shown()) >= 10, 20, "ten messages")
        after = link.stats()
        reader.stop(sig=signal.SIGINT)
    finally:
        link.stop()
    for kind, way in (("request", "up"), ("response", "down")):
        said = [int(n) for n in re.findall(r"^\d+, \w+ " + kind + r": .*? IP (\d+);", reader.log(), re.M)]
        assert len(said) == 5
        assert sum(said) == after[way]["entered"]["bytes"] - before[way]["entered"]["bytes"]


def test_daemons_outlive_readers_and_readers_end_with_them(watched, upstream, tmp_path):
    pair, (near, far), paths = watched
    near.kill()
    talk(pair, upstream, range(2))
    wait_until(lambda: len(far.shown()) >= 4, 20, "messages at the far end")
    late = Reader(str(tmp_path), paths[0], "--summary")
    try:
        wait_until(lambda: _readers(paths[0]) >= 1, 20, "a late reader")
        talk(pair, upstream, [2])
        wait_until(lambda: len(far.shown()) >= 6, 20, "messages at the far end")
        pair.stop()
        assert late.wait(20) == 0 and far.wait(20) == 0
        assert re.search(r"^requests +1 ", late.log(), re.M), late.log()
    finally:
        late.kill()
    assert not any(os.path.exists(path) for path in paths)


def _readers(path):
    with open("/proc/net/unix", encoding="utf-8") as f:
        return sum(line.rstrip().endswith(" " + path) and line.split()[5] == "03" for line in f)


def _frames(sock, quiet=0.5):
    """(left out, bytes of text) of each frame that comes until nothing does for a while."""
    sock.settimeout(quiet)
    data = b""
    try:
        while chunk := sock.recv(1 << 16):
            data += chunk
    except socket.timeout:
        pass
    found = []
    while len(data) >= 4:
        length, _, _, left_out, _, _, text = struct.unpack_from(">IBBIIII", data)
        assert len(data) >= 4 + length, "half a frame"
        found.append((left_out, text))
        data = data[4 + length :]
    return found


def test_a_reader_that_does_not_read_loses_messages_and_no_more(watched, upstream):
    """The daemon goes on, and says how many it left out."""
    pair, _, paths = watched
    upstream.on(b"/long", lambda r, c: c.respond(200, [(b"Content-Type", b"application/json")], b'{"long":"' + os.urandom(10_000).hex().encode() + b'"}'))
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(paths[0])
        with Client(pair.http_port) as client:
            for _ in range(20):
                assert client.request(b"GET", b"/long", [(b"Cache-Control", b"no-store")]).status == 200
        early = _frames(deaf)
        assert 5 < len(early) < 39 and any(text > 20_000 for _, text in early)
        talk(pair, upstream, [0])
        late = _frames(deaf)
    left_out = sum(n for n, _ in early + late)
    assert left_out > 0 and len(early) + len(late) + left_out == 42


def refused(*options):
    done = subprocess.run([binary(), "--only-coap", "--coap-port", "0", "--http-target", "http://127.0.0.1:9", *options], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr


def test_complaints_of_the_daemon(watched, tmp_path):
    _, _, paths = watched
    state = ["--state-dir", str(tmp_path / "third")]
    status, text = refused(*state, "--explain-socket", paths[0])
    assert status == 1 and "Address already in use (another thimble has it)" in text
    (tmp_path / "file").write_text("mine")
    status, text = refused(*state, "--explain-socket", str(tmp_path / "file"))
    assert status == 1 and "File exists (it is no socket; name another path)" in text
    assert (tmp_path / "file").read_text() == "mine"
    status, text = refused(*state, "--explain-socket", "/" + "x" * 200)
    assert status == 1 and "File name too long (a socket's path has at most 107 bytes)" in text
    status, text = refused("--disable-encryption", "--explain-socket", str(tmp_path / "s"))
    assert status == 2 and "with disable-encryption nothing is coded" in text
