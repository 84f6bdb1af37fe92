"""What happens to money alone, as a person or the bank says it.

Amounts are minor units of the contract's currency.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from settlement.rules.clauses.words import MINOR_MAX, Name, Rate

Some = Annotated[int, Meta(ge=1, le=MINOR_MAX, description="Minor units")]
Maybe = Annotated[int, Meta(ge=0, le=MINOR_MAX)]
Id = Annotated[UUID, Meta(description="A performance's id")]
Party = Literal["partner", "hub"]


POSITIVE = r"^(?=[0-9.]*[1-9])[0-9]{1,9}(\.[0-9]{1,12})?\Z"


class Event(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="event"
):
    """Something that happened to money."""


class Simple(Event, frozen=True, kw_only=True):
    """An event that is one amount."""

    amount_minor: Some


class Deposit(Simple, frozen=True, kw_only=True, tag="deposit"):
    """An agent's prepayment came in; it counts before its credit."""


class DepositApplied(Simple, frozen=True, kw_only=True, tag="deposit-applied"):
    """What an agent owes was taken out of its deposit."""


class DepositReturned(Simple, frozen=True, kw_only=True, tag="deposit-returned"):
    """A deposit went back to the agent."""


class Remittance(Simple, frozen=True, kw_only=True, tag="remittance"):
    """A partner paid what it owes, in the contract's currency."""


class ForeignRemittance(Simple, frozen=True, kw_only=True, tag="foreign-remittance"):
    """A partner paid what it owes in another currency.

    *rate*: units of the contract's currency for one of the other, as decimal text;
    *spread* of the amount at that rate is charged on top, as a leg of its own.
    """

    paid_currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    rate: Annotated[
        str,
        Meta(pattern=POSITIVE, description="Above zero, as decimal text"),
    ]
    spread: Rate = 0
    rate_source: Name
    rate_at: Annotated[datetime, Meta(tz=True)]


class Payout(Simple, frozen=True, kw_only=True, tag="payout"):
    """What a partner is due was handed to the bank."""


class PayoutMatched(Simple, frozen=True, kw_only=True, tag="payout-matched"):
    """The bank's statement shows a payout."""


class PspPayout(Event, frozen=True, kw_only=True, tag="psp-payout"):
    """The payment provider paid out, less its fee."""

    amount_minor: Some
    fee_minor: Maybe = 0


class RefundPaid(Simple, frozen=True, kw_only=True, tag="refund-paid"):
    """A buyer got money back through the payment provider."""


class Bearer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who bears a part; weights share by largest remainder."""

    party: Party
    weight: Annotated[int, Meta(ge=1, le=10_000)]


Bearers = Annotated[tuple[Bearer, ...], Meta(min_length=1, max_length=2)]


class Chargeback(Event, frozen=True, kw_only=True, tag="chargeback"):
    """A buyer's bank took money back: who bears the amount, and who its cost.

    Where an agent and a supplier share it, each contract has an event of its own.
    """

    amount_minor: Some
    cost_minor: Maybe = 0
    amount_by: Bearers = (Bearer(party="partner", weight=1),)
    cost_by: Bearers = (Bearer(party="hub", weight=1),)
    is_reversal: bool = False


class Guarantee(Simple, frozen=True, kw_only=True, tag="guarantee"):
    """What lacks to a minimum guarantee: the hub's to a supplier, an agent's to it."""


class Release(Simple, frozen=True, kw_only=True, tag="release"):
    """Deferred money of a performance has become due, or is paid in advance."""

    performance_id: Id


class ReserveReleased(Simple, frozen=True, kw_only=True, tag="reserve-released"):
    """What was retained of a performance's money has become due."""

    performance_id: Id


class Purchase(Simple, frozen=True, kw_only=True, tag="purchase"):
    """The hub bought tickets for its own inventory (principal)."""


class Unsold(Simple, frozen=True, kw_only=True, tag="unsold"):
    """Bought tickets were not sold by their deadline."""


class Reclassified(Simple, frozen=True, kw_only=True, tag="reclassified"):
    """A supplier's debit balance is claimed from it."""


class SharePaid(Event, frozen=True, kw_only=True, tag="share-paid"):
    """A holder of a box-office split, the fund or the tax was paid."""

    amount_minor: Some
    holder: Name


class Bill(Event, frozen=True, kw_only=True, tag="bill"):
    """Advertising or another service is billed, as the terms price it."""

    name: Name
    units: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class Memo(Event, frozen=True, kw_only=True, tag="memo"):
    """A closed statement is corrected: the partner owes more (debit) or less.

    *corrects* is the amount that was wrong, by the name of its column; the tax is in
    the amount. It names the line it goes back to, and the month that is stated in.
    """

    amount_minor: Some
    kind: Literal["debit", "credit"]
    corrects: Literal["commission", "service-fee", "other"]
    reason: Name
    origin_period: str
    origin_entry_id: UUID | None = None
    tax_minor: Maybe = 0


class Netted(Event, frozen=True, kw_only=True, tag="netted"):
    """What a partner is owed is set against what it owes; debit receivable."""

    to_receivable_minor: int


class TaxRounded(Event, frozen=True, kw_only=True, tag="tax-rounded"):
    """An invoice has so much more tax (less: negative) than its lines had.

    What is due does not change: what the seller keeps of it does.
    """

    more_minor: int
    seller: Literal["hub", "partner"]
    statement_id: UUID
    is_taxed: bool


ContractEvent = (
    Deposit
    | DepositApplied
    | DepositReturned
    | Remittance
    | ForeignRemittance
    | Payout
    | PayoutMatched
    | PspPayout
    | RefundPaid
    | Chargeback
    | Guarantee
    | Release
    | ReserveReleased
    | Purchase
    | Unsold
    | Reclassified
    | SharePaid
    | Bill
)
BookedEvent = ContractEvent | Memo | Netted | TaxRounded
