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
    ContractEvent,
    Deposit,
    DepositApplied,
    DepositReturned,
    Event,
    ForeignRemittance,
    Release,
    ReserveReleased,
)

__all__ = [
    "Bill",
    "Charge",
    "ContractEvent",
    "Contracted",
    "Deposit",
    "DepositApplied",
    "DepositReturned",
    "Event",
    "ForeignRemittance",
    "Release",
    "ReserveReleased",
    "bill_legs",
    "legs",
    "position",
    "side_of",
]
