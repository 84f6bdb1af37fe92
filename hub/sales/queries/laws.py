"""The laws of the sale, checked on the database."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.sales.queries.entries import broken_entries
from hub.sales.queries.quotes import broken_quotes

_LINES_LAW = text(
    "SELECT l.order_id, l.no, l.quantity, l.cancelled FROM order_line l"
    " LEFT JOIN LATERAL (SELECT count(*) AS made, count(t.cancelled_at) AS undone"
    " FROM ticket t WHERE t.order_id = l.order_id AND t.line_no = l.no) t ON true"
    " WHERE (t.made, t.undone) <> (l.quantity, l.cancelled) LIMIT 20"
)
_STATE_LAW = text(
    "SELECT o.id AS order_id, o.state FROM sale_order o JOIN ("
    " SELECT order_id, sum(quantity) AS made, sum(cancelled) AS undone"
    " FROM order_line GROUP BY order_id) s ON s.order_id = o.id"
    " WHERE o.state <> CASE WHEN s.undone = 0 THEN 'confirmed'"
    " WHEN s.undone = s.made THEN 'cancelled' ELSE 'partly_cancelled' END LIMIT 20"
)
_HOLD_LAW = text(
    "SELECT o.id AS order_id, o.hold_id FROM sale_order o JOIN hold h"
    " ON h.id = o.hold_id WHERE h.state <> 'confirmed' OR h.agent_id <> o.agent_id"
    " OR h.world <> o.world LIMIT 20"
)
_TOLD = (
    " CROSS JOIN LATERAL (SELECT"
    " sum(a.minor) FILTER (WHERE a.what = 'face') AS face,"
    " sum(a.minor) FILTER (WHERE a.what = 'booking-fee') AS booking,"
    " sum(a.left_) FILTER (WHERE (a.what, a.side) = ('commission', 'agent')) AS paid,"
    " sum(a.left_) FILTER (WHERE (a.what, a.side) = ('commission', 'supplier'))"
    " AS earned, sum(a.left_) FILTER (WHERE a.what = 'service-fee') AS fee"
    " FROM (SELECT what, side, minor,"
    "  CASE WHEN is_kept THEN still_kept(minor, l)"
    "  ELSE still_sold(minor, l) END AS left_"
    "  FROM jsonb_to_recordset(l.quote->'amounts')"
    "  AS r(what text, side text, minor bigint, is_kept boolean)) a) said"
)
_POSTED_LAW = text(
    "WITH told AS (SELECT l.order_id, l.no, l.quantity - l.cancelled AS tickets,"  # noqa: S608 - our own words
    " still_sold(l.face_minor, l) AS face, said.paid, said.earned, said.fee"
    " FROM order_line l" + _TOLD + "), posted AS (SELECT e.order_id, e.line_no AS no,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'tickets:agent') AS tickets,"
    " sum(p.amount_minor) FILTER (WHERE p.what = 'face' AND p.account IN"
    "   ('receivable:agent', 'asset:psp', 'payable:buyer-refund',"
    "    'receivable:supplier')) AS face,"
    " sum(p.amount_minor) FILTER (WHERE p.what = 'commission' AND p.account IN"
    "   ('expense:commission', 'tax:input')) AS paid,"
    " sum(CASE p.account WHEN 'asset:inventory' THEN p.amount_minor"
    "   ELSE -p.amount_minor END) FILTER (WHERE p.what = 'commission' AND p.account IN"
    "   ('income:commission', 'tax:output', 'asset:inventory')) AS earned,"
    " -sum(p.amount_minor) FILTER (WHERE p.what = 'service-fee' AND p.account IN"
    "   ('income:service-fee', 'tax:output')) AS fee"
    " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
    " WHERE e.order_id IS NOT NULL GROUP BY e.order_id, e.line_no)"
    " SELECT coalesce(t.order_id, p.order_id) AS order_id, coalesce(t.no, p.no) AS no"
    " FROM told t FULL JOIN posted p ON (p.order_id, p.no) = (t.order_id, t.no)"
    " WHERE t.order_id IS NULL OR p.order_id IS NULL"
    " OR (t.tickets, t.face, coalesce(t.paid, 0), coalesce(t.earned, 0),"
    " coalesce(t.fee, 0)) IS DISTINCT FROM (coalesce(p.tickets, 0),"
    " coalesce(p.face, 0), coalesce(p.paid, 0), coalesce(p.earned, 0),"
    " coalesce(p.fee, 0)) LIMIT 20"
)
_SAME_LAW = text(
    "SELECT l.order_id, l.no FROM order_line l JOIN sale_order o ON o.id = l.order_id"  # noqa: S608 - our own words
    " LEFT JOIN node n ON n.id = l.node_id LEFT JOIN offer f ON f.id = l.offer_id"
    " LEFT JOIN performance_area pa ON pa.id = f.performance_area_id"
    + _TOLD
    + " WHERE (l.performance_id, l.performance_id, pa.id, o.world, l.currency,"
    " l.quantity, l.face_minor, l.booking_fee_minor) IS DISTINCT FROM"
    " (n.performance_id, pa.performance_id, n.performance_area_id, n.world,"
    " l.quote->>'currency', (l.quote->>'quantity')::int,"
    " said.face, coalesce(said.booking, 0))"
    " OR EXISTS (SELECT FROM ticket t WHERE t.order_id = l.order_id"
    " AND t.line_no = l.no AND t.performance_id <> l.performance_id) LIMIT 20"
)


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of the sale: tickets, states, postings, quotes."""
    checks = {
        "a line has a ticket for each of its quantity": _LINES_LAW,
        "an order's state is what its tickets say": _STATE_LAW,
        "an order comes from a confirmed hold of the same agent": _HOLD_LAW,
        "a line, its tickets, its offer and its node are one performance's": _SAME_LAW,
        "postings are what the order lines say": _POSTED_LAW,
    }
    found = [
        {"law": law} | {name: str(value) for name, value in row._mapping.items()}  # noqa: SLF001 - documented
        for law, query in checks.items()
        for row in session.execute(query)
    ]
    return found + list(broken_entries(session)) + list(broken_quotes(session))
