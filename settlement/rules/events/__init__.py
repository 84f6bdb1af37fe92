"""What happens to money alone: deposits, remittances, payouts, chargebacks, bills."""

from settlement.rules.events.legs import (
    Charge,
    Contracted,
    bill_legs,
    legs,
    position,
    side_of,
)
from settlement.rules.events.records import (
    Bill,
    BookedEvent,
    ContractEvent,
    Deposit,
    DepositApplied,
    DepositReturned,
    Event,
    ForeignRemittance,
    Memo,
    Netted,
    Payout,
    Release,
    Remittance,
    ReserveReleased,
)

__all__ = [
    "Bill",
    "BookedEvent",
    "Charge",
    "ContractEvent",
    "Contracted",
    "Deposit",
    "DepositApplied",
    "DepositReturned",
    "Event",
    "ForeignRemittance",
    "Memo",
    "Netted",
    "Payout",
    "Release",
    "Remittance",
    "ReserveReleased",
    "bill_legs",
    "legs",
    "position",
    "side_of",
]
