"""Fixtures for every Python test: the raw upstream, the pair of daemons, Synapse. See support/."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support.homeserver import Homeserver  # noqa: E402
from support.pair import direct, open_pair  # noqa: E402
from support.wire import Upstream  # noqa: E402


@pytest.fixture
def synapse(tmp_path_factory):
    """A function that starts a fresh Synapse; all are stopped at the end of the test."""
    started = []

    def start(**how):
        server = Homeserver(tmp_path_factory.mktemp("synapse"), **how)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as server:
        yield server


@pytest.fixture(scope="module")
def pair(upstream, tmp_path_factory):
    """A pair before `upstream`, shared by a module's tests; at the end both daemons must stop with exit status 0."""
    with open_pair(tmp_path_factory.mktemp("pair"), upstream.url) as daemons:
        yield daemons


@pytest.fixture
def own_pair(tmp_path):
    """A function that starts a pair for one test: own_pair(upstream_url, near_options=…, far_options=…)."""
    if direct():
        pytest.skip("needs real daemons")
    started = []

    def start(upstream_url, **options):
        daemons = open_pair(tmp_path, upstream_url, **options)
        started.append(daemons)
        return daemons.start()

    yield start
    for daemons in started:
        daemons.stop()
