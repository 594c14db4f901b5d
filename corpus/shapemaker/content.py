"""What the content of events looks like, by the kind of client that writes it.

Shapes: Client-Server API 1.x, chapters instant messaging, rich replies, threads, event replacements, polls (MSC3381 with MSC1767's
fallbacks), voice (MSC3245), location (MSC3488), stickers, calls, encryption.
"""

import base64

from .world import EMOJI

UNSTABLE_TEXT = "org.matrix.msc1767.text"


def html(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br />")


def marked(r, text):
    """A text with some Markdown in it and what a client makes of that."""
    word = text.split(" ")[0]
    rest = text[len(word) :]
    mark, tag = r.pick([("**", "strong"), ("*", "em"), ("`", "code"), ("~~", "del")])
    return f"{mark}{word}{mark}{rest}", f"<{tag}>{html(word)}</{tag}>{html(rest)}"


def ordered(style, content):
    """Key order: as written (web, Rust, Kotlin, Swift) or sorted (nlohmann::json, some Go maps)."""
    if style != "sorted":
        return content
    return {k: ordered(style, v) if isinstance(v, dict) else v for k, v in sorted(content.items())}


def message(r, room, style):
    """m.text in its variants: plain, formatted, reply, thread, mention, emote, notice."""
    text = room.text()
    content = {"msgtype": r.weighted([(30, "m.text"), (1, "m.emote"), (1, "m.notice")]), "body": text}
    said = [e for e in room.events if e.type == "m.room.message"]
    mentions = {}
    if r.chance(0.1):
        content["body"], formatted = marked(r, text)
        content["format"], content["formatted_body"] = "org.matrix.custom.html", formatted
    if said and r.chance(0.18):
        to = r.pick(said[-6:])
        mentions = {"user_ids": [to.sender]}
        if style == "fallback":  # clients before v1.13 of the specification quote what they answer
            quoted = str(to.content.get("body", "")).split("\n")[0]
            content["body"] = f"> <{to.sender}> {quoted}\n\n{content['body']}"
            content["format"] = "org.matrix.custom.html"
            content["formatted_body"] = (
                f'<mx-reply><blockquote><a href="https://matrix.to/#/{room.id}/{to.id}">In reply to</a> '
                f'<a href="https://matrix.to/#/{to.sender}">{to.sender}</a><br>{html(quoted)}</blockquote></mx-reply>'
                f"{html(text)}"
            )
        if r.chance(0.35):
            content["m.relates_to"] = {
                "rel_type": "m.thread",
                "event_id": to.id,
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": said[-1].id},
            }
        else:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": to.id}}
    elif r.chance(0.05):
        whom = r.pick(room.members)
        content["body"] = f"{whom.name}: {text}"
        content["format"] = "org.matrix.custom.html"
        content["formatted_body"] = f'<a href="https://matrix.to/#/{whom.id}">{html(whom.name)}</a>: {html(text)}'
        mentions = {"user_ids": [whom.id]}
    if style != "bare":
        content["m.mentions"] = mentions
    return ordered(style, content)


def edit(r, room, event, style):
    new = room.text()
    content = {
        "msgtype": "m.text",
        "body": "* " + new,
        "m.new_content": {"msgtype": "m.text", "body": new},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event.id},
    }
    if style != "bare":
        content["m.mentions"] = {}
        content["m.new_content"]["m.mentions"] = {}
    return ordered(style, content)


def reaction(r, event):
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event.id, "key": r.pick(EMOJI)}}


def media(r, room, server, encrypted=False):
    """Image, video, audio, voice message, file, as uploaded."""
    kind = r.weighted([(6, "m.image"), (1, "m.video"), (1, "m.audio"), (2, "voice"), (2, "m.file")])
    uri = f"mxc://{server}/{r.letters(24)}"
    w, h = r.pick([(4032, 3024), (1920, 1080), (1080, 2400), (1280, 720), (828, 1792), (640, 480), (3000, 4000)])
    size = r.randrange(9000, 5000000)
    name, mime = {
        "m.image": (
            r.pick(
                [
                    f"IMG_2024{r.randrange(1, 13):02}{r.randrange(1, 29):02}_{r.randrange(10**6):06}.jpg",
                    "image.png",
                    "image.jpg",
                    f"Screenshot_{r.randrange(10**8)}.png",
                    "photo.webp",
                    f"PXL_{r.randrange(10**9)}.jpg",
                ]
            ),
            None,
        ),
        "m.video": (r.pick(["video.mp4", f"VID_{r.randrange(10**8)}.mp4"]), "video/mp4"),
        "m.audio": (r.pick(["song.mp3", "recording.m4a"]), r.pick(["audio/mpeg", "audio/mp4"])),
        "voice": ("Voice message.ogg", "audio/ogg"),
        "m.file": (r.pick(["report.pdf", "track.gpx", "notes.txt", "list.xlsx", "manual.zip", "chart.kap"]), None),
    }[kind]
    ending = name.rsplit(".", 1)[-1]
    mime = mime or {
        "jpg": "image/jpeg",
        "png": "image/png",
        "webp": "image/webp",
        "pdf": "application/pdf",
        "gpx": "application/gpx+xml",
        "txt": "text/plain",
        "zip": "application/zip",
    }.get(ending, "application/octet-stream")
    info = {"mimetype": mime, "size": size}
    if kind in ("m.image", "m.video"):
        info.update({"w": w, "h": h})
        if r.chance(0.7):
            info["xyz.amorgan.blurhash"] = r.text(
                "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~", 28
            )
        if r.chance(0.6):
            info["thumbnail_info"] = {"w": 800, "h": 600, "mimetype": "image/jpeg", "size": r.randrange(9000, 90000)}
            info["thumbnail_url"] = f"mxc://{server}/{r.letters(24)}"
    if kind in ("m.video", "m.audio", "voice"):
        info["duration"] = r.randrange(900, 180000)
    content = {"msgtype": "m.audio" if kind == "voice" else kind, "body": name}
    if r.chance(0.2):
        content["filename"], content["body"] = name, room.text()
    content["info"] = info
    if encrypted:
        content["file"] = {
            "url": uri,
            "key": {"alg": "A256CTR", "ext": True, "k": r.b64(32, url=True), "key_ops": ["encrypt", "decrypt"], "kty": "oct"},
            "iv": r.b64(8) + "AAAAAAAAAAA",
            "hashes": {"sha256": r.b64(32)},
            "v": "v2",
        }
        info.pop("thumbnail_url", None)
    else:
        content["url"] = uri
    if kind == "voice":
        content[UNSTABLE_TEXT] = "Voice message"
        content["org.matrix.msc1767.audio"] = {
            "duration": info["duration"],
            "waveform": [r.randrange(1024) for _ in range(r.randrange(20, 40))],
        }
        content["org.matrix.msc3245.voice"] = {}
    if r.chance(0.5):
        content["m.mentions"] = {}
    return content, mime, size


def location(r):
    lat, lon = r.uniform(-60, 70), r.uniform(-180, 180)
    digits = r.pick([4, 5, 6])
    uri = f"geo:{lat:.{digits}f},{lon:.{digits}f}" + (f";u={r.randrange(3, 60)}" if r.chance(0.6) else "")
    return {
        "msgtype": "m.location",
        "body": f"Location was shared at {uri}",
        "geo_uri": uri,
        "org.matrix.msc3488.location": {"uri": uri, "description": None} if r.chance(0.3) else {"uri": uri},
        "org.matrix.msc3488.asset": {"type": r.pick(["m.self", "m.pin"])},
        "org.matrix.msc3488.ts": 1700000000000 + r.randrange(10**11),
        UNSTABLE_TEXT: f"Location was shared at {uri}",
    }


def poll(r, room, stable=False):
    """Type and content of a poll's start."""
    question = room.text().split("\n")[0]
    answers = [room.text().split("\n")[0] for _ in range(r.randrange(2, 5))]
    ids = [r.alnum(16) if r.chance(0.5) else r.uuid() for _ in answers]
    fallback = question + "".join(f"\n{i + 1}. {a}" for i, a in enumerate(answers))
    kind = r.pick(["disclosed", "undisclosed"])
    if stable:
        start = {
            "kind": f"m.{kind}",
            "max_selections": 1,
            "question": {"m.text": [{"body": question}]},
            "answers": [{"m.id": i, "m.text": [{"body": a}]} for i, a in zip(ids, answers)],
        }
        return "m.poll.start", {"m.text": [{"body": fallback}], "m.poll": start}, ids
    start = {
        "kind": f"org.matrix.msc3381.poll.{kind}",
        "max_selections": 1,
        "question": {"body": question, "msgtype": "m.text", UNSTABLE_TEXT: question},
        "answers": [{"id": i, UNSTABLE_TEXT: a} for i, a in zip(ids, answers)],
    }
    return "org.matrix.msc3381.poll.start", {UNSTABLE_TEXT: fallback, "org.matrix.msc3381.poll.start": start}, ids


def vote(event, answer, stable=False):
    relation = {"m.relates_to": {"rel_type": "m.reference", "event_id": event.id}}
    if stable:
        return "m.poll.response", {**relation, "m.selections": [answer]}
    return "org.matrix.msc3381.poll.response", {**relation, "org.matrix.msc3381.poll.response": {"answers": [answer]}}


def poll_end(event):
    return "org.matrix.msc3381.poll.end", {
        "m.relates_to": {"rel_type": "m.reference", "event_id": event.id},
        "org.matrix.msc3381.poll.end": {},
        UNSTABLE_TEXT: "Ended poll",
    }


def sticker(r, server):
    return {
        "body": r.pick(["Landing", "cat waves", "ok hand", "party fox", "zzz"]),
        "info": {
            "w": 256,
            "h": 256,
            "mimetype": "image/png",
            "size": r.randrange(5000, 90000),
            "thumbnail_url": f"mxc://{server}/{r.letters(24)}",
            "thumbnail_info": {"w": 256, "h": 256, "mimetype": "image/png", "size": r.randrange(5000, 90000)},
        },
        "url": f"mxc://{server}/{r.letters(24)}",
    }


def encrypted(r, room, device, sender_key=None, relation=None):
    """m.room.encrypted by Megolm. The ciphertext: version, index, length, blocks of 16 bytes, MAC, signature; its length follows the text."""
    room.index += 1
    size = 16 * r.randrange(11, 26)
    head = bytes([3, 8]) + (bytes([room.index]) if room.index < 128 else bytes([room.index & 127 | 128, room.index >> 7]))
    body = head + bytes([18, size & 127 | 128, size >> 7]) + r.data(size + 8 + 64)
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "ciphertext": base64.b64encode(body).decode().rstrip("="),
        "session_id": room.session,
    }
    if device:
        content["device_id"] = device
    if sender_key:
        content["sender_key"] = sender_key
    if relation:
        content["m.relates_to"] = relation
    return content


def olm(r, sender_key, their_key, first):
    """m.room.encrypted by Olm for one device."""
    return {
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": sender_key,
        "ciphertext": {
            their_key: {
                "type": 0 if first else 1,
                "body": r.pick(["Awog", "AwoQ"] if not first else ["A1g", "Awqg"]) + r.b64(r.randrange(30, 46) * 12),
            }
        },
    }


def call(r, kind, call_id, party):
    base = {"call_id": call_id, "party_id": party, "version": "1"}
    if kind == "m.call.candidates":
        base["candidates"] = [
            {
                "candidate": f"candidate:{r.randrange(10**9)} 1 udp {r.randrange(10**9)} 192.0.2.{r.randrange(255)} {r.randrange(1024, 65535)} "
                "typ host generation 0 ufrag " + r.alnum(4) + " network-id 1",
                "sdpMid": "0",
                "sdpMLineIndex": 0,
            }
            for _ in range(2)
        ]
    if kind == "m.call.hangup":
        base["reason"] = r.pick(["user_hangup", "ice_failed", "invite_timeout"])
    return base
