"""Real clients with encryption through the pair, for a minute each; scripts/soak does the same for as long as one likes."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "soak"))

import soak  # noqa: E402
from support.pair import direct  # noqa: E402

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(900), pytest.mark.skipif(direct(), reason="needs real daemons")]
SECONDS = 60


def check(report):
    print("\n".join(soak.summary(report)))
    assert not report["differences"]
    state = report["state"]
    events = [e for room in state["rooms"].values() for e in room["timeline"]]
    # something was compared: text that was encrypted, and all of it decrypted
    assert len(events) > 20 and not [e for e in events if e[2] == "undecrypted"]
    assert any(room["encrypted"] for room in state["rooms"].values())
    assert state["devices"]["@alice:localhost"]
    assert len(report["sync"]) > 5


@pytest.mark.parametrize("client", ["nio", "js"])
def test_same_state_as_direct(client, tmp_path):
    if client == "js" and not soak.node()[0]:
        pytest.skip(soak.node()[1])
    report = soak.run(client, SECONDS, tmp_path, seed=3)
    check(report)
    assert not report["failed"]


def test_same_state_though_daemons_are_killed(tmp_path):
    """sync-check is how long an egress half that died without a word may go unnoticed."""
    check(soak.run("nio", SECONDS, tmp_path, seed=4, disturb_every=12, near_options=["--sync-check", "5 s"]))
