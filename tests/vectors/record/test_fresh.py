"""The committed records are what make_vectors.py writes."""
import pathlib
import subprocess
import sys


def test_records_are_fresh():
    script = pathlib.Path(__file__).resolve().parent / "make_vectors.py"
    subprocess.run([sys.executable, script, "--check"], check=True, timeout=60)
