"""HTTP/1.1 as bytes, both roles, with nothing normalised: what one side wrote is what the other side's test sees.

No library stands in between on purpose: libraries fold case, sort, join, decode and re-encode.
"""

import os
import select
import socket
import threading
import time

from .proc import LOOPBACK


class WireError(Exception):
    pass


class Head:
    """A start line and fields, all bytes. `fields` keeps order, case and repetition."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.split(b"\r\n")
        self.start = lines[0]
        self.fields = []
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(b":")
                self.fields.append((name, value.strip(b" \t")))

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def names(self):
        return {n.lower() for n, _ in self.fields}


class Request(Head):
    def __init__(self, raw, conn_id):
        super().__init__(raw)
        parts = self.start.split(b" ")
        if len(parts) != 3:
            raise WireError(f"odd request line {self.start!r}")
        self.method, self.target, self.version = parts
        self.conn_id = conn_id
        self.body = b""
        self.body_len = 0
        self.time = time.monotonic()


class Response(Head):
    def __init__(self, raw):
        super().__init__(raw)
        self.version, status, self.reason = (self.start + b"  ").split(b" ", 2)
        self.reason = self.reason.strip()
        self.status = int(status)
        self.body = b""
        self.body_len = 0
        self.interim = []


class Stream:
    """A socket with a read buffer; every read is bounded by `timeout` seconds without a byte."""

    def __init__(self, sock, timeout):
        self.sock = sock
        self.buf = b""
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _fill(self):
        data = self.sock.recv(256 * 1024)
        if not data:
            return False
        self.buf += data
        return True

    def head(self):
        """Bytes of a head without the empty line; None when the peer closed before the first byte."""
        while b"\r\n\r\n" not in self.buf:
            if not self._fill():
                if not self.buf:
                    return None
                raise WireError(f"closed within a head: {self.buf[:200]!r}")
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        return head

    def exactly(self, n, sink):
        while n > 0:
            if not self.buf and not self._fill():
                raise WireError(f"closed with {n} bytes of a body missing")
            piece, self.buf = self.buf[:n], self.buf[n:]
            n -= len(piece)
            sink(piece)

    def line(self):
        while b"\r\n" not in self.buf:
            if not self._fill():
                raise WireError("closed within a line")
        line, self.buf = self.buf.split(b"\r\n", 1)
        return line

    def chunked(self, sink):
        while True:
            size = int(self.line().split(b";")[0], 16)
            if size == 0:
                while self.line():
                    pass
                return
            self.exactly(size, sink)
            if self.line():
                raise WireError("no end of line after a chunk")

    def rest(self, sink):
        while True:
            if self.buf:
                sink(self.buf)
                self.buf = b""
            if not self._fill():
                return

    def read_body(self, head, sink, no_body=False, to_end=False):
        if no_body:
            return
        if b"chunked" in (head.get(b"transfer-encoding") or b"").lower():
            self.chunked(sink)
        elif head.get(b"content-length") is not None:
            self.exactly(int(head.get(b"content-length")), sink)
        elif to_end:
            self.rest(sink)


class _Keep:
    """Collects a body, or only counts and checks it when it is large."""

    def __init__(self, head, keep=True):
        self.head = head
        self.keep = keep
        self.parts = []

    def __call__(self, piece):
        self.head.body_len += len(piece)
        if self.keep is True:
            self.parts.append(piece)
        elif callable(self.keep):
            self.keep(piece)

    def done(self):
        if self.keep is True:
            self.head.body = b"".join(self.parts)
        return self.head


class Client:
    """One connection to an HTTP server."""

    def __init__(self, port, timeout=60, host=LOOPBACK):
        self.port = port
        sock = socket.create_connection((host, port), timeout=timeout)
        self.stream = Stream(sock, timeout)

    def send(self, *pieces):
        for piece in pieces:
            self.stream.sock.sendall(piece)

    def request(self, method, target, fields=(), body=None, **how):
        """Writes one request (Host and Content-Length added unless given) and reads its response."""
        self.send(compose(method, target, fields, body))
        return self.response(method, **how)

    def response(self, method=b"GET", keep=True):
        """The next final response; interim ones are in .interim."""
        interim = []
        while True:
            raw = self.stream.head()
            if raw is None:
                raise WireError("the server closed without a response")
            head = Response(raw)
            if 100 <= head.status < 200:
                interim.append(head)
                continue
            head.interim = interim
            sink = _Keep(head, keep)
            no_body = method == b"HEAD" or head.status in (204, 304)
            self.stream.read_body(head, sink, no_body=no_body, to_end=True)
            return sink.done()

    def closed_by_peer(self, timeout):
        """Whether the server closes the connection within that time, without sending more."""
        if self.stream.buf:
            return False
        ready, _, _ = select.select([self.stream.sock], [], [], timeout)
        if not ready:
            return False
        try:
            return self.stream.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.stream.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def compose(method, target, fields=(), body=None, version=b"HTTP/1.1"):
    fields = list(fields)
    names = {n.lower() for n, _ in fields}
    if b"host" not in names:
        fields.insert(0, (b"Host", b"hs.example"))
    if body is not None and not names & {b"content-length", b"transfer-encoding"}:
        fields.append((b"Content-Length", str(len(body)).encode()))
    head = method + b" " + target + b" " + version + b"\r\n"
    return head + b"".join(n + b": " + v + b"\r\n" for n, v in fields) + b"\r\n" + (body or b"")


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class ServerConn:
    """What an answer function gets to write with."""

    def __init__(self, stream, conn_id, stopping):
        self.stream = stream
        self.id = conn_id
        self._stopping = stopping

    def send(self, *pieces):
        for piece in pieces:
            self.stream.sock.sendall(piece)

    def respond(self, status, fields=(), body=b"", reason=b"Whatever"):
        """A response with Content-Length (none with 204 and 304)."""
        head = b"HTTP/1.1 %d %s\r\n" % (status, reason)
        fields = list(fields)
        if status not in (204, 304) and not any(n.lower() == b"content-length" for n, _ in fields):
            fields.append((b"Content-Length", str(len(body)).encode()))
        self.send(head + b"".join(n + b": " + v + b"\r\n" for n, v in fields) + b"\r\n" + body)

    def sleep_or_gone(self, seconds):
        """Waits; True as soon as the peer closes (or the server stops), False when the time is over."""
        end = time.monotonic() + seconds
        while not self._stopping.is_set():
            left = end - time.monotonic()
            if left <= 0:
                return False
            ready, _, _ = select.select([self.stream.sock], [], [], min(left, 0.2))
            if ready:
                try:
                    data = self.stream.sock.recv(4096, socket.MSG_PEEK)
                except OSError:
                    return True
                if not data:
                    return True
                time.sleep(0.05)  # bytes of a next request: not for us
        return True


class Upstream:
    """An HTTP server that answers as the test says and keeps every request as it came.

    `answers` maps a path (target up to '?') to a function(request, conn); without one the request's body is echoed.
    """

    def __init__(self, timeout=150, keep_body=True):
        self.answers = {}
        self.keep_body = {}
        self._timeout = timeout
        self._lock = threading.Lock()
        self._requests = []
        self._conns = {}
        self._next_conn = 0
        self._stopping = threading.Event()
        self._sock = None
        self.port = None

    def start(self, port=0):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((LOOPBACK, port))
        self._sock.listen(256)
        self.port = self._sock.getsockname()[1]
        self._stopping.clear()
        threading.Thread(target=self._accept, args=(self._sock,), daemon=True).start()
        return self

    @property
    def url(self):
        return f"http://{LOOPBACK}:{self.port}"

    def stop(self):
        self._stopping.set()
        if self._sock is not None:
            # shutdown wakes accept() up; close alone would not
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._sock.close()
            self._sock = None
        with self._lock:
            conns = list(self._conns.values())
        for sock in conns:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def on(self, path, answer, keep=True):
        """`keep`: True keeps request bodies, a function gets their pieces, False only counts."""
        self.answers[path] = answer
        self.keep_body[path] = keep

    def seen(self, path):
        """Requests whose target begins with `path`, oldest first."""
        with self._lock:
            return [r for r in self._requests if r.target.startswith(path)]

    def open_connections(self):
        with self._lock:
            return len(self._conns)

    def forget(self):
        with self._lock:
            self._requests.clear()
        self.answers.clear()
        self.keep_body.clear()

    def _accept(self, listener):
        while not self._stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                conn_id = self._next_conn
                self._next_conn += 1
                self._conns[conn_id] = sock
            threading.Thread(target=self._serve, args=(sock, conn_id), daemon=True).start()

    def _serve(self, sock, conn_id):
        stream = Stream(sock, self._timeout)
        conn = ServerConn(stream, conn_id, self._stopping)
        try:
            while not self._stopping.is_set():
                raw = stream.head()
                if raw is None:
                    return
                request = Request(raw, conn_id)
                path = request.target.split(b"?")[0]
                with self._lock:
                    self._requests.append(request)
                if (request.get(b"expect") or b"").lower() == b"100-continue":
                    conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                sink = _Keep(request, self.keep_body.get(path, True))
                stream.read_body(request, sink)
                sink.done()
                self.answers.get(path, echo)(request, conn)
        except (OSError, WireError):
            pass
        finally:
            with self._lock:
                self._conns.pop(conn_id, None)
            sock.close()


def echo(request, conn):
    """The request's body and content type come back."""
    if request.method == b"HEAD":
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return
    conn.respond(200, [(b"Content-Type", request.get(b"content-type", b"text/plain"))], request.body)


def pattern(n, seed=1):
    """n bytes without an obvious period, the same for the same seed."""
    import random
    return random.Random(seed).randbytes(n)


def file_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
