"""Sync push against real Synapse: a matrix-nio client whose loop runs through the pair ends with the same state as one that asks
Synapse itself, idle polls cost nothing, and their answers are Synapse's."""

import asyncio
import http.client
import json
import time

import pytest
from nio import AsyncClient, AsyncClientConfig, SyncResponse, ToDeviceMessage

from conversation import PASSWORD, good
from support.link import Link
from support.pair import direct
from support.proc import LOOPBACK, free_port

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(600), pytest.mark.skipif(direct(), reason="needs real daemons")]

MESSAGES = 40
POLL_MS = 5000


def client_of(url, user, device):
    config = AsyncClientConfig(max_limit_exceeded=0, max_timeouts=0, request_timeout=120, encryption_enabled=False)
    return AsyncClient(url, user, device_id=device, config=config)


def get(port, path, token):
    conn = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    try:
        conn.putrequest("GET", path, skip_accept_encoding=True)
        conn.putheader("Authorization", f"Bearer {token}")
        conn.endheaders()
        answer = conn.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        conn.close()


class Loop:
    """A client's sync loop, and all that it was told."""

    def __init__(self, client):
        self.client = client
        self.events, self.to_device, self.polls = [], [], 0

    async def run(self, until):
        while not until():
            answer = good(await self.client.sync(timeout=POLL_MS, full_state=False), SyncResponse)
            self.polls += 1
            for room in answer.rooms.join.values():
                self.events += [e.event_id for e in room.timeline.events]
            self.to_device += [e.source["content"]["n"] for e in answer.to_device_events]


def datagrams(link):
    stats = link.stats()
    return sum(stats[d]["entered"]["datagrams"] for d in ("up", "down"))


async def play(synapse, pair, link):
    alice, twin, bob = (client_of(url, user, device) for url, user, device in (
        (pair.url, "alice", "PUSHED"), (synapse.url, "alice", "DIRECT"), (synapse.url, "bob", "BOB")))
    try:
        good(await alice.register("alice", PASSWORD, "PUSHED"))
        good(await bob.register("bob", PASSWORD, "BOB"))
        good(await twin.login(PASSWORD, "DIRECT"))
        room = good(await bob.room_create(invite=["@alice:localhost"])).room_id
        good(await twin.join(room))
        pushed, asked = Loop(alice), Loop(twin)

        sent = []

        async def talk():
            for n in range(MESSAGES):
                good(await bob.room_send(room, "m.room.message", {"msgtype": "m.text", "body": f"message {n}"}))
                for device in ("PUSHED", "DIRECT"):
                    good(await bob.to_device(ToDeviceMessage("com.example.n", "@alice:localhost", device, {"n": n})))
                sent.append(n)
                await asyncio.sleep([0, 0.05, 0.5][n % 3])

        def over(loop):
            return lambda: len(sent) == MESSAGES and len(loop.to_device) >= MESSAGES and len(loop.events) >= MESSAGES

        before = datagrams(link)
        await asyncio.gather(talk(), pushed.run(over(pushed)), asked.run(over(asked)))
        busy = datagrams(link) - before
        await asyncio.sleep(1)
        # the loop comes to rest
        for _ in range(3):
            good(await alice.sync(timeout=POLL_MS), SyncResponse)
        idle = datagrams(link)
        started = time.monotonic()
        for _ in range(2):
            good(await alice.sync(timeout=POLL_MS), SyncResponse)
        assert time.monotonic() - started > 1.9 * POLL_MS / 1000
        return {"pushed": pushed, "asked": asked, "idle": datagrams(link) - idle, "busy": busy, "since": alice.next_batch,
                "token": alice.access_token, "rooms": [room]}
    finally:
        for client in (alice, twin, bob):
            await client.close()


def test_same_state_as_a_direct_client(synapse, tmp_path, own_pair):
    server = synapse()
    port = free_port()
    link = Link(tmp_path, port, ())
    link.start()
    pair = own_pair(server.url, coap_port=port, coap_target_port=link.port)
    pair.wait_ready()
    facts = asyncio.run(play(server, pair, link))
    pushed, asked = facts["pushed"], facts["asked"]
    assert pushed.to_device == asked.to_device == list(range(MESSAGES))
    assert pushed.events == asked.events
    assert facts["idle"] == 0
    print(f"{MESSAGES} messages in {pushed.polls} answers: {facts['busy']} datagrams")

    # A poll in vain says what Synapse says, in order and field for field; the first is Synapse's own, the second is made near the client.
    path = "/_matrix/client/v3/sync?timeout=1000&since="
    own = get(pair.http_port, path + facts["since"], facts["token"])
    since = json.loads(own[2])["next_batch"]
    before = datagrams(link)
    again = get(pair.http_port, path + since, facts["token"])
    assert datagrams(link) - before == 1  # the ACK
    theirs = get(server.port, path + since, facts["token"])
    named = {"date", "server", "transfer-encoding", "connection", "content-length"}

    def kept(answer):
        body = json.loads(answer[2])
        body.pop("next_batch")
        return answer[0], sorted((k.lower(), v) for k, v in answer[1] if k.lower() not in named), list(body.items())

    assert kept(own) == kept(theirs) == kept(again)
    assert json.loads(again[2])["next_batch"] == since
    assert own[2][: own[2].index(b",")] in again[2]

    # Logged out: as direct.
    status, _, body = get(server.port, "/_matrix/client/v3/account/whoami", facts["token"])
    assert status == 200, body
    conn = http.client.HTTPConnection(LOOPBACK, server.port, timeout=60)
    conn.request("POST", "/_matrix/client/v3/logout", body="{}", headers={"Authorization": f"Bearer {facts['token']}"})
    assert conn.getresponse().status == 200
    conn.close()
    path = f"/_matrix/client/v3/sync?timeout=0&since={facts['since']}"
    own, theirs = get(pair.http_port, path, facts["token"]), get(server.port, path, facts["token"])
    assert (own[0], own[2]) == (theirs[0], theirs[2]) and own[0] == 401
    assert link.stop() == 0
