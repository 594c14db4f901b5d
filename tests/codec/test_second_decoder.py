"""The second decoder (second/) reads what the C encoder wrote, byte for byte: it was written from docs/protocol.md and shares nothing with src/codec."""

import base64
import json
import os
import re
import subprocess
import sys
from collections import Counter, namedtuple

import pytest
from codec.made_tables import made_tables
from codec.second.bits import hash2
from codec.second.coder import REQUEST, About, ArithmeticDecoder, Decoder, Malformed
from codec.second.events import restored
from codec.second.history import NOTHING, History, Ref, Refused
from codec.second.reference import check_of, read_bases, read_check
from codec.second.syntax import kind_of_request
from codec.second.tables import NotTables, Tables
from codec.second.text import NotText, kept, read
from support.proc import build_folder, repository

ROOT = repository()
TABLES = os.path.join(build_folder(), "tools", "model", "model-tables.bin")
PROGRAM = os.path.join(build_folder(), "tests", "codec", "model_session")
STORE = 65536

Message = namedtuple("Message", "ref alone fate code text")


def lines_of(name, first, count, largest=2000):
    """Exchanges of a corpus file whose bodies are not large."""
    with open(os.path.join(ROOT, "corpus", name + ".jsonl"), encoding="utf-8") as f:
        small = [line for line in f if all(len(json.loads(line)[body]) <= largest for body in ("req_body", "resp_body"))]
    assert len(small) >= first + count, f"{name}: too few small exchanges"
    return small[first : first + count]


def played(folder, lines, tables=TABLES, store=STORE, loss=0, seed=1, hopeful=False):
    """Messages as the C encoder codes them in a session of these exchanges."""
    recorded = folder / "corpus" / "recorded"
    recorded.mkdir(parents=True)
    (recorded / "some.jsonl").write_text("".join(lines), encoding="utf-8")
    records = folder / "records"
    subprocess.run([sys.executable, os.path.join(ROOT, "tools", "model", "records.py"), "--out", records, folder / "corpus"], check=True)
    argv = [PROGRAM, tables, records, str(store), str(loss), str(seed)] + ["hopeful"] * hopeful
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the trainer's reader of records frees nothing
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=env)
    messages = []
    for line in done.stdout.splitlines():
        if line.startswith("message "):
            sender, number, coding, fate, code, text = line.split()[1:]
            code, text = (b"" if word == "-" else bytes.fromhex(word) for word in (code, text))
            messages.append(Message(Ref(sender == "up", int(number)), coding == "7", fate, code, text))
    return messages


def read_session(decoder, messages, store=STORE):
    """Reads a session as its two ends would, each from its own history. Returns the texts that were read."""
    ends = {True: History(store), False: History(store)}
    kinds, texts = {}, []
    for m in messages:
        sender, receiver = ends[m.ref.by_initiator], ends[not m.ref.by_initiator]
        is_response = not m.ref.by_initiator
        about = About(True, *kinds[m.ref.number]) if is_response else REQUEST
        coder = ArithmeticDecoder(m.code)
        base = NOTHING if m.alone else read_bases(coder, is_response, m.ref.number)
        check = None if m.alone else read_check(coder)
        if m.fate == "refused":
            with pytest.raises(Refused):
                receiver.view(m.ref, base)
        elif m.fate == "read":
            text = decoder.decode_on(coder, receiver.view(m.ref, base), about)
            assert text == m.text, f"message {m.ref}"
            assert check in (None, check_of(text))
            texts.append((is_response, text))
            receiver.add(m.ref, base, about, kept(text))
        if not is_response:
            kinds[m.ref.number] = kind_of_request(m.text)
        sender.add(m.ref, base, about, kept(m.text))
    return texts


@pytest.fixture(scope="module")
def decoder():
    with open(TABLES, "rb") as f:
        return Decoder(Tables(f.read(), check_id=True))


@pytest.fixture(scope="module")
def page():
    with open(os.path.join(ROOT, "docs", "protocol.md"), encoding="utf-8") as f:
        return f.read()


SESSIONS = [
    ("recorded/nio-kestrel", 60, 8),  # Russian, Arabic, Japanese as \u escapes
    ("recorded/fed-2", 118, 8),  # X-Matrix, canonical JSON in UTF-8, content hashes that are left out
    ("recorded/web", 30, 5),  # preflights
    ("recorded/errors", 4, 6),
    ("shapes/e2ee", 40, 5),
    ("shapes/sliding", 20, 4),
    ("shapes/bridges", 3, 6),
]


@pytest.mark.parametrize("name, first, count", SESSIONS, ids=[s[0] for s in SESSIONS])
def test_a_session_is_read_byte_for_byte(decoder, tmp_path, name, first, count):
    lines = lines_of(name, first, count)
    texts = read_session(decoder, played(tmp_path, lines))
    assert len(texts) == 2 * count
    requests, responses = Counter(), Counter()
    for is_response, text in texts:
        start, _, body, _ = read(text, is_response)
        (responses if is_response else requests)[start[-2:] + (restored(body),)] += 1
    exchanges = [json.loads(line) for line in lines]
    assert requests == Counter((e["method"].encode(), e["target"].encode(), base64.b64decode(e["req_body"])) for e in exchanges)
    assert responses == Counter((e["status"], base64.b64decode(e["resp_body"])) for e in exchanges)


def test_content_hashes_are_left_out(tmp_path):
    messages = played(tmp_path, lines_of("recorded/fed-2", 118, 8))
    assert sum(b'"hashes":{"sha256":"\1"' in m.text for m in messages) == 2


def test_without_history(decoder, tmp_path):
    """A link that loses everything leaves nobody anything to code against."""
    messages = played(tmp_path, lines_of("recorded/js-sdk", 10, 6), loss=100)
    assert len(messages) == 6 and all(m.fate == "lost" and m.alone for m in messages)
    for m in messages:
        assert decoder.decode(m.code) == m.text


def test_lost_messages_and_forgotten_ones(decoder, tmp_path):
    """40 % loss, own messages counted on before they arrive, and stores so small that most of it is forgotten."""
    messages = played(tmp_path, lines_of("recorded/nio-basic", 30, 60, largest=300), store=4096, loss=40, seed=3, hopeful=True)
    assert len({m.fate for m in messages}) == 3, "lost, refused and read messages should all occur"
    bases = [read_bases(ArithmeticDecoder(m.code), not m.ref.by_initiator, m.ref.number) for m in messages if not m.alone]
    assert any(b.also for b in bases) and any(b.own for b in bases) and any(b.parts for b in bases)
    assert len(read_session(decoder, messages, store=4096)) > 30


def test_padding_is_passed_over(decoder, tmp_path):
    message = played(tmp_path, lines_of("recorded/js-sdk", 10, 1))[0]
    assert decoder.decode(message.code + bytes(100)) == message.text
    with pytest.raises(Malformed):
        decoder.decode(message.code + bytes(100) + b"\1")


def test_any_code_is_read_or_refused(decoder):
    for code in (b"", b"\x00", b"\xff" * 3, bytes(range(1, 9))):
        try:
            assert len(decoder.decode(code, limit=100)) <= 100
        except Malformed:
            pass


def test_hostile_text_keeps_the_syntax_inside_its_bounds(tmp_path):
    """Deep nesting, half characters, zeros: coded by ours with the test tables, and read again."""
    body = b"[{" * 40 + b'"$a\\u00"' + b"\\u00zz\xf0\x9f\xc3(\x00\x00%4%zz%c3#0 " + b"]}" * 45 + b'"@x:\\"y":1,' + bytes(range(256))
    exchange = json.loads(lines_of("recorded/errors", 0, 1)[0])
    exchange["resp_body"] = base64.b64encode(body).decode()
    (tmp_path / "tables").write_bytes(made_tables())
    messages = played(tmp_path, [json.dumps(exchange) + "\n"], tables=tmp_path / "tables")
    texts = read_session(Decoder(Tables(made_tables())), messages)
    assert texts[1][1].endswith(body)


def test_other_files_are_no_tables():
    good = made_tables()
    for bad in (b"", good[:40], b"X" + good[1:], good[:4] + b"\1" + good[5:], good[:-1], good + b"\0"):
        with pytest.raises(NotTables):
            Tables(bad)
    with pytest.raises(NotTables):
        Tables(good[:-1] + bytes((good[-1] ^ 1,)), check_id=True)


class TestDescription:
    """docs/protocol.md: its examples, and what it repeats from the sources."""

    def blocks(self, page, what):
        """The hex of each block: on every line the words before the two spaces that set off the remarks."""
        found = re.findall(r"<!-- " + what + r"(.*?) -->\n((?:    .*\n)+)", page)
        assert found, f"no example of {what}"
        return [(more, [bytes.fromhex(line.strip().split("  ")[0]) for line in block.splitlines()]) for more, block in found]

    def test_hash(self, page):
        found = re.findall(r"`hash2\((\w+), (\w+)\)` is (0x[0-9a-f]+)", page)
        assert len(found) == 2
        for a, b, result in found:
            assert hash2(int(a, 0), int(b, 0)) == int(result, 0)

    def test_arithmetic_coder(self, page):
        for more, lines in self.blocks(page, "arithmetic: bits "):
            bits, p1 = (part.split() for part in more.split(", p1 "))
            coder = ArithmeticDecoder(b"".join(lines))
            assert [str(coder.bit(int(p))) for p in p1] == bits

    def test_text(self, page):
        for more, lines in self.blocks(page, "text: "):
            start, fields, body, known = read(b"".join(lines), False)
            slot, method, target = start
            assert more == f"{method.decode()} {target.decode()} slot {slot}"
            assert fields == [(b"Authorization", None), (b"Content-Type", b"application/json")]
            assert body == b"{}" and known

    def test_bases(self, page):
        for more, lines in self.blocks(page, "reference: "):
            kind, *numbers = more.split()
            number, parent, *request, also, own, parts = (int(word.partition("=")[2]) for word in numbers)
            base = read_bases(ArithmeticDecoder(b"".join(lines)), kind == "response", number)
            assert base.parent == Ref(kind == "response", parent)
            assert base.request == (Ref(True, number) if request == [1] else None)
            assert [sum(1 << bit for bit in bits) for bits in (base.also, base.own)] == [also, own]
            assert base.parts == parts

    def test_coded_messages(self, page, tmp_path):
        tables = Tables(made_tables(), check_id=True)
        assert f"their ID is {tables.id:016x}" in page
        ((_, (request_code, request)),) = self.blocks(page, "model: request")
        ((_, (response_code, response)),) = self.blocks(page, "model: response")
        decoder = Decoder(tables)
        assert decoder.decode(request_code) == request
        kind, account = kind_of_request(request)
        assert f"Its kind is {kind:#010x}, its account {account}." in page
        far = History(STORE)
        far.add(Ref(True, 0), NOTHING, REQUEST, kept(request))
        coder = ArithmeticDecoder(response_code)
        view = far.view(Ref(False, 0), read_bases(coder, True, 0))
        assert read_check(coder) == check_of(response)
        assert decoder.decode_on(coder, view, About(True, kind, account)) == response
        # and ours codes them so
        exchange = json.loads(lines_of("recorded/errors", 0, 1)[0])
        exchange.update(method="GET", target="/_matrix/client/versions", req_headers=[], req_body="", status=200)
        exchange.update(resp_headers=[["Content-Type", "application/json"]], resp_body=base64.b64encode(b'{"versions":["v1.1"]}').decode())
        (tmp_path / "tables").write_bytes(made_tables())
        up, down = played(tmp_path, [json.dumps(exchange) + "\n"], tables=tmp_path / "tables")
        assert (up.code, down.code) == (request_code, response_code)

    def test_head_without_end_is_no_text(self):
        with pytest.raises(NotText):
            read(b"200\nA: b\n", True)
