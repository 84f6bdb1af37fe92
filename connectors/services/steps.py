"""Working a feed's deliveries off, oldest first, one part a transaction."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.locks import stop_performances
from connectors import queries
from connectors.feed import bodies
from connectors.models import Delivery, Feed
from connectors.rules.records import drops_too_much
from connectors.services.records import Refusal, apply_safely, named
from hub.kernel import clock, outbox
from hub.kernel.metrics import FEED_RECORDS

INVENTORY_CHANGED = "inventory.changed"
_PART = text(
    "SELECT body, line_numbers FROM delivery_part WHERE delivery_id = :delivery"
    " AND no = :no"
)
_ADD_REFS = text(
    "INSERT INTO delivery_ref (delivery_id, ref) SELECT :delivery, ref FROM"
    " unnest(CAST(:refs AS text[])) AS ref ON CONFLICT DO NOTHING"
)
_ADD_REFUSALS = text(
    "INSERT INTO delivery_refusal (delivery_id, line, ref, field, code, reason)"
    " SELECT :delivery, l, r, f, c, w FROM unnest(CAST(:lines AS int[]),"
    " CAST(:refs AS text[]), CAST(:fields AS text[]), CAST(:codes AS text[]),"
    " CAST(:reasons AS text[])) AS x(l, r, f, c, w) ON CONFLICT DO NOTHING"
)
_WITHDRAW = text("UPDATE performance SET withdrawn_at = :now WHERE id = ANY(:ids)")
_FORGET = [
    text("DELETE FROM delivery_part WHERE delivery_id = :delivery"),
    text("DELETE FROM delivery_ref WHERE delivery_id = :delivery"),
]


def step(session: Session, feed_id: UUID) -> bool:
    """Do the next piece of work on a feed; return False when there is none.

    Two jobs on one feed do no harm: each step locks the feed and looks afresh.
    """
    found = queries.lock_next_delivery(session, feed_id)
    if found is None:
        return False
    feed, delivery = found
    match delivery.state:
        case "received":
            delivery.state = "checking" if delivery.mode == "full" else "applying"
        case "checking" if delivery.parts_checked < delivery.parts:
            _check_part(session, delivery)
        case "checking":
            _judge(session, feed, delivery)
        case "released":
            delivery.state = "applying"
        case _ if delivery.parts_applied < delivery.parts:
            _apply_part(session, delivery)
        case _:
            _finish(session, feed, delivery)
    return True


def _lines(session: Session, delivery: Delivery, no: int) -> list[bodies.Line]:
    row = session.execute(_PART, {"delivery": delivery.id, "no": no}).one()
    return bodies.unpacked(row.body, row.line_numbers)


def _check_part(session: Session, delivery: Delivery) -> None:
    """Note which performances a full delivery names, and how many lines name none."""
    found = [named(line) for line in _lines(session, delivery, delivery.parts_checked)]
    refs = [name.ref for name in found if name.type == "performance" and name.ref]
    session.execute(_ADD_REFS, {"delivery": delivery.id, "refs": refs})
    delivery.unreadable += sum(1 for name in found if name.ref is None)
    delivery.parts_checked += 1


def _judge(session: Session, feed: Feed, delivery: Delivery) -> None:
    now = clock.now(session, feed.world)
    delivery.known, missing = queries.count_missing(session, delivery, now)
    delivery.would_drop = missing
    is_too_much = drops_too_much(
        known=delivery.known, missing=missing, share_max_bp=feed.drop_share_max_bp
    )
    delivery.state = "quarantined" if is_too_much else "applying"


def _apply_part(session: Session, delivery: Delivery) -> None:
    lines = _lines(session, delivery, delivery.parts_applied)
    counts, refused = apply_safely(session, delivery, lines)
    delivery.accepted += counts["accepted"]
    delivery.unchanged += counts["unchanged"]
    delivery.stale += counts["stale"]
    delivery.refused += len(refused)
    delivery.parts_applied += 1
    _report(session, delivery, refused)
    _count(counts + Counter(refused=len(refused)))


def _report(session: Session, delivery: Delivery, refused: Sequence[Refusal]) -> None:
    if refused:
        columns = {
            "lines": [refusal.line for refusal in refused],
            "refs": [refusal.ref for refusal in refused],
            "fields": [refusal.field for refusal in refused],
            "codes": [refusal.code for refusal in refused],
            "reasons": [refusal.reason for refusal in refused],
        }
        session.execute(_ADD_REFUSALS, {"delivery": delivery.id, **columns})


def _count(counts: Counter[str]) -> None:
    for outcome, count in counts.items():
        FEED_RECORDS.labels(outcome).inc(count)


def _finish(session: Session, feed: Feed, delivery: Delivery) -> None:
    if delivery.mode == "full" and not delivery.unreadable:
        now = clock.now(session, feed.world)
        gone = queries.to_withdraw(session, delivery, now)
        stop_performances(session, gone)
        session.execute(_WITHDRAW, {"ids": gone, "now": now})
        delivery.withdrawn = len(gone)
    for forget in _FORGET:
        session.execute(forget, {"delivery": delivery.id})
    delivery.state = "done"
    delivery.finished_at = clock.real(session)
    if delivery.accepted:
        facts = {"supplier_id": str(feed.supplier_id)}
        outbox.put(session, INVENTORY_CHANGED, world=feed.world, **facts)
