"""What is wrong with terms as written: which clause, and by how much. Pure."""

from collections.abc import Callable, Collection, Iterator

from msgspec.structs import asdict

from settlement.rules.checks import earning, money
from settlement.rules.checks.words import Finding, refuse
from settlement.rules.clauses import Clauses, Payout

AGENT_ONLY = {"collector": "agent"}
SUPPLIER_ONLY = {
    "agreed_price_minor": None,
    "distribution": None,
    "capacity": "agent",
    "payout": Payout(),
}


def problems(
    clauses: Clauses, side: str, tax_codes: Collection[str] | None = None
) -> list[Finding]:
    """Return what contradicts itself or does not add up; *side* has the contract.

    Tax codes are checked against those there are, if these are said.
    """
    checks: tuple[Callable[[Clauses], Iterator[Finding]], ...] = (
        earning.commission,
        earning.fees,
        money.discount,
        money.distribution,
        money.payments,
    )
    found = list(_sides(clauses, side))
    for check in checks:
        found += check(clauses)
    if tax_codes is not None:
        found += _taxes(clauses, tax_codes)
    return found


def _taxes(clauses: Clauses, known: Collection[str]) -> Iterator[Finding]:
    for leg, code in asdict(clauses.taxes).items():
        if code is not None and code not in known:
            yield Finding(f"taxes.{leg}", f"{code} is no tax code of these books")


def warnings(clauses: Clauses) -> list[Finding]:
    """Return what is worth a second look: fees that fall with the price."""
    return [
        Finding(f"{name}[{no}].brackets[{band + 1}]", reason)
        for name in ("booking_fees", "service_fees")
        for no, clause in enumerate(getattr(clauses, name))
        for band, reason in earning.falling(clause)
    ]


def _sides(clauses: Clauses, side: str) -> Iterator[Finding]:
    wrong = SUPPLIER_ONLY if side == "agent" else AGENT_ONLY
    other = "supplier" if side == "agent" else "agent"
    for name, default in wrong.items():
        if getattr(clauses, name) != default:
            yield Finding(name, f"is agreed with the {other}, not with the {side}")


__all__ = ["Finding", "problems", "refuse", "warnings"]
