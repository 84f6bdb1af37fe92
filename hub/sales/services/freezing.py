"""Freezing quotes: each is stored once, under the hash of what it says."""

import hashlib
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.rules.quotes import Quote

KEEP_DAYS = 100
_FREEZE = text(
    "INSERT INTO frozen_quote (id, world, agent_contract_id, body)"
    " VALUES (:id, :world, :contract, CAST(:body AS jsonb)) ON CONFLICT (id) DO UPDATE"
    " SET seen_at = clock_timestamp()"
    " WHERE frozen_quote.seen_at < clock_timestamp() - interval '1 day'"
)
# A quote is looked at when it is frozen for a hold; what is held for longer keeps it.
_PRUNE = text(
    "DELETE FROM frozen_quote WHERE id = ANY(ARRAY(SELECT q.id FROM frozen_quote q"
    " WHERE q.seen_at < clock_timestamp() - make_interval(days => :days)"
    " AND q.id NOT IN (SELECT l.quote_id FROM hold h JOIN hold_line l"
    " ON l.hold_id = h.id WHERE h.state IN ('held', 'requested')) LIMIT :most))"
)


def freeze(session: Session, world: str, quote: Quote) -> UUID:
    """Store a quote, if it is not stored yet; return its id."""
    body = msgspec.json.encode(quote)
    found = UUID(bytes=hashlib.sha256(world.encode() + b"|" + body).digest()[:16])
    values = {
        "id": found,
        "world": world,
        "contract": quote.agent_contract_id,
        "body": body.decode(),
    }
    session.execute(_FREEZE, values)
    return found


def prune_quotes(session: Session, *, most: int) -> int:
    """Delete some quotes that no hold has asked for in a long time; return how many."""
    found = session.execute(_PRUNE, {"days": KEEP_DAYS, "most": most})
    return found.rowcount  # type: ignore[attr-defined, no-any-return]
