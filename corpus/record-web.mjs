// Clients of matrix-js-sdk with Rust crypto for record-talk --clients: encrypted room, threads, polls, edits, reactions, media, space.
// usage: node corpus/record-web.mjs URL USERS SEED, with `npm install matrix-js-sdk fake-indexeddb` done in a folder that NODE_PATH names.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const modules = process.env.NODE_PATH;
const require = createRequire(path.join(modules, "x.js"));
require("fake-indexeddb/auto");
const sdk = await import(pathToFileURL(path.join(modules, "matrix-js-sdk/lib/index.js")));
const { logger } = await import(pathToFileURL(path.join(modules, "matrix-js-sdk/lib/logger.js")));
logger.setLevel?.("silent");
for (const f of ["log", "debug", "info", "warn", "trace", "error"]) console[f] = () => {};

const [url, users, seed] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const names = ["ludmila", "okoro", "sanna_m", "teodor"];
const languages = ["en", "sv", "pl", "uk", "it", "en"];
const lines = languages.map((l) => fs.readFileSync(path.join(here, "chat", l + ".txt"), "utf8").trim().split("\n"));

let state = [...seed].reduce((a, c) => (a * 31 + c.charCodeAt(0)) >>> 0, 7); // mulberry32
function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const pick = (a) => a[Math.floor(random() * a.length)];
const text = () => pick(pick(lines));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function begin(name) {
    const password = "Web-" + name + Math.floor(random() * 1e9);
    const registering = sdk.createClient({ baseUrl: url });
    const answer = await registering.registerRequest({ username: name, password, auth: { type: "m.login.dummy" }, initial_device_display_name: "Element Web (recorded)" });
    const client = sdk.createClient({ baseUrl: url, userId: answer.user_id, accessToken: answer.access_token, deviceId: answer.device_id });
    await client.initRustCrypto({ useIndexedDB: false });
    client.getCrypto().globalBlacklistUnverifiedDevices = false;
    await client.startClient({ initialSyncLimit: 20, lazyLoadMembers: true, threadSupport: true });
    await new Promise((done) => client.on("sync", (s) => s === "PREPARED" && done()));
    return { client, password };
}

const people = [];
for (const name of names.slice(0, Number(users))) people.push(await begin(name));
const [first] = people;
await first.client.getCrypto().bootstrapCrossSigning({
    authUploadDeviceSigningKeys: (make) => make({ type: "m.login.password", identifier: { type: "m.id.user", user: first.client.getUserId() }, password: first.password }),
});
await first.client.getCapabilities();

async function room(options) {
    const { room_id } = await first.client.createRoom(options);
    for (const p of people.slice(1)) {
        await first.client.invite(room_id, p.client.getUserId());
        await p.client.joinRoom(room_id);
    }
    return room_id;
}
const encryption = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };
const rooms = [await room({ name: "Harbour office", preset: "private_chat", room_version: "11" }),
    await room({ name: "Crew", preset: "trusted_private_chat", initial_state: [encryption] })];
await sleep(800);

const said = [[], []];
for (let i = 0; i < 46; i++) {
    const p = pick(people).client, at = Math.floor(random() * rooms.length), where = rooms[at];
    const last = said[at].at(-1);
    const what = pick(["say", "say", "say", "say", "thread", "edit", "react", "read", "poll", "media", "redact", "reply", "history", "profile"]);
    try {
        if (random() < 0.4) await p.sendTyping(where, true, 20000);
        if (what === "thread" && last) said[at].push((await p.sendMessage(where, pick(said[at].slice(-6)), { msgtype: "m.text", body: text() })).event_id);
        else if (what === "edit" && last) {
            const body = text();
            await p.sendMessage(where, { "msgtype": "m.text", "body": "* " + body, "m.new_content": { msgtype: "m.text", body }, "m.relates_to": { rel_type: "m.replace", event_id: last } });
        } else if (what === "reply" && last) said[at].push((await p.sendMessage(where, { "msgtype": "m.text", "body": text(), "m.mentions": {}, "m.relates_to": { "m.in_reply_to": { event_id: last } } })).event_id);
        else if (what === "react" && last) await p.sendEvent(where, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: last, key: pick(["👍", "🎉", "❤️", "👀"]) } });
        else if (what === "read" && last) {
            const event = p.getRoom(where)?.getLastLiveEvent();
            if (event) await p.sendReadReceipt(event);
            await p.setRoomReadMarkers(where, last);
        } else if (what === "poll") {
            const start = await p.sendEvent(where, "org.matrix.msc3381.poll.start", { "org.matrix.msc1767.text": text(), "org.matrix.msc3381.poll.start": { kind: "org.matrix.msc3381.poll.disclosed", max_selections: 1,
                question: { "body": text(), "msgtype": "m.text", "org.matrix.msc1767.text": text() }, answers: [0, 1, 2].map((id) => ({ "id": String(id), "org.matrix.msc1767.text": text() })) } });
            for (const q of people) await q.client.sendEvent(where, "org.matrix.msc3381.poll.response", { "m.relates_to": { rel_type: "m.reference", event_id: start.event_id }, "org.matrix.msc3381.poll.response": { answers: ["1"] } });
        } else if (what === "media") {
            const { content_uri } = await p.uploadContent(new Blob([text() + "\n" + text()], { type: "text/plain" }), { name: "list.txt", type: "text/plain" });
            await p.sendMessage(where, { msgtype: "m.file", body: "list.txt", info: { mimetype: "text/plain", size: 40 }, url: content_uri });
            await fetch(p.mxcUrlToHttp(content_uri, undefined, undefined, undefined, false, true, true), { headers: { Authorization: "Bearer " + p.getAccessToken() } }).then((r) => r.text());
        } else if (what === "redact" && last) await p.redactEvent(where, last);
        else if (what === "history") await p.createMessagesRequest(where, null, 8, "b");
        else if (what === "profile") await p.getProfileInfo(pick(people).client.getUserId());
        else said[at].push((await p.sendTextMessage(where, text())).event_id);
        if (random() < 0.3) await p.sendTyping(where, false, 0);
    } catch (e) {
        process.stderr.write(`record-web: ${what}: ${e.message}\n`); // a redaction of another's message, say: the refusal is recorded too
    }
    await sleep(40 + random() * 400);
}
const space = (await first.client.createRoom({ name: "Lagoon", creation_content: { type: "m.space" }, preset: "private_chat" })).room_id;
for (const r of rooms) await first.client.sendStateEvent(space, "m.space.child", { via: [first.client.getDomain()] }, r);
await first.client.getRoomHierarchy(space, 20);
for (const p of people) {
    p.client.stopClient();
    await p.client.logout(true).catch(() => {});
}
process.exit(0);
