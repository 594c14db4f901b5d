"""The same conversation over a thin link that loses: 1 kbit/s, 10 % of the datagrams each way, against unmodified Synapse."""

import pytest

import compare
import conversation
from support.link import Link
from support.pair import direct, open_pair
from support.proc import free_port

pytestmark = [pytest.mark.synapse, pytest.mark.long, pytest.mark.timeout(1800),
              pytest.mark.skipif(direct(), reason="needs real daemons")]
SEED = 11
MESSAGES = 6
MEDIA = conversation.MEDIA[:2] + [("small café.png", "image/png", 1500)]  # more would take hours
LINK = ("--rate", "1 kbit/s", "--latency", "500 ms", "--jitter", "40%", "--loss", "10%", "--seed", str(SEED))
TOLD = ("--link-up", "1 kbit/s", "--link-down", "1 kbit/s", "--link-latency", "500 ms", "--link-jitter", "40", "--link-loss", "10",
        "--link-ours")


def test_same_over_a_thin_link_as_direct(synapse, tmp_path):
    print(f"seed {SEED}")
    with_pair = synapse()
    port = free_port()
    link = Link(tmp_path, port, LINK).start()
    with open_pair(tmp_path, with_pair.url, coap_port=port, coap_target_port=link.port, near_options=TOLD) as pair:
        through = conversation.play(pair.url, SEED, MESSAGES, media=MEDIA, patience_s=900)
        exchanges = pair.exchanges()
        stats = link.stats()
    assert link.stop() == 0
    plain = conversation.play(synapse().url, SEED, MESSAGES, media=MEDIA)
    conversation.dump(through, tmp_path / "thin.jsonl")
    conversation.dump(plain, tmp_path / "direct.jsonl")

    assert len(through.facts["bodies"]) == MESSAGES + 1 + len(MEDIA)
    assert through.facts["bodies"] == plain.facts["bodies"]
    differences = compare.differences(compare.digest(plain), compare.digest(through))
    assert not differences, f"kept in {tmp_path}\n" + "\n".join(differences)

    # The link was what it was said to be, and was not flooded.
    print(f"{len(through.steps)} requests, {len(exchanges)} of them over the link, {stats['seconds']:.0f} s")
    for way in ("up", "down"):
        s = stats[way]
        sent, lost = s["entered"]["datagrams"], s["lost"]["datagrams"]
        print(f"{way}: {sent} datagrams, {s['entered']['bytes']} bytes, {lost} lost, {s['overflow']['datagrams']} dropped, "
              f"busy {100 * s['utilisation']:.0f} %")
        assert sent > 100 and 0.04 < lost / sent < 0.18
        assert s["overflow"]["datagrams"] == 0 and s["utilisation"] < 0.9
