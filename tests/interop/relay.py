#!/usr/bin/env python3
"""A lossy UDP relay on loopback: clients on one side, one server on the other.

What happens to a datagram depends on the seed, its direction and its number in that direction only, so a conversation
in lock step meets the same losses every time. Prints "port=N" when ready; on SIGTERM prints what it did and ends.
Can write what went through (what was lost too) as a pcap file for Wireshark: ports as if the server had 5683.
"""

import argparse
import heapq
import random
import select
import signal
import socket
import struct
import sys
import time

UP, DOWN = "up", "down"
COAP_PORT = 5683
CLIENT_PORT = 40000
LINKTYPE_RAW = 101


def fate(seed, direction, number, loss, dup, reorder):
    """One of "lose", "twice", "late", "pass" for the number-th datagram (from 0) of a direction; percentages."""
    roll = random.Random(f"{seed}/{direction}/{number}").uniform(0, 100)
    for name, share in (("lose", loss), ("twice", dup), ("late", reorder)):
        if roll < share:
            return name
        roll -= share
    return "pass"


class Pcap:
    """Datagrams as raw IPv6 packets; the checksum is computed, so that nothing but CoAP can be found wrong."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))

    @staticmethod
    def udp(source, target, payload):
        length = 8 + len(payload)
        address = socket.inet_pton(socket.AF_INET6, "::1")
        head = struct.pack("!HHHH", source, target, length, 0)
        pseudo = address + address + struct.pack("!IHBB", length, 0, 0, 17) + head + payload
        total = sum(struct.unpack(f"!{len(pseudo + b'0') // 2}H", pseudo + b"\0" * (len(pseudo) % 2)))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        checksum = ~total & 0xFFFF or 0xFFFF
        ip = struct.pack("!IHBB", 6 << 28, length, 17, 64) + address + address
        return ip + struct.pack("!HHHH", source, target, length, checksum) + payload

    def add(self, direction, client, payload):
        port = CLIENT_PORT + client
        source, target = (port, COAP_PORT) if direction == UP else (COAP_PORT, port)
        packet = self.udp(source, target, payload)
        now = time.time()
        self.file.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(packet), len(packet)) + packet)
        self.file.flush()


class Relay:
    def __init__(self, args):
        family = socket.AF_INET6 if ":" in args.host else socket.AF_INET
        self.args = args
        self.family = family
        self.front = socket.socket(family, socket.SOCK_DGRAM)
        self.front.bind((args.host, 0))
        self.clients = {}  # address -> socket towards the server
        self.owners = {}  # that socket -> (address, number of the client)
        self.numbers = {UP: 0, DOWN: 0}
        self.done = {"pass": 0, "lose": 0, "twice": 0, "late": 0}
        self.waiting = []  # (when, tie, function)
        self.tie = 0
        self.pcap = Pcap(args.pcap) if args.pcap else None
        self.running = True

    def stop(self, *_):
        self.running = False

    def deliver(self, direction, client, payload):
        address, number = self.owners[client]
        if self.pcap:
            self.pcap.add(direction, number, payload)
        try:
            if direction == UP:
                client.send(payload)
            else:
                self.front.sendto(payload, address)
        except ConnectionError:
            pass  # nobody is there: lost, as on a link

    def take(self, direction, client, payload):
        number = self.numbers[direction]
        self.numbers[direction] += 1
        what = fate(self.args.seed, direction, number, self.args.loss, self.args.dup, self.args.reorder)
        self.done[what] += 1
        if self.args.log:
            print(f"{direction} {number} {what} {payload.hex()}", flush=True)
        if what == "lose":
            return
        if what != "late":
            self.deliver(direction, client, payload)
        if what in ("late", "twice"):
            self.tie += 1
            heapq.heappush(
                self.waiting, (time.monotonic() + self.args.delay_ms / 1000, self.tie, direction, client, payload)
            )

    def client_of(self, address):
        if address not in self.clients:
            back = socket.socket(self.family, socket.SOCK_DGRAM)
            back.connect((self.args.host, self.args.to))
            self.clients[address] = back
            self.owners[back] = (address, len(self.clients))
        return self.clients[address]

    def run(self):
        print(f"port={self.front.getsockname()[1]}", flush=True)
        while self.running:
            patience = 0.2
            if self.waiting:
                patience = max(0.0, min(patience, self.waiting[0][0] - time.monotonic()))
            ready, _, _ = select.select([self.front, *self.owners], [], [], patience)
            for one in ready:
                try:
                    payload, address = one.recvfrom(65535)
                except ConnectionError:
                    continue
                if one is self.front:
                    self.take(UP, self.client_of(address), payload)
                else:
                    self.take(DOWN, one, payload)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, direction, client, payload = heapq.heappop(self.waiting)
                self.deliver(direction, client, payload)
        print("done " + " ".join(f"{k}={v}" for k, v in self.done.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="::1", help="loopback address of both sides")
    parser.add_argument("--to", type=int, required=True, help="the server's port")
    parser.add_argument("--loss", type=float, default=0, help="percent")
    parser.add_argument("--dup", type=float, default=0, help="percent")
    parser.add_argument("--reorder", type=float, default=0, help="percent that arrive late")
    parser.add_argument("--delay-ms", type=float, default=30, help="how late")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pcap", help="file to write")
    parser.add_argument("--log", action="store_true", help="print every datagram")
    relay = Relay(parser.parse_args())
    signal.signal(signal.SIGTERM, relay.stop)
    signal.signal(signal.SIGINT, relay.stop)
    relay.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
