"""A conversation through the pair gives the same results as without it, against unmodified Synapse."""

import http.client
import random

import pytest

import compare
import conversation
from support.pair import direct, open_pair
from support.proc import LOOPBACK

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(600)]
SEED = 7


def _get(port, path, headers):
    conn = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    try:
        conn.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            conn.putheader(name, value)
        conn.endheaders()
        answer = conn.getresponse()
        kept = sorted((k.lower(), v) for k, v in answer.getheaders() if k.lower() not in compare.HEADERS_LEFT_OUT)
        return answer.status, kept, answer.read()
    finally:
        conn.close()


def test_same_through_the_pair_as_direct(synapse, tmp_path):
    print(f"seed {SEED}")
    with_pair = synapse()
    with open_pair(tmp_path, with_pair.url) as pair:
        pair.wait_ready()
        through = conversation.play(pair.url, SEED)
        repeated = _repeatable_requests(through)
        answers = [(what, _get(pair.http_port, *what)) for what in repeated]
        exchanges = pair.exchanges()
        at_home = [e for e in pair.near.events("home") if e["status"] != "0"]
    alone = synapse()
    plain = conversation.play(alone.url, SEED)
    conversation.dump(through, tmp_path / "pair.jsonl")
    conversation.dump(plain, tmp_path / "direct.jsonl")

    assert len(through.facts["bodies"]) == conversation.MESSAGES + 1 + len(conversation.MEDIA)
    assert through.facts["bodies"].index(None) == 1  # the redacted one
    assert through.facts["bodies"] == plain.facts["bodies"]
    differences = compare.differences(compare.digest(plain), compare.digest(through))
    assert not differences, f"kept in {tmp_path}\n" + "\n".join(differences)

    # What can be asked again is compared to the last byte, with nothing normalised, against the same Synapse.
    for (path, headers), answer in answers:
        assert _get(with_pair.port, path, headers) == answer, path

    if not direct():
        # One log line for each request: its status, and bytes on both sides.
        requests = len(through.steps) + len(repeated)
        done = [e for e in exchanges if e["status"] == "200"]
        lines = len(exchanges) + len(at_home)
        assert lines >= requests, f"{requests} requests, {len(exchanges)} exchange lines, {len(at_home)} answered at home"
        assert len(done) + len(at_home) >= sum(s.status == 200 for s in through.steps)
        for e in done:
            assert int(e["http_up"]) > 0 and int(e["http_down"]) > 0 and int(e["datagrams_up"]) >= 1, e
            assert int(e["link_up"]) >= 28 and int(e["link_down"]) >= 28, e


def _repeatable_requests(record):
    """Reads whose answer does not change from one time to the next."""
    token = {"Authorization": f"Bearer {record.facts['token']}"}
    room = record.facts["room"]
    paths = [
        "/_matrix/client/versions", "/_matrix/client/v3/login", "/_matrix/client/v3/capabilities",
        "/_matrix/client/v3/pushrules/", "/_matrix/client/v3/profile/%40alice%3Alocalhost",
        "/_matrix/client/v3/profile/@bob:localhost/displayname", "/_matrix/client/v3/account/whoami",
        "/_matrix/client/v3/joined_rooms", "/_matrix/client/v3/devices",
        f"/_matrix/client/v3/rooms/{room}/joined_members", f"/_matrix/client/v3/rooms/{room}/state/m.room.topic/",
        f"/_matrix/client/v3/rooms/{room.replace('!', '%21')}/state/m.room.name", "/_matrix/client/v3/nothing/here",
        "/_matrix/key/v2/server", "/_matrix/federation/v1/version", "/.well-known/matrix/client", "/", "/_matrix/static/",
    ] + [f"/_matrix/client/v1/media/download/{uri[len('mxc://'):]}" for uri in record.facts["media"]]
    return [(path, token) for path in paths]


def test_comparison_notices_one_changed_byte(synapse):
    """The comparison itself: a record with anything changed must not pass for the same."""
    record = conversation.play(synapse().url, SEED, messages=3)
    good = compare.digest(record)
    assert compare.differences(good, compare.digest(record)) == []
    rng = random.Random(SEED)
    for index in rng.sample(range(len(record.steps)), 40):
        step = record.steps[index]
        kept = step.body, step.status, step.headers
        if compare.is_sync(step):
            if b'"body":"' not in step.body:
                continue
            step.body = step.body.replace(b'"body":"', b'"body":"?', 1)
        elif step.body and rng.random() < 0.6:
            step.body += b" "
        elif rng.random() < 0.5:
            step.status += 1
        else:
            step.headers = {**step.headers, "x-new": "1"}
        assert compare.differences(good, compare.digest(record)) != [], step.title()
        step.body, step.status, step.headers = kept
