"""What an unmodified Synapse answers to sends crosses without the events' IDs, in every room version that it makes."""

import json
import urllib.parse
import urllib.request

import pytest

from support.link import Link
from support.pair import direct, open_pair
from support.proc import free_port

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(300), pytest.mark.skipif(direct(), reason="needs real daemons")]
IP_UDP = 28
SENT = 30  # bytes of an answer: record, shape, references, and a mark of some 7; an ID alone has 32


class Client:
    def __init__(self, url):
        self.url, self.token, self.n = url, None, 0

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        request = urllib.request.Request(self.url + "/_matrix/client/v3" + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def register(self, name):
        auth = {"type": "m.login.dummy"}
        got = self.ask("POST", "/register", {"username": name, "password": "long enough 1", "auth": auth})
        self.token = got["access_token"]
        return got["user_id"]

    def send(self, room, text):
        self.n += 1
        path = f"/rooms/{urllib.parse.quote(room)}/send/m.room.message/txn{self.n}"
        return self.ask("PUT", path, {"msgtype": "m.text", "body": text})["event_id"]


def payload_down(link):
    entered = link.stats()["down"]["entered"]
    return entered["bytes"] - IP_UDP * entered["datagrams"]


@pytest.mark.parametrize("version, timeout", [("6", 0), ("9", 0), ("10", 0), ("11", 30000), ("12", 0), ("12", 30000)])
def test_answers_to_sends_have_no_ids(synapse, tmp_path, version, timeout):
    """With a timeout syncs are pushed, so all but the first are notifications of one registration."""
    homeserver = synapse()
    port = free_port()
    link = Link(tmp_path, port, ()).start()
    with open_pair(tmp_path, homeserver.url, coap_port=port, coap_target_port=link.port) as pair:
        near, there = Client(pair.url), Client(homeserver.url)
        near.register("mira" + version)
        other = there.register("odd" + version)
        since = near.ask("GET", "/sync?timeout=0")["next_batch"]
        made = {"preset": "public_chat", "room_version": version, "invite": [other], "name": "Ünïcode \"quoted\" \\ name"}
        room = near.ask("POST", "/createRoom", made)["room_id"]
        there.ask("POST", f"/join/{urllib.parse.quote(room)}", {})
        told = near.ask("GET", f"/sync?timeout=0&since={since}")
        events = told["rooms"]["join"][room]["timeline"]["events"]
        ids, costs = [], []
        for text in ("one", "two \U0001f600", 'quote " and \\ and \n end', "four", "five", "six"):
            before = payload_down(link)
            ids.append(near.send(room, text))
            costs.append(payload_down(link) - before)
            ids.append(there.send(room, "and you?"))  # the next answer needs to know of this one
            told = near.ask("GET", f"/sync?timeout={timeout}&since={told['next_batch']}")
            events += told["rooms"]["join"][room]["timeline"]["events"]
        at_home = [there.ask("GET", f"/rooms/{urllib.parse.quote(room)}/event/{urllib.parse.quote(i)}") for i in ids]
    assert link.stop() == 0
    print(f"version {version}: payload of answers {costs}")
    assert [e["event_id"] for e in at_home] == ids
    assert [e["event_id"] for e in events][-len(ids):] == ids
    assert max(costs[1:]) <= SENT, "an ID crossed"
