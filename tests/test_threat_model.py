"""Each claim of docs/threat-model.md names its test: that test exists."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent


def claims():
    """(file, case): `tests/x.c: case`, a case alone in backticks right behind one (`, `other``), `tests/fuzz/x.c` without one."""
    text = re.sub(r"\s+", " ", (ROOT / "docs/threat-model.md").read_text())
    for m in re.finditer(r"`(tests/[\w/.]+)(?:: (\w+))?`((?:, `\w+`)*)", text):
        yield m[1], m[2]
        for case in re.findall(r"`(\w+)`", m[3]):
            yield m[1], case


def test_every_claim_names_a_test_that_exists():
    found = list(claims())
    assert len(found) > 40
    for file, case in found:
        source = (ROOT / file).read_text()
        assert case is None or re.search(rf"\b{case}\(", source), f"{file} has no {case}"
