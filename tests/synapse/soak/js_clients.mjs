// Clients of matrix-js-sdk with Rust crypto for scripts/soak: alice, and two devices of bob, one through the pair and one direct.
// See soak.py. usage: node js_clients.mjs HOMESERVER_URL PAIR_URL SECONDS SEED FOLDER

import fs from "node:fs";
import path from "node:path";
import * as sdk from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

const [direct, pair, seconds, seed, folder] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";
const SETTLE_MS = 300000;
const ENCRYPTION = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 12 } };
const LOGIN = { user: "m.login.password", dummy: "m.login.dummy" };

logger.setLevel("silent");
for (const f of ["log", "debug", "info", "warn", "trace", "error"]) console[f] = () => {};
const say = (event, more) => process.stdout.write(JSON.stringify({ event, ...more }) + "\n");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
process.on("unhandledRejection", () => {}); // of the SDK's own background work; what matters is the state in the end

let state = Number(seed) >>> 0; // mulberry32
function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const pick = (a) => a[Math.floor(random() * a.length)];

async function until(true_, what, fails = true) {
    for (const end = Date.now() + SETTLE_MS; Date.now() < end; await sleep(100)) if (await true_()) return;
    if (fails) throw new Error("waited in vain for " + what);
}

// What a request of ours says again when a daemon or the homeserver is away.
async function patiently(what) {
    for (let i = 0; ; i++) {
        try {
            return await what();
        } catch (e) {
            if (i > 100 || (e.httpStatus && e.httpStatus < 500)) throw e;
            await sleep(500);
        }
    }
}

class Device {
    constructor(name, url, user) {
        Object.assign(this, { name, url, user, numbers: [], polls: 0 });
    }

    async begin(register) {
        const asking = sdk.createClient({ baseUrl: this.url });
        const device = { device_id: this.name.toUpperCase(), initial_device_display_name: this.name };
        const answer = await patiently(() => register
            ? asking.registerRequest({ username: this.user, password: PASSWORD, auth: { type: LOGIN.dummy }, ...device })
            : asking.loginRequest({ type: LOGIN.user, identifier: { type: "m.id.user", user: this.user }, password: PASSWORD, ...device }));
        this.client = sdk.createClient({
            baseUrl: this.url, userId: answer.user_id, accessToken: answer.access_token, deviceId: answer.device_id,
            timelineSupport: true,
        });
        await this.client.initRustCrypto({ useIndexedDB: false });
        this.client.getCrypto().globalBlacklistUnverifiedDevices = false;
        this.client.on("sync", () => this.polls++);
        this.client.on("toDeviceEvent", (e) => e.getType() === "com.example.n" && this.numbers.push(e.getContent().n));
        const prepared = new Promise((done) => this.client.on("sync", (s) => s === "PREPARED" && done()));
        // detached: what we send stands in the timeline where the homeserver says
        await this.client.startClient({ initialSyncLimit: 200, pendingEventOrdering: "detached", pollTimeout: 30000 });
        await prepared;
    }

    events(room) {
        return this.client.getRoom(room)?.getLiveTimeline().getEvents() ?? [];
    }

    seen(room, id) {
        return this.events(room).some((e) => e.getId() === id);
    }

    async final() {
        const rooms = {};
        for (const room of this.client.getRooms()) {
            const live = room.getLiveTimeline(), timeline = [], members = {}, standing = {}, receipts = {}, data = {};
            for (const e of live.getEvents()) {
                if (e.isEncrypted() && !e.getClearContent() && !e.isRedacted()) await this.client.decryptEventIfNeeded(e);
                const failed = e.isDecryptionFailure();
                timeline.push([e.getId(), e.getSender(), failed ? "undecrypted" : e.getType(), failed ? String(e.decryptionFailureReason) : e.getContent(), e.isRedacted(), e.replacingEventId() ?? null]);
            }
            for (const m of live.getState("f").getMembers()) members[m.userId] = [m.membership, m.name, m.powerLevel];
            for (const [type, byKey] of live.getState("f").events) for (const [key, e] of byKey) standing[`${type}|${key}`] = e.getId();
            for (const user of Object.keys(members)) receipts[user] = room.getEventReadUpTo(user, true);
            for (const [type, e] of room.accountData) data[type] = e.getContent();
            rooms[room.roomId] = {
                membership: room.getMyMembership(), name: room.name, encrypted: room.hasEncryptionStateEvent(), timeline, members, state: standing, receipts, account_data: data,
                unread: [room.getUnreadNotificationCount("total"), room.getUnreadNotificationCount("highlight")],
            };
        }
        const account = {};
        for (const [type, e] of this.client.store.accountData) account[type] = e.getContent();
        const devices = {};
        for (const [user, known] of await this.client.getCrypto().getUserDeviceInfo(["@alice:localhost", "@bob:localhost"]))
            devices[user] = Object.fromEntries([...known].map(([id, d]) => [id, d.getFingerprint()]));
        return { rooms, account_data: account, to_device: this.numbers, devices };
    }
}

const alice = new Device("alice", direct, "alice"), bob = new Device("bobpair", pair, "bob"), other = new Device("bobdirect", direct, "bob");
const rooms = [], sent = {}, counts = {};
let numbers = 0, extra = null;

async function room(encrypted) {
    const { room_id } = await patiently(() => alice.client.createRoom({
        name: "room " + rooms.length, preset: "private_chat", invite: [bob.client.getUserId()], initial_state: encrypted ? [ENCRYPTION] : [],
    }));
    await patiently(() => bob.client.joinRoom(room_id));
    for (const d of [alice, bob])
        await until(() => d.client.getRoom(room_id)?.getJoinedMemberCount() === 2 && (d.client.getRoom(room_id).hasEncryptionStateEvent() || !encrypted), d.name + " in " + room_id);
    rooms.push(room_id);
    return room_id;
}

// An event that could not be sent stays and blocks those behind it; said again under its transaction ID it is the same event.
let transactions = 0;
async function send(who, where, type, content) {
    const transaction = `soak${transactions++}`;
    return (await patiently(() => {
        for (const e of who.client.getRoom(where)?.getPendingEvents() ?? []) if (e.status === "not_sent") who.client.cancelPendingEvent(e);
        return who.client.sendEvent(where, null, type, content, transaction);
    })).event_id;
}

async function anotherDevice() {
    if (extra) {
        const gone = extra;
        extra = null;
        gone.client.stopClient();
        await patiently(() => gone.client.logout(true));
        return;
    }
    extra = new Device("extra" + counts.device, direct, "alice");
    await extra.begin(false);
    await until(() => extra.client.getRoom(rooms[0]), "the further device's rooms");
    (sent[rooms[0]] ??= []).push(await send(extra, rooms[0], "m.room.message", { msgtype: "m.text", body: "from a further device" }));
}

const WHAT = [...Array(8).fill("say"), "react", "edit", "redact", "read", "read", "typing", "data", "room data", "topic", "name", "device", "number", "number", "room", "part"];

async function act() {
    const who = pick([alice, bob]), where = pick(rooms), said = (sent[where] ??= []);
    let what = pick(WHAT);
    if (["react", "edit", "redact", "read"].includes(what) && !said.length) what = "say";
    counts[what] = (counts[what] ?? 0) + 1;
    const n = Object.values(counts).reduce((a, b) => a + b), last = said.at(-1), { client } = who;
    if (what === "say") {
        const body = n + ": " + Array.from({ length: pick([1, 4, 12, 60]) }, () => pick(["lorem", "ipsum", "dolor", "zwölf", "Ω", "日本"])).join(" ");
        said.push(await send(who, where, "m.room.message", { msgtype: "m.text", body }));
    } else if (what === "react") await send(who, where, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: pick(said.slice(-4)), key: "👍" + n } });
    else if (what === "edit") await send(who, where, "m.room.message", { "msgtype": "m.text", "body": "* " + n, "m.new_content": { msgtype: "m.text", body: "" + n }, "m.relates_to": { rel_type: "m.replace", event_id: last } });
    // only alice may redact what others said
    else if (what === "redact") await send(alice, where, "m.room.redaction", { redacts: pick(said) });
    else if (what === "read") {
        const event = who.events(where).at(-1);
        if (event) await patiently(() => client.setRoomReadMarkers(where, event.getId(), event));
    } else if (what === "typing") await patiently(() => client.sendTyping(where, random() < 0.7, 10000));
    else if (what === "data") await patiently(() => client.setAccountDataRaw("com.example.soak", { n }));
    else if (what === "room data") await patiently(() => client.setRoomAccountData(where, "com.example.soak", { n }));
    else if (what === "topic") await patiently(() => alice.client.setRoomTopic(where, "about " + n));
    else if (what === "name") await patiently(() => client.setDisplayName(who.user + " " + n));
    else if (what === "device") await anotherDevice();
    else if (what === "number") {
        numbers++;
        const to = new Map([["@bob:localhost", new Map([["BOBPAIR", { n: numbers }], ["BOBDIRECT", { n: numbers }]])]]);
        await patiently(() => alice.client.sendToDevice("com.example.n", to, "n" + numbers));
    } else if (what === "room" && rooms.length < 8) await room(random() < 0.6);
    else if (what === "part" && rooms.length > 4) {
        const gone = rooms.pop();
        await patiently(() => bob.client.leave(gone));
    }
}

async function talk() {
    await room(true);
    await room(false);
    const begun = Date.now(), whole = Number(seconds) * 1000, quiet = [0.4, 0.75].map((at) => begun + whole * at), pause = Math.min(120000, whole / 5);
    while (Date.now() < begun + whole) {
        if (quiet.length && Date.now() > quiet[0]) {
            quiet.shift();
            await sleep(5000);
            say("quiet", { begins: true });
            await sleep(pause);
            say("quiet", { begins: false });
        }
        await act();
        await sleep(pick([0, 200, 1000, 3000, 8000]));
    }
    for (const where of rooms)
        for (const who of [bob, alice]) {
            const last = await send(who, where, "m.room.message", { msgtype: "m.text", body: "the end" });
            for (const d of [bob, other, who]) await until(() => d.seen(where, last), d.name + " to hear the end in " + where);
            await patiently(() => who.client.setRoomReadMarkers(where, last, who.events(where).find((e) => e.getId() === last)));
        }
    await until(() => bob.numbers.length >= numbers && other.numbers.length >= numbers, "the messages to the devices", false);
    await sleep(10000);
}

try {
    await alice.begin(true);
    await bob.begin(true);
    await other.begin(false);
    say("devices", { pair: bob.client.getDeviceId(), direct: other.client.getDeviceId() });
    await talk();
    for (const [device, name] of [[bob, "pair"], [other, "direct"]])
        fs.writeFileSync(path.join(folder, `state-${name}.json`), JSON.stringify(await device.final()));
    say("done", { actions: counts, polls: { pair: bob.polls, direct: other.polls }, numbers });
} catch (e) {
    process.stdout.write(`failed: ${e.stack}\n`);
    process.exit(1);
}
process.exit(0);
