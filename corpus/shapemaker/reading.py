"""What a client asks for in a session without changing anything, one function a thing; each takes the Session."""

import json
import urllib.parse

from .world import ROOM_WORDS, TOPICS


def any_room(s):
    return s.r.pick(s.rooms)


def history(s):
    r, room = s.r, any_room(s)
    events = room.events[-r.randrange(2, 6) :][::-1]
    start = s.hs.prev_batch()
    style = s.client.kind
    wanted = urllib.parse.quote(json.dumps({"lazy_load_members": True}, separators=(",", ":")))
    query = {
        "element-web": f"limit=20&dir=b&from={start}&filter={wanted}",
        "element-desktop": f"limit=20&dir=b&from={start}&filter={wanted}",
        "element-android": f"from={start}&dir=b&limit=30&filter={wanted}",
        "element-x": f"from={start}&dir=b&limit=20&filter={wanted}",
        "fluffychat": f"from={start}&dir=b&limit=30&filter={wanted}",
    }.get(style, f"from={start}&dir=b&limit={r.pick([10, 20, 50])}")
    answer = {"chunk": s.show(events, room), "start": start}
    if s.hs.family == "dendrite":
        answer = {"start": start, "end": s.hs.prev_batch(), "chunk": answer["chunk"]}
    elif r.chance(0.8):
        answer["end"] = s.hs.prev_batch()
    if r.chance(0.4):
        answer["state"] = s.show(room.state[-2:], room)
    s.ask("GET", s.path("rooms", room.id, "messages"), query=query, answer=answer)


def members(s):
    room = any_room(s)
    people = [e for e in room.state if e.type == "m.room.member"]
    if s.r.chance(0.4):
        s.ask(
            "GET",
            s.path("rooms", room.id, "joined_members"),
            answer={
                "joined": {
                    e.sender: {"display_name": e.content["displayname"], "avatar_url": e.content.get("avatar_url")} for e in people
                }
            },
        )
    else:
        s.ask(
            "GET",
            s.path("rooms", room.id, "members"),
            query=s.r.pick(["not_membership=leave", "membership=join", f"at={s.since}&not_membership=leave"]),
            answer={"chunk": s.show(people, room)},
        )


def profile(s):
    who = s.other(any_room(s))
    body = (
        {"displayname": who.name}
        if s.hs.family != "synapse" or not who.avatar
        else {"avatar_url": who.avatar, "displayname": who.name}
    )
    if s.r.chance(0.15):
        s.fail("no_profile", "GET", s.path("profile", who.id))
    elif s.r.chance(0.2):
        s.ask("GET", s.path("profile", who.id, "displayname"), answer={"displayname": who.name})
    else:
        if s.r.chance(0.15):
            body["us.cloke.msc4175.tz" if s.r.chance(0.5) else "m.tz"] = s.r.pick(
                ["Europe/Berlin", "Atlantic/Azores", "Asia/Tokyo", "America/Lima"]
            )
        s.ask("GET", s.path("profile", who.id), answer=body)


def download(s):
    """Authenticated media (v1) or the old paths; bodies are short stand-ins for compressed files."""
    r = s.r
    media = s.hs.media_id()
    kind = r.pick(["image/jpeg", "image/png", "image/webp", "application/pdf", "audio/ogg"])
    data = r.data(r.randrange(40, 160))
    extra = [
        (
            "Content-Disposition",
            r.pick(
                [
                    "inline",
                    "inline; filename=image.png",
                    'attachment; filename="notes.pdf"',
                    "inline; filename*=utf-8''Gr%C3%BC%C3%9Fe.jpg",
                ]
            ),
        ),
        ("Cache-Control", "public,max-age=86400,s-maxage=86400"),
        ("ETag", f'"{r.pick([1, r.hexa(8)])}"'),
    ]
    if r.chance(0.1):
        s.fail("media", "GET", f"/_matrix/client/v1/media/download/{s.hs.name}/{media}")
    elif r.chance(0.6):
        w, h, method = r.pick(
            [(800, 600, "scale"), (96, 96, "crop"), (32, 32, "crop"), (48, 48, "crop"), (640, 480, "scale"), (256, 256, "crop")]
        )
        query = (
            f"width={w}&height={h}&method={method}"
            + ("&allow_redirect=true" if r.chance(0.3) else "")
            + ("&animated=false" if r.chance(0.3) else "")
        )
        path = (
            f"/_matrix/client/v1/media/thumbnail/{s.hs.name}/{media}"
            if r.chance(0.7)
            else f"/_matrix/media/v3/thumbnail/{s.hs.name}/{media}"
        )
        s.ask(
            "GET", path, query=query, answer=data, resp_kind=r.pick(["image/png", "image/jpeg"]), extra=extra, auth="client" in path
        )
    else:
        path = f"/_matrix/client/v1/media/download/{s.hs.name}/{media}" + (
            "/" + urllib.parse.quote("report (2).pdf") if r.chance(0.2) else ""
        )
        s.ask("GET", path, query="allow_redirect=true" if r.chance(0.3) else None, answer=data, resp_kind=kind, extra=extra)


def preview(s):
    url = s.r.pick(
        ["https://example.org/map", "https://example.com/news/2024/11/storm", "https://example.net/video?id=" + s.r.alnum(11)]
    )
    answer = {
        "og:title": s.texts.say(s.r, "en")[:80],
        "og:description": s.texts.say(s.r, "en")[:120],
        "og:url": url,
        "og:site_name": "Example",
    }
    if s.r.chance(0.5):
        answer.update(
            {
                "og:image": f"mxc://{s.hs.name}/2024-11-03_{s.r.letters(16)}",
                "og:image:type": "image/png",
                "og:image:width": 1200,
                "og:image:height": 630,
                "matrix:image:size": s.r.randrange(9999, 999999),
            }
        )
    s.ask(
        "GET",
        "/_matrix/client/v1/media/preview_url",
        query=f"url={urllib.parse.quote(url, safe='')}&ts={s.tape.ms // 3600000 * 3600000}",
        answer=answer,
    )


def relations(s):
    r, room = s.r, any_room(s)
    event = room.events[-1]
    kind = r.pick([("m.thread",), ("m.annotation", "m.reaction"), ("m.replace", "m.room.message"), (), ("m.reference",)])
    answer = {"chunk": s.show([e for e in room.events if "m.relates_to" in e.content][-2:], room)}
    if r.chance(0.4):
        answer["next_batch"] = s.hs.prev_batch()
    if r.chance(0.3):
        answer["original_event"] = s.hs.event(event, s.tape.ms, s.me, room=room)
    s.ask(
        "GET",
        s.path("rooms", room.id, "relations", event.id, *kind, api="v1"),
        query=r.pick(["dir=b", "dir=b&limit=20", "limit=50&dir=b&recurse=true", "dir=f&limit=5"]),
        answer=answer,
    )


def threads(s):
    r, room = s.r, any_room(s)
    roots = [e for e in room.events if e.type == "m.room.message"][:2]
    shown = []
    for e in roots:
        e.unsigned["m.relations"] = {
            "m.thread": {
                "latest_event": s.hs.event(room.events[-1], s.tape.ms, s.me, room=room),
                "count": r.randrange(1, 40),
                "current_user_participated": r.chance(0.5),
            }
        }
        shown.append(s.hs.event(e, s.tape.ms, s.me, room=room))
        del e.unsigned["m.relations"]
    s.ask(
        "GET",
        s.path("rooms", room.id, "threads", api="v1"),
        query=r.pick(["include=all&limit=20", "limit=25&include=participated", "include=all"]),
        answer={"chunk": shown},
    )


def one_event(s):
    room = any_room(s)
    if s.r.chance(0.2):
        s.fail("no_event", "GET", s.path("rooms", room.id, "event", room.events[-1].id))
    elif s.r.chance(0.6):
        s.ask(
            "GET",
            s.path("rooms", room.id, "event", s.r.pick(room.events).id),
            answer=s.hs.event(s.r.pick(room.events[-4:]), s.tape.ms, s.me, room=room),
        )
    else:
        s.ask(
            "GET",
            s.path("rooms", room.id, "context", room.events[-2].id),
            query="limit=4&filter=%7B%22lazy_load_members%22%3Atrue%7D",
            answer={
                "events_before": s.show(room.events[-3:-2], room),
                "event": s.hs.event(room.events[-2], s.tape.ms, s.me, room=room),
                "events_after": s.show(room.events[-1:], room),
                "state": [],
                "start": s.hs.prev_batch(),
                "end": s.hs.prev_batch(),
            },
        )


def search(s):
    r, room = s.r, any_room(s)
    found = [e for e in room.events if "body" in e.content][-1:]
    term = (found[0].content["body"].split() or ["hi"])[0] if found else "boat"
    body = {
        "search_categories": {
            "room_events": {
                "search_term": term,
                "filter": {"limit": 10, **({"rooms": [room.id]} if r.chance(0.5) else {})},
                "order_by": "recent",
                "event_context": {"before_limit": 1, "after_limit": 1, "include_profile": True},
            }
        }
    }
    answer = {
        "search_categories": {
            "room_events": {
                "results": [
                    {
                        "rank": round(r.random(), 6),
                        "result": s.hs.event(e, s.tape.ms, s.me, room=room),
                        "context": {
                            "events_before": [],
                            "events_after": [],
                            "start": s.hs.prev_batch(),
                            "end": s.hs.prev_batch(),
                            "profile_info": {},
                        },
                    }
                    for e in found
                ],
                "count": len(found),
                "highlights": [term.lower()],
            }
        }
    }
    s.ask("POST", s.path("search"), body, answer)


def devices(s):
    listed = [
        {
            "device_id": s.device,
            "display_name": s.client.device_name() or "bot",
            "last_seen_ip": f"192.0.2.{s.r.randrange(255)}",
            "last_seen_ts": s.tape.ms - s.r.randrange(10**7),
            "user_id": s.me.id,
        },
        {
            "device_id": s.r.upper(10),
            "display_name": s.r.pick(["Element X iOS", "old laptop", None]),
            "last_seen_ip": f"2001:db8::{s.r.hexa(4)}",
            "last_seen_ts": s.tape.ms - s.r.randrange(10**10),
            "user_id": s.me.id,
        },
    ]
    s.ask("GET", s.path("devices"), answer={"devices": listed[: s.r.randrange(1, 3)]})
    if s.r.chance(0.3):
        s.ask("PUT", s.path("devices", s.device), {"display_name": s.r.pick(["boat tablet", "phone", "laptop (work)"])}, {})


def hierarchy(s):
    r, room = s.r, any_room(s)

    def entry(name, kind):
        out = {
            "room_id": room.id,
            "name": name,
            "num_joined_members": r.randrange(1, 900),
            "world_readable": r.chance(0.5),
            "guest_can_join": r.chance(0.5),
            "join_rule": "public",
            "children_state": (
                [
                    {
                        "type": "m.space.child",
                        "state_key": room.id,
                        "content": {"via": [room.server]},
                        "sender": room.creator.id,
                        "origin_server_ts": room.ts,
                    }
                ]
                if kind
                else []
            ),
        }
        return {**out, "room_type": "m.space"} if kind else {**out, "topic": r.pick(TOPICS)}

    s.ask(
        "GET",
        s.path("rooms", room.id, "hierarchy", api="v1"),
        query=r.pick(["suggested_only=false&limit=20", "limit=50&max_depth=1", "suggested_only=false&max_depth=1&limit=20"]),
        answer={"rooms": [entry(r.pick(ROOM_WORDS), True), entry(r.pick(ROOM_WORDS), False)]},
    )


def directory(s):
    r, room = s.r, any_room(s)
    if r.chance(0.4):
        term = s.other(room).local[:3]
        s.ask(
            "POST",
            s.path("user_directory", "search"),
            {"search_term": term, "limit": r.pick([10, 50, 20])},
            {
                "limited": False,
                "results": [{"user_id": m.id, "display_name": m.name, "avatar_url": m.avatar} for m in room.members[:2]],
            },
        )
    else:
        listed = {
            "room_id": room.id,
            "num_joined_members": r.randrange(1, 9000),
            "world_readable": True,
            "guest_can_join": False,
            "name": room.name or "?",
            "join_rule": "public",
        }
        if room.topic:
            listed["topic"] = room.topic
        s.ask(
            "POST",
            s.path("publicRooms"),
            {"limit": 20, "filter": {"generic_search_term": r.pick(ROOM_WORDS).lower()[:5]}} if r.chance(0.7) else {"limit": 20},
            {
                "chunk": [listed],
                "total_room_count_estimate": r.randrange(1, 4000),
                **({"next_batch": r.alnum(12)} if r.chance(0.4) else {}),
            },
            query=f"server={s.hs.name}" if r.chance(0.3) else None,
        )


def missing(s):
    r, room = s.r, any_room(s)
    if r.chance(0.5):
        s.fail(
            "unrecognized",
            "GET",
            r.pick(
                [
                    "/_matrix/client/unstable/org.matrix.msc2965/auth_issuer",
                    "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
                    "/_matrix/client/v1/auth_metadata",
                    "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device",
                    "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms",
                ]
            ),
        )
    else:
        s.fail("not_in_room", "GET", s.path("rooms", room.id, "state"), user=s.me.id, room=room.id)


def summary(s):
    room = any_room(s)
    body = {
        "room_id": room.id,
        "num_joined_members": len(room.members),
        "world_readable": False,
        "guest_can_join": False,
        "join_rule": "public",
        "membership": "join",
        "im.nheko.summary.version": room.version,
        **({"name": room.name} if room.name else {}),
        **({"room_version": room.version} if s.r.chance(0.4) else {}),
    }
    s.ask(
        "GET",
        s.r.pick(["/_matrix/client/v1/room_summary/", "/_matrix/client/unstable/im.nheko.summary/summary/"])
        + s.client.esc(room.alias or room.id),
        query=f"via={room.server}" if s.r.chance(0.5) else None,
        answer=body,
    )


def keys(s):
    s.keys.query(s, s.other(any_room(s)))
