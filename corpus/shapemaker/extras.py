"""What else a client does in a session, one function a thing; each takes the Session."""

import json
import urllib.parse

from . import content as make
from .world import ROOM_WORDS, TOPICS


def history(s):
    r, room = s.r, r_room(s)
    events = room.events[-r.randrange(2, 6):][::-1]
    start = s.hs.prev_batch()
    style = s.client.kind
    wanted = urllib.parse.quote(json.dumps({"lazy_load_members": True}, separators=(",", ":")))
    query = {"element-web": f"limit=20&dir=b&from={start}&filter={wanted}", "element-desktop": f"limit=20&dir=b&from={start}&filter={wanted}",
             "element-android": f"from={start}&dir=b&limit=30&filter={wanted}", "element-x": f"from={start}&dir=b&limit=20&filter={wanted}",
             "fluffychat": f"from={start}&dir=b&limit=30&filter={wanted}"}.get(style, f"from={start}&dir=b&limit={r.pick([10, 20, 50])}")
    answer = {"chunk": s.show(events, room), "start": start}
    if s.hs.family == "dendrite":
        answer = {"start": start, "end": s.hs.prev_batch(), "chunk": answer["chunk"]}
    elif r.chance(0.8):
        answer["end"] = s.hs.prev_batch()
    if r.chance(0.4):
        answer["state"] = s.show(room.state[-2:], room)
    s.ask("GET", s.path("rooms", room.id, "messages"), query=query, answer=answer)


def r_room(s):
    return s.r.pick(s.rooms)


def members(s):
    room = r_room(s)
    people = [e for e in room.state if e.type == "m.room.member"]
    if s.r.chance(0.4):
        s.ask("GET", s.path("rooms", room.id, "joined_members"), answer={"joined": {e.sender: {"display_name": e.content["displayname"],
              "avatar_url": e.content.get("avatar_url")} for e in people}})
    else:
        s.ask("GET", s.path("rooms", room.id, "members"), query=s.r.pick(["not_membership=leave", "membership=join", f"at={s.since}&not_membership=leave"]),
              answer={"chunk": s.show(people, room)})


def profile(s):
    who = s.other(r_room(s))
    body = {"displayname": who.name} if s.hs.family != "synapse" or not who.avatar else {"avatar_url": who.avatar, "displayname": who.name}
    if s.r.chance(0.15):
        s.fail("no_profile", "GET", s.path("profile", who.id))
    elif s.r.chance(0.2):
        s.ask("GET", s.path("profile", who.id, "displayname"), answer={"displayname": who.name})
    else:
        if s.r.chance(0.15):
            body["us.cloke.msc4175.tz" if s.r.chance(0.5) else "m.tz"] = s.r.pick(["Europe/Berlin", "Atlantic/Azores", "Asia/Tokyo", "America/Lima"])
        s.ask("GET", s.path("profile", who.id), answer=body)


def rename(s):
    s.ask("PUT", s.path("profile", s.me.id, "displayname"), {"displayname": s.r.pick([s.me.name, s.me.name + " 🚢", s.me.local.capitalize()])}, {})
    if s.r.chance(0.4):
        s.ask("PUT", s.path("profile", s.me.id, "avatar_url"), {"avatar_url": f"mxc://{s.hs.name}/{s.hs.media_id()}"}, {})


def download(s):
    """Authenticated media (v1) or the old paths; bodies are short stand-ins for compressed files."""
    r = s.r
    media = s.hs.media_id()
    kind = r.pick(["image/jpeg", "image/png", "image/webp", "application/pdf", "audio/ogg"])
    data = r.data(r.randrange(40, 160))
    extra = [("Content-Disposition", r.pick(["inline", "inline; filename=image.png", 'attachment; filename="notes.pdf"', "inline; filename*=utf-8''Gr%C3%BC%C3%9Fe.jpg"])),
             ("Cache-Control", "public,max-age=86400,s-maxage=86400"), ("ETag", f'"{r.pick([1, r.hexa(8)])}"')]
    if r.chance(0.1):
        s.fail("media", "GET", f"/_matrix/client/v1/media/download/{s.hs.name}/{media}")
    elif r.chance(0.6):
        w, h, method = r.pick([(800, 600, "scale"), (96, 96, "crop"), (32, 32, "crop"), (48, 48, "crop"), (640, 480, "scale"), (256, 256, "crop")])
        query = f"width={w}&height={h}&method={method}" + ("&allow_redirect=true" if r.chance(0.3) else "") + ("&animated=false" if r.chance(0.3) else "")
        path = f"/_matrix/client/v1/media/thumbnail/{s.hs.name}/{media}" if r.chance(0.7) else f"/_matrix/media/v3/thumbnail/{s.hs.name}/{media}"
        s.ask("GET", path, query=query, answer=data, resp_kind=r.pick(["image/png", "image/jpeg"]), extra=extra, auth="client" in path)
    else:
        path = f"/_matrix/client/v1/media/download/{s.hs.name}/{media}" + ("/" + urllib.parse.quote("report (2).pdf") if r.chance(0.2) else "")
        s.ask("GET", path, query="allow_redirect=true" if r.chance(0.3) else None, answer=data, resp_kind=kind, extra=extra)


def preview(s):
    url = s.r.pick(["https://example.org/map", "https://example.com/news/2024/11/storm", "https://example.net/video?id=" + s.r.alnum(11)])
    answer = {"og:title": s.texts.say(s.r, "en")[:80], "og:description": s.texts.say(s.r, "en")[:120], "og:url": url, "og:site_name": "Example"}
    if s.r.chance(0.5):
        answer.update({"og:image": f"mxc://{s.hs.name}/2024-11-03_{s.r.letters(16)}", "og:image:type": "image/png", "og:image:width": 1200, "og:image:height": 630, "matrix:image:size": s.r.randrange(9999, 999999)})
    s.ask("GET", "/_matrix/client/v1/media/preview_url", query=f"url={urllib.parse.quote(url, safe='')}&ts={s.tape.ms // 3600000 * 3600000}", answer=answer)


def create(s):
    r = s.r
    name = r.pick(ROOM_WORDS)
    body = r.pick([
        {"preset": "private_chat", "visibility": "private", "name": name, "initial_state": [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
                                                                                            {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "can_join"}}]},
        {"preset": "public_chat", "visibility": "public", "name": name, "topic": r.pick(TOPICS), "room_alias_name": name.lower().replace(" ", "-"), "room_version": r.pick(["10", "11", "12"])},
        {"preset": "trusted_private_chat", "is_direct": True, "invite": [s.other(s.room).id], "visibility": "private"},
        {"name": name, "creation_content": {"type": "m.space"}, "preset": "private_chat", "power_level_content_override": {"events_default": 100, "invite": 50},
         "initial_state": [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "invited"}}]},
        {"name": name}])
    room = s.room.__class__(r, s.texts, [s.me], s.tape.ms, encrypted="m.room.encryption" in str(body))
    s.ask("POST", s.path("createRoom"), body, {"room_id": room.id})
    s.rooms.append(room)
    s.sync(room, room.state)


def enter(s):
    """Joins by alias or invite, leaves, invites, kicks."""
    r, room = s.r, r_room(s)
    pick = r.randrange(5)
    if pick == 0:
        via = s.client.kind.startswith("element") and r.chance(0.5)
        s.ask("POST", s.path("join", room.alias or room.id), {} if r.chance(0.8) else {"reason": "hi"}, {"room_id": room.id}, query=f"server_name={room.server}&via={room.server}" if via else None)
    elif pick == 1:
        body = {"user_id": s.other(room).id}
        s.ask("POST", s.path("rooms", room.id, "invite"), {**body, "reason": room.text()} if r.chance(0.2) else body, {})
    elif pick == 2:
        s.ask("POST", s.path("rooms", room.id, "kick"), {"user_id": s.other(room).id, "reason": r.pick(["spam", "flooding"])}, {})
    elif pick == 3:
        s.fail("no_alias", "GET", s.path("directory", "room", f"#nowhere:{s.hs.name}"), alias=f"#nowhere:{s.hs.name}")
    else:
        s.ask("GET", s.path("directory", "room", room.alias or f"#lobby:{room.server}"), answer={"room_id": room.id, "servers": sorted({m.server for m in room.members})})


def invited(s):
    r = s.r
    who = s.other(s.room)
    room = s.room.__class__(r, s.texts, [who], s.tape.ms)
    stripped = [{"type": e.type, "sender": e.sender, "content": e.content, "state_key": e.state_key} for e in room.state if e.type in ("m.room.create", "m.room.join_rules", "m.room.name", "m.room.encryption")]
    stripped.append({"type": "m.room.member", "sender": who.id, "content": room.membership(who), "state_key": who.id})
    stripped.append({"type": "m.room.member", "sender": who.id, "content": {**room.membership(s.me, "invite"), "is_direct": True}, "state_key": s.me.id,
                     **({"origin_server_ts": room.ts, "unsigned": {"age": 40}, "event_id": room.events[-1].id} if r.chance(0.5) else {})})
    s.sync(room, invited=[(room.id, {"invite_state": {"events": stripped}})])
    if r.chance(0.6):
        s.ask("POST", s.path("rooms", room.id, "join"), {}, {"room_id": room.id})
        room.members.append(s.me)
        s.rooms.append(room)
    else:
        s.ask("POST", s.path("rooms", room.id, "leave"), {}, {})


def relations(s):
    r, room = s.r, r_room(s)
    event = room.events[-1]
    kind = r.pick([("m.thread",), ("m.annotation", "m.reaction"), ("m.replace", "m.room.message"), (), ("m.reference",)])
    answer = {"chunk": s.show([e for e in room.events if "m.relates_to" in e.content][-2:], room)}
    if r.chance(0.4):
        answer["next_batch"] = s.hs.prev_batch()
    if r.chance(0.3):
        answer["original_event"] = s.hs.event(event, s.tape.ms, s.me, room=room)
    s.ask("GET", s.path("rooms", room.id, "relations", event.id, *kind, api="v1"), query=r.pick(["dir=b", "dir=b&limit=20", "limit=50&dir=b&recurse=true", "dir=f&limit=5"]), answer=answer)


def threads(s):
    r, room = s.r, r_room(s)
    roots = [e for e in room.events if e.type == "m.room.message"][:2]
    shown = []
    for e in roots:
        e.unsigned["m.relations"] = {"m.thread": {"latest_event": s.hs.event(room.events[-1], s.tape.ms, s.me, room=room), "count": r.randrange(1, 40), "current_user_participated": r.chance(0.5)}}
        shown.append(s.hs.event(e, s.tape.ms, s.me, room=room))
        del e.unsigned["m.relations"]
    s.ask("GET", s.path("rooms", room.id, "threads", api="v1"), query=r.pick(["include=all&limit=20", "limit=25&include=participated", "include=all"]), answer={"chunk": shown})


def one_event(s):
    room = r_room(s)
    if s.r.chance(0.2):
        s.fail("no_event", "GET", s.path("rooms", room.id, "event", room.events[-1].id))
    elif s.r.chance(0.6):
        s.ask("GET", s.path("rooms", room.id, "event", s.r.pick(room.events).id), answer=s.hs.event(s.r.pick(room.events[-4:]), s.tape.ms, s.me, room=room))
    else:
        s.ask("GET", s.path("rooms", room.id, "context", room.events[-2].id), query="limit=4&filter=%7B%22lazy_load_members%22%3Atrue%7D",
              answer={"events_before": s.show(room.events[-3:-2], room), "event": s.hs.event(room.events[-2], s.tape.ms, s.me, room=room), "events_after": s.show(room.events[-1:], room),
                      "state": [], "start": s.hs.prev_batch(), "end": s.hs.prev_batch()})


def search(s):
    r, room = s.r, r_room(s)
    found = [e for e in room.events if "body" in e.content][-1:]
    term = (found[0].content["body"].split() or ["hi"])[0] if found else "boat"
    body = {"search_categories": {"room_events": {"search_term": term, "filter": {"limit": 10, **({"rooms": [room.id]} if r.chance(0.5) else {})}, "order_by": "recent",
                                                  "event_context": {"before_limit": 1, "after_limit": 1, "include_profile": True}}}}
    answer = {"search_categories": {"room_events": {"results": [{"rank": round(r.random(), 6), "result": s.hs.event(e, s.tape.ms, s.me, room=room),
              "context": {"events_before": [], "events_after": [], "start": s.hs.prev_batch(), "end": s.hs.prev_batch(), "profile_info": {}}} for e in found],
              "count": len(found), "highlights": [term.lower()]}}}
    s.ask("POST", s.path("search"), body, answer)


def account_data(s):
    r, room = s.r, r_room(s)
    kind, body = r.pick([
        ("m.direct", {s.other(room).id: [room.id]}), ("im.vector.setting.breadcrumbs", {"recent_rooms": [x.id for x in s.rooms]}), ("m.ignored_user_list", {"ignored_users": {s.other(room).id: {}}}),
        ("im.vector.web.settings", {"showTypingNotifications": False, "layout": r.pick(["group", "bubble", "irc"])}), ("io.element.recent_emoji", {"recent_emoji": [["👍", 12], ["❤️", 3], ["😂", 2]]}),
        ("org.matrix.msc3890.local_notification_settings." + s.device, {"is_silenced": False}), ("m.identity_server", {"base_url": None}), ("io.element.matrix_client_information." + s.device, {"name": "Element", "version": "1.11.85", "url": "app.element.io"}),
        ("m.accepted_terms", {"accepted": ["https://example.org/terms"]})])
    if r.chance(0.2):
        s.fail("no_account_data", "GET", s.path("user", s.me.id, "account_data", kind))
    if r.chance(0.3):
        s.ask("GET", s.path("user", s.me.id, "account_data", kind), answer=body)
    s.ask("PUT", s.path("user", s.me.id, "account_data", kind), body, {})
    if r.chance(0.7):
        s.sync(room, account=[{"type": kind, "content": body}], what="account")


def tags(s):
    r, room = s.r, r_room(s)
    tag = r.pick(["m.favourite", "m.lowpriority", "u.boat"])
    if r.chance(0.3):
        s.ask("DELETE", s.path("user", s.me.id, "rooms", room.id, "tags", tag), None, {})
        return
    body = {"order": round(r.random(), 3)} if r.chance(0.7) else {}
    s.ask("PUT", s.path("user", s.me.id, "rooms", room.id, "tags", tag), body, {})
    s.sync(room, room_account=[{"type": "m.tag", "content": {"tags": {tag: body}}}], what="account")


def unread(s):
    room = r_room(s)
    body = {"unread": s.r.chance(0.5)}
    kind = s.r.pick(["m.marked_unread", "com.famedly.marked_unread"])
    s.ask("PUT", s.path("user", s.me.id, "rooms", room.id, "account_data", kind), body, {})
    s.sync(room, room_account=[{"type": kind, "content": body}], what="account")


def pusher(s):
    r = s.r
    app, name = r.pick([("im.vector.app.android", "Element Android"), ("io.element.android.x", "Element X Android"), ("im.vector.app.ios.prod", "Element iOS"), ("chat.fluffy.fluffychat", "FluffyChat"),
                        ("io.element.ios.x.prod", "Element X iOS")])
    body = {"pushkey": r.pick([f"{r.b64(16, url=True)}:APA91b{r.b64(100, url=True)}", r.b64(32, pad=True), f"https://up.example.org/UP?token={r.alnum(12)}"]), "kind": "http", "app_id": app,
            "app_display_name": name, "device_display_name": r.pick(["Pixel 7", "SM-G991B", "iPhone", "FP4"]), "profile_tag": r.pick(["mobile_" + r.alnum(12), r.alnum(16)]), "lang": r.pick(["en", "de", "fr", "es"]),
            "data": {"url": r.pick(["https://matrix.org/_matrix/push/v1/notify", "https://push.example.org/_matrix/push/v1/notify"]), "format": "event_id_only"}, "append": False}
    if "ios" in app:
        body["data"]["default_payload"] = {"aps": {"mutable-content": 1, "alert": {"loc-key": "Notification", "loc-args": []}}}
    s.ask("POST", s.path("pushers", "set"), body, {})
    if r.chance(0.5):
        listed = {k: v for k, v in body.items() if k != "append"}
        s.ask("GET", s.path("pushers"), answer={"pushers": [listed]})


def push_rule(s):
    r, room = s.r, r_room(s)
    if r.chance(0.5):
        s.ask("PUT", s.path("pushrules", "global", "room", room.id), {"actions": r.pick([["notify"], ["dont_notify"], [], ["notify", {"set_tweak": "sound", "value": "default"}]])}, {})
    else:
        s.ask("PUT", s.path("pushrules", "global", r.pick(["underride", "override"]), r.pick([".m.rule.message", ".m.rule.encrypted", ".m.rule.room_one_to_one"]), "enabled"), {"enabled": r.chance(0.5)}, {})


def devices(s):
    listed = [{"device_id": s.device, "display_name": s.client.device_name() or "bot", "last_seen_ip": f"192.0.2.{s.r.randrange(255)}", "last_seen_ts": s.tape.ms - s.r.randrange(10**7), "user_id": s.me.id},
              {"device_id": s.r.upper(10), "display_name": s.r.pick(["Element X iOS", "old laptop", None]), "last_seen_ip": f"2001:db8::{s.r.hexa(4)}", "last_seen_ts": s.tape.ms - s.r.randrange(10**10), "user_id": s.me.id}]
    s.ask("GET", s.path("devices"), answer={"devices": listed[:s.r.randrange(1, 3)]})
    if s.r.chance(0.3):
        s.ask("PUT", s.path("devices", s.device), {"display_name": s.r.pick(["boat tablet", "phone", "laptop (work)"])}, {})


def presence(s):
    r, room = s.r, r_room(s)
    who = s.other(room)
    body = {"presence": r.pick(["online", "unavailable", "offline"]), **({"status_msg": room.text().split("\n")[0][:60]} if r.chance(0.5) else {})}
    s.ask("PUT", s.path("presence", s.me.id, "status"), body, {})
    content = {"presence": r.pick(["online", "unavailable"]), "last_active_ago": r.randrange(10**6), **({"currently_active": True} if r.chance(0.4) else {})}
    s.sync(room, presence=[{"type": "m.presence", "sender": who.id, "content": content}], what="event")


def state(s):
    r, room = s.r, r_room(s)
    kind, body, key = r.pick([("m.room.topic", {"topic": r.pick(TOPICS)}, ""), ("m.room.name", {"name": r.pick(ROOM_WORDS)}, ""), ("m.room.pinned_events", {"pinned": [room.events[-1].id]}, ""),
                              ("m.room.join_rules", {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": room.id}]}, ""), ("m.room.avatar", {"url": f"mxc://{s.hs.name}/{s.hs.media_id()}"}, ""),
                              ("m.space.child", {"via": [room.server], "suggested": False, "order": r.alnum(1)}, room.id), ("m.space.parent", {"via": [room.server], "canonical": True}, room.id),
                              ("m.room.canonical_alias", {"alias": f"#lobby:{room.server}", "alt_aliases": []}, ""), ("im.vector.modular.widgets", {}, "etherpad_" + s.me.id),
                              ("m.room.server_acl", {"allow": ["*"], "allow_ip_literals": False, "deny": []}, ""), ("m.room.member", room.membership(s.me), s.me.id),
                              ("org.matrix.msc3401.call.member", {"memberships": []}, s.me.id), ("m.room.tombstone", {"body": "This room has been replaced", "replacement_room": "!" + r.letters(18) + ":" + room.server}, "")])
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
    r, room = s.r, r_room(s)
    event = r.pick(room.events[-3:])
    body = {"reason": r.pick(["wrong room", "dup", "oops"])} if r.chance(0.3) else {}
    content = {**body, **({"redacts": event.id} if room.version in ("11", "12") else {})}
    done = room.add("m.room.redaction", s.me, content, redacts=event.id)
    done.ts = room.ts = s.tape.ms
    txn = s.client.txn(s.tape.ms)
    s.txns[done.id] = txn
    s.ask("PUT", s.path("rooms", room.id, "redact", event.id, txn), body, {"event_id": done.id})
    s.sync(room, [done])


def hierarchy(s):
    r, room = s.r, r_room(s)

    def entry(name, kind):
        out = {"room_id": room.id, "name": name, "num_joined_members": r.randrange(1, 900), "world_readable": r.chance(0.5), "guest_can_join": r.chance(0.5), "join_rule": "public",
               "children_state": [{"type": "m.space.child", "state_key": room.id, "content": {"via": [room.server]}, "sender": room.creator.id, "origin_server_ts": room.ts}] if kind else []}
        return {**out, "room_type": "m.space"} if kind else {**out, "topic": r.pick(TOPICS)}
    s.ask("GET", s.path("rooms", room.id, "hierarchy", api="v1"), query=r.pick(["suggested_only=false&limit=20", "limit=50&max_depth=1", "suggested_only=false&max_depth=1&limit=20"]),
          answer={"rooms": [entry(r.pick(ROOM_WORDS), True), entry(r.pick(ROOM_WORDS), False)]})


def directory(s):
    r, room = s.r, r_room(s)
    if r.chance(0.4):
        term = s.other(room).local[:3]
        s.ask("POST", s.path("user_directory", "search"), {"search_term": term, "limit": r.pick([10, 50, 20])}, {"limited": False, "results": [{"user_id": m.id, "display_name": m.name, "avatar_url": m.avatar} for m in room.members[:2]]})
    else:
        listed = {"room_id": room.id, "num_joined_members": r.randrange(1, 9000), "world_readable": True, "guest_can_join": False, "name": room.name or "?", "join_rule": "public"}
        if room.topic:
            listed["topic"] = room.topic
        s.ask("POST", s.path("publicRooms"), {"limit": 20, "filter": {"generic_search_term": r.pick(ROOM_WORDS).lower()[:5]}} if r.chance(0.7) else {"limit": 20},
              {"chunk": [listed], "total_room_count_estimate": r.randrange(1, 4000), **({"next_batch": r.alnum(12)} if r.chance(0.4) else {})},
              query=f"server={s.hs.name}" if r.chance(0.3) else None)


def calls(s):
    r, room = s.r, r_room(s)
    call_id, party = f"{s.tape.ms}{r.alnum(16)}", r.upper(10)
    for kind in r.sample(["m.call.candidates", "m.call.hangup", "m.call.select_answer"], 2):
        body = make.call(r, kind, call_id, party)
        txn = s.client.txn(s.tape.ms)
        event = room.add(kind, s.me, body)
        s.ask("PUT", s.path("rooms", room.id, "send", kind, txn), body, {"event_id": event.id})


def missing(s):
    r, room = s.r, r_room(s)
    if r.chance(0.5):
        s.fail("unrecognized", "GET", r.pick(["/_matrix/client/unstable/org.matrix.msc2965/auth_issuer", "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata", "/_matrix/client/v1/auth_metadata",
                                              "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device", "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"]))
    else:
        s.fail("not_in_room", "GET", s.path("rooms", room.id, "state"), user=s.me.id, room=room.id)


def summary(s):
    room = r_room(s)
    body = {"room_id": room.id, "num_joined_members": len(room.members), "world_readable": False, "guest_can_join": False, "join_rule": "public", "membership": "join", "im.nheko.summary.version": room.version,
            **({"name": room.name} if room.name else {}), **({"room_version": room.version} if s.r.chance(0.4) else {})}
    s.ask("GET", s.r.pick(["/_matrix/client/v1/room_summary/", "/_matrix/client/unstable/im.nheko.summary/summary/"]) + s.client.esc(room.alias or room.id), query=f"via={room.server}" if s.r.chance(0.5) else None, answer=body)


def keys(s):
    s.keys.query(s, s.other(r_room(s)))


def receive_keys(s):
    s.keys.receive(s, r_room(s))


def cross_sign(s):
    s.keys.cross_sign(s)


def backup(s):
    s.keys.key_backup(s, r_room(s))


def storage(s):
    s.keys.secret_storage(s)


def verify(s):
    s.keys.verify(s, r_room(s))


def thread_message(s):
    """A message in a thread, its receipt in the thread, and the root with its bundled summary."""
    r, room = s.r, r_room(s)
    said = [e for e in room.events if e.type == "m.room.message"]
    if not said:
        return
    root = r.pick(said[-4:])
    body = {"msgtype": "m.text", "body": room.text(), "m.relates_to": {"rel_type": "m.thread", "event_id": root.id, "is_falling_back": True, "m.in_reply_to": {"event_id": said[-1].id}}}
    txn = s.client.txn(s.tape.ms)
    event = room.add("m.room.message", s.me, body)
    event.ts = room.ts = s.tape.ms
    s.txns[event.id] = txn
    s.ask("PUT", s.path("rooms", room.id, "send", "m.room.message", txn), body, {"event_id": event.id})
    s.sync(room, [event])
    s.ask("POST", s.path("rooms", room.id, "receipt", "m.read", event.id), {"thread_id": root.id}, {})


EXTRAS = [history, history, history, members, profile, profile, rename, download, download, download, preview, create, enter, enter, invited, relations, relations, threads, one_event, one_event,
          search, account_data, account_data, tags, unread, pusher, push_rule, devices, presence, presence, state, state, state, redact, redact, hierarchy, directory, calls, missing, missing, summary,
          keys, receive_keys, receive_keys, cross_sign, backup, storage, verify, thread_message, thread_message, thread_message]
