"""When a part of the way is missing: the client gets a Matrix error in bounded time, and service comes back by itself."""

import json
import signal
import socket
import threading
import time

import pytest

from support.pair import direct
from support.proc import LOOPBACK, free_port, wait_until
from support.wire import Client, Upstream, pattern

pytestmark = pytest.mark.skipif(direct(), reason="needs real daemons")

# Times of the plain profile: a session waits as long as the slowest link may need. tests/netns has the same for sessions.
QUICK = ["--ack-timeout", "100ms", "--max-retransmit", "2"]


def matrix_error(answer):
    error = json.loads(answer.body)
    assert error["errcode"].startswith("M_") and error["error"]
    assert answer.get(b"content-type", b"").startswith(b"application/json")
    return error


@pytest.mark.parametrize("link", ["silent", "closed"])
def test_far_side_unreachable_gives_504(link, own_pair, upstream):
    """`silent`: datagrams vanish. `closed`: the system says that nobody listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind((LOOPBACK, 0))
        port = hole.getsockname()[1] if link == "silent" else free_port(socket.SOCK_DGRAM)
        daemons = own_pair(upstream.url, near_options=QUICK, coap_target_port=port, plain=True)
        with Client(daemons.http_port, timeout=60) as client:
            for method, path in ((b"GET", b"/void/get"), (b"PUT", b"/void/put")):
                start = time.monotonic()
                answer = client.request(method, path, [], b"{}" if method == b"PUT" else None)
                assert answer.status == 504
                matrix_error(answer)
                assert time.monotonic() - start < 20
    assert not upstream.seen(b"/void/")


def test_upstream_refuses_gives_502(own_pair):
    daemons = own_pair(f"http://{LOOPBACK}:{free_port()}")
    with Client(daemons.http_port) as client:
        start = time.monotonic()
        answer = client.request(b"POST", b"/x", [], b"{}")
        assert answer.status == 502
        matrix_error(answer)
        assert time.monotonic() - start < 20


def test_upstream_that_talks_rubbish_gives_502(own_pair):
    with Upstream() as server:
        server.on(b"/rubbish", lambda r, c: c.send(b"SSH-2.0-OpenSSH\r\n\r\n"))
        server.on(b"/nothing", lambda r, c: c.stream.sock.shutdown(socket.SHUT_RDWR))
        daemons = own_pair(server.url)
        with Client(daemons.http_port) as client:
            for path in (b"/rubbish", b"/nothing"):
                answer = client.request(b"POST", path, [], b"{}")
                assert answer.status == 502
                matrix_error(answer)
                assert len(server.seen(path)) == 1, "a POST was made twice"


def test_upstream_that_comes_back_is_used_again(own_pair):
    server = Upstream().start()
    port = server.port
    daemons = own_pair(server.url)
    with Client(daemons.http_port) as client:
        assert client.request(b"POST", b"/one", [], b"1").body == b"1"
        server.stop()
        assert client.request(b"POST", b"/two", [], b"2").status == 502
        server.start(port)
        assert client.request(b"POST", b"/three", [], b"3").body == b"3"
    server.stop()


def test_far_daemon_killed_and_started_again(own_pair, upstream):
    daemons = own_pair(upstream.url, near_options=QUICK, plain=True)
    body = pattern(4000)
    with Client(daemons.http_port, timeout=60) as client:
        assert client.request(b"PUT", b"/before", [], body).body == body
        daemons.far.kill()
        assert client.request(b"PUT", b"/during", [], body).status == 504
        daemons.start_far()
        wait_until(lambda: client.request(b"GET", b"/probe").status == 200, 60, "service after the restart")
        assert client.request(b"PUT", b"/after", [], body).body == body
    assert not upstream.seen(b"/during")
    assert len(upstream.seen(b"/after")) == 1


def test_far_daemon_killed_while_an_answer_is_awaited(own_pair, upstream):
    """Its memory of the request is gone: after response-timeout the client gets an error, and upstream is not asked again."""
    daemons = own_pair(upstream.url, near_options=[*QUICK, "--response-timeout", "3s"], plain=True)
    upstream.on(b"/awaited", lambda r, c: c.sleep_or_gone(60))
    got = []

    def ask():
        with Client(daemons.http_port, timeout=90) as client:
            got.append(client.request(b"POST", b"/awaited", [], b"{}"))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: upstream.seen(b"/awaited"), 20, "the request upstream")
    time.sleep(0.3)  # its acknowledgement is back
    daemons.far.kill()
    daemons.start_far()
    asking.join(30)
    assert got and got[0].status == 504
    matrix_error(got[0])
    assert len(upstream.seen(b"/awaited")) == 1


def test_near_daemon_killed_and_started_again(own_pair, upstream):
    daemons = own_pair(upstream.url)
    for round_ in range(3):
        with Client(daemons.http_port) as client:
            for i in range(5):
                body = b"round %d request %d" % (round_, i)
                answer = client.request(b"POST", b"/near/%d/%d" % (round_, i), [], body)
                assert (answer.status, answer.body) == (200, body), "an answer of the life before came back"
        daemons.near.kill()
        daemons.start_near()
    assert len(upstream.seen(b"/near/")) == 15


@pytest.mark.parametrize("which", ["near", "far"])
def test_sigterm_lets_what_is_under_way_finish(which, own_pair, upstream):
    daemons = own_pair(upstream.url)
    path = b"/drain/" + which.encode()
    answered = []
    upstream.on(path, lambda r, c: (c.sleep_or_gone(2), c.respond(200, [], b"finished")))

    def ask():
        with Client(daemons.http_port, timeout=60) as client:
            answered.append(client.request(b"POST", path, [], b"{}").body)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: upstream.seen(path), 20, "the request upstream")
    daemon = getattr(daemons, which)
    assert daemon.stop(timeout=30, sig=signal.SIGTERM) == 0
    asking.join(60)
    assert answered == [b"finished"]
    # own_pair's end asks the stopped one for its exit status again: still 0.


def test_sigterm_while_a_long_poll_waits_ends_in_time(own_pair, upstream):
    daemons = own_pair(upstream.url, near_options=["--drain-timeout", "1s"], far_options=["--drain-timeout", "1s"])
    upstream.on(b"/poll", lambda r, c: c.sleep_or_gone(60))
    client = Client(daemons.http_port)
    client.send(b"GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: upstream.seen(b"/poll"), 20, "the request upstream")
    start = time.monotonic()
    assert daemons.near.stop(timeout=20) == 0
    assert daemons.far.stop(timeout=20) == 0
    assert time.monotonic() - start < 20
    client.close()
