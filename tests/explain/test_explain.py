"""`thimble explain FILE` with the real program: its figures add up, its output is safe to look at, its complaints help."""

import base64
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from support.pair import binary, direct
from support.proc import build_folder, repository

pytestmark = pytest.mark.skipif(direct(), reason="needs the program")

ROOT = repository()
RECORDING = os.path.join(ROOT, "corpus", "recorded", "sliding.jsonl")
COLUMNS = ("messages", "http", "zlib", "zstd", "coded", "ip", "datagrams")


def explain(*args, status=0, stdin=None, env=None):
    """What it printed; complaints when status is not 0."""
    done = subprocess.run([binary(), "explain", *map(str, args)], capture_output=True, input=stdin, env={**os.environ, **(env or {})}, timeout=120)
    assert done.returncode == status, done.stderr.decode()
    if status:
        assert done.stdout == b""
        return done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.decode()


def tables(text):
    """(sums by "requests", "responses", "together"; rows of fields: (bytes, names, values, times, text, name); rounding; total)."""
    sums, rows, rounding, total = {}, [], None, None
    for line in text.splitlines():
        words = line.split()
        if re.match(r"(requests|responses|together) ", line):
            sums[words[0]] = dict(zip(COLUMNS, map(int, words[1:])))
        elif re.match(r" *-?[\d.]+ +-?[\d.]+ .* rounding of codes", line):
            rounding = float(words[0])
        elif re.match(r" *\d+ +[\d.]+ +together$", line):
            total = int(words[0])
        elif rounding is None and re.match(r" *[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +\d+ +\d+  \S", line):
            rows.append((*map(float, [words[0], *words[2:6]]), " ".join(words[6:])))
    return sums, rows, rounding, total


def titles(text):
    """(line, "request" or "response", bytes, bits, IP) of each message shown."""
    found = re.findall(r"^line (\d+), (request|response)[^\n:]*: (\d+) bytes \(([\d.]+) bits.*?IP (\d+);", text, re.M)
    return [(int(line), kind, int(coded), float(bits), int(ip)) for line, kind, coded, bits, ip in found]


def exchange(**members):
    x = {"t": 1, "dur": 0.1, "method": "GET", "target": "/_matrix/client/versions", "req_headers": [], "resp_headers": [["Content-Type", "application/json"]],
         "req_body": "", "resp_body": base64.b64encode(b"{}").decode(), "status": 200}
    x.update({name: base64.b64encode(v).decode() if isinstance(v, bytes) else v for name, v in members.items()})
    return json.dumps({name: v for name, v in x.items() if v is not None}) + "\n"


@pytest.fixture
def recording(tmp_path):
    """A function that writes lines into a file: recording(line, …) is its path."""

    def write(*lines):
        path = tmp_path / "some.jsonl"
        path.write_text("".join(lines), encoding="utf-8", newline="")
        return path

    return write


class TestFigures:
    @pytest.mark.parametrize("options", [(), ("--no-history",)], ids=["history", "alone"])
    def test_fields_add_up_to_the_codes(self, options):
        sums, rows, rounding, total = tables(explain("--summary", *options, RECORDING))
        assert sums["together"] == {c: sums["requests"][c] + sums["responses"][c] for c in COLUMNS}
        assert total == sums["together"]["coded"]
        assert abs(sum(r[0] for r in rows) + rounding - total) < 0.06 * len(rows)  # each is rounded to a tenth
        assert all(abs(r[0] - r[1] - r[2]) < 0.16 for r in rows)
        assert abs(rounding) < sums["together"]["messages"]

    def test_each_message_costs_what_it_is_long(self):
        shown = titles(explain("--cut", 1, RECORDING))
        sums, _, _, _ = tables(explain("--summary", RECORDING))
        assert len(shown) == sums["together"]["messages"]
        assert sum(m[2] for m in shown) == sums["together"]["coded"]
        assert sum(m[4] for m in shown) == sums["together"]["ip"]
        for _, _, coded, bits, ip in shown:
            assert abs(coded - bits / 8) < 1.6
            assert ip >= coded + 38

    def test_the_codes_are_those_of_the_model(self, tmp_path):
        """As long as what a session of the codec's own makes of the same recording."""
        folder = tmp_path / "recorded"
        folder.mkdir()
        with open(RECORDING, encoding="utf-8") as f:
            (folder / "a.jsonl").write_text(f.read(), encoding="utf-8")
        subprocess.run([sys.executable, os.path.join(ROOT, "tools", "model", "records.py"), "--out", tmp_path / "records", tmp_path], check=True)
        program = os.path.join(build_folder(), "tests", "codec", "model_session")
        trained = os.path.join(build_folder(), "tools", "model", "model-tables.bin")
        done = subprocess.run([program, trained, tmp_path / "records", "65536", "0", "1", "hopeful"], check=True, capture_output=True, text=True,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # the trainer's reader of records frees nothing
        codes = [line.split()[5] for line in done.stdout.splitlines() if line.startswith("message ")]
        sums, _, _, _ = tables(explain("--summary", RECORDING))
        assert sums["together"]["messages"] == len(codes)
        assert sums["together"]["coded"] == sum(len(code.replace("-", "")) // 2 for code in codes)

    def test_history_saves(self):
        sums = [tables(explain("--summary", *options, RECORDING))[0]["together"]["coded"] for options in ((), ("--no-history",))]
        assert sums[0] * 2 < sums[1]

    def test_sizes_of_others(self, recording):
        import zlib

        body = b'{"text":"' + b"abc" * 200 + b'"}'
        sums, _, _, _ = tables(explain("--summary", recording(exchange(resp_body=body))))
        plain = b"HTTP/1.1 200\r\nContent-Type: application/json\r\n\r\n" + body
        assert sums["responses"]["http"] == len(plain)
        assert sums["responses"]["zlib"] == len(zlib.compress(plain, 9))
        assert 20 < sums["responses"]["zstd"] < len(plain) // 5

    def test_names_of_fields(self, recording):
        body = b'{"rooms":{"join":{"!a:b":{"events":[{"n":1},{"n":[2]}]}}},"device_keys":{"ABCDEFGHIJ":{"ed25519:X":"y"}}}'
        path = recording(exchange(target="/_matrix/client/v3/sync?since=s1&filter=%7B%7D", req_headers=[["X-Odd", "1"]], resp_body=body))
        names = {r[5] for r in tables(explain("--summary", path))[1]}
        assert {"path", "query since", "query filter", "head line", "header X-Odd", "header Content-Type", "structure of JSON", "structure of heads",
                "ends of texts", "which messages it builds on", "body rooms", "body rooms.join", "body rooms.join.{!}", "body rooms.join.{!}.events",
                "body rooms.join.{!}.events[].n", "body rooms.join.{!}.events[].n[]", "body device_keys.{id}", "body device_keys.{id}.ed25519:{id}"} <= names

    def test_what_the_model_does_not_take(self, recording):
        text = explain(recording(exchange(), exchange(resp_body=os.urandom(300_000), resp_headers=[["Content-Type", "image/jpeg"]]), exchange(status=101)))
        assert "not for the model, as it is too long: it streams" in text
        assert "not for the model, as its head is no HTTP head" in text
        sums, _, _, total = tables(text)
        assert sums["responses"]["coded"] > 300_000 > 1000 > total
        assert "2 of these messages are not for the model" in text

    def test_order_of_time(self, recording):
        """Lines are in order of completion; a long poll's request comes before what happens meanwhile."""
        path = recording(exchange(t=2, dur=1), exchange(t=1, dur=9))
        assert [m[:2] for m in titles(explain(path))] == [(2, "request"), (1, "request"), (1, "response"), (2, "response")]


class TestShown:
    def test_digits_beneath(self, recording):
        text = explain(recording(exchange(target="/_matrix/client/v3/xqzjvkwy/7431")))
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if "xqzjvkwy" in line)
        where = lines[at].index("xqzjvkwy")
        assert re.search(r"[3-9+]", lines[at + 1][where : where + 8])
        assert "\x1b" not in text

    def on_terminal(self, *args, **env):
        """Output on a terminal."""
        ours, theirs = pty.openpty()
        clean = {name: v for name, v in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
        program = subprocess.Popen([binary(), "explain", *map(str, args)], stdout=theirs, env={**clean, **env})
        os.close(theirs)
        out = b""
        try:
            while chunk := os.read(ours, 65536):
                out += chunk
        except OSError:  # the other side has closed
            pass
        os.close(ours)
        assert program.wait(30) == 0
        return out.decode()

    def test_colours(self, recording):
        path = recording(exchange())
        assert "\x1b[38;5;" in self.on_terminal(path)
        assert "\x1b[38;2;" in self.on_terminal(path, COLORTERM="truecolor")
        assert "\x1b" not in self.on_terminal(path, NO_COLOR="1")
        assert "\x1b[38;5;" in self.on_terminal(path, NO_COLOR="")  # no-color.org: empty does not count
        assert "\x1b" not in self.on_terminal("--color", "never", path)
        assert "\x1b[38;" in explain("--color", "always", path, env={"NO_COLOR": "1"})

    @pytest.mark.parametrize("colour", ["always", "never"])
    def test_secrets_stay_out(self, recording, colour):
        secrets = ["syt_c2VjcmV0_Xy7", "hunter2-is-\\\"long\\\"", "oth3rT0k99", "c00kie-v4lue", "mda-qu3ry-t0k"]
        path = recording(
            exchange(method="POST", target=f"/_matrix/client/v3/login?access_token={secrets[4]}&x=1",
                     req_headers=[["Authorization", "Bearer " + secrets[0]], ["Cookie", secrets[3]]],
                     req_body=f'{{"type":"m.login.password","password":"{secrets[1]}","user":"shown"}}'.encode(),
                     resp_body=f'{{"user_id":"@shown:hs","access_token" : "{secrets[2]}"}}'.encode()),
            exchange(t=2, req_headers=[["Authorization", "Bearer " + secrets[0]]]))
        text = explain("--color", colour, path)
        plain = re.sub(r"\x1b\[[\d;]*m", "", text).replace("\n    ", "")
        if colour == "never":  # the digits between the lines of a text
            plain = re.sub(r"\n[ \d+]*\n", "\n", text)
        assert "shown" in plain and plain.count("***") >= 5
        for secret in secrets:
            for at in range(len(secret) - 5):
                assert secret[at : at + 6] not in plain

    def test_terminals_are_safe(self, recording):
        nasty = "\x1b[2J\x07\x9b31m\u202eevil\u2066\x00 \u00e4\u4e2d"
        path = recording(exchange(resp_body=nasty.encode(), target="/a\u009bb", req_headers=[["X-\x1b]0;t", "v"]], method="G\x1bT"),
                         exchange(resp_body=json.dumps({nasty: nasty}, ensure_ascii=False).encode(), req_headers=[["X", "\u00e4\u009b"]]))
        text = explain(path)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", text)
        assert "\u00e4\u4e2d" in text

    def test_top(self):
        text = explain("--top", 3, RECORDING)
        shown = titles(text)
        assert [m[2] for m in shown] == sorted((m[2] for m in titles(explain("--cut", 1, RECORDING))), reverse=True)[:3]
        rows = tables(text)[1]
        assert len(rows) == 4 and rows[3][5] == "all other fields"

    def test_only(self):
        everything, some = explain("--cut", 1, RECORDING), explain("--cut", 1, "--only", "PUT /_matrix/client/v3/rooms", RECORDING)
        assert 0 < len(titles(some)) < len(titles(everything))
        assert set(titles(some)) <= set(titles(everything)), "all others are history"
        assert tables(some)[0]["together"]["messages"] == len(titles(some))

    def test_cut(self, recording):
        body = b'{"body":"' + b"word " * 2000 + b'"}'
        path = recording(exchange(resp_body=body))
        assert re.search(r"\.\.\. and \d+ bytes more, which cost [\d.]+\n", explain("--cut", 100, path))
        assert "bytes more" not in explain("--cut", 0, path)

    def test_standard_input(self):
        with open(RECORDING, "rb") as f:
            lines = f.read()
        assert titles(explain("-", "--cut", 1, stdin=lines[: lines.index(b"\n") + 1]))[0][:2] == (1, "request")

    def test_help_names_every_option(self):
        text = explain("--help")
        page = open(os.path.join(ROOT, "docs", "man", "thimble-explain.1"), encoding="utf-8").read().replace("\\-", "-")
        for option in re.findall(r"^  --([a-z-]+)", text, re.M):
            assert f"--{option}" in page
        assert "thimble explain" in subprocess.run([binary(), "--help"], check=True, capture_output=True, text=True).stdout


class TestComplaints:
    def test_missing_file(self, tmp_path):
        assert re.fullmatch(r"thimble: /\S+/none: No such file or directory \(a file of recorded exchanges is expected; tools/record makes one\)\n",
                            explain(tmp_path / "none", status=1))

    def test_folder(self, tmp_path):
        assert explain(tmp_path, status=1) == f"thimble: {tmp_path}: Is a directory\n"

    @pytest.mark.parametrize("line, why", [
        ("nonsense", "not the JSON of an exchange: an object was expected: {\"method\": ..., \"target\": ..., ...}, at byte 1"),
        ('{"method": "GET", "target": "/', "not the JSON of an exchange: a string does not end, at byte 30"),
        (exchange()[:-2], "not the JSON of an exchange: \",\" or \"}\" was expected, at byte"),
        (exchange() [:-1] + "x", "not the JSON of an exchange: something follows the end, at byte"),
        (exchange(method=None), 'no member "method"'),
        (exchange(target=None), 'no member "target"'),
        (exchange(status=None), 'no member "status"'),
        (exchange(req_headers=None), 'no member "req_headers" (corpus/README.md has the form of recordings)'),
        (exchange(resp_headers=None), 'no member "resp_headers" (corpus/README.md has the form of recordings)'),
        (exchange(status=7), "status is no HTTP status"),
        (exchange(status="200"), "not the JSON of an exchange: a number was expected, at byte"),
        (exchange(req_body="%%"), "req_body is not base64"),
        (exchange(req_headers=[["a"]]), "not the JSON of an exchange: a pair [name, value] was expected, at byte"),
        (exchange(resp_headers=[["a", "b"]] * 200), "resp_headers has too many fields"),
        ('{"a":' + "[" * 100, "not the JSON of an exchange: too deeply nested, at byte"),
        ('{"method":"\\x"}', "not the JSON of an exchange: a backslash before what needs none, at byte"),
        ("\x00\x01\x02", "not the JSON of an exchange: an object was expected"),
    ])
    def test_broken_line(self, recording, line, why):
        path = recording(exchange(), "\n", exchange(t=2), line.rstrip("\n") + "\n", exchange())
        text = explain(path, status=2)
        assert text.startswith(f"thimble: {path}:4: {why}") and text.count("\n") == 1

    def test_nothing_in_it(self, recording):
        assert "holds no exchanges: one a line is expected" in explain(recording("\n \n"), status=2)

    @pytest.mark.parametrize("args, why", [
        ((), "use: thimble explain [OPTION]... FILE, or thimble explain --live PATH"),
        (("--summary",), "use: thimble explain [OPTION]... FILE"),
        (("--sumary", "x"), "unknown option --sumary (did you mean --summary?)"),
        (("--top", "x"), "--top x: must be a whole number from 0 to 1000"),
        (("--top", "many", "x"), "--top many: must be"),
        (("--top", "-1", "x"), "--top -1: must be"),
        (("--color", "blue", "x"), "--color blue: must be auto, always or never"),
        (("a", "b"), "b: one FILE at a time (there is a already)"),
        (("--live", "s", "f"), "--live shows a daemon, f is a FILE: one of them at a time"),
        (("--live", "s", "--top", "3"), "--top sorts what is all there"),
        (("--only",), "--only needs a value: --only TEXT"),
        (("x" * 2000,), "a FILE has a name of 1 to 1023 bytes"),
    ])
    def test_bad_option(self, args, why):
        assert why in explain(*args, status=2)

    def test_no_daemon(self, tmp_path):
        assert "No such file or directory (does a thimble run with --explain-socket there?)" in explain("--live", tmp_path / "none", status=1)
        assert "File name too long" in explain("--live", "/" + "x" * 200, status=1)
