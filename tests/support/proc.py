"""Child processes with a log file, bounded waits and a clean end. Nothing here ends a process it did not start."""

import ctypes
import os
import signal
import socket
import subprocess
import time

LOOPBACK = "127.0.0.1"


class ProcessError(Exception):
    """A child that did not do what was asked; the text carries the end of its log."""


def free_port(kind=socket.SOCK_STREAM):
    """A port that was free a moment ago, on loopback, for TCP and UDP alike."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, kind) as one:
            one.bind((LOOPBACK, 0))
            port = one.getsockname()[1]
            other_kind = socket.SOCK_DGRAM if kind == socket.SOCK_STREAM else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET, other_kind) as other:
                try:
                    other.bind((LOOPBACK, port))
                except OSError:
                    continue
                return port
    raise ProcessError("no free port on loopback")


def port_in_use(port, kind=socket.SOCK_STREAM, host=LOOPBACK):
    with socket.socket(socket.AF_INET, kind) as sock:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return True
    return False


def wait_until(condition, timeout, what, alive=None, every=0.02):
    """Waits until condition() is true and returns its value; ProcessError after `timeout` seconds or when alive() fails."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if alive is not None:
            alive()
        if time.monotonic() > end:
            raise ProcessError(f"{what}: not within {timeout} s")
        time.sleep(every)


_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _end_with_parent():
    """Runs in the child: should this process be killed, the child is ended by the kernel."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A process in a session of its own (Ctrl-C does not reach it), standard output and error in one log file.

    Start it from the main thread: it is ended when the thread that started it is.
    """

    def __init__(self, name, argv, log_path, env=None, cwd=None):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.log_path = str(log_path)
        self._log = open(log_path, "ab")
        self.log_start = self._log.tell()
        self._proc = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
            env=env, cwd=cwd, start_new_session=True, preexec_fn=_end_with_parent)
        self.pid = self._proc.pid

    @property
    def exit_status(self):
        return self._proc.poll()

    def check_alive(self):
        if self.exit_status is not None:
            raise ProcessError(f"{self.name} ended by itself, exit status {self.exit_status}:\n{self.log_tail()}")

    def log(self):
        with open(self.log_path, "rb") as f:
            f.seek(self.log_start)
            return f.read().decode("utf-8", "replace")

    def log_tail(self, lines=25):
        return "\n".join(self.log().splitlines()[-lines:])

    def wait(self, timeout):
        try:
            return self._proc.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{self.name} (pid {self.pid}) still runs after {timeout} s:\n{self.log_tail()}") from None

    def stop(self, timeout=15, sig=signal.SIGTERM):
        """Asks it to end and returns its exit status; after `timeout` seconds it is killed, and that is an error. Once it
        has ended, only tells the status again."""
        if self.exit_status is None:
            self._proc.send_signal(sig)
        try:
            return self.wait(timeout)
        except ProcessError:
            self.kill()
            raise
        finally:
            self._log.close()

    def kill(self):
        if self.exit_status is None:
            self._proc.kill()
        self._proc.wait(10)
        self._log.close()

    def rss_bytes(self):
        """Resident memory now."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise ProcessError(f"{self.name} has no VmRSS line: did it end?")

    def peak_rss_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise ProcessError(f"{self.name} has no VmHWM line: did it end?")


def repository():
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build_folder():
    """Where the programs under test were built: $TH_BUILD, else build/."""
    return os.environ.get("TH_BUILD") or os.path.join(repository(), "build")
