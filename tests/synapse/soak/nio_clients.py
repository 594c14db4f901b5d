"""Clients of matrix-nio for scripts/soak: alice, and two devices of bob, one through the pair and one direct. See soak.py for what they
are told and what they leave behind.

usage: nio_clients.py HOMESERVER_URL PAIR_URL SECONDS SEED FOLDER
"""

import asyncio
import json
import logging
import os
import random
import sys
import time

import aiohttp
from nio import AsyncClient, AsyncClientConfig, MegolmEvent, SyncResponse, ToDeviceMessage
from nio.exceptions import LocalProtocolError
from nio.responses import ErrorResponse

PASSWORD = "correct horse battery staple"
POLL_MS = 30000
SETTLE_S = 300
FILTER = {"room": {"timeline": {"limit": 200}}}
ENCRYPTION = {"type": "m.room.encryption", "state_key": "",
              "content": {"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_msgs": 12}}


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def good(answer):
    if isinstance(answer, ErrorResponse):
        raise RuntimeError(f"unexpected answer: {answer!r}")
    return answer


class PatientClient(AsyncClient):
    """Says again what failed because a daemon or the homeserver was away, as applications do."""

    async def send(self, *args, **kwargs):
        for left in range(100, -1, -1):
            try:
                response = await super().send(*args, **kwargs)
                if response.status not in (502, 503, 504) or not left:
                    return response
                await response.read()
            except aiohttp.ClientError:
                if not left:
                    raise
            await asyncio.sleep(0.5)


class Device:
    """One device, its sync loop, and all that the loop was told."""

    def __init__(self, name, url, user, folder):
        self.name, self.user = name, user
        store = os.path.join(folder, f"store-{name}")
        os.makedirs(store, exist_ok=True)
        config = AsyncClientConfig(max_limit_exceeded=0, max_timeouts=0, request_timeout=120, encryption_enabled=True,
                                   backoff_factor=0.1, max_timeout_retry_wait_time=2)
        self.client = PatientClient(url, f"@{user}:localhost", device_id=name.upper(), store_path=store, config=config)
        self.client.add_response_callback(self.on_sync, SyncResponse)
        self.timeline, self.state, self.receipts, self.data, self.unread = {}, {}, {}, {}, {}
        self.membership, self.to_device, self.account_data, self.limited = {}, [], {}, 0
        self.polls, self.loop = 0, None

    async def on_sync(self, answer):
        self.polls += 1
        self.to_device += [e.source["content"]["n"] for e in answer.to_device_events if e.source["type"] == "com.example.n"]
        for event in answer.account_data_events:
            self.keep(self.account_data, event)
        for room, told in answer.rooms.invite.items():
            self.membership[room] = "invite"
        for kind in ("join", "leave"):
            for room, told in getattr(answer.rooms, kind).items():
                self.membership[room] = kind
                self.on_room(room, told)

    @staticmethod
    def keep(data, event):
        source = getattr(event, "source", None)
        if source:
            data[source["type"]] = source["content"]
        else:  # nio has a class of its own, without the text
            data[type(event).__name__] = json.loads(json.dumps(vars(event), default=str, sort_keys=True))

    def on_room(self, room, told):
        state, timeline = self.state.setdefault(room, {}), self.timeline.setdefault(room, [])
        self.limited += bool(told.timeline.limited and timeline)
        for event in told.state + told.timeline.events:
            if "state_key" in event.source:
                state[f"{event.source['type']}|{event.source['state_key']}"] = event.event_id
        timeline += told.timeline.events
        for event in getattr(told, "ephemeral", []):
            for receipt in getattr(event, "receipts", []):
                self.receipts.setdefault(room, {})[f"{receipt.user_id}|{receipt.receipt_type}|{receipt.thread_id}"] = receipt.event_id
        for event in getattr(told, "account_data", []):
            self.keep(self.data.setdefault(room, {}), event)
        if getattr(told, "unread_notifications", None):
            self.unread[room] = vars(told.unread_notifications)

    def start(self):
        self.loop = asyncio.create_task(self.client.sync_forever(timeout=POLL_MS, sync_filter=FILTER, loop_sleep_time=0))

    async def close(self):
        if self.loop:
            self.loop.cancel()
            await asyncio.gather(self.loop, return_exceptions=True)
        await self.client.close()

    def seen(self, room, event_id):
        return any(e.event_id == event_id for e in self.timeline.get(room, []))

    def final(self):
        """Comparable with that of another device of the account."""
        rooms = {}
        for room in sorted(self.membership):
            known = self.client.rooms.get(room)
            rooms[room] = {
                "membership": self.membership[room], "encrypted": known.encrypted if known else None, "state": self.state.get(room, {}),
                "timeline": [self.line(e) for e in self.timeline.get(room, [])], "receipts": self.receipts.get(room, {}),
                "account_data": self.data.get(room, {}), "unread": self.unread.get(room),
                "members": {u: [m.display_name, m.power_level, m.invited] for u, m in known.users.items()} if known else None,
                "names": [known.name, known.topic] if known else None,
                "read": {u: r.event_id for u, r in known.read_receipts.items()} if known else None}
        devices = {user: {d.device_id: [d.ed25519, d.deleted] for d in self.client.device_store.active_user_devices(user)}
                   for user in sorted(self.client.device_store.users)}
        for mine in devices.values():
            mine.pop(self.client.device_id, None), mine.pop("BOBPAIR", None), mine.pop("BOBDIRECT", None)
        return {"rooms": rooms, "account_data": self.account_data, "to_device": self.to_device, "devices": devices}

    def line(self, event):
        if isinstance(event, MegolmEvent):
            try:
                event = self.client.decrypt_event(event)
            except Exception as e:  # noqa: BLE001, whatever it is, it is part of the state
                return [event.event_id, event.sender, "undecrypted", str(e)]
        return [event.event_id, event.sender, event.source["type"], event.source.get("content")]


class Talk:
    def __init__(self, rng, alice, bob, other, seconds):
        self.rng, self.alice, self.bob, self.other, self.seconds = rng, alice, bob, other, seconds
        self.rooms, self.sent, self.numbers, self.counts = [], {}, 0, {}
        self.extra = None

    async def send(self, who, room, kind, content):
        """An encrypted room's keys are shared first, with every device there is."""
        for _ in range(100):
            try:
                answer = await who.client.room_send(room, kind, content, ignore_unverified_devices=True)
                return good(answer).event_id
            except LocalProtocolError:  # its members are not known yet
                await asyncio.sleep(0.2)
        raise RuntimeError(f"{who.name} never could send to {room}")

    async def room(self, encrypted):
        made = good(await self.alice.client.room_create(name=f"room {len(self.rooms)}", invite=["@bob:localhost"],
                                                        initial_state=[ENCRYPTION] if encrypted else [])).room_id
        good(await self.bob.client.join(made))
        for device in (self.alice, self.bob):
            await until(lambda device=device: made in device.client.rooms and (device.client.rooms[made].encrypted or not encrypted)
                        and len(device.client.rooms[made].users) == 2, f"{device.name} in {made}")
        self.rooms.append(made)
        return made

    async def act(self):
        rng = self.rng
        who, room = rng.choice([self.alice, self.bob]), rng.choice(self.rooms)
        what = rng.choice(["say"] * 8 + ["react", "edit", "redact", "read", "read", "typing", "data", "room data", "topic", "name", "device",
                                         "number", "number", "room", "part"])
        said = self.sent.setdefault(room, [])
        self.counts[what] = self.counts.get(what, 0) + 1
        client, n = who.client, sum(self.counts.values())
        if what == "say" or (what in ("react", "edit", "read", "redact") and not said):
            text = f"{n}: " + " ".join(rng.choice(["lorem", "ipsum", "dolor", "zwölf", "Ω", "日本"]) for _ in range(rng.choice([1, 4, 12, 60])))
            said.append(await self.send(who, room, "m.room.message", {"msgtype": "m.text", "body": text}))
        elif what == "react":
            await self.send(who, room, "m.reaction",
                            {"m.relates_to": {"rel_type": "m.annotation", "event_id": rng.choice(said[-4:]), "key": f"👍{n}"}})
        elif what == "edit":
            await self.send(who, room, "m.room.message", {
                "msgtype": "m.text", "body": f"* {n}", "m.new_content": {"msgtype": "m.text", "body": f"{n}"},
                "m.relates_to": {"rel_type": "m.replace", "event_id": said[-1]}})
        elif what == "redact":
            await client.room_redact(room, rng.choice(said), reason="soak")
        elif what == "read":
            good(await client.room_read_markers(room, said[-1], said[-1]))
        elif what == "typing":
            good(await client.room_typing(room, rng.random() < 0.7, 10000))
        elif what in ("data", "room data"):
            path = f"/_matrix/client/v3/user/%40{who.user}%3Alocalhost" + (f"/rooms/{room}" if what == "room data" else "")
            await client.send("PUT", f"{path}/account_data/com.example.soak", json.dumps({"n": n}),
                              {"Authorization": f"Bearer {client.access_token}", "Content-Type": "application/json"})
        elif what == "topic":
            good(await self.alice.client.room_put_state(room, "m.room.topic", {"topic": f"about {n}"}))
        elif what == "name":
            good(await client.set_displayname(f"{who.user} {n}"))
        elif what == "device":
            await self.another_device()
        elif what == "number":
            self.numbers += 1
            for device in ("BOBPAIR", "BOBDIRECT"):
                good(await self.alice.client.to_device(ToDeviceMessage("com.example.n", "@bob:localhost", device, {"n": self.numbers})))
        elif what == "room" and len(self.rooms) < 8:
            await self.room(encrypted=rng.random() < 0.6)
        elif what == "part" and len(self.rooms) > 4:
            gone = self.rooms.pop()
            good(await self.bob.client.room_leave(gone))

    async def another_device(self):
        """Alice gets a further device, says something with it, or loses it: lists of devices and keys change."""
        if self.extra is None:
            self.extra = Device(f"extra{self.counts['device']}", self.alice.client.homeserver, "alice", self.folder)
            good(await self.extra.client.login(PASSWORD, "further device"))
            self.extra.start()
            room = self.rooms[0]
            await until(lambda: room in self.extra.client.rooms, "the further device's rooms")
            self.sent.setdefault(room, []).append(await self.send(self.extra, room, "m.room.message",
                                                                  {"msgtype": "m.text", "body": "from a further device"}))
        else:
            gone, self.extra = self.extra, None
            await gone.client.logout()
            await gone.close()

    async def run(self):
        await self.room(encrypted=True)
        await self.room(encrypted=False)
        end = time.monotonic() + self.seconds
        # towards the middle and at three quarters nobody says anything for a while
        quiet = [time.monotonic() + self.seconds * at for at in (0.4, 0.75)]
        pause = min(120, self.seconds / 5)
        while time.monotonic() < end:
            if quiet and time.monotonic() > quiet[0]:
                quiet.pop(0)
                await asyncio.sleep(5)
                say("quiet", begins=True)
                await asyncio.sleep(pause)
                say("quiet", begins=False)
            await self.act()
            await asyncio.sleep(self.rng.choice([0, 0.2, 1, 3, 8]))
        for room in self.rooms:
            for who in (self.bob, self.alice):
                last = await self.send(who, room, "m.room.message", {"msgtype": "m.text", "body": "the end"})
                for device in (self.bob, self.other):
                    await until(lambda device=device: device.seen(room, last), f"{device.name} to hear the end in {room}")
                good(await who.client.room_read_markers(room, last, last))
        await until(lambda: self.bob.to_device == self.other.to_device, "both to have the same messages to the device", fails=False)
        await asyncio.sleep(10)


async def until(true, what, fails=True):
    end = time.monotonic() + SETTLE_S
    while not true():
        if time.monotonic() > end:
            if not fails:
                return
            raise RuntimeError(f"waited in vain for {what}")
        await asyncio.sleep(0.1)


async def main(direct, pair, seconds, seed, folder):
    alice = Device("alice", direct, "alice", folder)
    bob, other = Device("bobpair", pair, "bob", folder), Device("bobdirect", direct, "bob", folder)
    talk = Talk(random.Random(seed), alice, bob, other, seconds)
    talk.folder = folder
    try:
        good(await alice.client.register("alice", PASSWORD, "alice"))
        good(await bob.client.register("bob", PASSWORD, "pair"))
        good(await other.client.login(PASSWORD, "direct"))
        say("devices", pair=bob.client.device_id, direct=other.client.device_id)
        for device in (alice, bob, other):
            device.start()
        await until(lambda: all(d.client.next_batch for d in (alice, bob, other)), "the first syncs")
        await talk.run()
        for device, name in ((bob, "pair"), (other, "direct")):
            if device.loop.done():
                raise RuntimeError(f"{device.name}'s loop ended: {device.loop.exception()!r}")
            with open(os.path.join(folder, f"state-{name}.json"), "w", encoding="utf-8") as f:
                json.dump(device.final(), f, indent=1, sort_keys=True)
        say("done", actions=talk.counts, polls={"pair": bob.polls, "direct": other.polls},
            limited={"pair": bob.limited, "direct": other.limited}, numbers=talk.numbers)
    finally:
        for device in (alice, bob, other, talk.extra):
            if device:
                await device.close()


logging.disable(logging.CRITICAL)
asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
