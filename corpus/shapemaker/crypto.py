"""End-to-end encryption: device keys, claims, to-device messages, cross-signing, backup, secret storage. All keys are random."""

import base64

from . import content as make


def otk_id(n):
    """vodozemac's key IDs: an 8-byte counter in base64."""
    return "signed_curve25519:" + base64.b64encode(n.to_bytes(8, "big")).decode().rstrip("=")


class Keys:
    """Keys of one device of one user."""

    def __init__(self, r, user_id, device):
        self.r, self.user_id, self.device = r, user_id, device
        self.curve, self.ed = r.b64(32), r.b64(32)
        self.master, self.selfsign, self.usersign = r.b64(32), r.b64(32), r.b64(32)
        self.count, self.next, self.shared = 50, r.randrange(300), set()
        self.backup = None

    def signed(self, fallback=False):
        key = {"key": self.r.b64(32), "signatures": {self.user_id: {f"ed25519:{self.device}": self.r.b64(64)}}}
        return {"fallback": True, **key} if fallback else key

    def device_keys(self, name=None):
        keys = {
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "device_id": self.device,
            "keys": {f"curve25519:{self.device}": self.curve, f"ed25519:{self.device}": self.ed},
            "signatures": {self.user_id: {f"ed25519:{self.device}": self.r.b64(64)}},
            "user_id": self.user_id,
        }
        if self.r.chance(0.4):
            keys["signatures"][self.user_id][f"ed25519:{self.selfsign}"] = self.r.b64(64)
        if name is not None:
            keys["unsigned"] = {"device_display_name": name}
        return keys

    def one_time(self, n):
        self.next += n
        return {otk_id(self.next - n + i): self.signed() for i in range(n)}

    def upload(self, s):
        """A few one-time keys where a real client sends fifty: the corpus needs the shape, not fifty random keys."""
        body = {"device_keys": self.device_keys(), "one_time_keys": self.one_time(s.r.randrange(1, 3))}
        if s.r.chance(0.5):
            body["fallback_keys"] = {otk_id(0): self.signed(True)}
        s.ask("POST", s.path("keys", "upload"), body, {"one_time_key_counts": {"signed_curve25519": 50}})

    def query(self, s, who, name=None):
        other = Keys(s.r, who.id, s.r.upper(10))
        body = {"device_keys": {who.id: []}}
        if s.r.chance(0.4):
            body = {"timeout": 10000, **body}
        answer = {
            "device_keys": {
                who.id: {
                    other.device: other.device_keys(
                        name or s.r.pick(["Element Android", "app.element.io: Chrome on Linux", "Element X iOS", "FluffyChat"])
                    )
                }
            }
        }
        if s.hs.family != "conduit":
            answer["failures"] = {}
        if s.r.chance(0.5):
            answer["master_keys"] = {
                who.id: {
                    "user_id": who.id,
                    "usage": ["master"],
                    "keys": {f"ed25519:{other.master}": other.master},
                    "signatures": {who.id: {f"ed25519:{other.device}": s.r.b64(64)}},
                }
            }
            answer["self_signing_keys"] = {
                who.id: {
                    "user_id": who.id,
                    "usage": ["self_signing"],
                    "keys": {f"ed25519:{other.selfsign}": other.selfsign},
                    "signatures": {who.id: {f"ed25519:{other.master}": s.r.b64(64)}},
                }
            }
        s.ask("POST", s.path("keys", "query"), body, answer)
        return other

    def share(self, s, room):
        """Query, claim, and the room key by Olm, once for each room and session."""
        if room.session in self.shared:
            return
        self.shared.add(room.session)
        whom = s.other(room)
        other = self.query(s, whom)
        s.ask(
            "POST",
            s.path("keys", "claim"),
            {"one_time_keys": {whom.id: {other.device: "signed_curve25519"}}, "timeout": 10000},
            {"one_time_keys": {whom.id: {other.device: other.one_time(1)}}, "failures": {}},
        )
        self.to_device(
            s,
            "m.room.encrypted",
            {whom.id: {other.device: {**make.olm(s.r, self.curve, other.curve, True), "org.matrix.msgid": s.r.hexa(32)}}},
        )

    def to_device(self, s, kind, messages):
        txn = s.r.weighted([(3, s.r.hexa(32)), (1, s.client.txn(s.tape.ms))])
        s.ask("PUT", s.path("sendToDevice", kind, txn), {"messages": messages}, {})

    def receive(self, s, room):
        """A room key from another device, and now and then a key request."""
        whom = s.other(room)
        curve = s.r.b64(32)
        event = {"content": make.olm(s.r, curve, self.curve, s.r.chance(0.5)), "type": "m.room.encrypted", "sender": whom.id}
        if s.r.chance(0.5):
            event["content"]["org.matrix.msgid"] = s.r.uuid()
        if s.r.chance(0.2):
            event = {
                "content": {
                    "action": "request",
                    "body": {"algorithm": "m.megolm.v1.aes-sha2", "room_id": room.id, "session_id": room.session},
                    "request_id": s.r.hexa(32),
                    "requesting_device_id": s.r.upper(10),
                },
                "sender": whom.id,
                "type": "m.room_key_request",
            }
        self.count = max(1, self.count - 1)
        s.sync(room, to_device=[event], what="to_device", devices=[whom.id] if s.r.chance(0.3) else [])
        if self.count < 25:
            s.ask(
                "POST",
                s.path("keys", "upload"),
                {"one_time_keys": self.one_time(2)},
                {"one_time_key_counts": {"signed_curve25519": 50}},
            )
            self.count = 50

    def cross_sign(self, s):
        """Own cross-signing keys, with the password asked for first."""

        def key(usage, public):
            return {
                "user_id": self.user_id,
                "usage": [usage],
                "keys": {f"ed25519:{public}": public},
                "signatures": {self.user_id: {f"ed25519:{self.master}": s.r.b64(64)}},
            }

        body = {
            "master_key": key("master", self.master),
            "self_signing_key": key("self_signing", self.selfsign),
            "user_signing_key": key("user_signing", self.usersign),
        }
        if s.r.chance(0.6):
            session = s.r.letters(24)
            s.ask(
                "POST",
                s.path("keys", "device_signing", "upload"),
                body,
                {"session": session, "flows": [{"stages": ["m.login.password"]}], "params": {}},
                401,
            )
            body = {
                **body,
                "auth": {
                    "session": session,
                    "type": "m.login.password",
                    "identifier": {"type": "m.id.user", "user": self.user_id},
                    "password": s.r.alnum(12),
                },
            }
        s.ask("POST", s.path("keys", "device_signing", "upload"), body, {})
        s.ask("POST", s.path("keys", "signatures", "upload"), {self.user_id: {self.device: self.device_keys()}}, {"failures": {}})

    def key_backup(self, s, room):
        if self.backup is None:
            if s.r.chance(0.4):
                s.fail("no_backup", "GET", s.path("room_keys", "version"))
            self.backup = str(s.r.randrange(1, 9))
            auth = {
                "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
                "auth_data": {
                    "public_key": s.r.b64(32),
                    "signatures": {self.user_id: {f"ed25519:{self.device}": s.r.b64(64), f"ed25519:{self.master}": s.r.b64(64)}},
                },
            }
            if s.r.chance(0.5):
                s.ask("POST", s.path("room_keys", "version"), auth, {"version": self.backup})
            else:
                s.ask(
                    "GET",
                    s.path("room_keys", "version"),
                    None,
                    {**auth, "version": self.backup, "etag": str(s.r.randrange(40)), "count": s.r.randrange(400)},
                )
        data = {
            "first_message_index": 0,
            "forwarded_count": 0,
            "is_verified": s.r.chance(0.7),
            "session_data": {"ciphertext": s.r.b64(160), "ephemeral": s.r.b64(32), "mac": s.r.b64(8)},
        }
        s.ask(
            "PUT",
            s.path("room_keys", "keys"),
            {"rooms": {room.id: {"sessions": {s.r.b64(32): data}}}},
            {"etag": str(s.r.randrange(99)), "count": s.r.randrange(1, 400)},
            query=f"version={self.backup}",
        )
        if s.r.chance(0.3):
            s.ask("GET", s.path("room_keys", "keys", room.id, s.r.b64(32, url=True)), None, data, query=f"version={self.backup}")

    def secret_storage(self, s):
        key = s.r.alnum(32)
        s.ask(
            "PUT",
            s.path("user", self.user_id, "account_data", f"m.secret_storage.key.{key}"),
            {
                "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
                "iv": s.r.b64(16, pad=True),
                "mac": s.r.b64(32, pad=True),
                **(
                    {"passphrase": {"algorithm": "m.pbkdf2", "salt": s.r.alnum(32), "iterations": 500000, "bits": 256}}
                    if s.r.chance(0.4)
                    else {}
                ),
            },
            {},
        )
        s.ask("PUT", s.path("user", self.user_id, "account_data", "m.secret_storage.default_key"), {"key": key}, {})
        for name in ("m.cross_signing.master", "m.megolm_backup.v1"):
            s.ask(
                "PUT",
                s.path("user", self.user_id, "account_data", name),
                {
                    "encrypted": {
                        key: {"iv": s.r.b64(16, pad=True), "ciphertext": s.r.b64(43, pad=True), "mac": s.r.b64(32, pad=True)}
                    }
                },
                {},
            )

    def verify(self, s, room):
        """The start of a verification by to-device messages."""
        whom, device, txn = s.other(room), s.r.upper(10), s.r.alnum(32)
        base = {"from_device": self.device, "methods": ["m.sas.v1", "m.qr_code.show.v1", "m.reciprocate.v1"], "transaction_id": txn}
        self.to_device(s, "m.key.verification.request", {whom.id: {device: {**base, "timestamp": s.tape.ms}}})
        for kind, body in [
            (
                "m.key.verification.ready",
                {"from_device": device, "methods": ["m.sas.v1", "m.reciprocate.v1"], "transaction_id": txn},
            ),
            (
                "m.key.verification.accept",
                {
                    "commitment": s.r.b64(32),
                    "hash": "sha256",
                    "key_agreement_protocol": "curve25519-hkdf-sha256",
                    "message_authentication_code": "hkdf-hmac-sha256.v2",
                    "method": "m.sas.v1",
                    "short_authentication_string": ["emoji", "decimal"],
                    "transaction_id": txn,
                },
            ),
            ("m.key.verification.key", {"key": s.r.b64(32), "transaction_id": txn}),
            ("m.key.verification.mac", {"keys": s.r.b64(32), "mac": {f"ed25519:{device}": s.r.b64(32)}, "transaction_id": txn}),
            ("m.key.verification.done", {"transaction_id": txn}),
        ][: s.r.randrange(1, 6)]:
            s.sync(room, to_device=[{"content": body, "sender": whom.id, "type": kind}], what="to_device")
            if kind == "m.key.verification.ready":
                self.to_device(
                    s,
                    "m.key.verification.start",
                    {
                        whom.id: {
                            device: {
                                "from_device": self.device,
                                "hashes": ["sha256"],
                                "key_agreement_protocols": ["curve25519-hkdf-sha256"],
                                "message_authentication_codes": ["hkdf-hmac-sha256.v2", "hkdf-hmac-sha256"],
                                "method": "m.sas.v1",
                                "short_authentication_string": ["decimal", "emoji"],
                                "transaction_id": txn,
                            }
                        }
                    },
                )
