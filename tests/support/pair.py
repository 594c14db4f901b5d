"""Two thimble daemons joined over loopback: far (CoAP in, HTTP out) and near (HTTP in, CoAP out)."""

import http.client
import os
import re
import shlex
import subprocess

from .proc import LOOPBACK, Child, ProcessError, free_port, repository, wait_until


def binary():
    """The program under test: $THIMBLE, else the one of build/. `THIMBLE=direct` takes the pair out of the tests, which
    shows whether a test holds without it."""
    path = os.environ.get("THIMBLE") or os.path.join(repository(), "build", "src", "daemon", "thimble")
    if path != "direct" and not os.access(path, os.X_OK):
        raise ProcessError(f"no program at {path}: build it, or name it in THIMBLE")
    return path


def direct():
    return os.environ.get("THIMBLE") == "direct"


_PAIR = re.compile(r'([A-Za-z0-9_]+)=("(?:[^"\\]|\\.)*"|\S*)')


def parse_log_line(line):
    """key=value pairs of one log line as a dict of strings; {} for other lines."""
    if "event=" not in line:
        return {}
    return {key: value.strip('"') for key, value in _PAIR.findall(line)}


def make_key(state):
    """Makes a daemon's state folder with a key in it, or finds one there; returns the public key."""
    os.makedirs(state, mode=0o700, exist_ok=True)
    path = os.path.join(state, "key")
    verb = "pubkey" if os.path.exists(path) else "keygen"
    return subprocess.run([binary(), verb, path], check=True, capture_output=True, text=True).stdout.strip()


class Daemon(Child):
    """One daemon. `options` come after the ones every daemon here gets; `config` is the text of a config file."""

    def __init__(self, name, folder, options, wrapper=None):
        prefix = shlex.split(wrapper if wrapper is not None else os.environ.get("THIMBLE_WRAPPER", ""))
        super().__init__(name, prefix + [binary(), *options], os.path.join(str(folder), f"{name}.log"))

    def events(self, name):
        """The log lines of that event, as dicts, in order."""
        return [e for e in map(parse_log_line, self.log().splitlines()) if e.get("event") == name]


class Pair:
    """start() returns when the CoAP port and the HTTP port are open. stop() ends both and demands exit status 0.

    Encrypted as by default, the near one knowing the far one's key; `plain` takes encryption away."""

    def __init__(self, folder, upstream_url, far_options=(), near_options=(), http_port=None, coap_port=None,
                 coap_target_port=None, plain=False):
        self.folder = str(folder)
        self.upstream_url = upstream_url
        self.http_port = http_port or free_port()
        self.coap_port = coap_port or free_port()
        self.coap_target_port = coap_target_port or self.coap_port
        self.far_options = list(far_options)
        self.near_options = list(near_options)
        self.near = self.far = None
        self.plain = plain
        self.key = "" if plain else "#" + make_key(self.state("far"))

    @property
    def url(self):
        return f"http://{LOOPBACK}:{self.http_port}"

    def state(self, half):
        """The state folder of one daemon."""
        return os.path.join(self.folder, f"{half}-state")

    def profile(self, half):
        return ["--disable-encryption"] if self.plain else ["--state-dir", self.state(half)]

    def start_far(self):
        self.far = Daemon("far", self.folder, [
            "--only-coap", "--coap-bind-host", LOOPBACK, "--coap-port", self.coap_port,
            "--http-target", self.upstream_url, *self.profile("far"), *self.far_options])
        wait_until(lambda: _udp_bound(self.coap_port), 30, "the far daemon's CoAP port", self.far.check_alive)

    def start_near(self):
        self.near = Daemon("near", self.folder, [
            "--only-http", "--http-port", self.http_port,
            "--coap-target", f"{LOOPBACK}:{self.coap_target_port}{self.key}", *self.profile("near"), *self.near_options])
        wait_until(self._near_listens, 30, "the near daemon's HTTP port", self.near.check_alive)

    def _near_listens(self):
        conn = http.client.HTTPConnection(LOOPBACK, self.http_port, timeout=1)
        try:
            conn.connect()
            return True
        except OSError:
            return False
        finally:
            conn.close()

    def start(self):
        try:
            self.start_far()
            self.start_near()
        except BaseException:
            self.kill()
            raise
        return self

    def wait_ready(self, timeout=60):
        """Until the near daemon answers /_matrix/client/versions with 200: the whole way works."""
        wait_until(self._versions, timeout, "an answer to /_matrix/client/versions through the pair",
                   lambda: (self.near.check_alive(), self.far.check_alive()), every=0.1)
        return self

    def _versions(self):
        conn = http.client.HTTPConnection(LOOPBACK, self.http_port, timeout=10)
        try:
            conn.request("GET", "/_matrix/client/versions")
            return conn.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            conn.close()

    def stop(self, timeout=30):
        """SIGTERM to both; ProcessError unless each ends in time with exit status 0."""
        faults = []
        for daemon in (self.near, self.far):
            if daemon is None:
                continue
            try:
                status = daemon.stop(timeout)
                if status != 0:
                    faults.append(f"{daemon.name} ended with exit status {status}:\n{daemon.log_tail()}")
            except ProcessError as e:
                faults.append(str(e))
        self.near = self.far = None
        if faults:
            raise ProcessError("\n".join(faults))

    def kill(self):
        for daemon in (self.near, self.far):
            if daemon is not None:
                daemon.kill()
        self.near = self.far = None

    def exchanges(self, half="near"):
        return (self.near if half == "near" else self.far).events("exchange")

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        else:
            self.kill()


class Direct:
    """Stands in for Pair when THIMBLE=direct: the client speaks to the upstream itself."""

    near = far = None

    def __init__(self, upstream_url):
        self.url = upstream_url
        self.http_port = int(upstream_url.rsplit(":", 1)[1])

    def wait_ready(self, timeout=60):
        return self

    def exchanges(self, half="near"):
        return []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


def open_pair(folder, upstream_url, **options):
    return Direct(upstream_url) if direct() else Pair(folder, upstream_url, **options)


def _udp_bound(port):
    """Whether some socket of this machine holds the UDP port (read, not tried, so that nothing is taken away)."""
    want = f":{port:04X}"
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        try:
            with open(table, encoding="ascii") as f:
                if any(line.split()[1].endswith(want) for line in f.readlines()[1:]):
                    return True
        except OSError:
            pass
    return False
