"""Every file of corpus/ is what corpus/README.md says: lines parse, bodies decode, JSON is JSON; chat lines are short, unique UTF-8."""

import base64
import glob
import json
import os
import re
import subprocess
import sys

import pytest

from support.proc import repository

sys.path.append(os.path.join(repository(), "tools"))

import access_token  # noqa: E402

CORPUS = os.path.join(repository(), "corpus")
FIELDS = {
    "scenario": str,
    "plane": str,
    "t": (int, float),
    "dur": (int, float),
    "conn": str,
    "method": str,
    "target": str,
    "req_headers": list,
    "req_body": str,
    "status": int,
    "resp_headers": list,
    "resp_body": str,
    "hs": str,
    "req_head_bytes": int,
    "resp_head_bytes": int,
}
MINIMUM = {"en": 1500, "de": 350, "fr": 350, "es": 350, "pt": 350, "ru": 350}
LIMITS = {"recorded": 9_000_000, "shapes": 4_200_000, "chat": 1_000_000}  # bytes


def files(folder, ending):
    found = sorted(glob.glob(os.path.join(CORPUS, folder, "*" + ending)))
    assert found, f"nothing in corpus/{folder}"
    return found


def name(path):
    return os.path.relpath(path, CORPUS)


def declares_json(headers):
    return any(n.lower() == "content-type" and v.split(";")[0].strip() == "application/json" for n, v in headers)


@pytest.mark.parametrize("path", files("recorded", ".jsonl") + files("shapes", ".jsonl"), ids=name)
def test_exchanges(path):
    with open(path, encoding="utf-8", newline="\n") as f:
        lines = f.read().split("\n")
    assert lines.pop() == "", "the last line has no end"
    hand_made = os.path.basename(path) == "errors.jsonl"  # bodies that are no JSON on purpose
    for number, line in enumerate(lines, 1):
        exchange = json.loads(line)
        at = f"{name(path)}:{number}"
        for field, kind in FIELDS.items():
            assert isinstance(exchange[field], kind), f"{at}: {field}"
        assert exchange["plane"] in ("cs", "ss"), at
        assert 200 <= exchange["status"] <= 599, at
        assert exchange["target"].startswith("/") and exchange["target"].isascii() and " " not in exchange["target"], at
        assert exchange["method"] in ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"), at
        for which in ("req", "resp"):
            headers = exchange[which + "_headers"]
            assert all(len(h) == 2 and all(isinstance(x, str) and "\r" not in x and "\n" not in x for x in h) for h in headers), at
            body = base64.b64decode(exchange[which + "_body"], validate=True)
            if body and declares_json(headers) and not (hand_made and which == "req"):
                json.loads(body.decode("utf-8"))


TOKEN = re.compile(r"(?<![A-Za-z0-9])(?:sy[trl]|ma[tr]|mc[tr])_[^\s\"'&]+_[0-9A-Za-z]{6}(?![A-Za-z0-9_.-])")


@pytest.mark.parametrize("path", files("recorded", ".jsonl") + files("shapes", ".jsonl"), ids=name)
def test_tokens_have_the_checksum_that_real_ones_have(path):
    """Else training would not see what takes the place of one (src/codec/access_token.h)."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            exchange = json.loads(line)
            head = json.dumps([exchange["target"], exchange["req_headers"], exchange["resp_headers"]])
            bodies = [base64.b64decode(exchange[which]).decode("latin-1") for which in ("req_body", "resp_body")]
            for token in TOKEN.findall("\n".join([head, *bodies])):
                assert access_token.is_right(token), token


@pytest.mark.parametrize("path", files("chat", ".txt"), ids=name)
def test_chat(path):
    with open(path, "rb") as f:
        text = f.read().decode("utf-8")
    assert text.endswith("\n") and "\r" not in text
    lines = text[:-1].split("\n")
    bad = [line for line in lines if not 2 <= len(line) <= 200 or line != line.rstrip("\t\n")]
    assert not bad, bad
    assert len(set(lines)) == len(lines), sorted(line for line in set(lines) if lines.count(line) > 1)
    assert len(lines) >= MINIMUM.get(os.path.basename(path)[:-4], 150)


def test_size():
    assert len(files("chat", ".txt")) >= 20
    for folder, limit in LIMITS.items():
        size = sum(os.path.getsize(p) for p in glob.glob(os.path.join(CORPUS, folder, "*")))
        assert size <= limit, f"corpus/{folder}: {size} bytes"


def test_shapes_are_what_the_script_makes(tmp_path):
    done = subprocess.run(
        [sys.executable, os.path.join(CORPUS, "make-shapes"), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = sorted(os.listdir(tmp_path))
    assert made == [os.path.basename(p) for p in files("shapes", ".jsonl")]
    for file in made:
        with open(tmp_path / file, "rb") as new, open(os.path.join(CORPUS, "shapes", file), "rb") as old:
            assert new.read() == old.read(), f"{file}: run corpus/make-shapes and commit what it wrote"
