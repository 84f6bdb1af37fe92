"""Which terms cover a sale: the approved ones of both contracts, valid now."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from partners.models import Contract
from settlement.errors import NoTermsError
from settlement.models import TaxCode, Terms
from settlement.rules.clauses import Clauses, TaxRate
from settlement.rules.scopes import Scope, TermsVersion
from settlement.rules.taxes import TaxBook

PARSED_MAX = 10_000
_COLUMNS = (
    "t.id, t.contract_id, t.version, t.scope::text AS scope, lower(t.valid) AS starts,"
    " upper(t.valid) AS ends, c.zone"
)
_SIGNED = text(
    "SELECT s.partner_id AS supplier_id, s.currency, s.legal_entity, s.id AS s_id,"
    " a.id AS a_id, p.channel, clock_timestamp() + w.clock_offset AS now"
    " FROM contract s JOIN contract a ON a.legal_entity = s.legal_entity"
    " AND a.currency = s.currency AND a.world = s.world AND a.partner_id = :agent"
    " JOIN partner p ON p.id = a.partner_id JOIN world w ON w.name = s.world"
    " WHERE s.partner_id = ANY(:suppliers) AND s.world = :world"
)
_VALID = text(
    f"SELECT {_COLUMNS} FROM terms t JOIN contract c ON c.id = t.contract_id"  # noqa: S608 - our own words
    " WHERE t.contract_id = ANY(:contracts) AND t.state = 'approved'"
    " AND t.valid @> CAST(:now AS timestamptz)"
)
_BETWEEN = text(
    f"SELECT {_COLUMNS} FROM terms t JOIN contract c ON c.id = t.contract_id"  # noqa: S608 - our own words
    " WHERE t.contract_id = :contract AND t.state = 'approved'"
    " AND t.valid && tstzrange(:first, :last, '[]')"
)
_ALL = text(
    f"SELECT {_COLUMNS}, t.clauses::text AS clauses FROM terms t"  # noqa: S608 - our own words
    " JOIN contract c ON c.id = t.contract_id WHERE t.state = 'approved'"
)
_CLAUSES = text("SELECT id, clauses::text AS clauses FROM terms WHERE id = ANY(:ids)")
_TAXES = text(
    "SELECT code, lower(valid) AS valid_from, upper(valid) AS valid_until, rate,"
    " method, category, exemption FROM tax_code WHERE legal_entity = :entity"
)


class _Parsed:
    """Clauses by terms id, of this process: terms are immutable."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, Clauses] = OrderedDict()
        self._lock = Lock()

    def find(self, session: Session, ids: Collection[UUID]) -> dict[UUID, Clauses]:
        """Return clauses by terms id; those not known yet are read."""
        with self._lock:
            found = {i: self._known[i] for i in ids if i in self._known}
        missing = [i for i in ids if i not in found]
        if missing:
            for row in session.execute(_CLAUSES, {"ids": missing}):
                found[row.id] = msgspec.json.decode(row.clauses, type=Clauses)
            with self._lock:
                self._known |= {i: found[i] for i in missing}
                while len(self._known) > PARSED_MAX:
                    self._known.popitem(last=False)
        return found


_parsed = _Parsed()
_SCOPES = msgspec.json.Decoder(Scope)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a supplier, an agent and a legal entity have agreed in a currency."""

    legal_entity: str
    supplier_id: UUID
    agent_id: UUID
    agent_contract_id: UUID
    channel: str
    now: datetime
    supplier: Sequence[TermsVersion] = field(default_factory=list)
    agent: Sequence[TermsVersion] = field(default_factory=list)


def agreements(
    session: Session, *, world: str, suppliers: Collection[UUID], agent_id: UUID
) -> dict[tuple[UUID, str], Agreement]:
    """Return, per (supplier, currency), the terms of both sides that are valid now."""
    wanted = {"world": world, "suppliers": list(suppliers), "agent": agent_id}
    signed = session.execute(_SIGNED, wanted).all()
    if not signed:
        return {}
    ids = {row.s_id for row in signed} | {row.a_id for row in signed}
    valid = {"contracts": list(ids), "now": signed[0].now}
    rows = session.execute(_VALID, valid).all()
    clauses = _parsed.find(session, [row.id for row in rows])
    by_contract: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        by_contract.setdefault(row.contract_id, []).append(row)

    def versions(contract_id: UUID, side: str) -> list[TermsVersion]:
        found = by_contract.get(contract_id, ())
        return [_version(row, side, clauses[row.id]) for row in found]

    return {
        (row.supplier_id, row.currency): Agreement(
            *(row.legal_entity, row.supplier_id, agent_id, row.a_id, row.channel),
            row.now,
            versions(row.s_id, "supplier"),
            versions(row.a_id, "agent"),
        )
        for row in signed
    }


def _version(row: Row[Any], side: str, clauses: Clauses) -> TermsVersion:
    return TermsVersion(
        contract_id=str(row.contract_id),
        terms_id=str(row.id),
        version=row.version,
        side=side,
        zone=row.zone,
        valid_from=row.starts,
        valid_until=row.ends,
        scope=_SCOPES.decode(row.scope),
        clauses=clauses,
    )


def valid_terms(
    session: Session, contract: Contract, side: str, *, at: datetime
) -> list[TermsVersion]:
    """Return a contract's approved terms at a moment, of every scope."""
    rows = session.execute(_VALID, {"contracts": [contract.id], "now": at}).all()
    clauses = _parsed.find(session, [row.id for row in rows])
    return [_version(row, side, clauses[row.id]) for row in rows]


def widest_terms(
    session: Session, contract: Contract, side: str, *, at: datetime
) -> TermsVersion:
    """Return the terms of the widest scope at a moment; NoTermsError if none hold."""
    found = valid_terms(session, contract, side, at=at)
    if not found:
        raise NoTermsError(contract_id=contract.id)
    return min(found, key=lambda terms: terms.scope.specificity)


def terms_between(
    session: Session, contract: Contract, side: str, moments: Sequence[datetime]
) -> list[TermsVersion]:
    """Return a contract's approved terms that are valid at any of some moments."""
    where = {"contract": contract.id, "first": min(moments), "last": max(moments)}
    rows = session.execute(_BETWEEN, where).all()
    clauses = _parsed.find(session, [row.id for row in rows])
    return [_version(row, side, clauses[row.id]) for row in rows]


def clauses_of(session: Session, terms_ids: Collection[UUID]) -> dict[UUID, Clauses]:
    """Return what versions of terms say, by their ids."""
    return _parsed.find(session, terms_ids)


def all_versions(session: Session) -> dict[str, TermsVersion]:
    """Return every approved version by its id, as the database has it now."""
    return {
        str(row.id): _version(row, "", msgspec.json.decode(row.clauses, type=Clauses))
        for row in session.execute(_ALL)
    }


def tax_book(session: Session, legal_entity: str) -> TaxBook:
    """Return the tax codes of a legal entity."""
    rows = session.execute(_TAXES, {"entity": legal_entity}).mappings()
    return TaxBook(msgspec.convert(dict(row), TaxRate) for row in rows)


def list_tax_codes(session: Session, legal_entity: str) -> Sequence[TaxCode]:
    """Return the tax codes of a legal entity, by code and first day."""
    wanted = select(TaxCode).where(TaxCode.legal_entity == legal_entity)
    return session.scalars(wanted.order_by(TaxCode.code, TaxCode.valid)).all()


def get_terms(session: Session, terms_id: UUID, *, world: str) -> Terms:
    """Return a version of terms; NotFoundError for one of another world."""
    found = session.get(Terms, terms_id)
    if found is not None:
        contract = session.get_one(Contract, found.contract_id)
        if contract.world == world:
            return found
    raise NotFoundError(terms_id=terms_id)


def list_terms(
    session: Session, contract_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Terms]:
    """Return the versions of a contract by id, one more than *limit*."""
    wanted = select(Terms).where(Terms.contract_id == contract_id)
    if after is not None:
        wanted = wanted.where(Terms.id > after)
    return session.scalars(wanted.order_by(Terms.id).limit(limit + 1)).all()
