"""Our server, foreign clients: TD_COAP_CORE_*, TD_COAP_LINK_*."""

import asyncio

import aiocoap
import pytest

from peers import V4, Aiocoap, Libcoap, Ours, our_server, relay

IF_MATCH, ETAG, IF_NONE_MATCH, LOCATION_PATH, ACCEPT, LOCATION_QUERY = 1, 4, 5, 8, 17, 20
CONTENT_FORMAT = 12


@pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
def test_TD_COAP_CORE_01_05_get(server, client, non):
    reply = client.request("GET", server.uri("/test"), non=non)
    assert (reply.code, reply.payload) == ("2.05", b"hello")


@pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
def test_TD_COAP_CORE_02_06_delete(client, non):
    with our_server() as server:
        assert client.request("DELETE", server.uri("/test"), non=non).code == "2.02"
        assert client.request("GET", server.uri("/test")).code == "4.04"


@pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
def test_TD_COAP_CORE_03_07_put(client, non):
    with our_server() as server:
        assert client.request("PUT", server.uri("/test"), b"new", non=non).code == "2.04"
        assert client.request("GET", server.uri("/test")).payload == b"new"
        assert client.request("PUT", server.uri("/create1"), b"new", non=non).code == "2.01"


@pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
def test_TD_COAP_CORE_04_08_post(client, non):
    with our_server() as server:
        assert client.request("POST", server.uri("/test"), b"x", non=non).code == "2.01"
        assert client.request("GET", server.uri("/requests")).payload == b"1"


def test_TD_COAP_CORE_09_separate_response(server, client):
    reply = client.request("GET", server.uri("/separate?ms=1500"))
    assert (reply.code, reply.payload) == ("2.05", b"separate")


@pytest.mark.parametrize("path,payload", [("/test", b"hello"), ("/separate?ms=800", b"separate")])
@pytest.mark.parametrize("token", [b"\x42", b"12345678"], ids=["1-byte", "8-byte"])
def test_TD_COAP_CORE_10_11_token(server, token, path, payload):
    log = Libcoap().request  # libcoap starts its tokens where it is told
    assert log
    reply = _with_token(server.uri(path), token)
    assert reply == payload


def _with_token(where, token):
    async def get():
        context = await aiocoap.Context.create_client_context()
        for interface in context.request_interfaces:
            interface._token = int.from_bytes(token, "big") - 1
        try:
            message = aiocoap.Message(code=aiocoap.GET, uri=where)
            response = await context.request(message).response
            assert response.token == token
            return response.payload
        finally:
            await context.shutdown()

    return asyncio.run(asyncio.wait_for(get(), 20))


def test_TD_COAP_CORE_13_uri_path(server, client):
    assert client.request("GET", server.uri("/seg1/seg2/seg3")).payload == b"/seg1/seg2/seg3"


def test_TD_COAP_CORE_14_uri_query(server, client):
    reply = client.request("GET", server.uri("/query?first=1&second=2&third=3"))
    assert reply.payload == b"first=1&second=2&third=3"


def test_TD_COAP_CORE_17_separate_response_to_NON(server, client):
    reply = client.request("GET", server.uri("/separate?ms=800"), non=True)
    assert (reply.code, reply.payload) == ("2.05", b"separate")


def test_TD_COAP_CORE_18_location_path(server):
    reply = Aiocoap().request("POST", server.uri("/test"), b"x")
    assert reply.code == "2.01"
    assert reply.options[LOCATION_PATH] == [b"location1", b"location2", b"location3"]


def test_TD_COAP_CORE_18_location_path_libcoap(server):
    log = Libcoap().request("POST", server.uri("/test"), b"x").log
    assert "Location-Path:location1, Location-Path:location2, Location-Path:location3" in log


def test_TD_COAP_CORE_19_location_query(server):
    reply = Aiocoap().request("POST", server.uri("/location-query"), b"x")
    assert reply.code == "2.01"
    assert reply.options[LOCATION_QUERY] == [b"first=1", b"second=2"]


def test_TD_COAP_CORE_19_location_query_libcoap(server):
    log = Libcoap().request("POST", server.uri("/location-query"), b"x").log
    assert "Location-Query:first=1, Location-Query:second=2" in log


def test_TD_COAP_CORE_20_accept(server, client):
    where = server.uri("/multi-format")
    assert client.request("GET", where, options=[(ACCEPT, 0)]).payload == b"text"
    assert client.request("GET", where, options=[(ACCEPT, 41)]).payload == b"<xml/>"
    assert client.request("GET", where, options=[(ACCEPT, 60)]).code == "4.06"


def test_TD_COAP_CORE_21_etag(client):
    with our_server() as server:
        where = server.uri("/validate")
        assert client.request("GET", where).code == "2.05"
        reply = client.request("GET", where, options=[(ETAG, b"\x01")])
        assert (reply.code, reply.payload) == ("2.03", b"")
        client.request("PUT", where, b"second")
        reply = client.request("GET", where, options=[(ETAG, b"\x01")])
        assert (reply.code, reply.payload) == ("2.05", b"second")


def test_TD_COAP_CORE_22_if_match(client):
    with our_server() as server:
        where = server.uri("/validate")
        assert client.request("PUT", where, b"second", options=[(IF_MATCH, b"\x01")]).code == "2.04"
        assert client.request("PUT", where, b"third", options=[(IF_MATCH, b"\x01")]).code == "4.12"
        assert client.request("GET", where).payload == b"second"


def test_TD_COAP_CORE_23_if_none_match(client):
    with our_server() as server:
        where = server.uri("/create1")
        assert client.request("PUT", where, b"one", options=[(IF_NONE_MATCH, b"")]).code == "2.01"
        assert client.request("PUT", where, b"two", options=[(IF_NONE_MATCH, b"")]).code == "4.12"
        assert client.request("GET", where).payload == b"one"


def test_TD_COAP_LINK_01_well_known_core(server, client):
    body = client.request("GET", server.uri("/.well-known/core")).payload
    assert b'</test>;rt="test"' in body and b"</obs>;obs" in body


def test_TD_COAP_LINK_02_filter(server, client):
    body = client.request("GET", server.uri("/.well-known/core?rt=block")).payload
    assert body.count(b"<") == 4 and b'</large>;rt="block"' in body


def test_content_format_of_a_request_comes_back(server):
    reply = Aiocoap().request("POST", server.uri("/echo"), b"{}", options=[(CONTENT_FORMAT, 50)])
    assert (reply.code, reply.payload, reply.uint(CONTENT_FORMAT)) == ("2.04", b"{}", 50)


@pytest.mark.parametrize("code", ["404", "405", "500", "503"])
def test_error_codes(server, client, code):
    assert client.request("GET", server.uri(f"/fail?code={code}")).code == f"{code[0]}.{code[1:]}"


def test_unknown_path_and_method(server, client):
    assert client.request("GET", server.uri("/nowhere")).code == "4.04"
    assert client.request("PUT", server.uri("/query"), b"x").code == "4.05"


def test_ipv4(client):
    with our_server(host=V4) as server:
        assert client.request("GET", server.uri("/test")).payload == b"hello"


def test_dual_stack(client):
    with our_server(host="::") as server:
        for host in ("127.0.0.1", "[::1]"):
            assert client.request("GET", f"coap://{host}:{server.port}/test").payload == b"hello"


def test_RFC9175_echo_challenge():
    """A new peer gets 4.01 with an Echo option, and is served once it shows that; libcoap 4.3 and aiocoap leave this to us."""
    async def ask(where):
        context = await aiocoap.Context.create_client_context()
        try:
            refused = await context.request(aiocoap.Message(code=aiocoap.POST, uri=where, payload=b"x")).response
            assert (refused.code, len(refused.opt.echo) > 0) == (aiocoap.UNAUTHORIZED, True)
            shown = aiocoap.Message(code=aiocoap.POST, uri=where, payload=b"x", echo=refused.opt.echo)
            assert (await context.request(shown).response).code == aiocoap.CREATED
            later = aiocoap.Message(code=aiocoap.POST, uri=where, payload=b"x")
            assert (await context.request(later).response).code == aiocoap.CREATED
        finally:
            await context.shutdown()

    with our_server(echo=True) as server:
        asyncio.run(asyncio.wait_for(ask(server.uri("/test")), 10))
        assert Ours().request("GET", server.uri("/requests")).payload == b"2"  # ours shows it by itself


def test_many_requests_of_one_client_at_once(server):
    """aiocoap keeps NSTART = 1 for messages, but separate responses overlap."""
    async def all_of_them():
        context = await aiocoap.Context.create_client_context()
        try:
            requests = [
                context.request(aiocoap.Message(code=aiocoap.GET, uri=server.uri(f"/separate?ms={600 - 20 * i}")))
                for i in range(20)
            ]
            return [r.payload for r in await asyncio.gather(*(r.response for r in requests))]
        finally:
            await context.shutdown()

    assert asyncio.run(asyncio.wait_for(all_of_them(), 20)) == [b"separate"] * 20


def test_duplicated_requests_are_executed_once(client):
    """RFC 7252 §4.5: each datagram arrives twice."""
    with our_server() as server, relay(server, "--dup", "100", "--delay-ms", "1") as between:
        for _ in range(10):
            assert client.request("POST", between.uri("/test"), b"x").code == "2.01"
        assert client.request("GET", server.uri("/requests")).payload == b"10"
