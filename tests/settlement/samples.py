"""Terms, lines and facts to try the pure rules with."""

from datetime import UTC, date, datetime
from itertools import pairwise
from uuid import UUID

import msgspec

from settlement.rules.clauses import Clauses, TaxRate
from settlement.rules.deals import Deal
from settlement.rules.facts import Fact
from settlement.rules.lines import Line
from settlement.rules.postings import postings
from settlement.rules.quoting import quotes
from settlement.rules.scopes import Scope, TermsVersion
from settlement.rules.taxes import TaxBook

SUPPLIER, AGENT = UUID(int=1), UUID(int=2)
CONTRACTS = {"supplier": UUID(int=3), "agent": UUID(int=4)}
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
VAT = TaxRate(code="vat", valid_from=date(2020, 1, 1), rate=600)
TAXES = TaxBook([VAT])


def terms(side, clauses=None, *, scope=None, terms_id=None, zone="UTC", **more):
    """Terms of a side, valid always unless said otherwise."""
    return TermsVersion(
        contract_id=str(CONTRACTS[side]),
        terms_id=str(terms_id or UUID(int=7 if side == "supplier" else 8)),
        version=1,
        side=side,
        zone=zone,
        valid_from=more.pop("valid_from", EPOCH),
        valid_until=more.pop("valid_until", None),
        scope=msgspec.convert(scope or {}, Scope),
        clauses=msgspec.convert(clauses or more, Clauses),
    )


def line(quantity=2, face=4500, **more):
    said = {"currency": "CNY", "sold_at": NOON} | more
    return Line(quantity=quantity, face_minor=face, **said)


def deal(sold, supplier=None, agent=None):
    return Deal(sold, supplier, agent, "hub-cn", str(SUPPLIER), str(AGENT))


def quote(sold, supplier=None, agent=None, taxes=TAXES, totals=None):
    supplier = supplier or terms("supplier")
    agent = agent or terms("agent")
    running = {} if totals is None else totals
    return quotes([deal(sold, supplier, agent)], taxes, running)[0]


def fact(found, sequence=0, cancelled=(0, 0), *, is_venues=False):
    return Fact(UUID(int=5), 1, sequence, found, cancelled, NOON, NOON, is_venues)


def sums(legs, *, by_what=False):
    """Add legs up by account (and what they are for); what is zero is left out."""
    found = {}
    for leg in legs:
        key = (leg.account, leg.what) if by_what else leg.account
        if leg.currency != "TKT":
            found[key] = found.get(key, 0) + leg.amount_minor
    return {key: minor for key, minor in found.items() if minor}


def by_currency(legs):
    found = {}
    for leg in legs:
        found[leg.currency] = found.get(leg.currency, 0) + leg.amount_minor
    return found


def history(found, cuts):
    """The entries of a line sold and then cancelled in steps that end all of it."""
    stops = sorted({min(cut, found.quantity) for cut in cuts} | {0, found.quantity})
    entries = [postings(fact(found))]
    for sequence, ends in enumerate(pairwise(stops), start=1):
        entries.append(postings(fact(found, sequence, ends)))
    return entries


def amount(found, what, side=None, to=None):
    """What a kind of amounts of a quote comes to."""
    return sum(a.minor for a in found.of(what, side) if to is None or a.to == to)
