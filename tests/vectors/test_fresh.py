"""The committed vectors are what their make_vectors.py writes."""
import pathlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize("of", ["noise", "record", "wycheproof"])
def test_vectors_are_fresh(of):
    script = pathlib.Path(__file__).resolve().parent / of / "make_vectors.py"
    subprocess.run([sys.executable, script, "--check"], check=True, timeout=120)
