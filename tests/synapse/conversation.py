"""One Matrix conversation, the same for the same seed, played with matrix-nio; every HTTP exchange of it is kept.

Two users, strictly one step after the other but for long polls (which wait for the other side's next step), so that two
runs against two fresh homeservers can be compared step by step.
"""

import asyncio
import io
import json
import random
from dataclasses import dataclass, field

from nio import AsyncClient, AsyncClientConfig, MessageDirection, ReceiptType
from nio.responses import ErrorResponse, RoomMessagesResponse, RoomSendResponse, SyncResponse

MESSAGES = 60
REQUEST_TIMEOUT_S = 120
LONG_POLL_MS = 30000
PASSWORD = "correct horse battery staple"


@dataclass
class Step:
    """One HTTP exchange as the client saw it."""

    who: str
    method: str
    path: str
    status: int
    headers: dict
    body: bytes
    sent: bytes = b""

    def title(self):
        return f"{self.who}: {self.method} {self.path.split('?')[0]} -> {self.status}"


@dataclass
class Record:
    steps: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)  # what later tests need: tokens, room, media


class RecordingClient(AsyncClient):
    def __init__(self, url, user, record, patience_s):
        config = AsyncClientConfig(max_limit_exceeded=0, max_timeouts=0, request_timeout=patience_s,
                                   encryption_enabled=False)
        super().__init__(url, user, device_id=user.upper() + "PHONE", config=config)
        self.record = record
        self.who = user

    async def send(self, method, path, data=None, headers=None, trace_context=None, timeout=None):
        response = await super().send(method, path, data, headers, trace_context, timeout)
        body = await response.read()
        sent = data.encode() if isinstance(data, str) else data if isinstance(data, bytes) else b""
        self.record.steps.append(Step(self.who, method, path, response.status,
                                      {k.lower(): v for k, v in response.headers.items()}, body, sent))
        return response

    async def raw(self, method, path, data=None, headers=None):
        """A request nio has no word for; with the token."""
        headers = dict(headers or {})
        headers.setdefault("Authorization", f"Bearer {self.access_token}")
        return await self.send(method, path, data, headers)


class Unexpected(AssertionError):
    pass


def good(response, kind=None):
    if isinstance(response, ErrorResponse) or (kind is not None and not isinstance(response, kind)):
        raise Unexpected(f"unexpected answer: {response!r}")
    return response


def bad(response, errcode):
    if not isinstance(response, ErrorResponse) or response.status_code != errcode:
        raise Unexpected(f"expected {errcode}, got {response!r}")


_TEXTS = [
    "Hello World",
    "Grüße aus Köln – schön, daß es geht",
    "日本語のメッセージ、句読点も。",
    "👩‍👩‍👧‍👦 and 🇪🇺 and a lone combining ́",
    'quotes " back\\slash / slash \b\f\n\r\t controls',
    "<b>not html</b> &amp; %41 %2F + = ? # [] {}",
    "\u2028line separator\u2029 and \u0000 is \x7f not sent",
    "مرحبا بالعالم",
    " leading and trailing ",
    "x" * 120,
]


def message(rng, i):
    """Content of message i: texts of many kinds, sizes from nothing to some kB, numbers at the edge of what JSON keeps."""
    text = _TEXTS[i % len(_TEXTS)].replace("\x00", "") if i % 3 else " ".join(
        rng.choice(["lorem", "ipsum", "dolor", "sit", "amet", "thimble", "zwölf", "ß", "Ω"])
        for _ in range(rng.choice([1, 3, 8, 20, 200])))
    content = {"msgtype": rng.choice(["m.text", "m.notice", "m.emote"]), "body": f"{i}: {text}"}
    if i % 7 == 0:
        content["format"] = "org.matrix.custom.html"
        content["formatted_body"] = f"<p>{i}</p>" + "<em>ä</em>" * rng.randrange(1, 300)
    if i % 11 == 0:
        content["com.example.numbers"] = [0, -1, 2**53 - 1, -(2**53) + 1, rng.randrange(2**53)]
        content["com.example.nest"] = {"a": {"b": {"c": [[], {}, None, True, False, ""]}}}
    return content


MEDIA = [  # name, content type, size
    ("empty.bin", "application/octet-stream", 0),
    ("one.txt", "text/plain; charset=utf-8", 1),
    ("naïve café – 100 %.png", "image/png", 20_000),
    ('semi;colon "quoted".svg', "image/svg+xml", 3_333),
    ("archive.tar.gz", "application/gzip", 250_000),
    ("five megabytes.bin", 'application/x-odd; a="b; c"', 5_000_000),
]


async def _register(client, record):
    good(await client.register(client.user, PASSWORD, device_name=f"{client.who}'s phone"))


async def _sync(client, timeout=0, **more):
    return good(await client.sync(timeout=timeout, **more), SyncResponse)


async def _hear(client, room, event_id):
    """Syncs with long polls until that event came; the server may hand other things first."""
    for _ in range(20):
        response = await _sync(client, LONG_POLL_MS)
        joined = response.rooms.join.get(room)
        if joined and any(e.event_id == event_id for e in joined.timeline.events):
            return response
    raise Unexpected(f"{client.who} never heard {event_id}")


async def _say(sender, hearer, room, content, tx_id):
    """The hearer's long poll is under way when the message is sent."""
    poll = asyncio.create_task(_sync(hearer, LONG_POLL_MS))
    await asyncio.sleep(0.05)
    sent = good(await sender.room_send(room, "m.room.message", content, tx_id=tx_id), RoomSendResponse)
    response = await poll
    joined = response.rooms.join.get(room)
    events = joined.timeline.events if joined else []
    if not any(e.event_id == sent.event_id for e in events):
        await _hear(hearer, room, sent.event_id)
    heard = [e for e in events if e.event_id == sent.event_id]
    if heard and heard[0].source["content"] != content:
        raise Unexpected(f"sent {content!r}, heard {heard[0].source['content']!r}")
    await _sync(sender)
    return sent.event_id


async def _media(alice, bob, room, seed, record, media):
    record.facts["media"] = []
    for i, (name, kind, size) in enumerate(media):
        data = random.Random(seed * 1000 + i).randbytes(size)
        answer, _ = await alice.upload(lambda *_, data=data: io.BytesIO(data), content_type=kind, filename=name,
                                       filesize=size)
        uri = good(answer).content_uri
        record.facts["media"].append(uri)
        server, media_id = uri[len("mxc://"):].split("/")
        down = await bob.raw("GET", f"/_matrix/client/v1/media/download/{server}/{media_id}")
        if await down.read() != data:
            raise Unexpected(f"{name}: the bytes that came down are not those that went up")
        named = await bob.raw("GET", f"/_matrix/client/v1/media/download/{server}/{media_id}/other%20n%C3%A4me.bin")
        if await named.read() != data:
            raise Unexpected(f"{name} under another name: other bytes")
        content = {"msgtype": "m.file", "body": name, "url": uri, "info": {"size": size, "mimetype": kind}}
        await _say(alice, bob, room, content, f"media{i}")
    again = await bob.raw("GET", f"/_matrix/client/v1/media/download/{server}/{media_id}", headers={"If-None-Match": "1"})
    if again.status != 304:
        raise Unexpected(f"If-None-Match gave {again.status}")


async def _page_back(client, room):
    """All of the room's history, newest first, in pages of 9."""
    token, events = client.next_batch, []
    for _ in range(60):
        page = good(await client.room_messages(room, token, limit=9, direction=MessageDirection.back),
                    RoomMessagesResponse)
        events += page.chunk
        if not page.chunk or page.end is None:
            return events
        token = page.end
    raise Unexpected("/messages never ended")


async def _odd_requests(alice, room):
    """What clients send beside the everyday: escapes in paths, errors of every sort, preflight, HEAD."""
    json_type = {"Content-Type": "application/json"}
    user = "%40alice%3Alocalhost"
    for kind in ("com.example.a%2Fb", "com.example.plus+plus", "com.example.%F0%9F%A6%84", "com.example." + "x" * 200):
        path = f"/_matrix/client/v3/user/{user}/account_data/{kind}"
        await alice.raw("PUT", path, b'{"big":9007199254740991,"text":"\\u00e9\\/\\ud83e\\udd84"}', json_type)
        await alice.raw("GET", path)
    state = f"/_matrix/client/v3/rooms/{room}/state/com.example.state/"
    await alice.raw("PUT", state + "key%2Fwith%2Fslashes%20and%3F", b'{"a": [1,  2]}', json_type)
    await alice.raw("GET", state + "key%2Fwith%2Fslashes%20and%3F")
    await alice.raw("GET", f"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=2&filter=%7B%22types%22%3A%5B%22m.room.message%22%5D%7D")
    await alice.raw("GET", f"/_matrix/client/v3/rooms/{room}/messages?dir=sideways")
    await alice.raw("PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/odd1", b'{"body": 1.5}', json_type)
    await alice.raw("PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/odd2", b'{"not json', json_type)
    await alice.raw("PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/odd3", b"\xff\xfe", json_type)
    await alice.raw("GET", "/_matrix/client/v3/rooms/%21nowhere%3Alocalhost/state")
    await alice.raw("GET", "/_matrix/client/v3/no/such/route")
    await alice.raw("POST", "/_matrix/client/v3/sync", b"{}", json_type)
    await alice.raw("GET", "/_matrix/client/v3/account/whoami", headers={"Authorization": "Bearer wrong"})
    await alice.raw("GET", "/_matrix/client/v3/account/whoami")
    await alice.raw("GET", "/_matrix/client/v3/capabilities")
    await alice.raw("GET", "/_matrix/client/v3/pushrules/")
    await alice.raw("OPTIONS", "/_matrix/client/v3/sync", headers={
        "Origin": "https://app.example", "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization"})
    await alice.raw("HEAD", "/_matrix/client/versions")


async def converse(url, seed, messages=MESSAGES, media=MEDIA, patience_s=REQUEST_TIMEOUT_S):
    """Plays the conversation against `url`; returns the Record. Raises Unexpected where an answer is wrong."""
    rng = random.Random(seed)
    record = Record()
    alice, bob = (RecordingClient(url, user, record, patience_s) for user in ("alice", "bob"))
    try:
        await alice.send("GET", "/_matrix/client/versions")
        await alice.send("GET", "/_matrix/client/v3/login")
        await _register(alice, record)
        await _register(bob, record)
        bad(await _login(alice, "wrong password"), "M_FORBIDDEN")
        good(await _login(alice, PASSWORD))
        good(await alice.set_displayname("Alice Ääkkönen 🦄"))
        good(await bob.set_displayname("Bob"))
        good(await bob.get_displayname("@alice:localhost"))
        good(await bob.get_profile("@alice:localhost"))
        good(await alice.set_avatar("mxc://localhost/avatarOfAlice"))
        filt = good(await alice.upload_filter(room={"timeline": {"limit": 20}, "state": {"lazy_load_members": True}}))
        await _sync(alice, sync_filter=filt.filter_id, full_state=True)
        await _sync(bob)

        room = good(await alice.room_create(name="The room", topic="Talk — über alles", alias=None)).room_id
        record.facts["room"] = room
        good(await alice.room_invite(room, "@bob:localhost"))
        await _sync(bob, LONG_POLL_MS)
        good(await bob.join(room))
        await _sync(bob)
        await _sync(alice)

        said = []
        for i in range(messages):
            sender, hearer = (alice, bob) if rng.random() < 0.5 else (bob, alice)
            said.append(await _say(sender, hearer, room, message(rng, i), f"tx{i}"))
            if i % 6 == 0:
                good(await hearer.room_typing(room, True, timeout=30000))
                await _sync(sender, LONG_POLL_MS)
                good(await hearer.room_typing(room, False))
                await _sync(sender, LONG_POLL_MS)
            if i % 5 == 0:
                good(await hearer.update_receipt_marker(room, said[-1], ReceiptType.read))
                await _sync(sender, LONG_POLL_MS)
                await _sync(hearer)
            if i % 20 == 19:
                good(await hearer.room_read_markers(room, said[-1], said[-1]))
                await _sync(sender, LONG_POLL_MS)
                await _sync(hearer)
        # The same transaction again: the homeserver knows it and gives the same event.
        twice = good(await alice.room_send(room, "m.room.message", {"msgtype": "m.text", "body": "twice"}, tx_id="same"))
        again = good(await alice.room_send(room, "m.room.message", {"msgtype": "m.text", "body": "twice"}, tx_id="same"))
        if twice.event_id != again.event_id:
            raise Unexpected("one transaction made two events")
        await _hear(bob, room, twice.event_id)
        await _sync(alice)

        reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": said[0], "key": "👍"}}
        reacted = good(await bob.room_send(room, "m.reaction", reaction, tx_id="react"))
        await _hear(alice, room, reacted.event_id)
        redacted = good(await alice.room_redact(room, said[1], reason="no — über", tx_id="redact"))
        await _hear(bob, room, redacted.event_id)
        await _sync(alice)
        good(await bob.room_get_event(room, said[1]))
        good(await bob.room_get_event(room, said[0]))
        good(await bob.room_context(room, said[-1], limit=4))

        await _media(alice, bob, room, seed, record, media)
        history = await _page_back(bob, room)
        record.facts["bodies"] = [e.source["content"].get("body") for e in reversed(history)
                                  if e.source["type"] == "m.room.message"]
        good(await alice.room_get_state(room))
        good(await alice.joined_members(room))
        await _odd_requests(alice, room)
        # A long poll with nothing to tell comes back empty when its time is over.
        await _sync(alice)
        await _sync(alice, 1500)
        record.facts["token"] = alice.access_token
        good(await bob.room_leave(room))
        await _sync(bob)
        good(await bob.logout())
        await bob.send("GET", "/_matrix/client/v3/account/whoami", headers={"Authorization": f"Bearer {bob.access_token}"})
    finally:
        await alice.close()
        await bob.close()
    return record


async def _login(client, password):
    """Logs in on the device that registration made. nio refuses to when a token is set."""
    client.access_token = ""
    return await client.login(password, device_name="again")


def play(url, seed, messages=MESSAGES, **more):
    return asyncio.run(converse(url, seed, messages, **more))


def dump(record, path):
    """For a person who wants to look: one JSON line per step."""
    with open(path, "w", encoding="utf-8") as f:
        for s in record.steps:
            f.write(json.dumps({"step": s.title(), "path": s.path, "sent": s.sent.decode("utf-8", "replace")[:2000],
                                "body": s.body[:4000].decode("utf-8", "replace")}) + "\n")
