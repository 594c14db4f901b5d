"""Real clients run their sync loops, encryption and its key exchange included, through the pair; in the end they must hold what a device
of the same account holds that speaks to the homeserver itself.

                         ┌─ near ══ thimble-link ══ far ─┐
    bob's device "pair" ─┘                               └─ Synapse
    bob's device "direct" ─────────────────────────────────┘
    alice, who comes and goes with further devices ────────┘

Alice and bob's device "pair" say, edit, redact, read and name things at random (seeded) in encrypted and plain rooms that come and go;
alice sends messages to each of bob's devices. Megolm sessions are exchanged every dozen messages. Compared in the end: rooms, timelines
(event ids in order, decrypted contents), state, members, receipts, unread counts, account data, messages to the devices, known devices.
As both are devices of one account, nothing needs to be normalised.

The clients are programs of their own: HOMESERVER_URL PAIR_URL SECONDS SEED FOLDER. They print a line of JSON for what happens and leave
state-pair.json and state-direct.json in the folder.
"""

import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import time

from support.homeserver import Homeserver
from support.link import Link
from support.pair import Pair
from support.proc import Child, ProcessError, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
NODE_MODULES = os.path.join(HERE, "node_modules")
NODE_MAJOR = 20
# A link on which bytes cost something, so that they are coded: a round trip of 100 ms, 256 kbit/s.
LINK = ["--latency", "50 ms", "--rate", "256 kbit/s"]


def node():
    """What runs matrix-js-sdk, or None with the reason."""
    program = shutil.which("node")
    if not program:
        return None, "Node.js is missing"
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < NODE_MAJOR:
        return None, f"matrix-js-sdk needs Node.js {NODE_MAJOR} or newer, this is {version}"
    if not os.path.isdir(os.path.join(NODE_MODULES, "matrix-js-sdk")):
        return None, "matrix-js-sdk is not installed: scripts/setup test"
    return program, None


def clients(name):
    if name == "nio":
        return [sys.executable, os.path.join(HERE, "nio_clients.py")]
    program, reason = node()
    if not program:
        raise ProcessError(reason)
    return [program, os.path.join(HERE, "js_clients.mjs")]


def traffic(link):
    stats = link.stats()
    return {d: (stats[d]["entered"]["datagrams"], stats[d]["entered"]["bytes"]) for d in ("up", "down")}


def spent(before, after):
    return {"datagrams": sum(after[d][0] - before[d][0] for d in before),
            "bytes_up": after["up"][1] - before["up"][1], "bytes_down": after["down"][1] - before["down"][1]}


def lines(state):
    return json.dumps(state, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def differences(folder):
    states = []
    for name in ("direct", "pair"):
        with open(os.path.join(folder, f"state-{name}.json"), encoding="utf-8") as f:
            states.append(json.load(f))
    return states[1], list(difflib.unified_diff(lines(states[0]), lines(states[1]), "direct", "pair", lineterm="", n=2))


class Disturber:
    """Kills a daemon or the homeserver at times drawn at random, and starts it again."""

    def __init__(self, rng, pair, server, every):
        self.rng, self.pair, self.server, self.every = rng, pair, server, every
        self.at = time.monotonic() + (self.pause() if every else 0)
        self.done = []

    def pause(self):
        return self.every * self.rng.uniform(0.5, 1.5)

    def turn(self):
        if not self.every or time.monotonic() < self.at:
            return
        what = self.rng.choice(["near", "far", "near", "far", "homeserver"])
        if what == "homeserver":
            self.server.stop()
            self.server.start()
        else:
            getattr(self.pair, what).kill()
            getattr(self.pair, f"start_{what}")()
        self.done.append(what)
        self.at = time.monotonic() + self.pause()


def routes(pair):
    """Exchanges and bytes on the link by route."""
    table = {}
    for e in pair.exchanges():
        row = table.setdefault(e["route"], {"exchanges": 0, "link": 0, "datagrams": 0})
        row["exchanges"] += 1
        row["link"] += int(e["link_up"]) + int(e["link_down"])
        row["datagrams"] += int(e["datagrams_up"]) + int(e["datagrams_down"])
    return table


def run(name, seconds, folder, seed=1, link_options=LINK, disturb_every=0, near_options=(), far_options=(), settle=900):
    """Plays; returns a report, whose "differences" are lines of a diff. The folder keeps all logs and states."""
    folder = str(folder)
    os.makedirs(folder, exist_ok=True)
    server = Homeserver(os.path.join(folder, "synapse"))
    port = free_port()
    server.start()
    link = Link(folder, port, link_options)
    pair = Pair(folder, server.url, coap_port=port, far_options=far_options, near_options=near_options,
                coap_target_port=link.start().port)
    child = None
    try:
        pair.start().wait_ready()
        begun, before = time.monotonic(), traffic(link)
        child = Child(f"{name} clients", [*clients(name), server.url, pair.url, str(seconds), str(seed), folder],
                      os.path.join(folder, "clients.log"))
        disturber = Disturber(random.Random(seed), pair, server, disturb_every)
        report, quiet, read = {"quiet": []}, None, 0
        while child.exit_status is None:
            time.sleep(0.1)
            link.check_alive()
            if time.monotonic() - begun < seconds:
                disturber.turn()
            text = child.log()
            for line in text[read:text.rfind("\n") + 1].splitlines():
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("event") == "quiet":
                    now = (time.monotonic(), traffic(link))
                    if not event["begins"]:
                        report["quiet"].append({"seconds": round(now[0] - quiet[0]), **spent(quiet[1], now[1])})
                    quiet = now
                elif event.get("event") == "done":
                    report["clients"] = event
            read = text.rfind("\n") + 1
            if time.monotonic() - begun > seconds + settle:
                raise ProcessError(f"the clients did not end:\n{child.log_tail()}")
        if child.exit_status != 0 or "clients" not in report:
            raise ProcessError(f"the clients ended with exit status {child.exit_status}:\n{child.log_tail(60)}")
        report |= {"seconds": round(time.monotonic() - begun), "link": spent(before, traffic(link)), "killed": disturber.done}
        report["state"], report["differences"] = differences(folder)
        report["routes"] = routes(pair)
        report["sync"] = [e for e in pair.exchanges() if e["route"] == "sync"]
        report["failed"] = [e for e in pair.exchanges() if e["status"] in ("502", "503", "504")]
        pair.stop()
        return report
    finally:
        if child and child.exit_status is None:
            child.kill()
        pair.kill()
        if link.exit_status is None:
            link.stop()
        server.stop()


def summary(report):
    """Some lines for people."""
    state = report["state"]
    rooms = state["rooms"].values()
    events = [e for r in rooms for e in r["timeline"]]
    out = [f"{report['seconds']} s, actions: {report['clients']['actions']}",
           f"rooms {len(state['rooms'])}, events {len(events)}, of them not decrypted {sum(e[2] == 'undecrypted' for e in events)}, "
           f"messages to the device {len(state['to_device'])}",
           f"polls: {report['clients']['polls']}; on the link: {report['link']}; sync exchanges {len(report['sync'])}, of them "
           f"without a datagram {sum(e['datagrams_up'] == e['datagrams_down'] == '0' for e in report['sync'])}",
           *(f"quiet: {q}" for q in report["quiet"])]
    if report["killed"]:
        out.append(f"killed {len(report['killed'])} times: {' '.join(report['killed'])}")
    if report["failed"]:
        out.append(f"answered with 502, 503 or 504: {len(report['failed'])}")
    for route, row in sorted(report["routes"].items(), key=lambda item: -item[1]["link"])[:12]:
        out.append(f"  {route:<28} {row['exchanges']:>6} exchanges {row['datagrams']:>7} datagrams {row['link']:>9} bytes")
    out.append(f"differences: {len(report['differences'])} lines")
    return out + report["differences"][:60]



