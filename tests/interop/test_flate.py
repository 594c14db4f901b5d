"""docs/protocol.md §6 is enough to decode what our flate coder writes: flate.py does, on the page's examples and on the corpus."""

import re
import subprocess

import pytest

import envelope
import flate
from peers import PROGRAMS


def examples():
    """(what, compact form, coded) of each flate example of the page."""
    text = envelope.PAGE.read_text(encoding="utf-8")
    found = []
    for what, block in re.findall(r"<!-- flate: (.*?) -->\n((?:    .*\n)+)", text):
        form, coded = bytearray(), bytearray()
        for line in block.splitlines():
            data = bytes.fromhex(re.match(r"    ((?:[0-9a-f]{2}\s?)+)", line)[1])
            (coded if "deflated" in line else form).extend(data)
        found.append((what, bytes(form), bytes(coded)))
    return found


class TestThePage:
    def test_every_example_is_what_it_says(self):
        assert len(examples()) >= 3
        for what, form, coded in examples():
            kind, first, second, *body = what.split(" ", 3)
            response = kind == "response"
            for head, got in (flate.read_form(form, response), flate.decode(coded, response)):
                if response:
                    assert head.status == int(first)
                    body = [what.split(" ", 2)[2]]
                else:
                    assert [head.method.decode(), head.target.decode()] == [first, second]
                assert got.decode() == (body[0] if body else "")
                assert head.body_length == len(got)


class TestTheCorpus:
    def test_what_our_coder_writes(self):
        program = PROGRAMS / "flate_peer"
        corpus = envelope.PAGE.parents[1] / "corpus"
        if not list(corpus.glob("*/*.jsonl")):
            pytest.skip("no corpus here")
        out = subprocess.run([program, corpus, "7"], check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
        preset = bytes.fromhex(out[0].split()[0].replace("-", ""))
        assert flate.preset_id(preset) == out[0].split()[1]
        assert len(out) > 100
        for line in out[1:]:
            words = line.split()
            coded, history, method, target = (bytes.fromhex(w.replace("-", "")) for w in words[:4])
            status, rest = int(words[4]), [bytes.fromhex(w.replace("-", "")) for w in words[5:]]
            head, body = flate.decode(coded, status != 0, preset, history)
            assert (head.method, head.target, head.status, body) == (method, target, status, rest[0])
            assert [(n.lower(), v) for n, v in head.fields] == [(n.lower(), v) for n, v in zip(rest[1::2], rest[2::2])]
