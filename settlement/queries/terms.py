"""Which terms cover a sale."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.rules.quotes import Parties, TermsVersion

_PARTIES = text(
    "SELECT s.partner_id AS supplier_id, s.currency, s.legal_entity,"
    " st.id AS s_id, st.contract_id AS s_contract, st.version AS s_version,"
    " st.commission_bp AS s_bp, st.ticket_fee_minor AS s_fee,"
    " at.id AS a_id, at.contract_id AS a_contract, at.version AS a_version,"
    " at.commission_bp AS a_bp, at.ticket_fee_minor AS a_fee"
    " FROM contract s JOIN terms st ON st.contract_id = s.id"
    " JOIN contract a ON a.legal_entity = s.legal_entity AND a.currency = s.currency"
    " AND a.world = s.world AND a.partner_id = :agent"
    " JOIN terms at ON at.contract_id = a.id"
    " JOIN (SELECT name, clock_timestamp() + clock_offset AS now FROM world) w"
    " ON w.name = s.world"
    " WHERE s.partner_id = ANY(:suppliers) AND s.world = :world"
    " AND st.valid @> w.now AND at.valid @> w.now"
)


def parties(
    session: Session,
    *,
    world: str,
    suppliers: Collection[UUID],
    agent_id: UUID,
) -> dict[tuple[UUID, str], Parties]:
    """Return, per (supplier, currency), the terms of both sides that are valid now."""
    wanted = {"world": world, "suppliers": list(suppliers), "agent": agent_id}
    return {
        (row.supplier_id, row.currency): _parties(row, agent_id)
        for row in session.execute(_PARTIES, wanted)
    }


def _parties(row: Row[Any], agent_id: UUID) -> Parties:
    return Parties(
        legal_entity=row.legal_entity,
        supplier_id=row.supplier_id,
        agent_id=agent_id,
        supplier_terms=TermsVersion(
            row.s_id, row.s_contract, row.s_version, row.s_bp, row.s_fee
        ),
        agent_terms=TermsVersion(
            row.a_id, row.a_contract, row.a_version, row.a_bp, row.a_fee
        ),
    )
