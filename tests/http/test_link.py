"""Real daemons with thimble-link between them: what each side counts, and that bytes arrive over a link that loses them."""

import random
import threading

import pytest

from support.link import Link
from support.pair import direct
from support.proc import free_port
from support.wire import Client, pattern

pytestmark = pytest.mark.skipif(direct(), reason="needs real daemons")


@pytest.fixture
def over_link(tmp_path, own_pair, upstream):
    """A function that starts a pair with a link between: over_link("--rate", …) gives pair and link."""
    started = []

    def start(*options, **how):
        port = free_port()
        link = Link(tmp_path, port, options)
        started.append(link)
        link.start()
        return own_pair(upstream.url, coap_port=port, coap_target_port=link.port, **how), link

    yield start
    for link in started:
        assert link.stop() == 0


def put(client, path, size):
    answer = client.request(b"PUT", path, [], pattern(size))
    assert answer.status == 200
    assert answer.body == pattern(size)


def test_daemon_and_link_count_the_same(over_link, upstream):
    upstream.on(b"/echo", lambda r, c: c.respond(200, [], r.body))
    pair, link = over_link(plain=True)  # handshakes belong to no exchange
    with Client(pair.http_port) as client:
        for size in (0, 10, 1000, 20_000):
            put(client, b"/echo", size)
    rows = pair.exchanges()
    assert len(rows) == 4
    stats = link.stats()
    for direction in ("up", "down"):
        entered = stats[direction]["entered"]
        assert entered == stats[direction]["delivered"]
        assert entered["bytes"] == sum(int(row[f"link_{direction}"]) for row in rows)
        assert entered["datagrams"] == sum(int(row[f"datagrams_{direction}"]) for row in rows)


def test_bytes_arrive_over_a_bad_link(over_link, upstream):
    """20 kbit/s, a tenth lost, some doubled, some late: every body whole, each request executed once."""
    upstream.on(b"/bad", lambda r, c: c.respond(200, [], r.body))
    timeouts = ["--ack-timeout", "1 s", "--rto-min", "1 s", "--max-retransmit", "8"]
    pair, link = over_link("--rate", "20 kbit/s", "--latency", "50 ms", "--jitter", "40%", "--loss", "10%", "--duplicate", "5%",
                           "--reorder", "5%", "--reorder-delay", "200 ms", near_options=timeouts, far_options=timeouts)
    with Client(pair.http_port) as client:
        for size in (0, 100, 3000):
            put(client, b"/bad", size)
    assert len(upstream.seen(b"/bad")) == 3
    stats = link.stats()
    assert 0 < stats["up"]["utilisation"] < 1 and stats["up"]["overflow"]["datagrams"] == 0


def test_outage_and_rebind_by_command(over_link, upstream):
    upstream.on(b"/cut", lambda r, c: c.respond(200, [], r.body))
    pair, link = over_link()
    with Client(pair.http_port) as client:
        put(client, b"/cut", 100)
        link.tell("rebind")
        put(client, b"/cut", 200)
        link.tell("down")
        client.send(b"PUT /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        link.wait_entered(link.stats()["up"]["delivered"]["datagrams"] + 1)
        link.tell("up")
        answer = client.response(b"PUT")
        assert answer.status == 200 and answer.body == b"{}"
    assert link.stats()["up"]["outage"]["datagrams"] >= 1
    assert len(upstream.seen(b"/cut")) == 3


def test_nothing_twice_over_a_link_that_loses(over_link, upstream):
    """Many clients at once with long bodies: the history forgets, answers are asked for once more, and still each request
    is executed once and each answer is its own."""
    pair, _ = over_link("--loss", "3 %", "--latency", "5 ms", "--jitter", "3 ms", "--seed", "7",
                        near_options=["--link-ours", "--link-latency", "6 ms", "--link-up", "20 Mbit/s", "--link-down", "20 Mbit/s"])
    faults = []

    def work(w):
        try:
            with Client(pair.http_port, timeout=120) as client:
                for i in range(12):
                    body = (b"%d-%d " % (w, i)) * random.Random(w * 100 + i).choice([0, 1, 50, 1000, 5000])
                    answer = client.request(b"PUT", b"/lossy/%d/%d" % (w, i), [], body)
                    if answer.status != 200 or answer.body != body:
                        faults.append((w, i, answer.status, len(body), len(answer.body)))
        except Exception as e:  # noqa: BLE001 - carried to the test's own thread
            faults.append((w, repr(e)))

    threads = [threading.Thread(target=work, args=(w,)) for w in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(200)
    assert not faults
    seen = [r.target for r in upstream.seen(b"/lossy/")]
    assert len(seen) == len(set(seen)) == 144
