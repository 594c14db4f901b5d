"""Our server, foreign clients: TD_COAP_BLOCK_*, RFC 7959."""

import asyncio

import aiocoap
import pytest

from peers import Aiocoap, Libcoap, our_server, pattern

MEGABYTE = 1 << 20


@pytest.mark.parametrize("szx", [0, 2, 6])
def test_TD_COAP_BLOCK_01_06_get_early_negotiation(server, client, szx):
    reply = client.request("GET", server.uri("/large?size=3000"), szx=szx)
    assert (reply.code, reply.payload == pattern(3000)) == ("2.05", True)


def test_TD_COAP_BLOCK_02_get_late_negotiation(client):
    """The client leaves the size to the server, ours prefers 64 bytes."""
    with our_server("szx=2") as server:
        assert client.request("GET", server.uri("/large?size=3000")).payload == pattern(3000)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1023, 1024, 1025, 2048, 10_000])
def test_sizes_at_block_borders(server, client, size):
    assert client.request("GET", server.uri(f"/large?size={size}")).payload == pattern(size)


@pytest.mark.parametrize("szx", [0, 4, 6])
def test_TD_COAP_BLOCK_03_put(client, szx):
    with our_server() as server:
        body = pattern(5000, 3)
        assert client.request("PUT", server.uri("/large-update"), body, szx=szx).code == "2.01"
        assert client.request("GET", server.uri("/large-update")).payload == body


def test_BLOCK_03_server_asks_for_smaller_blocks(client):
    """RFC 7959 §2.3: our server's preferred size in its first Block1 answer."""
    with our_server("szx=3") as server:
        body = pattern(5000, 3)
        assert client.request("PUT", server.uri("/large-update"), body).code == "2.01"
        assert client.request("GET", server.uri("/large-update")).payload == body


@pytest.mark.parametrize("szx", [2, 6])
def test_TD_COAP_BLOCK_04_post(client, szx):
    with our_server() as server:
        body = pattern(5000, 4)
        assert client.request("POST", server.uri("/large-create"), body, szx=szx).code == "2.01"
        assert client.request("GET", server.uri("/large-create")).payload == body
        assert client.request("GET", server.uri("/requests")).payload == b"1"


@pytest.mark.parametrize("szx", [2, 6])
def test_TD_COAP_BLOCK_05_post_both_ways(server, client, szx):
    body = pattern(6000, 5)
    reply = client.request("POST", server.uri("/large-post"), body, szx=szx)
    assert (reply.code, reply.payload == body) == ("2.04", True)


def test_1_MB_down(server, client):
    assert client.request("GET", server.uri(f"/large?size={MEGABYTE}"), seconds=60).payload == pattern(MEGABYTE)


def test_1_MB_up(client):
    with our_server() as server:
        body = pattern(MEGABYTE, 9)
        assert client.request("PUT", server.uri("/large-update"), body, seconds=60).code == "2.01"
        assert client.request("GET", server.uri("/large-update"), seconds=60).payload == body


def test_100_kB_both_ways(server, client):
    body = pattern(100_000, 1)
    assert client.request("POST", server.uri("/echo"), body, seconds=60).payload == body


def test_too_large_is_refused():
    """Our server takes 1 MB: 4.13 while the body still comes (libcoap stops and says so)."""
    with our_server() as server:
        reply = Libcoap().request("PUT", server.uri("/large-update"), pattern(MEGABYTE + 5000), seconds=60)
        assert reply.code == "4.13"


def test_overlapping_bodies_with_request_tags_do_not_mix():
    """RFC 9175 §3: two block-wise POSTs of one client to one resource at the same time; aiocoap tags them."""
    bodies = [pattern(20_000, seed) for seed in range(4)]

    async def both(where):
        context = await aiocoap.Context.create_client_context()
        try:
            requests = [
                context.request(aiocoap.Message(code=aiocoap.POST, uri=where, payload=body, request_tag=[bytes([i])]))
                for i, body in enumerate(bodies)
            ]
            return [r.payload for r in await asyncio.gather(*(r.response for r in requests))]
        finally:
            await context.shutdown()

    with our_server() as server:
        assert asyncio.run(asyncio.wait_for(both(server.uri("/echo")), 30)) == bodies


def test_block_of_a_body_that_was_never_begun_is_incomplete():
    """RFC 7959 §2.9.2: 4.08."""
    with our_server() as server:
        message = Aiocoap.message("PUT", server.uri("/large-update"), b"x" * 64)
        message.opt.block1 = (3, False, 2)

        async def send():
            context = await aiocoap.Context.create_client_context()
            try:
                return await context.request(message, handle_blockwise=False).response
            finally:
                await context.shutdown()

        assert Aiocoap.reply(asyncio.run(asyncio.wait_for(send(), 10))).code == "4.08"
