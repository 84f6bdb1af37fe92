"""Reports: the hub's revenue, what is owed and since when, promised against earned."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.rules.periods import Period
from settlement.rules.statements import ACCOUNTS, SIGNS, STATED

# By what revenue may be told apart: its name, and what is joined to know it.
_SALE = (
    " LEFT JOIN performance f ON f.id = e.performance_id"
    " LEFT JOIN auditorium a ON a.id = f.auditorium_id"
    " LEFT JOIN venue v ON v.id = a.venue_id"
    " LEFT JOIN production d ON d.id = f.production_id"
)
_AGENT = (
    " LEFT JOIN contract c ON c.id = e.agent_contract_id"
    " LEFT JOIN partner r ON r.id = c.partner_id"
)
# Who pays an income is the partner whose posting comes before it, for the same thing.
_PARTNER = (
    " LEFT JOIN LATERAL (SELECT q.party_id FROM posting q WHERE q.entry_id = p.entry_id"
    "  AND q.no < p.no AND q.what = p.what AND q.party_id IS NOT NULL"
    "  ORDER BY q.no DESC LIMIT 1) q ON true LEFT JOIN contract c"
    " ON c.id = coalesce(e.agent_contract_id, e.supplier_contract_id)"
    " LEFT JOIN partner r ON r.id = coalesce(q.party_id, c.partner_id)"
)
DIMENSIONS = {
    "kind": ("''", ""),
    "partner": ("r.ref", _PARTNER),
    "venue": ("v.ref", _SALE),
    "genre": ("d.genre", _SALE),
    "channel": ("r.channel", _AGENT),
}
_REVENUE = {
    name: text(
        f"SELECT coalesce({key}, '') AS key, substr(p.account, 8) AS kind, p.currency,"  # noqa: S608 - our own words
        " -sum(p.amount_minor)::bigint AS revenue_minor"
        " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
        f" AND p.account LIKE 'income:%'{joined}"
        " WHERE e.world = :world AND e.happened_at >= :starts AND e.happened_at < :ends"
        " AND (CAST(:entity AS text) IS NULL OR e.legal_entity = :entity)"
        " GROUP BY 1, 2, 3 HAVING sum(p.amount_minor) <> 0 ORDER BY 1, 2, 3"
    )
    for name, (key, joined) in DIMENSIONS.items()
}
# Payments go to what was owed first: what they do not reach is owed since its day.
_OWED = {
    side: (
        f"SELECT c.id AS contract_id, r.ref AS partner, '{side}' AS side, c.currency,"  # noqa: S608 - our own words
        " m.owed AS owed_minor, m.since FROM contract c JOIN partner r"
        f" ON r.id = c.partner_id AND r.kind = '{side}' CROSS JOIN LATERAL ("
        " SELECT sum(minor)::bigint AS owed, min(at) FILTER (WHERE minor > 0"
        "  AND run > paid) AS since FROM (SELECT at, minor, sum(greatest(minor, 0))"
        "   OVER (ORDER BY at, id) AS run, sum(greatest(-minor, 0)) OVER () AS paid"
        "   FROM (SELECT e.id, coalesce(e."
        f"{side}_stated_at, e.happened_at) AS at, {SIGNS[side]} * sum(p.amount_minor)"
        "    AS minor FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
        f"    AND p.party_id = c.partner_id AND p.account IN {ACCOUNTS[side]}"
        f"    WHERE e.{side}_contract_id = c.id AND coalesce(e.{side}_stated_at,"
        "    e.happened_at) < :now GROUP BY e.id) x) y) m"
        " WHERE c.world = :world AND m.owed <> 0"
        " AND (CAST(:partner AS uuid) IS NULL OR c.partner_id = :partner)"
    )
    for side in ACCOUNTS
}
_ALL_OWED = text(f"{_OWED['agent']} UNION ALL {_OWED['supplier']} ORDER BY 2, 4")
# Promised is what the sale's quote said; the rest is what became of it.
_COMMISSIONS = {
    side: (
        f"SELECT c.id AS contract_id, r.ref AS partner, '{side}' AS side, c.currency,"  # noqa: S608 - our own words
        " coalesce(sum(m.minor) FILTER (WHERE e.kind = 'sale'), 0)::bigint"
        "  AS promised_minor,"
        " coalesce(sum(m.minor) FILTER (WHERE e.kind LIKE '%cancellation'), 0)::bigint"
        "  AS returned_minor,"
        " coalesce(sum(m.minor) FILTER (WHERE e.kind = 'true-up'), 0)::bigint"
        "  AS trued_up_minor,"
        " coalesce(sum(m.minor) FILTER (WHERE e.kind = 'memo'), 0)::bigint"
        "  AS corrected_minor, coalesce(sum(m.minor), 0)::bigint AS earned_minor"
        " FROM contract c JOIN partner r ON r.id = c.partner_id"
        f" AND r.kind = '{side}' JOIN journal_entry e ON e.{side}_contract_id = c.id"
        "  AND e.kind = ANY(:kinds)"
        f" AND coalesce(e.{side}_stated_at, e.happened_at)"
        "  >= CAST(:first AS timestamp) AT TIME ZONE c.zone"
        f" AND coalesce(e.{side}_stated_at, e.happened_at)"
        "  < CAST(:after AS timestamp) AT TIME ZONE c.zone"
        f" CROSS JOIN LATERAL (SELECT {-SIGNS[side]} * sum(p.amount_minor) AS minor"
        "  FROM posting p WHERE p.entry_id = e.id AND p.party_id = c.partner_id"
        f"  AND p.what = 'commission' AND p.account IN {ACCOUNTS[side]}) m"
        " WHERE c.world = :world AND m.minor IS NOT NULL"
        " AND (CAST(:partner AS uuid) IS NULL OR c.partner_id = :partner)"
        " GROUP BY 1, 2, 3, 4"
    )
    for side in ACCOUNTS
}
_ALL_COMMISSIONS = text(
    f"{_COMMISSIONS['agent']} UNION ALL {_COMMISSIONS['supplier']} ORDER BY 2, 4"
)
Rows = Sequence[Row[Any]]


def revenue(
    session: Session, *, world: str, entity: str | None, period: Period, by: str
) -> Rows:
    """Return the hub's revenue of a period net of tax, by kind and by one dimension."""
    where = {"world": world, "entity": entity}
    span = {"starts": period.starts_at, "ends": period.ends_at}
    return session.execute(_REVENUE[by], where | span).all()


def owed(
    session: Session, *, world: str, partner_id: UUID | None, now: datetime
) -> Rows:
    """Return what is owed under each contract, and since when the oldest of it is.

    An agent's is owed to the hub, a supplier's by it; below zero the other way round,
    since nobody knows when.
    """
    where = {"world": world, "partner": partner_id, "now": now}
    return session.execute(_ALL_OWED, where).all()


def commissions(
    session: Session, *, world: str, partner_id: UUID | None, months: tuple[str, str]
) -> Rows:
    """Return the commission promised at the sales of a month, and what became of it.

    *months*: the first instant of the month and of the next, on any clock.
    """
    where = {"world": world, "partner": partner_id, "kinds": list(STATED)}
    span = {"first": months[0], "after": months[1]}
    return session.execute(_ALL_COMMISSIONS, where | span).all()
