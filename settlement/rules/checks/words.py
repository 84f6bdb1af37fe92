"""What every check says: findings, bands, rates, bounds, sums. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hub.kernel.money import ratio
from settlement.errors import TermsRefusedError
from settlement.rules.clauses.words import Banded


@dataclass(frozen=True, slots=True)
class Finding:
    """A clause, and what is wrong with it."""

    clause: str
    reason: str


def refuse(findings: Iterable[Finding]) -> None:
    """Raise TermsRefusedError if anything was found."""
    told = [{"clause": f.clause, "reason": f.reason} for f in findings]
    if told:
        raise TermsRefusedError(clauses=told)


def bands(path: str, said: Sequence[Banded]) -> Iterator[Finding]:
    """Yield bands that end in the wrong order, twice, or not at all."""
    last, before = len(said) - 1, None
    for no, band in enumerate(said):
        where = f"{path}[{no}]"
        if band.up_to is not None and band.below is not None:
            yield Finding(where, "says both up_to and below")
        top = band.top
        if no == last:
            if top is not None:
                yield Finding(where, f"nothing holds above {top}: leave its bound out")
        elif top is None:
            yield Finding(where, "has no bound, so what follows never holds")
        elif before is not None and top <= before:
            by = before - top
            yield Finding(where, f"ends at {top}, {by} below the end of the one before")
        before = top if top is not None else before


def rate(path: str, said: int | str | None) -> Iterator[Finding]:
    """Yield a rate above the whole."""
    if said is not None:
        numerator, denominator = ratio(said)
        if numerator > denominator:
            over = Fraction(numerator - denominator, denominator)
            yield Finding(path, f"exceeds the whole by {over}")


def limits(path: str, minimum: int, maximum: int | None) -> Iterator[Finding]:
    """Yield a minimum above its maximum."""
    if maximum is not None and minimum > maximum:
        by = minimum - maximum
        yield Finding(path, f"the minimum exceeds the maximum by {by}")


def adds_up(
    path: str, rates: Sequence[int | str], *, has_rest: bool, rest: str
) -> Iterator[Finding]:
    """Yield rates that do not come to the whole: by how much, and the way out."""
    total = sum((Fraction(*ratio(rate)) for rate in rates), Fraction(0))
    if total > 1:
        yield Finding(path, f"sum to {total}, {total - 1} over the whole")
    elif total < 1 and not has_rest:
        yield Finding(path, f"sum to {total}, {1 - total} short of the whole: {rest}")
