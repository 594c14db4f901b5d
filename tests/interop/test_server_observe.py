"""Our server, foreign clients: TD_COAP_OBS_*, RFC 7641."""

import asyncio

import aiocoap
import pytest

from peers import Aiocoap, Libcoap, our_server, pattern, raw

OBSERVE = 6


async def observe(where, *, until=None, count=None, seconds=20, non=False, meanwhile=None):
    """The observation's responses in order, up to `count` of them or one whose payload is `until`, or its error."""
    context = await aiocoap.Context.create_client_context()
    got = []
    try:
        message = Aiocoap.message("GET", where, options=[(OBSERVE, 0)], non=non)
        request = context.request(message)
        first = await asyncio.wait_for(request.response, 5)
        got.append(first)

        async def collect():
            async for one in request.observation:
                got.append(one)
                if one.payload == until or len(got) == count:
                    return

        collecting = asyncio.ensure_future(collect())
        await asyncio.sleep(0)
        if meanwhile:
            await meanwhile(context)
        try:
            await asyncio.wait_for(collecting, seconds)
        except (aiocoap.error.Error, TimeoutError, asyncio.TimeoutError) as error:
            got.append(error)
        if request.observation and not request.observation.cancelled:
            request.observation.cancel()
        return got
    finally:
        await context.shutdown()


def payloads(got):
    return [one.payload for one in got if isinstance(one, aiocoap.Message)]


@pytest.mark.parametrize("path", ["/obs", "/obs-non"])
@pytest.mark.parametrize("non", [False, True], ids=["CON", "NON"])
def test_TD_COAP_OBS_01_02_100_notifications(server, path, non):
    got = asyncio.run(observe(server.uri(f"{path}?n=100&ms=20"), until=b"100", non=non))
    assert payloads(got) == [b"%d" % i for i in range(101)]


@pytest.mark.parametrize("path", ["/obs", "/obs-non"])
def test_TD_COAP_OBS_01_02_100_notifications_libcoap(server, path):
    reply = Libcoap().request("GET", server.uri(f"{path}?n=100&ms=20"), observe_s=4)
    assert reply.payload.split() == [b"%d" % i for i in range(101)]


def test_TD_COAP_OBS_05_server_notices_that_the_client_is_gone():
    """A client that vanished: its notifications time out, then the server forgets it."""
    with our_server("ack_ms=100", "rto_min_ms=50", "retransmit=2") as server:
        token = b"\x77"
        request = Aiocoap.message("GET", server.uri("/obs?n=1000&ms=50"), options=[(OBSERVE, 0)])
        datagram = _raw_observe(request, token)
        answer = raw(server.host, server.port, datagram)  # the socket is closed at once afterwards
        assert answer is not None and answer[1] == 0x45
        asyncio.run(asyncio.sleep(3))
    assert server.numbers()["exchanges"] == 0


def _raw_observe(message, token):
    path = [(11, segment) for segment in message.opt.uri_path]
    query = [(15, item) for item in message.opt.uri_query]
    from peers import message_bytes

    return message_bytes(0, aiocoap.GET, 0x4242, token, [(OBSERVE, 0)] + path + query)


def test_TD_COAP_OBS_06_reset_ends_it():
    """aiocoap forgets the token without a word and resets the next notification."""
    async def forget(where):
        context = await aiocoap.Context.create_client_context()
        try:
            request = context.request(aiocoap.Message(code=aiocoap.GET, uri=where, observe=0))
            await asyncio.wait_for(request.response, 5)
            for interface in context.request_interfaces:
                interface.outgoing_requests.clear()
            await asyncio.sleep(0.5)
        finally:
            await context.shutdown()

    with our_server() as server:
        asyncio.run(forget(server.uri("/obs?n=1000&ms=50")))
    said = server.numbers()
    assert said["exchanges"] == 0 and said["retransmissions"] == 0


def test_TD_COAP_OBS_07_delete_ends_it():
    with our_server() as server:
        async def delete(_):
            context = await aiocoap.Context.create_client_context()
            try:
                reply = await context.request(aiocoap.Message(code=aiocoap.DELETE, uri=server.uri("/obs"))).response
                assert reply.code == aiocoap.DELETED
            finally:
                await context.shutdown()

        got = asyncio.run(observe(server.uri("/obs?n=0"), seconds=5, meanwhile=delete))
    assert got[1].code == aiocoap.NOT_FOUND and got[1].opt.observe is None
    assert server.numbers()["exchanges"] == 0


def _put(server, payload, content_format):
    async def put(_):
        context = await aiocoap.Context.create_client_context()
        try:
            message = aiocoap.Message(code=aiocoap.PUT, uri=server.uri("/obs"), payload=payload,
                                      content_format=content_format)
            assert (await context.request(message).response).code == aiocoap.CHANGED
        finally:
            await context.shutdown()

    return put


def test_TD_COAP_OBS_08_another_content_format_ends_it():
    with our_server() as server:
        got = asyncio.run(observe(server.uri("/obs?n=0"), seconds=5, meanwhile=_put(server, b"<x/>", 41)))
    assert got[1].code == aiocoap.INTERNAL_SERVER_ERROR and got[1].opt.observe is None


def test_TD_COAP_OBS_09_update_is_notified():
    with our_server() as server:
        got = asyncio.run(observe(server.uri("/obs?n=0"), count=2, seconds=5, meanwhile=_put(server, b"news", 0)))
    assert payloads(got) == [b"0", b"news"]


def test_TD_COAP_OBS_10_get_does_not_cancel_it():
    with our_server() as server:
        async def get(context):
            reply = await context.request(aiocoap.Message(code=aiocoap.GET, uri=server.uri("/obs"))).response
            assert reply.opt.observe is None

        got = asyncio.run(observe(server.uri("/obs?n=10&ms=50"), until=b"10", meanwhile=get))
    assert payloads(got)[-1] == b"10"


def test_TD_COAP_OBS_12_explicit_deregistration():
    """aiocoap's cancel sends a GET with Observe 1 and the same token."""
    async def register_and_cancel(where):
        context = await aiocoap.Context.create_client_context()
        try:
            request = context.request(aiocoap.Message(code=aiocoap.GET, uri=where, observe=0))
            await asyncio.wait_for(request.response, 5)
            request.observation.cancel()
            await asyncio.sleep(0.5)
        finally:
            await context.shutdown()

    with our_server() as server:
        asyncio.run(register_and_cancel(server.uri("/obs?n=1000&ms=50")))
    assert server.numbers()["exchanges"] == 0


def test_TD_COAP_OBS_12_explicit_deregistration_libcoap():
    with our_server() as server:
        reply = Libcoap().request("GET", server.uri("/obs?n=1000&ms=50"), observe_s=1)
        assert len(reply.payload.split()) > 10
    assert server.numbers()["exchanges"] == 0


@pytest.mark.parametrize("size", [3000, 10_000])
def test_TD_COAP_OBS_13_14_notifications_with_block2(server, size):
    got = asyncio.run(observe(server.uri(f"/obs-large?n=10&ms=100&size={size}"), count=11))
    assert payloads(got) == [pattern(size, i) for i in range(11)]


def test_notifications_rise_in_order(server):
    got = asyncio.run(observe(server.uri("/obs?n=20&ms=20"), until=b"20"))
    numbers = [one.opt.observe for one in got[1:]]
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)


def test_many_observers(server):
    async def all_of_them():
        return await asyncio.gather(*(observe(server.uri("/obs?n=10&ms=50"), until=b"10") for _ in range(20)))

    for got in asyncio.run(all_of_them()):
        assert payloads(got) == [b"%d" % i for i in range(11)]
