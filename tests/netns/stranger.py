"""Somebody who watches a wire or sends to a port. usage:

    stranger.py record DEVICE PORT FILE        UDP over IPv4 to that port, one datagram a line, in hex, until it is ended
    stranger.py replay FILE ADDRESS PORT N     the first initiation in the file, N times
    stranger.py flood ADDRESS PORT SECONDS N   N made-up initiations a second (NK), until SIGTERM or for so long
    stranger.py noise ADDRESS PORT N INITIATIONS XX   random and mangled datagrams: at most so many initiations; XX: 1 with
                                               first messages of XX, 0 without

The senders print "sent N BYTES, got N BYTES": of UDP payloads."""

import random
import signal
import socket
import sys
import time

SEED = 4
ETH_P_IP, PROTO_UDP = 0x0800, 17
INITIATION, KIND_AND_PATTERN, XX, NK = 0xc0, 0xf3, 0xc3, 0xc0
PER_BURST = 50


def record(device, port, file):
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)) as wire, open(file, "a", encoding="ascii") as out:
        wire.bind((device, ETH_P_IP))
        print("ready", flush=True)
        while True:
            packet, (_, _, kind, *_) = wire.recvfrom(65536)
            head = (packet[0] & 15) * 4
            if kind == socket.PACKET_HOST and packet[9] == PROTO_UDP and int.from_bytes(packet[head + 2:head + 4], "big") == port:
                out.write(packet[head + 8:].hex() + "\n")
                out.flush()


class Sender:
    def __init__(self, address, port):
        self.to = (address, port)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sent, self.got = [0, 0], [0, 0]
        self.ended = False
        signal.signal(signal.SIGTERM, self.end)

    def end(self, *_):
        self.ended = True

    def send(self, datagram):
        self.sock.sendto(datagram, self.to)
        self.sent = [self.sent[0] + 1, self.sent[1] + len(datagram)]

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self.sock.recv(65536)
                self.got = [self.got[0] + 1, self.got[1] + len(answer)]
            except BlockingIOError:
                if time.monotonic() >= end:
                    return
                time.sleep(0.001)

    def send_all(self, datagrams, rate):
        """At that rate, in small bursts."""
        begun = time.monotonic()
        for i, datagram in enumerate(datagrams):
            if self.ended:
                break
            if i % PER_BURST == 0:
                self.listen(max(0, begun + i / rate - time.monotonic()))
            self.send(datagram)
        self.listen(0.5)
        print("sent %d %d, got %d %d" % (*self.sent, *self.got))


def replay(file, address, port, n):
    with open(file, encoding="ascii") as f:
        first = next(d for d in map(bytes.fromhex, f) if d[0] & 0xf0 == INITIATION)
    Sender(address, port).send_all([first] * n, 1000)


def flood(address, port, seconds, n):
    r = random.Random(SEED)
    Sender(address, port).send_all((bytes([NK]) + r.randbytes(119) for _ in range(seconds * n)), n)


def mangled(n, initiations, with_xx):
    r = random.Random(SEED)
    for _ in range(n):
        p = bytearray(r.randbytes(r.choice((1, 9, 20, 48, 97, 130, 600))))
        p[0] = r.choice((p[0], p[0] | 0x80, p[0] | 0xc0, 0x40 | p[0] & 0x3f))
        if p[0] & 0xf0 == INITIATION:
            if p[0] & KIND_AND_PATTERN == XX:
                if not with_xx:
                    continue
            elif initiations == 0:
                continue
            else:
                initiations -= 1
        yield bytes(p)


def noise(address, port, n, initiations, with_xx):
    Sender(address, port).send_all(mangled(n, initiations, with_xx), 20000)


VERBS = {"record": record, "replay": replay, "flood": flood, "noise": noise}
VERBS[sys.argv[1]](*(int(a) if a.isdigit() else a for a in sys.argv[2:]))
