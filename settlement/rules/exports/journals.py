"""The journal as hledger and Beancount read it, with what balances must come to.

Amounts are whole minor units, each currency a commodity of its own (``EURMINOR``): so
no tolerance can hide a cent. What is asserted is computed from order lines and events,
not from the postings: else a checker would only say that the journal agrees with
itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from settlement.rules.accounts import TICKETS
from settlement.rules.facts import Leg

Balances = Mapping[tuple[str, str | None, str], int]
_ROOTS = {
    "asset": "Assets",
    "receivable": "Assets:Receivable",
    "payable": "Liabilities:Payable",
    "deposit": "Liabilities:Deposit",
    "tax": "Liabilities:Tax",
    "income": "Income",
    "expense": "Expenses",
    "equity": "Equity",
    "tickets": "Equity:Tickets",
}
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9]+")
_QUOTES = str.maketrans({'"': "'", "\\": "/", "\n": " ", "\r": " "})
OPENED = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the journal with its postings."""

    id: str
    kind: str
    happened_at: datetime
    about: str
    legs: list[Leg]


@dataclass(frozen=True, slots=True)
class Books:
    """What is written of a legal entity's period.

    *opening*: balances at its beginning; *closing*: what they come to at its end, by
    account, party and currency. *partners*: the reference of each party.
    """

    entity: str
    world: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    partners: Mapping[str, str]
    opening: Balances
    closing: Balances

    def account(self, code: str, party: str | None) -> str:
        """Return an account's name, the same in both languages, of whose it is."""
        kind, _, rest = code.partition(":")
        parts = [_ROOTS[kind], *(_name(part) for part in rest.split(":") if part)]
        if party is not None:
            parts.append(f"{_name(self.partners[party])}-{party[-8:]}")
        return ":".join(parts)

    def day(self, at: datetime) -> date:
        """Return the day of a moment in the books' zone."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def first(self) -> date:
        """The period's first day."""
        return self.day(self.starts_at)

    @property
    def last(self) -> date:
        """The period's last day."""
        return self.day(self.ends_at - timedelta(microseconds=1))

    @property
    def accounts(self) -> list[str]:
        """All accounts there are: others are a mistake."""
        keys = {(code, party) for code, party, _ in (*self.opening, *self.closing)}
        return sorted({self.account(*key) for key in keys})

    @property
    def commodities(self) -> list[str]:
        """All commodities there are."""
        return sorted({commodity(c) for *_, c in (*self.opening, *self.closing)})


def _name(text: str) -> str:
    """Return a part of an account's name: a capital, letters, digits and hyphens."""
    plain = _NOT_A_NAME.sub("-", text).strip("-") or "X"
    return plain[0].upper() + plain[1:]


def commodity(currency: str) -> str:
    """Return the commodity of a currency's minor units."""
    return currency if currency == TICKETS else f"{currency}MINOR"


def hledger(books: Books, entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a journal for ``hledger check --strict``."""
    yield f"; {books.entity} ({books.world}), {books.first} to {books.last}"
    yield f"; days in {books.zone}; amounts in minor units\n"
    for name in books.commodities:
        yield f"commodity 1000. {name}"
    for name in books.accounts:
        yield f"account {name}"
    yield ""
    if books.opening:
        yield f"{books.first} opening balances"
        for (code, party, currency), minor in sorted_balances(books.opening):
            name = books.account(code, party)
            yield f"    {name}  {minor} {commodity(currency)}"
        yield ""
    for entry in entries:
        yield f"{books.day(entry.happened_at)} ({entry.id}) {entry.kind} {entry.about}"
        for leg in entry.legs:
            name = books.account(leg.account, _text(leg.party_id))
            yield f"    {name}  {leg.amount_minor} {commodity(leg.currency)}"
        yield ""
    yield f"{books.last} what order lines and events come to"
    for (code, party, currency), minor in sorted_balances(books.closing):
        name, unit = books.account(code, party), commodity(currency)
        yield f"    {name}  0 {unit} = {minor} {unit}"


def beancount(books: Books, entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a journal for ``bean-check``; no tolerance anywhere."""
    yield f'option "title" "{books.entity} {books.first} to {books.last}"'
    yield 'option "tolerance_multiplier" "0"\n'
    for name in books.commodities:
        yield f"{OPENED} commodity {name}"
    for name in books.accounts:
        yield f"{OPENED} open {name}"
    yield ""
    if books.opening:
        yield f'{books.first} * "opening balances"'
        for (code, party, currency), minor in sorted_balances(books.opening):
            name = books.account(code, party)
            yield f"  {name}  {minor} {commodity(currency)}"
        yield ""
    for entry in entries:
        about = entry.about.translate(_QUOTES)
        yield f'{books.day(entry.happened_at)} * "{entry.kind} {about}" ^{entry.id}'
        for leg in entry.legs:
            name = books.account(leg.account, _text(leg.party_id))
            yield f"  {name}  {leg.amount_minor} {commodity(leg.currency)}"
        yield ""
    after = books.last + timedelta(days=1)
    for (code, party, currency), minor in sorted_balances(books.closing):
        name, unit = books.account(code, party), commodity(currency)
        yield f"{after} balance {name}  {minor} ~ 0 {unit}"


def sorted_balances(
    balances: Balances,
) -> list[tuple[tuple[str, str | None, str], int]]:
    """Return balances in a fixed order."""
    return sorted(
        balances.items(), key=lambda one: (one[0][0], one[0][1] or "", one[0][2])
    )


def _text(party: object) -> str | None:
    return None if party is None else str(party)
