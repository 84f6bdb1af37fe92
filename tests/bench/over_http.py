"""Sales and reads over HTTP against the echo, and against themselves."""

import json
from uuid import UUID

from sqlalchemy import text

from hub.kernel.db import transaction
from hub.verify import verify
from tests.bench import confirms
from tests.bench.harness import (
    CALLERS,
    NUMBERS,
    SECONDS,
    compared,
    interleaved,
    say,
    season,
)
from tests.bench.load import request, run
from tests.servers import serving

CONFIRMED = 24_000
SOLD = 100_000
PAGE = "/v1/performances?limit=100"
NOW = f"{PAGE}&max_staleness_s=0"
ECHO = "tests.bench.echo:create_app"
_HELD = text(
    "SELECT p.ref, sum(l.quantity) FROM hold_line l JOIN hold h ON h.id = l.hold_id"
    " JOIN performance p ON p.id = l.performance_id"
    " WHERE h.state IN ('held', 'confirmed') GROUP BY p.ref"
)


def holding(hub, offer_id, agents=("ann", "bob")):
    body = json.dumps({"lines": [{"offer_id": offer_id, "quantity": 1}]}).encode()
    keys = [hub.keys[agent] for agent in agents]

    def hold(caller, _, wire):
        number = next(NUMBERS)
        key = keys[caller % len(keys)]
        sent = request(
            "POST", "/v1/holds", body=body, key=key, idempotency=f"h{number}"
        )
        return [wire.send(sent)[0]]

    return hold


def pairing(hub, offer_id):
    body = json.dumps({"lines": [{"offer_id": offer_id, "quantity": 1}]}).encode()
    keys = [hub.keys["ann"], hub.keys["bob"]]

    def pair(caller, _, wire):
        number, key = next(NUMBERS), keys[caller % 2]
        sent = request(
            "POST", "/v1/holds", body=body, key=key, idempotency=f"h{number}"
        )
        status, said = wire.send(sent)
        if status != 201:
            return [status]
        order = {"hold_id": json.loads(said)["id"], "reference": f"b{number}"}
        sent = request(
            "POST",
            "/v1/orders",
            body=json.dumps(order).encode(),
            key=key,
            idempotency=f"o{number}",
        )
        return [wire.send(sent)[0]]

    return pair


def looking(hub, path):
    sent = request("GET", path, key=hub.keys["ann"])
    return lambda _, __, wire: [wire.send(sent)[0]]


def over_http(hub, rows):
    sold = season(hub, 100)
    ids = [item["id"] for item in sold]
    offers = [hub.offer_id("ann", found) for found in ids]
    asked = f"/v1/performances/{ids[2]}/availability"
    with (
        serving(hub.settings, target=ECHO, workers=2, threads=32) as (echo, _),
        serving(hub.settings, workers=2, threads=32) as (url, _),
    ):
        ports = [int(found.rpartition(":")[2]) for found in (echo, url)]
        rows += [
            interleaved(*ports, holding(hub, offers[0]), "holds, one hot area"),
            interleaved(*ports, pairing(hub, offers[1]), "hold + confirm pairs"),
            interleaved(*ports, looking(hub, asked), "availability reads"),
            interleaved(*ports, looking(hub, PAGE), "pages of 100 performances"),
            interleaved(*ports, looking(hub, NOW), "such pages, each looked up now"),
        ]
        for callers in (CALLERS, 4 * CALLERS):
            label = f"confirms with postings, credit, totals; {callers} callers"
            made = confirms.holds(hub, UUID(offers[3]), CONFIRMED)
            make = confirms.confirming(made)
            rows.append(interleaved(*ports, make, label, callers))
    lawful()


def within_promises(hub, rows):
    """Sixteen agents inside guarantees against one; a sold area against an empty one."""
    agents = [f"a{no}" for no in range(CALLERS)]
    for ref in agents:
        hub.add_partner(ref, "agent", commission_bp=500, ticket_fee_minor=100)
    each = [{"agent": ref, "kind": "fixed", "seats": 5_000} for ref in agents]
    each[0]["seats"] = 60_000  # for when it is alone
    rules = [*each, {"agent": "ann"}, {"agent": "bob"}]
    own = {"channel": "online", "rules": rules}
    sold = season(hub, 100, {"rules": [{"area": "floor", "rules": [own]}]})
    offers = [hub.offer_id("ann", item["id"]) for item in sold[:4]]
    say(f"selling {SOLD} tickets of one area")
    confirms.sell(hub, UUID(offers[2]), SOLD)
    with serving(hub.settings, workers=2, threads=32) as (url, _):
        port = int(url.rpartition(":")[2])
        many, one = (holding(hub, offers[n], agents[: 1 + 15 * n]) for n in (1, 0))
        label = f"{CALLERS} agents inside guarantees against one"
        rows.append(compared(label, (port, many), (port, one)))
        full, empty = (holding(hub, offers[n]) for n in (2, 3))  # ann's and bob's
        label = f"holds with {SOLD} sold in the area against none"
        rows.append(compared(label, (port, full), (port, empty)))
        outcome = run(port, looking(hub, NOW), callers=1, seconds=2 * SECONDS)
        assert set(outcome.statuses) == {200}
        told = f"{outcome.p50_ms:.1f} ms"
        rate, p99 = f"{outcome.per_second:.0f}/s", f"{outcome.p99_ms:.0f} ms"
        rows.append(["page of 100 performances, one caller", told, "", rate, p99])
        say(f"page of 100 performances: {told}, p99 {p99}")
    lawful()


def lawful():
    with transaction() as session:
        held = {ref: int(seats) for ref, seats in session.execute(_HELD)}
    assert all(seats <= 400_000 for seats in held.values())
    verdict = verify()
    assert verdict.broken == [], verdict.broken[:3]
    say(f"held: {held}; hub verify: every law holds")
