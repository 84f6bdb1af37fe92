"""Terms and lines as files: what `hub settlement quote` reads and writes. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from hub.kernel.errors import HubError
from hub.kernel.money import is_currency
from hub.kernel.zones import zones
from settlement.errors import LinesRefusedError, TermsRefusedError
from settlement.rules.checks import Finding, problems, refuse, words
from settlement.rules.clauses import Clauses, TaxRate
from settlement.rules.clauses.words import Clause, Name
from settlement.rules.deals import Deal
from settlement.rules.events import ContractEvent
from settlement.rules.lines import Code, Line, Moment
from settlement.rules.quotes import FINAL, PROVISIONAL, Quote
from settlement.rules.quoting import quotes
from settlement.rules.scopes import Scope, TermsVersion, resolve
from settlement.rules.taxes import TaxBook, category_of

LINES_MAX = 1_000_000
T = TypeVar("T")
REASONS = {
    "Expected `int | str`, got `float`": "floats are not exact: write a rate as whole"
    ' basis points (825 is 8.25 %) or as a fraction ("33/400")',
    "Expected `int`, got `float`": "floats are not exact: write a whole number"
    " (money in minor units)",
}
_AT = re.compile(r"^(?P<reason>.*?)(?: - at `\$\.?(?P<where>.*)`)?\Z", re.DOTALL)


class FileTerms(Clause, frozen=True, kw_only=True):
    """A version of one side's terms; without dates it holds always."""

    side: Literal["supplier", "agent"]
    id: Name | None = None
    scope: Scope = Scope()
    valid_from: Moment = datetime(1, 1, 2, tzinfo=UTC)
    valid_until: Moment | None = None
    clauses: Clauses


class TermsFile(Clause, frozen=True, kw_only=True):
    """Terms of a supplier, an agent, or both; *zone* tells days, months and weeks."""

    currency: Code
    zone: Name = "UTC"
    tax_codes: Annotated[tuple[TaxRate, ...], Meta(max_length=1_000)] = ()
    terms: Annotated[list[FileTerms], Meta(min_length=1, max_length=10_000)]


LinesFile = Annotated[list[Line], Meta(min_length=1, max_length=LINES_MAX)]


class QuotesFile(Struct, frozen=True, kw_only=True):
    """The answer: a quote a line, in their order, and what all of them come to.

    *totals*: minor units by what, terms' side and recipient ("commission/agent/agent").
    """

    currency: Code
    state: Literal["final", "provisional"]
    totals: dict[str, int]
    quotes: list[Quote]


FILES: dict[str, Any] = {
    "terms": TermsFile,
    "lines": LinesFile,
    "quotes": QuotesFile,
    "events": ContractEvent,
}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of terms, lines, quotes or money's events."""
    made = msgspec.json.schema(FILES[name])
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**told, "title": f"Ticket hub: {name}", **made}


def findings(error: msgspec.DecodeError) -> list[Finding]:
    """Return what msgspec refused as a finding: the clause, and why."""
    told = _AT.match(str(error))
    assert told is not None  # noqa: S101 - the pattern takes any text
    reason = REASONS.get(told["reason"], told["reason"])
    return [Finding(told["where"] or "", reason)]


def converted(said: Any, kind: Any, refusal: type[HubError] | None = None) -> Any:
    """Return plain data as terms or lines; TermsRefusedError names the clause."""
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        _refuse(error, refusal)
        raise


def decoded(text: bytes, kind: Any, refusal: type[HubError] | None = None) -> Any:
    """Return JSON text as terms or lines; TermsRefusedError names the clause."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse(error, refusal)
        raise


def _refuse(error: Exception, refusal: type[HubError] | None) -> None:
    found = (
        findings(error)
        if isinstance(error, msgspec.DecodeError)
        else [Finding("", "not UTF-8")]
    )
    if refusal is LinesRefusedError:
        told = [{"line": found[0].clause, "reason": found[0].reason}]
        raise LinesRefusedError(lines=told) from None
    refuse(found)


def read_terms(text: bytes) -> TermsFile:
    """Return a terms file; TermsRefusedError with every clause that is wrong."""
    found: TermsFile = decoded(text, TermsFile)
    refuse([*_wrong(found)])
    return found


def _wrong(file: TermsFile) -> Iterable[Finding]:
    if not is_currency(file.currency):
        yield Finding("currency", f"{file.currency} is not a currency of ISO 4217")
    if file.zone not in zones():
        yield Finding("zone", f"{file.zone} is not a zone of the IANA database")
    codes = {rate.code for rate in file.tax_codes}
    for no, terms in enumerate(file.terms):
        where = f"terms[{no}]"
        for wrong in problems(terms.clauses, terms.side, codes):
            yield Finding(f"{where}.clauses.{wrong.clause}", wrong.reason)
        if terms.valid_until is not None and terms.valid_until <= terms.valid_from:
            yield Finding(f"{where}.valid_until", "ends before it starts")
    yield from _overlapping("terms", file.terms, lambda t: (t.side, t.scope.tag))
    yield from _overlapping("tax_codes", file.tax_codes, lambda rate: rate.code)
    for no, rate in enumerate(file.tax_codes):
        yield from words.rate(f"tax_codes[{no}].rate", rate.rate)
        for wrong in category_of(rate)[1]:
            yield Finding(f"tax_codes[{no}].{wrong.clause}", wrong.reason)
        if rate.valid_until is not None and rate.valid_until <= rate.valid_from:
            yield Finding(f"tax_codes[{no}].valid_until", "ends before it starts")


def _overlapping(
    name: str, dated: Sequence[Any], key: Callable[[Any], object]
) -> Iterator[Finding]:
    """Yield what holds for the same thing as an earlier one, at the same time."""
    groups: dict[object, list[int]] = {}
    for no, one in enumerate(dated):
        groups.setdefault(key(one), []).append(no)
    for group in groups.values():
        for first, second in combinations(group, 2):
            overlap = _overlap(dated[first], dated[second])
            if overlap is not None:
                reason = f"overlaps {name}[{first}], {overlap}"
                yield Finding(f"{name}[{second}].valid_from", reason)


def _overlap(one: Any, other: Any) -> str | None:
    begins = max(one.valid_from, other.valid_from)
    ends = min(
        (t.valid_until for t in (one, other) if t.valid_until is not None),
        default=None,
    )
    if ends is None:
        return f"from {begins.isoformat()} on"
    if begins < ends:
        return f"from {begins.isoformat()} until {ends.isoformat()}"
    return None


def read_lines(text: bytes) -> list[Line]:
    """Return the lines of a file; LinesRefusedError names the first that is none."""
    found: list[Line] = decoded(text, LinesFile, LinesRefusedError)
    return found


def versions(file: TermsFile) -> dict[str, list[TermsVersion]]:
    """Return a file's terms by side."""
    found: dict[str, list[TermsVersion]] = {"supplier": [], "agent": []}
    for no, terms in enumerate(file.terms):
        version = TermsVersion(
            contract_id=terms.side,
            terms_id=terms.id or f"terms[{no}]",
            version=no + 1,
            side=terms.side,
            zone=file.zone,
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
            scope=terms.scope,
            clauses=terms.clauses,
        )
        found[terms.side].append(version)
    return found


def deals(
    lines: Sequence[Line], by_side: dict[str, list[TermsVersion]], currency: str
) -> list[Deal]:
    """Return lines with the terms that cover them; LinesRefusedError names the rest."""
    wrong, found = [], []
    for no, line in enumerate(lines):
        supplier = resolve(by_side["supplier"], line)
        agent = resolve(by_side["agent"], line)
        if line.currency != currency:
            reason = f"is in {line.currency}, the terms are in {currency}"
            wrong.append({"line": f"[{no}]", "reason": reason})
        elif supplier is None and agent is None:
            wrong.append({"line": f"[{no}]", "reason": "no terms cover it"})
        elif (line.discount_minor or 0) > line.face_minor * line.quantity:
            over = (line.discount_minor or 0) - line.face_minor * line.quantity
            reason = f"the discount exceeds the face value by {over}"
            wrong.append({"line": f"[{no}].discount_minor", "reason": reason})
        found.append(Deal(line, supplier, agent))
    if wrong:
        raise LinesRefusedError(lines=wrong[:100])
    return found


def answer(currency: str, found: Sequence[Quote]) -> QuotesFile:
    """Return quotes with their sums."""
    totals: dict[str, int] = {}
    state = FINAL
    for quote in found:
        for amount in quote.amounts:
            key = "/".join((amount.what, amount.side or "offer", amount.to)).strip("/")
            totals[key] = totals.get(key, 0) + amount.minor
            if amount.state != FINAL:
                state = PROVISIONAL
    told: Literal["final", "provisional"] = "final" if state == FINAL else "provisional"
    return QuotesFile(currency=currency, state=told, totals=totals, quotes=list(found))


def quote_files(terms: bytes, lines: bytes) -> QuotesFile:
    """Quote a file of lines under a file of terms: lines run on in their order."""
    file = read_terms(terms)
    wanted = deals(read_lines(lines), versions(file), file.currency)
    return answer(file.currency, quotes(wanted, TaxBook(file.tax_codes), {}))


__all__ = ["FILES", "TermsRefusedError", "quote_files", "schema"]
