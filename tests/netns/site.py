"""The two daemons and a homeserver in the namespaces of net.py, and what they are asked."""

import os
import signal
import sys

from support.pair import Daemon, make_key
from support.proc import Child, wait_until

COAP, HTTP, UPSTREAM = 5683, 8888, 8008
HERE = os.path.dirname(os.path.abspath(__file__))


def target(address, key):
    return (f"[{address}]:{COAP}" if ":" in address else f"{address}:{COAP}") + f"#{key}"


class Site:
    """The two daemons and the homeserver, each in its namespace."""

    def __init__(self, net, folder):
        self.net, self.folder = net, str(folder)
        self.asked_file = os.path.join(self.folder, "asked")
        self.key = make_key(os.path.join(self.folder, "far-state"))
        self.upstream = self.near = self.far = None

    def __enter__(self):
        self.upstream = Child("upstream", ["ip", "netns", "exec", self.net.far, sys.executable,
                                           os.path.join(HERE, "upstream.py"), UPSTREAM, self.asked_file],
                              os.path.join(self.folder, "upstream.log"))
        wait_until(lambda: self.net.inside(self.net.far, "curl", "-s", f"http://127.0.0.1:{UPSTREAM}/ready", check=False), 30,
                   "the homeserver", self.upstream.check_alive)
        self.start_far()
        return self

    def __exit__(self, *exc):
        for child in (self.near, self.far, self.upstream):
            if child is not None:
                child.kill()

    def daemon(self, half, host, options):
        return Daemon(half, self.folder, ["--state-dir", os.path.join(self.folder, f"{half}-state"), *options],
                      wrapper=f"ip netns exec {host}")

    def start_far(self, *options):
        self.far = self.daemon("far", self.net.far, ["--only-coap", "--http-target", f"http://127.0.0.1:{UPSTREAM}", *options])
        wait_until(lambda: self.far.events("listening"), 30, "the far daemon", self.far.check_alive)

    def start_near(self, target, *options):
        self.near = self.daemon("near", self.net.near, ["--only-http", "--http-port", HTTP, "--coap-target", target, *options])
        wait_until(lambda: any(e.get("part") == "http" for e in self.near.events("listening")), 30, "the near daemon",
                   self.near.check_alive)
        wait_until(lambda: self.near.events("peer"), 30, "the far address", self.near.check_alive)

    def ask(self, path, method="GET", timeout=60, body=None):
        """Status of one request of a client on near; 0 when there was no answer."""
        data = ["-d", body] if body is not None else []
        out = self.net.inside(self.net.near, "curl", "-s", "-m", timeout, "-X", method, *data, "-o", "/dev/null",
                              "-w", "%{http_code}", f"http://127.0.0.1:{HTTP}{path}", check=False, timeout=timeout + 10)
        return int(out or 0)

    def ask_text(self, path, timeout=60):
        """Status and body of one request."""
        out = self.net.inside(self.net.near, "curl", "-s", "-m", timeout, "-w", "\n%{http_code}",
                              f"http://127.0.0.1:{HTTP}{path}", check=False, timeout=timeout + 10)
        body, _, status = out.rpartition("\n")
        return int(status or 0), body

    def asked(self, path):
        """How often the homeserver was asked for that path."""
        try:
            with open(self.asked_file, encoding="ascii") as f:
                return sum(line.split()[1] == path for line in f)
        except FileNotFoundError:
            return 0

    def stats(self, daemon, part):
        """A daemon's counters of one part now, as numbers."""
        lines = 2 if part == "coap" else 1

        def rows():
            found = [e for e in daemon.events("stats") if e.get("part") == part]
            return found if len(found) % lines == 0 else []

        had = len(rows())
        os.kill(daemon.pid, signal.SIGUSR1)
        new = wait_until(lambda: rows()[had:], 10, "counters")
        return {k: int(v) for row in new for k, v in row.items() if v.isdigit()}
