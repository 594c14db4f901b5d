"""The second decoder (second/) reads what the C encoder wrote, byte for byte: it was written from docs/protocol.md and shares nothing with src/codec."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter, namedtuple

import pytest
from codec.made_tables import made_tables
from codec.made_rooms import made_exchanges
from codec.second import lineage, marks, notes
from codec.second.bits import hash2
from codec.second.coder import REQUEST, About, ArithmeticDecoder, Decoder, Malformed
from codec.second.exchange import whole
from codec.second.history import NOTHING, History, Ref, Refused
from codec.second.pieces import read_pieces
from codec.second.reference import check_of, read_bases, read_check
from codec.second.syntax import kind_of_request
from codec.second.tables import NotTables, Tables
from codec.second.text import NotText, read, restored
from support.proc import build_folder, repository

ROOT = repository()
TABLES = os.path.join(build_folder(), "tools", "model", "model-tables.bin")
PROGRAM = os.path.join(build_folder(), "tests", "codec", "model_session")
PIECES = os.path.join(build_folder(), "tests", "codec", "pieces_stream")
STORE = 65536

Message = namedtuple("Message", "ref alone fate code text cut kept", defaults=(None, None))
Read = namedtuple("Read", "is_response plain cut")


def any_exchange(_):
    return True


def is_of_events(exchange):
    body = base64.b64decode(exchange["resp_body"])
    return b'"event_id":"' in body or b'"user_id":"@' in body or exchange["target"].endswith("/createRoom")


def lines_of_all(name):
    with open(os.path.join(ROOT, "corpus", name + ".jsonl"), encoding="utf-8") as f:
        return f.readlines()


def template():
    """An exchange as the corpus has them."""
    return json.loads(lines_of_all("recorded/errors")[0])


def lines_of(name, first, count, largest=2000, fits=any_exchange):
    """Exchanges of a corpus file whose bodies are not large (in base64)."""
    exchanges = [(line, json.loads(line)) for line in lines_of_all(name)]
    small = [line for line, e in exchanges if max(len(e["req_body"]), len(e["resp_body"])) <= largest and fits(e)]
    assert len(small) >= first + count, f"{name}: too few small exchanges"
    return small[first : first + count]


def written(folder, lines, tables, store, loss, seed, *more):
    """What the C encoder writes in a session of these exchanges: the words of each message's line."""
    recorded = folder / "corpus" / "recorded"
    recorded.mkdir(parents=True)
    (recorded / "some.jsonl").write_text("".join(lines), encoding="utf-8")
    records = folder / "records"
    subprocess.run([sys.executable, os.path.join(ROOT, "tools", "model", "records.py"), "--out", records, folder / "corpus"], check=True)
    argv = [PROGRAM, tables, records, str(store), str(loss), str(seed), *more]
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the trainer's reader of records frees nothing
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=env)
    return [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("message ")]


def message_of(sender, number, coding, fate, *hexes):
    return Message(Ref(sender == "up", int(number)), coding == "7", fate, *(b"" if word == "-" else bytes.fromhex(word) for word in hexes))


def played(folder, lines, tables=TABLES, store=STORE, loss=0, seed=1, hopeful=False):
    """Messages as the C encoder codes them."""
    return [message_of(*words) for words in written(folder, lines, tables, store, loss, seed, *["hopeful"] * hopeful)]


def shown(folder, lines, store=STORE, loss=0, seed=1, hopeful=False):
    """Messages of which the C encoder shows the text with marks and what is kept, and not the whole code."""
    return [message_of(*words) for words in written(folder, lines, TABLES, store, loss, seed, *["hopeful"] * hopeful, "texts")]


def read_session(decoder, messages, store=STORE):
    """Reads a session as its two ends would, each from its own history. Returns the texts that were read.

    Without `decoder` the messages show their texts."""
    ends = {True: History(store), False: History(store)}
    kinds, texts = {}, []
    for m in messages:
        sender, receiver = ends[m.ref.by_initiator], ends[not m.ref.by_initiator]
        is_response = not m.ref.by_initiator
        about = About(True, *kinds[m.ref.number]) if is_response else REQUEST
        coder = ArithmeticDecoder(m.code)
        base = NOTHING if m.alone else read_bases(coder, is_response, m.ref.number)
        check = None if m.alone else read_check(coder)
        view = sender.view(m.ref, base)
        if m.fate == "refused":
            with pytest.raises(Refused):
                receiver.view(m.ref, base)
        elif m.fate == "read":
            assert receiver.view(m.ref, base) == view
        # lost ones, too: what their sender keeps of them is found in the code alone
        cut = m.cut or decoder.decode_on(coder, view, about)
        text = whole(cut, base, view, sender.text_max)
        assert text.plain == m.text, f"message {m.ref}"
        assert m.kept in (None, text.kept), f"message {m.ref}"
        assert check in (None, check_of(text.plain))
        if m.fate == "read":
            texts.append(Read(is_response, text.plain, cut))
            receiver.add(m.ref, base, about, text.kept)
        if not is_response:
            kinds[m.ref.number] = kind_of_request(m.text)
        sender.add(m.ref, base, about, text.kept)
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
    for is_response, text, _ in texts:
        start, _, body, _ = read(text, is_response)
        (responses if is_response else requests)[start[-2:] + (restored(body),)] += 1
    exchanges = [json.loads(line) for line in lines]
    assert requests == Counter((e["method"].encode(), e["target"].encode(), base64.b64decode(e["req_body"])) for e in exchanges)
    assert responses == Counter((e["status"], base64.b64decode(e["resp_body"])) for e in exchanges)


def test_content_hashes_are_left_out(tmp_path):
    messages = played(tmp_path, lines_of("recorded/fed-2", 118, 8))
    assert sum(b'"hashes":{"sha256":"\1"' in m.text for m in messages) == 2


TOKENS = [
    "syt_dGFtc2lu_juOYubhpBMedQkMXBaAa_318SMY",
    "syt_ZGF2ZTY2NjU_HImJBJYgVKIJuYhxErhd_0Hyszb",
    "mar_PkpplxPkfjsqvtdfUlYR1Afg2TpaHF_GaTQd2",
    "mat_kkLSacJDpek22jKWw4AcXG68b7U3W6_0Lg9yb",
    "syt_bWlsbw_AAAAAAAAAAAAAA251730_1OssO1",  # the same in both orders
    "mat_kkLSacJDpek22jKWw4AcXG68b7U3W6_0Lg9yc",  # wrong
]


def test_checksums_of_tokens_are_left_out(decoder, tmp_path):
    """In a target, in fields and in bodies; each at its first time, where no account slot stands for it."""
    lines, bodies = [], []
    for token in TOKENS:
        bodies.append(json.dumps({"access_token": token, "other": TOKENS, "a": f"x{token}", "b": f"{token}.{token}_"}).encode() + token.encode())
        fields = [["Authorization", f"Bearer {token}"], ["X-Other", f"a {token};{TOKENS[0]}"]]
        exchange = {"method": "PUT", "target": f"/?access_token={token}&x=1", "req_headers": fields, "resp_headers": fields[1:]}
        exchange.update(dict.fromkeys(("req_body", "resp_body"), base64.b64encode(bodies[-1]).decode()))
        lines.append(json.dumps({**template(), **exchange, "t": len(lines)}) + "\n")
    messages = played(tmp_path, lines)
    assert sum(m.text.count(b"_\x1e") for m in messages) > 70 and sum(m.text.count(b"_\x1f") for m in messages) > 30
    for up, down, token, content in zip(*[iter(read_session(decoder, messages))] * 2, TOKENS, bodies, strict=True):
        start, fields, body, _ = read(up.plain, False)
        assert start == (None, b"PUT", b"/?access_token=%s&x=1" % token.encode())
        assert fields[0] == (b"Authorization", b"Bearer " + token.encode())
        for fields, body in ((fields[1:], body), read(down.plain, True)[1:3]):
            assert fields == [(b"X-Other", f"a {token};{TOKENS[0]}".encode())] and restored(body) == content


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


MARK = re.compile(rb'"(event_id|room_id)":"(\x01[^":][^"]*|\x01)"')
NAMES = re.compile(rb'"\x01:[0-9]+"')


def kinds_of_marks(texts):
    """How often each kind of mark occurs in what was decoded."""
    kinds = Counter()
    for text in texts:
        kinds["a name"] += len(NAMES.findall(text.cut))
        kinds["what it replaces"] += text.cut.count(b'"replaces_state":"\x01"')
        for name, mark in MARK.findall(text.cut):
            m = marks.read(mark)
            kinds["the last"] += m.known == 0
            kinds["an earlier one"] += m.known is not None and m.known > 0
            kinds["roles"] += m.roles != b""
            kinds["places"] += m.places != ()
            kinds["depth"] += m.depth > 0
            kinds["room" if name == b"room_id" else "answer"] += m.sender is not None
    return kinds


# Corpus file, exchanges, store, loss, hopeful; the marks that occur at least.
MARKED = [
    ("nio-basic", 0, 25, STORE, 0, False, {"room": 1, "answer": 3, "roles": 15, "an earlier one": 15}),
    ("fed-2", 0, 25, 16384, 10, True, {"answer": 2, "roles": 8, "the last": 4, "an earlier one": 6}),
    ("nio-lagoon", 0, 25, 16384, 10, True, {"depth": 1, "roles": 20, "an earlier one": 20}),
    ("web-fjordside", 20, 45, STORE, 0, False, {"places": 2, "depth": 1, "answer": 3, "roles": 15}),
    ("js-sdk", 0, 25, 8192, 10, True, {"roles": 6, "an earlier one": 6}),
    ("e2ee", 10, 12, 8192, 0, True, {"roles": 10}),
]


@pytest.mark.parametrize("name, first, count, store, loss, hopeful, least", MARKED, ids=[m[0] for m in MARKED])
def test_event_ids_that_are_left_out(decoder, tmp_path, name, first, count, store, loss, hopeful, least):
    """One ID or note that is not right, and no code that follows can be read."""
    lines = lines_of("recorded/" + name, first, count, 6000, is_of_events)
    kinds = kinds_of_marks(read_session(decoder, played(tmp_path, lines, store=store, loss=loss, hopeful=hopeful), store))
    assert all(kinds[kind] >= n for kind, n in least.items()), kinds


@pytest.mark.parametrize("store, loss", [(STORE, 0), (16384, 20), (8192, 10)])
def test_event_ids_of_whole_recordings(tmp_path, store, loss):
    """Without the coder there is time for all of them: their texts, and what is kept of each."""
    kinds = Counter()
    for name, *_ in MARKED:
        lines = lines_of_all("recorded/" + name)
        kinds += kinds_of_marks(read_session(None, shown(tmp_path / name, lines, store, loss, hopeful=loss > 0), store))
    least = {"the last": 5, "an earlier one": 5, "roles": 30, "depth": 1}
    if store == STORE:
        least = {"the last": 300, "an earlier one": 200, "roles": 800, "places": 20, "depth": 10, "answer": 200, "room": 4, "a name": 10, "what it replaces": 40}
    assert all(kinds[kind] >= n for kind, n in least.items()), kinds


@pytest.mark.parametrize("store, loss, seed", [(STORE, 0, 6), (STORE, 0, 7), (16384, 10, 3), (8192, 0, 4)])
def test_event_ids_of_rooms_in_which_everything_happens(tmp_path, store, loss, seed):
    lines = [json.dumps({**template(), **exchange, "t": t}) + "\n" for t, exchange in enumerate(made_exchanges(seed, 150))]
    kinds = kinds_of_marks(read_session(None, shown(tmp_path, lines, store, loss, hopeful=loss > 0), store))
    assert kinds["roles"] > 100 and kinds["places"] and kinds["depth"], kinds
    if store == STORE:
        assert all(kinds[kind] for kind in ("the last", "an earlier one", "answer", "room")), kinds


ID = "$" + "A" * 43
STATE_OF_ALL_KEYS = [f"m{ts} @u{ts}:x pm {ID}" for ts in range(24)]
# Lines of notes as nobody writes them.
NOTES = [
    ["!r:x", f"c1  9 {ID}", *STATE_OF_ALL_KEYS, f"m9 @u22:x c {ID}", f"m99 @u3:x pmcjtapmc {ID}"],
    ["!r:x", f'e01 1 "event_id":"{ID}"', f"p1   {ID}"],  # a number with a zero in front
    ["!r:x", f'e1 5 "event_id":"{ID}"', f'e1 3 "event_id":"$B{ID[2:]}"', f'e7 2 "event_id":"{ID}"', f'e2 3 "event_id":"$C{ID[2:]}"'],
    ["!r:x", f"m1 {'k' * 256}  {ID}", f"j1   {ID}"],
    [f'e1 1 "event_id":"{ID}"', "!r:x", f"j1   {ID}"],
    ["!r:x", f"j1   {ID}", "!" + "r" * 255, f"p1   {ID}"],
    ["!r:x", f"j1   {ID}", "", f"p1   {ID}"],
    [*(f"!{i}" for i in range(20)), "!r:x", f"j5   {ID}", f"j4   $B{ID[2:]}", f"j5   $C{ID[2:]}"],
    ["!r:x", f"j5   {ID[:-1]} ", f"p1   {ID[:-1]}"],
]


@pytest.mark.parametrize("lines", NOTES)
def test_notes_as_nobody_writes_them(tmp_path, lines):
    """What looks like notes at the end of any text is read as such, and noted again when it has become old."""
    event = '{"event_id":"%s","room_id":"!r:x","type":"t","sender":"@u:x","content":{},"origin_server_ts":%d}'
    bodies = ["\n\x1f" + "\n".join(lines) + "\n", *["x" * 6000] * 3, event % ("$D" + ID[2:], 4), event % ("$E" + ID[2:], 1)]
    exchanges = [{**template(), "resp_body": base64.b64encode(body.encode()).decode(), "t": t} for t, body in enumerate(bodies)]
    assert len(read_session(None, shown(tmp_path, [json.dumps(e) + "\n" for e in exchanges]))) == 2 * len(bodies)


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
    assert texts[1].plain.endswith(body)


def test_other_files_are_no_tables():
    good = made_tables()
    for bad in (b"", good[:40], b"X" + good[1:], good[:4] + b"\1" + good[5:], good[:-1], good + b"\0"):
        with pytest.raises(NotTables):
            Tables(bad)
    with pytest.raises(NotTables):
        Tables(good[:-1] + bytes((good[-1] ^ 1,)), check_id=True)


def test_long_bodies_in_pieces(decoder, tmp_path):
    """Each piece is coded against those before it; one with what looks like a mark goes as it is."""
    body = b"".join(sorted((base64.b64decode(e["resp_body"]) for e in made_exchanges(20261129, 40)), key=len)[-3:])
    body += b'"event_id":"\x01"' + b" " * 900
    (tmp_path / "body").write_bytes(body)
    stream = subprocess.run([PIECES, TABLES, tmp_path / "body", "1500"], check=True, capture_output=True).stdout
    pieces = list(read_pieces(decoder, stream))
    assert b"".join(piece for _, piece in pieces) == body
    assert sum(not raw for raw, _ in pieces) > 3 and any(raw for raw, _ in pieces)


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
        token, refresh_token = b"Bearer syt_dGFtc2lu_juOYubhpBMedQkMXBaAa_318SMY", b"mar_PkpplxPkfjsqvtdfUlYR1Afg2TpaHF_GaTQd2"
        said = [(None, b"{}"), (token, b'{"refresh_token":"%s"}' % refresh_token)]
        for (more, lines), (authorization, content) in zip(self.blocks(page, "text: "), said, strict=True):
            start, fields, body, known = read(b"".join(lines), False)
            slot, method, target = start
            assert more == f"{method.decode()} {target.decode()} slot {'-' if slot is None else slot}"
            assert fields == [(b"Authorization", authorization), (b"Content-Type", b"application/json")]
            assert restored(body) == content and known

    def test_bases(self, page):
        for more, lines in self.blocks(page, "reference: "):
            kind, *numbers = more.split()
            number, parent, *request, also, own, parts = (int(word.partition("=")[2]) for word in numbers)
            base = read_bases(ArithmeticDecoder(b"".join(lines)), kind == "response", number)
            assert base.parent == Ref(kind == "response", parent)
            assert base.request == (Ref(True, number) if request == [1] else None)
            assert [sum(1 << bit for bit in bits) for bits in (base.also, base.own)] == [also, own]
            assert base.parts == parts

    def lines(self, page, what):
        """The lines of the one example of that kind, with the control characters that its signs stand for."""
        ((block),) = re.findall(r"<!-- event: " + what + r" -->\n((?:    .*\n)+)", page)
        return [line[4:].replace("␁", "\x01").replace("␟", "\x1f").encode() for line in block.splitlines()]

    def test_event_ids(self, page, tmp_path):
        hashed, plain, marked = (b"".join(self.lines(page, what)) for what in ("hashed", "plain", "marked"))
        noted = b"".join(b"%s\n" % line for line in [b"", *self.lines(page, "notes")])
        id_ = base64.urlsafe_b64encode(hashlib.sha256(hashed).digest()).rstrip(b"=")
        assert b'"event_id":"$%s"' % id_ in plain
        assert f"`${id_.decode()}`" in page
        assert lineage.restored(marked, notes.graph_of([]), None) == (plain, noted)
        # and ours writes it so
        _, down = shown(tmp_path, [json.dumps({**template(), "resp_body": base64.b64encode(plain).decode()}) + "\n"])
        assert down.cut.endswith(b"\n" + marked)
        assert down.kept == down.cut + noted

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
        far.add(Ref(True, 0), NOTHING, REQUEST, whole(request, NOTHING, (), far.text_max).kept)
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
