"""Two hosts and a NAT between them, as network namespaces of their own:

    near  10.77.1.2 ── 10.77.1.1  nat  10.77.2.1 ── 10.77.2.2  far
          fd77:1::2 ── fd77:1::1       fd77:2::1 ── fd77:2::2

near has a wire of its own to nat; what it sends to far leaves nat under nat's address and a random port. Needs root.
"""

import os
import shutil
import subprocess

NEAR4, FAR4 = "10.77.1.2", "10.77.2.2"
NEAR6, FAR6 = "fd77:1::2", "fd77:2::2"


def available():
    """Why these tests cannot run here, None when they can."""
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("ip", "nft", "conntrack", "curl"):
        if not shutil.which(tool):
            return f"needs {tool}"
    return None


def run(*argv, check=True, timeout=60):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
    return done.stdout


class Net:
    """Names carry the process id, so that two runs do not meet."""

    def __init__(self):
        tag = f"th{os.getpid()}"
        self.near, self.nat, self.far = (f"{tag}-{host}" for host in ("near", "nat", "far"))
        self.made = []

    def __enter__(self):
        try:
            for name in (self.near, self.nat, self.far):
                run("ip", "netns", "add", name)
                self.made.append(name)
                # no router solicitations, no duplicate address detection to wait for
                self.inside(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0",
                            "net.ipv6.conf.default.router_solicitations=0")
                self.inside(name, "ip", "link", "set", "lo", "up")
            self.wire(self.near, "10.77.1.2/24", "fd77:1::2/64", self.nat, "lan", "10.77.1.1/24", "fd77:1::1/64")
            self.wire(self.far, "10.77.2.2/24", "fd77:2::2/64", self.nat, "wan", "10.77.2.1/24", "fd77:2::1/64")
            self.route(self.near)
            for family in ("ip", "ip6"):
                self.inside(self.nat, "nft", "add", "table", family, "t")
                self.inside(self.nat, "nft", "add", "chain", family, "t", "post",
                            "{ type nat hook postrouting priority 100; }")
                self.inside(self.nat, "nft", "add", "rule", family, "t", "post", "oifname", "wan", "masquerade", "random")
            self.inside(self.nat, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
            # what the far host says, and to whom
            self.inside(self.far, "nft", "add", "table", "inet", "t")
            self.inside(self.far, "nft", "add", "chain", "inet", "t", "out", "{ type filter hook output priority 0; }")
            self.inside(self.far, "nft", "add", "rule", "inet", "t", "out", "meta", "l4proto", "udp", "counter")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        for name in self.made:
            run("ip", "netns", "del", name, check=False)
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)

    def wire(self, host, host4, host6, nat, name, nat4, nat6):
        run("ip", "link", "add", "eth0", "netns", host, "type", "veth", "peer", "name", name, "netns", nat)
        for ns, dev, addresses in ((host, "eth0", (host4, host6)), (nat, name, (nat4, nat6))):
            for address in addresses:
                self.inside(ns, "ip", "addr", "add", address, "dev", dev)
            self.inside(ns, "ip", "link", "set", dev, "up")

    def route(self, host):
        self.inside(host, "ip", "route", "replace", "default", "via", "10.77.1.1")
        self.inside(host, "ip", "-6", "route", "replace", "default", "via", "fd77:1::1")

    def inside(self, name, *argv, check=True, timeout=60):
        return run("ip", "netns", "exec", name, *argv, check=check, timeout=timeout)

    def forget_mapping(self):
        """The NAT forgets: near's next datagram leaves from another port."""
        self.inside(self.nat, "conntrack", "-F", check=False)

    def move_near(self, v4, v6):
        """near gets other addresses, as after a change of network."""
        self.inside(self.near, "ip", "addr", "flush", "dev", "eth0", "scope", "global")
        self.inside(self.near, "ip", "addr", "add", f"{v4}/24", "dev", "eth0")
        self.inside(self.near, "ip", "addr", "add", f"{v6}/64", "dev", "eth0")
        self.route(self.near)
        self.forget_mapping()

    def link(self, up):
        self.inside(self.nat, "ip", "link", "set", "wan", "up" if up else "down")
        if up:
            self.inside(self.nat, "ip", "addr", "replace", "fd77:2::1/64", "dev", "wan")

    def hosts(self, text):
        """What names mean on near. Before the daemon starts: each start sees a copy of its own."""
        os.makedirs(f"/etc/netns/{self.near}", exist_ok=True)
        with open(f"/etc/netns/{self.near}/hosts", "w", encoding="ascii") as f:
            f.write(f"127.0.0.1 localhost\n{text}\n")

    def far_said(self):
        """(datagrams, bytes) of UDP that the far host has sent, IP headers included."""
        words = self.inside(self.far, "nft", "list", "chain", "inet", "t", "out").split()
        return int(words[words.index("packets") + 1]), int(words[words.index("bytes") + 1])
