"""The foreign side alone: what the other tests lean on works without us (libcoap with aiocoap, the relay, the pcap writer)."""

import asyncio

import aiocoap
import pytest

import relay as relay_module
from peers import Aiocoap, Libcoap, aio_server, libcoap_server, pattern, raw, relay, tuned


@pytest.fixture(params=[libcoap_server, aio_server], ids=["libcoap", "aiocoap"])
def foreign_server(request):
    with request.param() as one:
        yield one


def test_libcoap_client_gets_well_known_core(foreign_server):
    reply = Libcoap().request("GET", foreign_server.uri("/.well-known/core"))
    assert reply.code == "2.05"
    assert b"</" in reply.payload


def test_aiocoap_client_gets_well_known_core(foreign_server):
    reply = Aiocoap().request("GET", foreign_server.uri("/.well-known/core"))
    assert reply.code == "2.05"
    assert reply.uint(12) == 40


def test_libcoap_client_moves_20_kB_to_aiocoap():
    body = pattern(20_000)
    with aio_server() as server:
        assert Libcoap().request("PUT", server.uri("/large-update"), body).code == "2.01"
        assert Libcoap().request("GET", server.uri("/large-update")).payload == body


def test_aiocoap_client_moves_20_kB_to_libcoap():
    body = pattern(20_000)
    with libcoap_server() as server:
        assert Aiocoap().request("PUT", server.uri("/example_data"), body).code == "2.01"
        assert Aiocoap().request("GET", server.uri("/example_data")).payload == body


def test_relay_loses_the_asked_share_and_the_same_each_time():
    fates = [relay_module.fate(7, relay_module.UP, i, 20, 5, 5) for i in range(20_000)]
    assert fates[:50] == [relay_module.fate(7, relay_module.UP, i, 20, 5, 5) for i in range(50)]
    assert fates[:50] != [relay_module.fate(8, relay_module.UP, i, 20, 5, 5) for i in range(50)]
    assert 0.19 < fates.count("lose") / len(fates) < 0.21
    assert 0.045 < fates.count("twice") / len(fates) < 0.055
    assert 0.045 < fates.count("late") / len(fates) < 0.055


def test_relay_passes_on_and_counts():
    with aio_server() as server:
        with relay(server, "--loss", "0", "--dup", "100") as between:
            assert Aiocoap().request("GET", between.uri("/test")).payload == b"hello"
        said = between.numbers()
    assert said["lose"] == 0 and said["twice"] >= 2


def test_relay_loses_everything():
    with aio_server() as server, relay(server, "--loss", "100") as between:
        assert raw(between.host, between.port, bytes.fromhex("40001234"), 0.3) is None


def test_aiocoap_survives_20_percent_loss_on_its_own():
    """Else a failure of the lossy tests would say nothing about us."""
    async def get(where):
        context = await aiocoap.Context.create_client_context()
        try:
            return await context.request(aiocoap.Message(code=aiocoap.GET, uri=where)).response
        finally:
            await context.shutdown()

    with tuned(), aio_server("--tune") as server, relay(server, "--loss", "20", "--seed", "3") as between:
        reply = asyncio.run(asyncio.wait_for(get(between.uri("/large?size=10000")), 60))
    assert reply.payload == pattern(10_000)
