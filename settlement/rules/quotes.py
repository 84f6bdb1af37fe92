"""What a sale is worth to each party. A pure function of terms and line."""

from dataclasses import asdict, dataclass
from typing import Any, Self
from uuid import UUID

from hub.kernel.money import share


@dataclass(frozen=True, slots=True)
class TermsVersion:
    """One version of a contract's terms: commission in basis points, fee per ticket."""

    terms_id: UUID
    contract_id: UUID
    version: int
    commission_bp: int
    ticket_fee_minor: int


@dataclass(frozen=True, slots=True)
class Line:
    """Some tickets of one offer: amounts are minor units of the currency, each."""

    quantity: int
    currency: str
    face_minor: int
    booking_fee_minor: int


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose sale it is, under whose books, on which terms."""

    legal_entity: str
    supplier_id: UUID
    agent_id: UUID
    supplier_terms: TermsVersion
    agent_terms: TermsVersion


@dataclass(frozen=True, slots=True)
class Side:
    """What one contract earns or costs on a line, with the rule and its inputs."""

    contract_id: UUID
    terms_id: UUID
    version: int
    rule: str
    commission_bp: int
    commission_base_minor: int
    commission_minor: int
    ticket_fee_minor: int
    service_fee_minor: int
    state: str

    @classmethod
    def loaded(cls, said: dict[str, Any]) -> Self:
        ids = {name: UUID(said[name]) for name in ("contract_id", "terms_id")}
        return cls(**said | ids)


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a line and what each party gets; minor units, whole line."""

    legal_entity: str
    supplier_id: UUID
    agent_id: UUID
    quantity: int
    currency: str
    face_minor: int
    booking_fee_minor: int
    supplier: Side
    agent: Side

    def dumped(self) -> dict[str, Any]:
        """Return the quote as it is stored on the line: ids as text."""
        stored: dict[str, Any] = _plain(asdict(self))
        return stored

    @classmethod
    def loaded(cls, said: dict[str, Any]) -> Self:
        """Return a stored quote."""
        ids = {name: UUID(said[name]) for name in ("supplier_id", "agent_id")}
        sides = {name: Side.loaded(said[name]) for name in ("supplier", "agent")}
        return cls(**said | ids | sides)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, UUID) else value


def quote(line: Line, parties: Parties) -> Quote:
    """Price a line: commission is a part of the face value, rounded half-even, once.

    Linear terms round per line and are final.
    """
    face_minor = line.face_minor * line.quantity
    return Quote(
        legal_entity=parties.legal_entity,
        supplier_id=parties.supplier_id,
        agent_id=parties.agent_id,
        quantity=line.quantity,
        currency=line.currency,
        face_minor=face_minor,
        booking_fee_minor=line.booking_fee_minor * line.quantity,
        supplier=_side(parties.supplier_terms, face_minor, line.quantity),
        agent=_side(parties.agent_terms, face_minor, line.quantity),
    )


def _side(terms: TermsVersion, face_minor: int, quantity: int) -> Side:
    return Side(
        contract_id=terms.contract_id,
        terms_id=terms.terms_id,
        version=terms.version,
        rule="percent of face value, half-even; fee per ticket",
        commission_bp=terms.commission_bp,
        commission_base_minor=face_minor,
        commission_minor=share(face_minor, terms.commission_bp),
        ticket_fee_minor=terms.ticket_fee_minor,
        service_fee_minor=terms.ticket_fee_minor * quantity,
        state="final",
    )
