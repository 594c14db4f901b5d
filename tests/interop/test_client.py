"""Our client, foreign servers (libcoap's coap-server, aiocoap): CORE, BLOCK and OBS."""

import concurrent.futures
import time

import pytest

from peers import V4, Aiocoap, Ours, aio_server, free_port, libcoap_server, pattern, relay, uri

MEGABYTE = 1 << 20
IF_MATCH, ETAG, IF_NONE_MATCH, LOCATION_PATH, ACCEPT, LOCATION_QUERY = 1, 4, 5, 8, 17, 20


@pytest.fixture(scope="module")
def libcoap():
    with libcoap_server() as one:
        yield one


@pytest.fixture(scope="module")
def aio():
    with aio_server() as one:
        yield one


ours = Ours()


class TestAiocoap:
    @pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
    def test_TD_COAP_CORE_01_05_get(self, aio, non):
        reply = ours.request("GET", aio.uri("/seg1/seg2/seg3?hello"), non=non)
        assert (reply.code, reply.payload, reply.status) == ("2.05", b"hello", 0)

    @pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
    def test_TD_COAP_CORE_02_03_04_06_07_08_put_post_delete(self, non):
        with aio_server() as server:
            where = server.uri("/test")
            assert ours.request("PUT", where, b"new", non=non).code == "2.04"
            assert ours.request("GET", where, non=non).payload == b"new"
            assert ours.request("POST", where, b"more", non=non).code == "2.01"
            assert ours.request("DELETE", where, non=non).code == "2.02"
            assert ours.request("GET", where, non=non).code == "4.04"
            assert ours.request("GET", server.uri("/requests")).payload == b"3"

    @pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
    def test_TD_COAP_CORE_09_17_separate_response(self, aio, non):
        reply = ours.request("GET", aio.uri("/separate?ms=1200"), non=non)
        assert (reply.code, reply.payload) == ("2.05", b"separate")

    def test_TD_COAP_CORE_14_uri_query(self, aio):
        reply = ours.request("GET", aio.uri("/query?first=1&second=2&third=3"))
        assert reply.payload == b"first=1&second=2&third=3"

    def test_TD_COAP_CORE_18_19_location(self, aio):
        reply = ours.request("POST", aio.uri("/large-create"), b"x")
        assert reply.options[LOCATION_PATH] == [b"location1", b"location2", b"location3"]
        reply = ours.request("POST", aio.uri("/location-query"), b"x")
        assert reply.options[LOCATION_QUERY] == [b"first=1", b"second=2"]

    def test_TD_COAP_CORE_20_accept(self, aio):
        assert ours.request("GET", aio.uri("/multi-format"), options=[(ACCEPT, 41)]).payload == b"<xml/>"
        assert ours.request("GET", aio.uri("/multi-format"), options=[(ACCEPT, 0)]).payload == b"text"

    def test_TD_COAP_CORE_21_etag(self, aio):
        first = ours.request("GET", aio.uri("/validate"))
        again = ours.request("GET", aio.uri("/validate"), options=[(ETAG, first.options[ETAG][0])])
        assert (first.code, again.code, again.payload) == ("2.05", "2.03", b"")

    def test_TD_COAP_CORE_22_if_match(self):
        with aio_server() as server:
            where = server.uri("/validate")
            etag = ours.request("GET", where).options[ETAG][0]
            assert ours.request("PUT", where, b"second", options=[(IF_MATCH, etag)]).code == "2.04"
            assert ours.request("PUT", where, b"third", options=[(IF_MATCH, etag)]).code == "4.12"

    def test_TD_COAP_CORE_23_if_none_match(self):
        with aio_server() as server:
            where = server.uri("/create1")
            assert ours.request("PUT", where, b"one", options=[(IF_NONE_MATCH, b"")]).code == "2.01"
            assert ours.request("PUT", where, b"two", options=[(IF_NONE_MATCH, b"")]).code == "4.12"

    def test_exit_status_tells_the_class(self, aio):
        assert ours.request("GET", aio.uri("/nowhere")).status == 4

    @pytest.mark.parametrize("szx", [0, 2, 6])
    def test_TD_COAP_BLOCK_01_06_get(self, aio, szx):
        assert ours.request("GET", aio.uri("/large?size=3000"), szx=szx).payload == pattern(3000)

    @pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1023, 1024, 1025, 2048, 10_000])
    def test_sizes_at_block_borders(self, aio, size):
        body = pattern(size, 2)
        assert ours.request("GET", aio.uri(f"/large?size={size}")).payload == pattern(size)
        assert ours.request("POST", aio.uri("/echo"), body).payload == body

    @pytest.mark.parametrize("szx", [0, 4, 6])
    @pytest.mark.parametrize("method,path,code", [("PUT", "/large-update", "2.01"), ("POST", "/large-create", "2.01")])
    def test_TD_COAP_BLOCK_03_04_up(self, szx, method, path, code):
        body = pattern(5000, 3)
        with aio_server() as server:
            assert ours.request(method, server.uri(path), body, szx=szx).code == code
            assert ours.request("GET", server.uri(path)).payload == body

    @pytest.mark.parametrize("szx", [2, 6])
    def test_TD_COAP_BLOCK_05_post_both_ways(self, aio, szx):
        body = pattern(6000, 5)
        assert ours.request("POST", aio.uri("/echo"), body, szx=szx).payload == body

    def test_1_MB_down(self, aio):
        assert ours.request("GET", aio.uri(f"/large?size={MEGABYTE}"), seconds=60).payload == pattern(MEGABYTE)

    def test_1_MB_up(self):
        body = pattern(MEGABYTE, 9)
        with aio_server() as server:
            assert ours.request("PUT", server.uri("/large-update"), body, seconds=60).code == "2.01"
            assert ours.request("GET", server.uri("/large-update"), seconds=60).payload == body

    def test_RFC9175_overlapping_bodies_do_not_mix(self, aio):
        body = pattern(20_000, 6)
        reply = ours.request("POST", aio.uri("/echo"), body, parallel=4, differs=True)
        assert sorted(one.payload[0:1] for one in reply.replies) != []
        assert {one.payload for one in reply.replies} == {b"%d" % i + body[1:] for i in range(4)}

    @pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
    def test_TD_COAP_OBS_01_02_100_notifications(self, non):
        with aio_server("--obs-n", "100", "--obs-ms", "20") as server:
            reply = ours.request("GET", server.uri("/obs"), observe=101, non=non)
            assert reply.payload.split() == [b"%d" % i for i in range(101)]
            time.sleep(0.2)
            assert ours.request("GET", server.uri("/observers")).payload == b"0"

    def test_TD_COAP_OBS_06_cancelling_resets_the_next_notification(self):
        with aio_server("--obs-n", "1000", "--obs-ms", "10") as server:
            assert len(ours.request("GET", server.uri("/obs"), observe=5).payload.split()) == 5
            time.sleep(0.3)
            assert ours.request("GET", server.uri("/observers")).payload == b"0"

    def test_TD_COAP_OBS_07_delete_ends_it(self):
        with aio_server("--obs-n", "0") as server, concurrent.futures.ThreadPoolExecutor() as pool:
            watch = pool.submit(ours.request, "GET", server.uri("/obs"), observe=100, seconds=10)
            time.sleep(1)
            ours.request("DELETE", server.uri("/obs"))
            reply = watch.result()
        assert [one.code for one in reply.replies] == ["2.05", "4.04"]

    def test_TD_COAP_OBS_09_update_is_notified(self):
        with aio_server("--obs-n", "0") as server, concurrent.futures.ThreadPoolExecutor() as pool:
            watch = pool.submit(ours.request, "GET", server.uri("/obs"), observe=2, seconds=10)
            time.sleep(1)
            ours.request("PUT", server.uri("/obs"), b"")
            assert watch.result().payload.split() == [b"0", b"1000"]

    def test_ipv4(self):
        with aio_server(host=V4) as server:
            assert ours.request("GET", server.uri("/test")).payload == b"hello"


class TestLibcoap:
    @pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
    def test_TD_COAP_CORE_01_05_get(self, libcoap, non):
        reply = ours.request("GET", libcoap.uri("/"), non=non)
        assert reply.code == "2.05" and reply.payload.startswith(b"This is a test server made with libcoap")

    @pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
    def test_TD_COAP_CORE_02_03_06_07_put_delete(self, non):
        with libcoap_server() as server:
            where = server.uri("/thing")
            assert ours.request("PUT", where, b"made", non=non).code == "2.01"
            assert ours.request("GET", where, non=non).payload == b"made"
            assert ours.request("PUT", where, b"changed", non=non).code == "2.04"
            assert ours.request("DELETE", where, non=non).code == "2.02"
            assert ours.request("GET", where, non=non).code == "4.04"

    @pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
    def test_TD_COAP_CORE_09_17_separate_response(self, libcoap, non):
        """coap-server's /async?N answers after N seconds."""
        reply = ours.request("GET", libcoap.uri("/async?2"), non=non)
        assert (reply.code, reply.payload) == ("2.05", b"done")

    def test_TD_COAP_CORE_31_ping_while_waiting(self, libcoap):
        """A client that waits for a separate response asks whether the peer lives; libcoap answers with RST."""
        with relay(libcoap, "--log") as between:
            assert ours.request("GET", between.uri("/async?3"), params=["ping_ms=1000"]).payload == b"done"
        pings = [line for line in between.said.splitlines() if line.startswith("up") and line.split()[3][:4] == "4000"]
        resets = [line for line in between.said.splitlines() if line.startswith("down") and line.split()[3][:4] == "7000"]
        assert len(pings) >= 1 and len(resets) == len(pings)

    def test_TD_COAP_LINK_01_well_known_core(self, libcoap):
        reply = ours.request("GET", libcoap.uri("/.well-known/core"))
        assert reply.uint(12) == 40 and b"</time>" in reply.payload

    @pytest.mark.parametrize("szx", [0, 2, 6])
    def test_TD_COAP_BLOCK_01_06_get(self, libcoap, szx):
        reply = ours.request("GET", libcoap.uri("/example_data"), szx=szx)
        assert reply.code == "2.05" and len(reply.payload) == 1500

    @pytest.mark.parametrize("szx", [0, 4, 6])
    def test_TD_COAP_BLOCK_03_put(self, szx):
        body = pattern(5000, 3)
        with libcoap_server() as server:
            assert ours.request("PUT", server.uri("/example_data"), body, szx=szx).code == "2.01"
            assert ours.request("GET", server.uri("/example_data"), szx=szx).payload == body

    def test_1_MB_up_and_down(self):
        body = pattern(MEGABYTE, 9)
        with libcoap_server() as server:
            assert ours.request("PUT", server.uri("/example_data"), body, seconds=60).code == "2.01"
            assert ours.request("GET", server.uri("/example_data"), seconds=60).payload == body

    def test_TD_COAP_OBS_01_100_notifications(self):
        """/example_data notifies upon each PUT."""
        with libcoap_server() as server, concurrent.futures.ThreadPoolExecutor() as pool:
            ours.request("PUT", server.uri("/example_data"), b"-")
            watch = pool.submit(ours.request, "GET", server.uri("/example_data"), observe=101, seconds=30)
            time.sleep(1)
            for i in range(100):
                Aiocoap().request("PUT", server.uri("/example_data"), b"%d" % i)
            got = watch.result().payload.split()
        assert got == [b"-"] + [b"%d" % i for i in range(100)]

    def test_TD_COAP_OBS_13_notifications_with_block2(self):
        with libcoap_server() as server, concurrent.futures.ThreadPoolExecutor() as pool:
            bodies = [pattern(3000, i) for i in range(6)]
            ours.request("PUT", server.uri("/example_data"), bodies[0])
            watch = pool.submit(ours.request, "GET", server.uri("/example_data"), observe=6, seconds=30)
            time.sleep(1)
            for body in bodies[1:]:
                ours.request("PUT", server.uri("/example_data"), body)
                time.sleep(0.3)
            assert watch.result().payload == b"".join(bodies)

    def test_TD_COAP_OBS_01_clock(self, libcoap):
        """coap-server's /time ticks once a second."""
        reply = ours.request("GET", libcoap.uri("/time"), observe=4)
        assert len(set(reply.payload.splitlines())) == 4

    def test_ipv4(self):
        with libcoap_server(host=V4) as server:
            assert ours.request("GET", server.uri("/")).code == "2.05"


def test_nobody_there():
    """ICMP or silence: the exchange ends in bounded time with its own exit status."""
    reply = ours.request("GET", uri(free_port(), "/"), params=["ack_ms=100", "rto_min_ms=50", "retransmit=2"], seconds=10)
    assert reply.status == 3
