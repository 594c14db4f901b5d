"""What a client changes in a session beside sending, one function a thing; each takes the Session."""

from . import content as make
from .reading import any_room
from .world import ROOM_WORDS, TOPICS


def rename(s):
    s.ask(
        "PUT",
        s.path("profile", s.me.id, "displayname"),
        {"displayname": s.r.pick([s.me.name, s.me.name + " 🚢", s.me.local.capitalize()])},
        {},
    )
    if s.r.chance(0.4):
        s.ask("PUT", s.path("profile", s.me.id, "avatar_url"), {"avatar_url": f"mxc://{s.hs.name}/{s.hs.media_id()}"}, {})


def create(s):
    r = s.r
    name = r.pick(ROOM_WORDS)
    body = r.pick(
        [
            {
                "preset": "private_chat",
                "visibility": "private",
                "name": name,
                "initial_state": [
                    {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
                    {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "can_join"}},
                ],
            },
            {
                "preset": "public_chat",
                "visibility": "public",
                "name": name,
                "topic": r.pick(TOPICS),
                "room_alias_name": name.lower().replace(" ", "-"),
                "room_version": r.pick(["10", "11", "12"]),
            },
            {"preset": "trusted_private_chat", "is_direct": True, "invite": [s.other(s.room).id], "visibility": "private"},
            {
                "name": name,
                "creation_content": {"type": "m.space"},
                "preset": "private_chat",
                "power_level_content_override": {"events_default": 100, "invite": 50},
                "initial_state": [
                    {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "invited"}}
                ],
            },
            {"name": name},
        ]
    )
    room = s.room.__class__(r, s.texts, [s.me], s.tape.ms, encrypted="m.room.encryption" in str(body))
    s.ask("POST", s.path("createRoom"), body, {"room_id": room.id})
    s.rooms.append(room)
    s.sync(room, room.state)


def enter(s):
    """Joins by alias or invite, leaves, invites, kicks."""
    r, room = s.r, any_room(s)
    pick = r.randrange(5)
    if pick == 0:
        via = s.client.kind.startswith("element") and r.chance(0.5)
        s.ask(
            "POST",
            s.path("join", room.alias or room.id),
            {} if r.chance(0.8) else {"reason": "hi"},
            {"room_id": room.id},
            query=f"server_name={room.server}&via={room.server}" if via else None,
        )
    elif pick == 1:
        body = {"user_id": s.other(room).id}
        s.ask("POST", s.path("rooms", room.id, "invite"), {**body, "reason": room.text()} if r.chance(0.2) else body, {})
    elif pick == 2:
        s.ask("POST", s.path("rooms", room.id, "kick"), {"user_id": s.other(room).id, "reason": r.pick(["spam", "flooding"])}, {})
    elif pick == 3:
        s.fail("no_alias", "GET", s.path("directory", "room", f"#nowhere:{s.hs.name}"), alias=f"#nowhere:{s.hs.name}")
    else:
        s.ask(
            "GET",
            s.path("directory", "room", room.alias or f"#lobby:{room.server}"),
            answer={"room_id": room.id, "servers": sorted({m.server for m in room.members})},
        )


def invited(s):
    r = s.r
    who = s.other(s.room)
    room = s.room.__class__(r, s.texts, [who], s.tape.ms)
    stripped = [
        {"type": e.type, "sender": e.sender, "content": e.content, "state_key": e.state_key}
        for e in room.state
        if e.type in ("m.room.create", "m.room.join_rules", "m.room.name", "m.room.encryption")
    ]
    stripped.append({"type": "m.room.member", "sender": who.id, "content": room.membership(who), "state_key": who.id})
    stripped.append(
        {
            "type": "m.room.member",
            "sender": who.id,
            "content": {**room.membership(s.me, "invite"), "is_direct": True},
            "state_key": s.me.id,
            **({"origin_server_ts": room.ts, "unsigned": {"age": 40}, "event_id": room.events[-1].id} if r.chance(0.5) else {}),
        }
    )
    s.sync(room, invited=[(room.id, {"invite_state": {"events": stripped}})])
    if r.chance(0.6):
        s.ask("POST", s.path("rooms", room.id, "join"), {}, {"room_id": room.id})
        room.members.append(s.me)
        s.rooms.append(room)
    else:
        s.ask("POST", s.path("rooms", room.id, "leave"), {}, {})


def account_data(s):
    r, room = s.r, any_room(s)
    kind, body = r.pick(
        [
            ("m.direct", {s.other(room).id: [room.id]}),
            ("im.vector.setting.breadcrumbs", {"recent_rooms": [x.id for x in s.rooms]}),
            ("m.ignored_user_list", {"ignored_users": {s.other(room).id: {}}}),
            ("im.vector.web.settings", {"showTypingNotifications": False, "layout": r.pick(["group", "bubble", "irc"])}),
            ("io.element.recent_emoji", {"recent_emoji": [["👍", 12], ["❤️", 3], ["😂", 2]]}),
            ("org.matrix.msc3890.local_notification_settings." + s.device, {"is_silenced": False}),
            ("m.identity_server", {"base_url": None}),
            (
                "io.element.matrix_client_information." + s.device,
                {"name": "Element", "version": "1.11.85", "url": "app.element.io"},
            ),
            ("m.accepted_terms", {"accepted": ["https://example.org/terms"]}),
        ]
    )
    if r.chance(0.2):
        s.fail("no_account_data", "GET", s.path("user", s.me.id, "account_data", kind))
    if r.chance(0.3):
        s.ask("GET", s.path("user", s.me.id, "account_data", kind), answer=body)
    s.ask("PUT", s.path("user", s.me.id, "account_data", kind), body, {})
    if r.chance(0.7):
        s.sync(room, account=[{"type": kind, "content": body}], what="account")


def tags(s):
    r, room = s.r, any_room(s)
    tag = r.pick(["m.favourite", "m.lowpriority", "u.boat"])
    if r.chance(0.3):
        s.ask("DELETE", s.path("user", s.me.id, "rooms", room.id, "tags", tag), None, {})
        return
    body = {"order": round(r.random(), 3)} if r.chance(0.7) else {}
    s.ask("PUT", s.path("user", s.me.id, "rooms", room.id, "tags", tag), body, {})
    s.sync(room, room_account=[{"type": "m.tag", "content": {"tags": {tag: body}}}], what="account")


def unread(s):
    room = any_room(s)
    body = {"unread": s.r.chance(0.5)}
    kind = s.r.pick(["m.marked_unread", "com.famedly.marked_unread"])
    s.ask("PUT", s.path("user", s.me.id, "rooms", room.id, "account_data", kind), body, {})
    s.sync(room, room_account=[{"type": kind, "content": body}], what="account")


def pusher(s):
    r = s.r
    app, name = r.pick(
        [
            ("im.vector.app.android", "Element Android"),
            ("io.element.android.x", "Element X Android"),
            ("im.vector.app.ios.prod", "Element iOS"),
            ("chat.fluffy.fluffychat", "FluffyChat"),
            ("io.element.ios.x.prod", "Element X iOS"),
        ]
    )
    body = {
        "pushkey": r.pick(
            [
                f"{r.b64(16, url=True)}:APA91b{r.b64(100, url=True)}",
                r.b64(32, pad=True),
                f"https://up.example.org/UP?token={r.alnum(12)}",
            ]
        ),
        "kind": "http",
        "app_id": app,
        "app_display_name": name,
        "device_display_name": r.pick(["Pixel 7", "SM-G991B", "iPhone", "FP4"]),
        "profile_tag": r.pick(["mobile_" + r.alnum(12), r.alnum(16)]),
        "lang": r.pick(["en", "de", "fr", "es"]),
        "data": {
            "url": r.pick(["https://matrix.org/_matrix/push/v1/notify", "https://push.example.org/_matrix/push/v1/notify"]),
            "format": "event_id_only",
        },
        "append": False,
    }
    if "ios" in app:
        body["data"]["default_payload"] = {"aps": {"mutable-content": 1, "alert": {"loc-key": "Notification", "loc-args": []}}}
    s.ask("POST", s.path("pushers", "set"), body, {})
    if r.chance(0.5):
        listed = {k: v for k, v in body.items() if k != "append"}
        s.ask("GET", s.path("pushers"), answer={"pushers": [listed]})


def push_rule(s):
    r, room = s.r, any_room(s)
    if r.chance(0.5):
        s.ask(
            "PUT",
            s.path("pushrules", "global", "room", room.id),
            {"actions": r.pick([["notify"], ["dont_notify"], [], ["notify", {"set_tweak": "sound", "value": "default"}]])},
            {},
        )
    else:
        s.ask(
            "PUT",
            s.path(
                "pushrules",
                "global",
                r.pick(["underride", "override"]),
                r.pick([".m.rule.message", ".m.rule.encrypted", ".m.rule.room_one_to_one"]),
                "enabled",
            ),
            {"enabled": r.chance(0.5)},
            {},
        )


def presence(s):
    r, room = s.r, any_room(s)
    who = s.other(room)
    body = {
        "presence": r.pick(["online", "unavailable", "offline"]),
        **({"status_msg": room.text().split("\n")[0][:60]} if r.chance(0.5) else {}),
    }
    s.ask("PUT", s.path("presence", s.me.id, "status"), body, {})
    content = {
        "presence": r.pick(["online", "unavailable"]),
        "last_active_ago": r.randrange(10**6),
        **({"currently_active": True} if r.chance(0.4) else {}),
    }
    s.sync(room, presence=[{"type": "m.presence", "sender": who.id, "content": content}], what="event")


def state(s):
    r, room = s.r, any_room(s)
    kind, body, key = r.pick(
        [
            ("m.room.topic", {"topic": r.pick(TOPICS)}, ""),
            ("m.room.name", {"name": r.pick(ROOM_WORDS)}, ""),
            ("m.room.pinned_events", {"pinned": [room.events[-1].id]}, ""),
            ("m.room.join_rules", {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": room.id}]}, ""),
            ("m.room.avatar", {"url": f"mxc://{s.hs.name}/{s.hs.media_id()}"}, ""),
            ("m.space.child", {"via": [room.server], "suggested": False, "order": r.alnum(1)}, room.id),
            ("m.space.parent", {"via": [room.server], "canonical": True}, room.id),
            ("m.room.canonical_alias", {"alias": f"#lobby:{room.server}", "alt_aliases": []}, ""),
            ("im.vector.modular.widgets", {}, "etherpad_" + s.me.id),
            ("m.room.server_acl", {"allow": ["*"], "allow_ip_literals": False, "deny": []}, ""),
            ("m.room.member", room.membership(s.me), s.me.id),
            ("org.matrix.msc3401.call.member", {"memberships": []}, s.me.id),
            (
                "m.room.tombstone",
                {"body": "This room has been replaced", "replacement_room": "!" + r.letters(18) + ":" + room.server},
                "",
            ),
        ]
    )
    if r.chance(0.15):
        s.fail("power", "PUT", s.path("rooms", room.id, "state", kind, key), body)
        return
    if r.chance(0.2):
        s.fail("state", "GET", s.path("rooms", room.id, "state", kind, key))
    event = room.add(kind, s.me, body, key)
    event.ts = room.ts = s.tape.ms
    s.ask("PUT", s.path("rooms", room.id, "state", kind, key), body, {"event_id": event.id})
    s.sync(room, [event])


def redact(s):
    r, room = s.r, any_room(s)
    event = r.pick(room.events[-3:])
    body = {"reason": r.pick(["wrong room", "dup", "oops"])} if r.chance(0.3) else {}
    content = {**body, **({"redacts": event.id} if room.version in ("11", "12") else {})}
    done = room.add("m.room.redaction", s.me, content, redacts=event.id)
    done.ts = room.ts = s.tape.ms
    txn = s.client.txn(s.tape.ms)
    s.txns[done.id] = txn
    s.ask("PUT", s.path("rooms", room.id, "redact", event.id, txn), body, {"event_id": done.id})
    s.sync(room, [done])


def calls(s):
    r, room = s.r, any_room(s)
    call_id, party = f"{s.tape.ms}{r.alnum(16)}", r.upper(10)
    for kind in r.sample(["m.call.candidates", "m.call.hangup", "m.call.select_answer"], 2):
        body = make.call(r, kind, call_id, party)
        txn = s.client.txn(s.tape.ms)
        event = room.add(kind, s.me, body)
        s.ask("PUT", s.path("rooms", room.id, "send", kind, txn), body, {"event_id": event.id})


def receive_keys(s):
    s.keys.receive(s, any_room(s))


def cross_sign(s):
    s.keys.cross_sign(s)


def backup(s):
    s.keys.key_backup(s, any_room(s))


def storage(s):
    s.keys.secret_storage(s)


def verify(s):
    s.keys.verify(s, any_room(s))


def thread_message(s):
    """A message in a thread, its receipt in the thread, and the root with its bundled summary."""
    r, room = s.r, any_room(s)
    said = [e for e in room.events if e.type == "m.room.message"]
    if not said:
        return
    root = r.pick(said[-4:])
    body = {
        "msgtype": "m.text",
        "body": room.text(),
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": root.id,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": said[-1].id},
        },
    }
    txn = s.client.txn(s.tape.ms)
    event = room.add("m.room.message", s.me, body)
    event.ts = room.ts = s.tape.ms
    s.txns[event.id] = txn
    s.ask("PUT", s.path("rooms", room.id, "send", "m.room.message", txn), body, {"event_id": event.id})
    s.sync(room, [event])
    s.ask("POST", s.path("rooms", room.id, "receipt", "m.read", event.id), {"thread_id": root.id}, {})
