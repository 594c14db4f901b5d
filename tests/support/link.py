"""thimble-link between a client and a target on loopback."""

import json
import os
import re
import socket

from .proc import LOOPBACK, Child, ProcessError, repository, wait_until

_LISTENING = re.compile(r"event=listening addr=\S*:(\d+)")


def binary():
    """The program: $THIMBLE_LINK, else the one beside $THIMBLE, else that of build/."""
    path = os.environ.get("THIMBLE_LINK")
    if not path and os.environ.get("THIMBLE"):
        path = os.path.join(os.path.dirname(os.path.dirname(os.environ["THIMBLE"])), "relay", "thimble-link")
    path = path or os.path.join(repository(), "build", "src", "relay", "thimble-link")
    if not os.access(path, os.X_OK):
        raise ProcessError(f"no program at {path}: build it, or name it in THIMBLE_LINK")
    return path


class Link(Child):
    """start() returns when it listens; `port` is where then. `options` are those of thimble-link. With show lines (--show)
    they stand in the log among its own."""

    def __init__(self, folder, target_port, options=(), listen_port=0, name="link"):
        self.control = os.path.join(str(folder), f"{name}.sock")
        self.port = None
        super().__init__(name, [
            binary(), "--listen", f"{LOOPBACK}:{listen_port}", "--target", f"{LOOPBACK}:{target_port}",
            "--control", self.control, *options], os.path.join(str(folder), f"{name}.log"))

    def start(self):
        found = wait_until(lambda: _LISTENING.search(self.log()), 30, f"{self.name}'s port", self.check_alive)
        self.port = int(found.group(1))
        return self

    def tell(self, command):
        """One command; its answer, decoded when it is JSON. ProcessError when it was refused."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(10)
            sock.connect(self.control)
            sock.sendall(command.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                more = sock.recv(65536)
                if not more:
                    raise ProcessError(f"{self.name} hung up on: {command}")
                answer += more
        answer = answer.decode().rstrip("\n")
        if answer.startswith("error"):
            raise ProcessError(f"{self.name}, {command}: {answer}")
        return json.loads(answer) if answer.startswith("{") else answer

    def stats(self):
        return self.tell("stats")

    def wait_entered(self, count, direction="up", timeout=10):
        """Until so many datagrams have come in since the last reset."""
        wait_until(lambda: self.stats()[direction]["entered"]["datagrams"] >= count, timeout,
                   f"{count} datagrams {direction} at {self.name}", self.check_alive, every=0)
