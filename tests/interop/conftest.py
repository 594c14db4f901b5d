"""Skips what needs programs that are not there, visibly; fails at once when our own programs were not built."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import pytest  # noqa: E402

import peers  # noqa: E402


def pytest_sessionstart():
    missing = [name for name in ("peer_server", "peer_client", "noise_peer") if not (peers.PROGRAMS / name).exists()]
    if missing:
        pytest.exit(f"build first: {', '.join(missing)} not in {peers.PROGRAMS} (TH_BUILD names the build folder)", 2)


# Take two seconds and more: megabytes, a hundred notifications, waiting for time to pass.
LONG = ("1_MB", "100_notifications", "Wireshark", "OBS_05", "OBS_13", "CORE_31_ping_while_waiting")


def pytest_collection_modifyitems(items):
    here = pathlib.Path(__file__).resolve().parent
    for item in items:
        if item.path.parent != here:
            continue
        if any(name in item.nodeid for name in LONG):
            item.add_marker(pytest.mark.long)
        if "libcoap" in item.nodeid.lower() and not (peers.COAP_CLIENT and peers.COAP_SERVER):
            item.add_marker(pytest.mark.skip(reason="libcoap3-bin is not installed"))


@pytest.fixture(scope="module")
def server():
    with peers.our_server() as one:
        yield one


@pytest.fixture(params=[peers.Libcoap, peers.Aiocoap], ids=lambda c: c.name)
def client(request):
    return request.param()
