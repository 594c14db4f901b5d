"""Our messages byte by byte: rejections, duplicates, ping, and what Wireshark thinks of a capture."""

import subprocess

import aiocoap
import pytest

from peers import TSHARK, Aiocoap, Libcoap, Ours, aio_server, decode, libcoap_server, message_bytes, our_server, pattern, raw, relay

CON, NON, ACK, RST = 0, 1, 2, 3
PATH, PROXY_URI = 11, 35
CRITICAL, ELECTIVE = 9999, 9998  # unassigned
TEST = [(PATH, "test")]


@pytest.fixture
def ask(server):
    def send(datagram, patience=1.0):
        return raw(server.host, server.port, datagram, patience)

    return send


def get(mtype=CON, mid=0x1111, token=b"tok", options=(), code=aiocoap.GET):
    return message_bytes(mtype, code, mid, token, sorted([*TEST, *options]))


def test_TD_COAP_CORE_31_ping(ask):
    assert ask(bytes.fromhex("4000beef")) == bytes.fromhex("7000beef")


def test_TD_COAP_CORE_12_empty_token(ask):
    assert decode(ask(get(token=b""))).payload == b"hello"


def test_piggybacked_response_has_type_mid_and_token(ask):
    answer = decode(ask(get()))
    assert (int(answer.mtype), answer.mid, answer.token, answer.code) == (ACK, 0x1111, b"tok", aiocoap.CONTENT)


def test_NON_is_answered_with_NON(ask):
    answer = decode(ask(get(NON, 0x2222)))
    assert (int(answer.mtype), answer.token, answer.payload) == (NON, b"tok", b"hello")


def test_unknown_critical_option_is_4_02(ask):
    answer = decode(ask(get(options=[(CRITICAL, b"x")], mid=0x3333)))
    assert (int(answer.mtype), answer.code, answer.mid) == (ACK, aiocoap.BAD_OPTION, 0x3333)


def test_unknown_critical_option_in_NON_is_rejected(ask):
    """RFC 7252 §5.4.1: the message is rejected, with a reset or in silence."""
    answer = ask(get(NON, 0x4444, options=[(CRITICAL, b"x")]), 0.3)
    assert answer is None or decode(answer).mtype == aiocoap.numbers.types.RST


def test_unknown_elective_option_is_ignored(ask):
    assert decode(ask(get(options=[(ELECTIVE, b"x")], mid=0x5555))).code == aiocoap.CONTENT


def test_proxying_is_not_supported(ask):
    answer = decode(ask(get(options=[(PROXY_URI, "coap://x/")], mid=0x6666)))
    assert answer.code == aiocoap.PROXYING_NOT_SUPPORTED


@pytest.mark.parametrize("datagram,why", [
    ("41010102", "token cut off"),
    ("4901010200112233445566778899", "token length 9"),
    ("40010103ff", "payload marker without payload"),
    ("40010104f0", "reserved option delta 15"),
    ("400101050f", "reserved option length 15"),
    ("40010106b474", "option value cut off"),
    ("40000107ff00", "empty message with something behind"),
    ("40200108", "reserved code class 1"),
    ("40c00109", "reserved code class 6"),
])
def test_format_errors_of_CON_are_reset(ask, datagram, why):
    """RFC 7252 §4.2: a Confirmable message with a format error is rejected with a matching Reset."""
    assert ask(bytes.fromhex(datagram)) == b"\x70\x00" + bytes.fromhex(datagram)[2:4], why


@pytest.mark.parametrize("datagram,why", [
    ("", "nothing"),
    ("40", "one byte"),
    ("400101", "three bytes"),
    ("80010101", "version 2"),
    ("00010101", "version 0"),
    ("5001010fff", "malformed NON"),
    ("60000001", "ACK of nothing"),
    ("70000001", "reset of nothing"),
    ("60450001", "response in an ACK of nothing"),
])
def test_silence(ask, datagram, why):
    answer = ask(bytes.fromhex(datagram), 0.2)
    # a malformed NON may be reset (§4.3), the rest must not be answered
    assert answer is None or (why == "malformed NON" and answer[0] == 0x70), why


def test_response_nobody_asked_for_is_reset(ask):
    assert ask(message_bytes(CON, aiocoap.CONTENT, 0x7777, b"zz", [], b"x")) == bytes.fromhex("70007777")


def test_duplicate_gets_the_same_answer_and_runs_once():
    with our_server() as server:
        import socket

        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.settimeout(1)
            one.connect((server.host, server.port))
            answers = set()
            for _ in range(5):
                one.send(message_bytes(CON, aiocoap.POST, 0x1212, b"t", TEST, b"x"))
                answers.add(one.recv(2048))
        assert len(answers) == 1
        assert Aiocoap().request("GET", server.uri("/requests")).payload == b"1"
    assert server.numbers()["duplicate"] == 4


def test_datagrams_do_not_exceed_the_limit(server):
    """max_message 1152 bytes, RFC 7252 §4.6."""
    with relay(server, "--log") as between:
        assert Libcoap().request("GET", between.uri("/large?size=20000")).payload == pattern(20_000)
    sizes = [len(line.split()[3]) // 2 for line in between.said.splitlines() if line.startswith("down")]
    assert max(sizes) <= 1152


class TestWireshark:
    @pytest.fixture(autouse=True)
    def tshark(self):
        if not TSHARK:
            pytest.skip("tshark is not installed")

    def dissect(self, path, packets_at_least):
        def lines(*flags):
            done = subprocess.run([TSHARK, "-r", str(path), *flags], capture_output=True, text=True, timeout=60, check=True)
            return done.stdout.splitlines()

        assert len(lines()) >= packets_at_least
        assert lines("-Y", "!coap") == []
        marks = lines("-Y", "_ws.malformed or _ws.expert.severity >= 0x600000",  # warnings and errors
                      "-T", "fields", "-E", "aggregator=|", "-e", "_ws.expert.message")
        # Wireshark 4.0 does not know RFC 9175's Request-Tag (292); 9998 is ours.
        unknown = {f"{what} Option Number {number}" for what in ("Invalid", "Unknown") for number in (252, 292, 9998)}
        assert [mark for line in marks for mark in line.split("|") if mark not in unknown] == []
        assert lines("-Y", "_ws.malformed and not _ws.expert") == []

    def test_our_server(self, tmp_path):
        where = tmp_path / "server.pcap"
        with our_server() as server, relay(server, "--pcap", str(where)) as between:
            for client in (Libcoap(), Aiocoap()):
                for path in ("/test", "/.well-known/core", "/query?a=1&b=2", "/large?size=5000", "/validate",
                             "/separate?ms=300", "/fail?code=404", "/multi-format"):
                    client.request("GET", between.uri(path))
                client.request("PUT", between.uri("/large-update"), pattern(3000))
                client.request("POST", between.uri("/test"), b"x")
                client.request("POST", between.uri("/location-query"), b"x")
                client.request("DELETE", between.uri("/test"), non=True)
            Libcoap().request("GET", between.uri("/obs?n=10&ms=50"), observe_s=1)
            raw(between.host, between.port, get(options=[(ELECTIVE, b"x")]))
            raw(between.host, between.port, bytes.fromhex("4000beef"))
        self.dissect(where, 80)

    @pytest.mark.parametrize("foreign", [libcoap_server, aio_server], ids=["libcoap", "aiocoap"])
    def test_our_client(self, tmp_path, foreign):
        where, ours = tmp_path / "client.pcap", Ours()
        with foreign() as server, relay(server, "--pcap", str(where)) as between:
            for path in ("/.well-known/core", "/example_data", "/large?size=5000", "/validate", "/test"):
                ours.request("GET", between.uri(path))
            ours.request("PUT", between.uri("/example_data"), pattern(3000), options=[(12, 42)])
            ours.request("PUT", between.uri("/large-update"), pattern(3000), options=[(12, 42)])
            ours.request("GET", between.uri("/obs" if foreign is aio_server else "/time"), observe=2)
            ours.request("GET", between.uri("/test"), non=True)
        self.dissect(where, 20)
