"""Sliding sync: MSC4186 (Element X, matrix-rust-sdk's RoomListService and EncryptionSyncService) and MSC3575 (proxies)."""

from . import content as make
from .session import Session

REQUIRED = [
    ["m.room.name", ""],
    ["m.room.encryption", ""],
    ["m.room.member", "$LAZY"],
    ["m.room.member", "$ME"],
    ["m.room.topic", ""],
    ["m.room.avatar", ""],
    ["m.room.canonical_alias", ""],
    ["m.room.power_levels", ""],
    ["org.matrix.msc3401.call.member", "*"],
    ["m.room.join_rules", ""],
    ["m.room.tombstone", ""],
    ["m.room.create", ""],
    ["m.room.history_visibility", ""],
    ["io.element.functional_members", ""],
    ["m.space.parent", "*"],
    ["m.space.child", "*"],
]


class Sliding(Session):
    """As Session, with sliding sync in the place of /sync."""

    def __init__(self, *args, old=False, **more):
        super().__init__(*args, **more)
        self.old, self.pos, self.window, self.device_since = old, None, 19, str(self.r.randrange(9, 9000))
        self.required = REQUIRED[: self.r.randrange(8, len(REQUIRED) + 1)]
        self.list = self.r.pick(["all_rooms", "all_rooms", "all", "rooms"])
        self.conn = self.r.pick(["room-list", "room-list", "main", None])
        self.txn_count = 0

    def position(self):
        if self.hs.family == "synapse" and not self.old:
            return f"{self.r.randrange(3)}/{self.hs.sync_token()}"
        self.txn_count += 1
        return str(self.txn_count)

    def slide(self, rooms, extensions, wait=0, timeout=None):
        r = self.r
        body = {"conn_id": self.conn} if self.conn else {}
        if self.old:
            body = {
                "delta_token": None,
                "lists": {
                    self.list: {
                        "slow_get_all_rooms": False,
                        "ranges": [[0, self.window]],
                        "sort": ["by_recency", "by_name"],
                        "required_state": self.required,
                        "timeline_limit": 1,
                        "filters": {"is_tombstoned": False, "not_room_types": ["m.space"]},
                        "bump_event_types": ["m.room.message", "m.room.encrypted", "m.sticker"],
                    }
                },
            }
            if r.chance(0.5):
                body["txn_id"] = r.hexa(32)
        else:
            body["lists"] = {
                self.list: {
                    "timeline_limit": 1,
                    "required_state": self.required,
                    "ranges": [[0, self.window]],
                    **({"filters": {}} if r.chance(0.3) else {}),
                }
            }
        if r.chance(0.3):
            room = r.pick(self.rooms)
            body["room_subscriptions"] = {room.id: {"required_state": self.required[:6], "timeline_limit": 20}}
        on = {
            "to_device": {"enabled": True, "since": self.device_since},
            "e2ee": {"enabled": True},
            "account_data": {"enabled": True},
            "receipts": {"enabled": True, "rooms": ["*"]},
            "typing": {"enabled": True},
        }
        if self.conn == "room-list":
            on = {k: on[k] for k in ("account_data", "receipts", "typing")}
        body["extensions"] = on
        query = "&".join(
            ([f"pos={self.pos.replace('/', '%2F')}"] if self.pos else []) + [f"timeout={30000 if timeout is None else timeout}"]
        )
        self.pos = self.position()
        answer = {
            "pos": self.pos,
            "lists": {
                self.list: (
                    {
                        "count": len(self.rooms),
                        "ops": [{"op": "SYNC", "range": [0, self.window], "room_ids": [x.id for x in self.rooms]}],
                    }
                    if self.old or self.hs.modern
                    else {"count": len(self.rooms)}
                )
            },
            "rooms": rooms,
            "extensions": extensions,
        }
        if "txn_id" in body and r.chance(0.5):
            answer["txn_id"] = body["txn_id"]
        path = (
            "/_matrix/client/unstable/org.matrix.msc3575/sync"
            if self.old
            else "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
        )
        self.ask("POST", path, body, answer, query=query, wait=wait)

    def section(self, room, timeline, state=(), initial=False):
        out = {"name": room.name} if room.name and initial else {}
        if initial:
            out["initial"] = True
            out["required_state"] = self.show(state)
        out["timeline"] = self.show(timeline)
        out.update(
            {
                "prev_batch": self.hs.prev_batch(),
                "limited": initial,
                "joined_count": len(room.members),
                "invited_count": 0,
                "notification_count": self.r.randrange(4),
                "highlight_count": 0,
                "num_live": 0 if initial else len(timeline),
                "bump_stamp": self.hs.at[0] if not self.old else room.ts,
            }
        )
        if not room.name:
            out["heroes"] = [{"user_id": m.id, "displayname": m.name} for m in room.members[:3]]
        return out

    def first_sync(self):
        rooms = {
            room.id: self.section(room, room.events[-1:], [e for e in room.state if e.type != "m.room.guest_access"], True)
            for room in self.rooms
        }
        self.slide(
            rooms,
            {"account_data": {"global": [{"type": "m.direct", "content": {}}], "rooms": {}}} if self.r.chance(0.5) else {},
            timeout=0,
        )

    def sync(
        self,
        room,
        timeline=(),
        ephemeral=(),
        what="event",
        account=(),
        room_account=(),
        to_device=(),
        presence=(),
        state=(),
        devices=(),
        **more,
    ):
        self.hs.advance(what)
        ext = {}
        if to_device or (self.conn != "room-list" and self.r.chance(0.5)):
            self.device_since = str(int(self.device_since) + len(to_device))
            ext["to_device"] = {"next_batch": self.device_since, "events": list(to_device)}
        if self.conn != "room-list":
            ext["e2ee"] = {
                "device_one_time_keys_count": {"signed_curve25519": self.keys.count},
                "device_unused_fallback_key_types": ["signed_curve25519"],
                **({"device_lists": {"changed": list(devices), "left": []}} if devices else {}),
            }
        if account or room_account:
            ext["account_data"] = {"global": list(account), "rooms": {room.id: list(room_account)} if room_account else {}}
        for e in ephemeral:
            ext["receipts" if e["type"] == "m.receipt" else "typing"] = {"rooms": {room.id: e}}
        self.slide({room.id: self.section(room, timeline)} if timeline else {}, ext, wait=self.r.randrange(10, 20000))

    def idle(self):
        self.slide({}, {}, wait=30000)
        if self.window < 100:
            self.window += self.r.pick([50, 80])

    def own_encryption_sync(self):
        """The second connection of Element X: to-device messages and device lists alone."""
        self.hs.advance("to_device")
        self.device_since = str(int(self.device_since) + 1)
        whom = self.other(self.room)
        self.ask(
            "POST",
            "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync",
            {
                "conn_id": "encryption",
                "extensions": {"to_device": {"enabled": True, "since": self.device_since}, "e2ee": {"enabled": True}},
            },
            {
                "pos": self.position(),
                "lists": {},
                "rooms": {},
                "extensions": {
                    "to_device": {
                        "next_batch": self.device_since,
                        "events": [
                            {
                                "content": make.olm(self.r, self.r.b64(32), self.keys.curve, False),
                                "sender": whom.id,
                                "type": "m.room.encrypted",
                            }
                        ],
                    },
                    "e2ee": {
                        "device_one_time_keys_count": {"signed_curve25519": self.keys.count},
                        "device_unused_fallback_key_types": ["signed_curve25519"],
                    },
                },
            },
            query=f"pos={self.position().replace('/', '%2F')}&timeout=30000",
            wait=self.r.randrange(20, 9000),
        )

    def hear(self):
        super().hear()
        if self.r.chance(0.25) and not self.old:
            self.own_encryption_sync()
