"""Starts and drives the peers: ours (peer_server, peer_client), libcoap's and aiocoap's, and the relay between them.

Every process is started by a `with` block and ended by its process id at the end of it.
"""

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import aiocoap
from aiocoap.numbers.constants import TransportTuning
from aiocoap.numbers.types import Type
from aiocoap.options import Options

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("TH_BUILD", ROOT / "build"))
PROGRAMS = BUILD / "tests" / "interop"
V6, V4 = "::1", "127.0.0.1"

# A lossy loopback: timeouts that suit its round trips, and enough repetitions that 20 % loss cannot end an exchange
# (0.36^9 = 1e-4 per message). Both ends are told, as RFC 7252 §4.8.1 asks.
OURS_TUNED = ["ack_ms=100", "rto_min_ms=50", "retransmit=8"]
AIO_ACK_TIMEOUT, AIO_RETRANSMIT = 0.1, 8


def tune_aiocoap():
    TransportTuning.ACK_TIMEOUT = AIO_ACK_TIMEOUT
    TransportTuning.MAX_RETRANSMIT = AIO_RETRANSMIT


@contextlib.contextmanager
def tuned():
    before = TransportTuning.ACK_TIMEOUT, TransportTuning.MAX_RETRANSMIT
    tune_aiocoap()
    try:
        yield
    finally:
        TransportTuning.ACK_TIMEOUT, TransportTuning.MAX_RETRANSMIT = before


def pattern(size, seed=0):
    """The body that peer.c's peer_pattern() makes too."""
    return bytes((i * 7 + (i >> 8) * 31 + (i >> 16) * 101 + seed) & 0xFF for i in range(size))


def tool(*names):
    """The first of these programs that is installed, else None."""
    return next((path for path in map(shutil.which, names) if path), None)


COAP_CLIENT = tool("coap-client-notls", "coap-client", "coap-client-openssl")
COAP_SERVER = tool("coap-server-notls", "coap-server", "coap-server-openssl")
TSHARK = tool("tshark")


def free_port(host=V6):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.bind((host, 0))
        return one.getsockname()[1]


def uri(port, path, host=V6):
    return f"coap://{f'[{host}]' if ':' in host else host}:{port}/{path.lstrip('/')}"


@dataclass
class Running:
    """A server or a relay; `said` is its output once it has ended."""

    port: int
    process: subprocess.Popen
    host: str = V6
    said: str = ""

    def uri(self, path):
        return uri(self.port, path, self.host)

    def numbers(self):
        """key=value figures that it printed at its end."""
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", self.said)}


@contextlib.contextmanager
def running(command, host=V6, port=None):
    """Runs a server until the end of the block. With no port given it prints its own first."""
    env = dict(os.environ, PYTHONPATH=str(HERE))
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        with open(log, "wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
        one = Running(port, process, host)
        try:
            if port is None:
                one.port = wait_for_port(process, log)
            else:
                wait_for_coap(host, port)
            yield one
            assert process.poll() is None, f"{command[0]} ended early with {process.returncode}: {log.read_text()}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            one.said = log.read_text(errors="replace")
        assert "AddressSanitizer" not in one.said and "runtime error" not in one.said, one.said


def wait_for_port(process, log):
    """What it printed as "port=N"."""
    for _ in range(500):
        match = re.match(r"port=(\d+)\n", log.read_text(errors="replace"))
        if match:
            return int(match[1])
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"no port from {process.args[0]}: {log.read_text()}")


def raw(host, port, payload, patience=1.0):
    """Sends one datagram and returns the first that comes back, or None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(patience)
        one.connect((host, port))
        try:
            one.send(payload)
            return one.recv(65535)
        except (TimeoutError, ConnectionError):
            return None


def wait_for_coap(host, port):
    """Until a CoAP ping is answered."""
    for _ in range(100):
        if raw(host, port, bytes.fromhex("40001234"), 0.1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on {host} port {port}")


def our_server(*params, host=V6, echo=False):
    command = [str(PROGRAMS / "peer_server"), "-A", host]
    for one in params:
        command += ["-P", one]
    return running(command + (["-E"] if echo else []), host)


def libcoap_server(*flags, host=V6):
    port = free_port(host)
    return running([COAP_SERVER, "-A", host, "-p", str(port), "-d", "10", *flags], host, port)


def aio_server(*flags, host=V6):
    return running([sys.executable, str(HERE / "aio_server.py"), "--host", host, *flags], host)


def relay(server, *flags):
    return running([sys.executable, str(HERE / "relay.py"), "--host", server.host, "--to", str(server.port), *flags],
                   server.host)


@dataclass
class Reply:
    code: str
    payload: bytes = b""
    options: dict = field(default_factory=dict)  # number -> list of bytes
    status: int = 0  # exit status of the program
    log: str = ""
    replies: list = field(default_factory=list)  # of an observation

    def uint(self, number):
        return int.from_bytes(self.options[number][0], "big")


def option_flag(number, value):
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    if isinstance(value, str):
        value = value.encode()
    return number, value


def run(command, seconds):
    return subprocess.run(command, capture_output=True, timeout=seconds, check=False)


class Ours:
    """peer_client."""

    name = "ours"

    def request(self, method, where, payload=None, options=(), non=False, szx=None, seconds=30, params=(), observe=0,
                parallel=1, differs=False):
        with tempfile.TemporaryDirectory() as folder:
            out, body = pathlib.Path(folder, "out"), pathlib.Path(folder, "in")
            command = [str(PROGRAMS / "peer_client"), "-m", method.lower(), "-o", str(out), "-w", str(seconds)]
            if payload is not None:
                body.write_bytes(payload)
                command += ["-f", str(body)]
            for one in params:
                command += ["-P", one]
            if szx is not None:
                command += ["-P", f"szx={szx}"]
            for number, value in options:
                value = option_flag(number, value)[1]
                command += ["-O", f"{number},0x{value.hex()}"]
            if non:
                command.append("-N")
            if observe:
                command += ["-s", str(observe)]
            if parallel > 1:
                command += ["-c", str(parallel), "-t"] + (["-d"] if differs else [])
            done = run(command + [where], seconds + 10)
            log = done.stderr.decode()
            assert "AddressSanitizer" not in log and "runtime error" not in log, log
            replies = [self.parse(line) for line in done.stdout.decode().splitlines()]
            last = replies[-1] if replies else Reply("")
            last.status, last.log, last.replies = done.returncode, log, replies
            if out.exists():
                last.payload = out.read_bytes()
            if parallel > 1:
                for i, one in enumerate(replies):
                    one.payload = pathlib.Path(f"{out}.{i}").read_bytes()
            return last

    @staticmethod
    def parse(line):
        words = dict(re.findall(r"(\S+)=(\S*)", line))
        options = {}
        for number, value in re.findall(r" (\d+)=([0-9a-f]*)", line):
            options.setdefault(int(number), []).append(bytes.fromhex(value))
        return Reply(words.get("code", ""), options=options)


class Libcoap:
    """coap-client. Codes and options are read from its log (they are printed nowhere else)."""

    name = "libcoap"

    def request(self, method, where, payload=None, options=(), non=False, szx=None, seconds=30, observe_s=0):
        with tempfile.TemporaryDirectory() as folder:
            out, body = pathlib.Path(folder, "out"), pathlib.Path(folder, "in")
            command = [COAP_CLIENT, "-m", method.lower(), "-o", str(out), "-B", str(seconds), "-v", "7"]
            if payload is not None:
                body.write_bytes(payload)
                command += ["-f", str(body)]
            if szx is not None:
                command += ["-b", str(16 << szx)]
            for number, value in options:
                value = option_flag(number, value)[1]
                command += ["-O", f"{number},0x{value.hex()}"]
            if non:
                command.append("-N")
            if observe_s:
                command += ["-s", str(observe_s), "-w"]
            done = run(command + [where], seconds + observe_s + 10)
            log = (done.stderr + done.stdout).decode(errors="replace")
            codes = re.findall(r"process incoming (\d\.\d\d) response", log)
            payload = out.read_bytes() if out.exists() else b""
            return Reply(codes[-1] if codes else "", payload, status=done.returncode, log=log)


class Aiocoap:
    """aiocoap's client, in this process."""

    name = "aiocoap"

    def request(self, method, where, payload=None, options=(), non=False, szx=None, seconds=30):
        return asyncio.run(asyncio.wait_for(self._request(method, where, payload, options, non, szx), seconds))

    @staticmethod
    def message(method, where, payload=None, options=(), non=False):
        message = aiocoap.Message(code=getattr(aiocoap, method.upper()), uri=where, payload=payload or b"",
                                  transport_tuning=aiocoap.Unreliable() if non else TransportTuning())
        add_options(message.opt, options)
        return message

    async def _request(self, method, where, payload, options, non, szx):
        context = await aiocoap.Context.create_client_context()
        try:
            message = self.message(method, where, payload, options, non)
            if szx is not None:
                remote = await self.resolve(context, message)
                remote.maximum_block_size_exp = szx
                if method.upper() == "GET":
                    message.opt.block2 = (0, False, szx)
            return self.reply(await context.request(message).response)
        finally:
            await context.shutdown()

    @staticmethod
    async def resolve(context, message):
        for interface in context.request_interfaces:
            if await interface.fill_or_recognize_remote(message):
                return message.remote
        raise RuntimeError("no transport")

    @staticmethod
    def reply(message):
        options = {}
        for one in message.opt.option_list():
            options.setdefault(int(one.number), []).append(one.encode())
        return Reply(f"{int(message.code) >> 5}.{int(message.code) & 31:02}", message.payload, options)


def add_options(opt, options):
    for number, value in options:
        number, value = option_flag(number, value)
        one = aiocoap.numbers.OptionNumber(number).create_option(decode=value)
        opt.add_option(one)


def message_bytes(mtype, code, mid, token=b"", options=(), payload=b""):
    """A CoAP message by aiocoap's encoder, for what a client would not send."""
    message = aiocoap.Message(code=code, _mtype=Type(mtype), _mid=mid, _token=token, payload=payload)
    add_options(message.opt, options)
    return message.encode()


def decode(datagram):
    return aiocoap.Message.decode(datagram)


assert Options  # aiocoap's option classes are registered by importing them
