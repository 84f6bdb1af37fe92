"""Quotes, postings, periods: pure rules, with laws."""

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.money import Money, exponent, is_currency, rounded, share
from settlement.errors import UnknownPeriodError
from settlement.rules.periods import month
from settlement.rules.postings import Fact, postings
from settlement.rules.quotes import Line, Parties, Quote, TermsVersion, quote

SUPPLIER, AGENT = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


def terms(commission_bp, fee=0):
    return TermsVersion(UUID(int=7), UUID(int=8), 1, commission_bp, fee)


def quoted(quantity=2, face=4500, booking=0, agent=(800, 100), supplier=(1200, 0)):
    parties = Parties("hub-eu", SUPPLIER, AGENT, terms(*supplier), terms(*agent))
    return quote(Line(quantity, "EUR", face, booking), parties)


def fact(line, sequence=0, cancelled=(0, 0)):
    return Fact(UUID(int=5), 1, sequence, line, cancelled, NOON)


def sums(legs):
    found = {}
    for leg in legs:
        key = (leg.account, leg.what)
        found[key] = found.get(key, 0) + leg.amount_minor
    return found


def test_the_reference_sale_on_an_agents_credit():
    """2 x 45.00, the venue pays 12 %, the agent earns 8 % and pays 1.00 a ticket."""
    found = sums(postings(fact(quoted())))
    assert found["receivable:agent", "face"] == 9_000
    assert found["receivable:agent", "service-fee"] == 200
    assert found["receivable:agent", "commission"] == -720
    assert found["payable:supplier", "face"] == -9_000
    assert found["payable:supplier", "commission"] == 1_080
    owed = sum(v for (account, _), v in found.items() if account == "receivable:agent")
    due = -sum(v for (account, _), v in found.items() if account == "payable:supplier")
    assert (owed, due) == (8_480, 7_920)  # 84.80 and 79.20, as the reference has it


amounts = st.integers(0, 100_000)
rates = st.integers(0, 10_000)
lines = st.builds(
    quoted,
    quantity=st.integers(1, 30),
    face=amounts,
    booking=amounts,
    agent=st.tuples(rates, st.integers(0, 500)),
    supplier=st.tuples(rates, st.integers(0, 500)),
)


def by_currency(legs):
    found = {}
    for leg in legs:
        found[leg.currency] = found.get(leg.currency, 0) + leg.amount_minor
    return found


@given(line=lines, cuts=st.lists(st.integers(0, 30), max_size=5))
def test_entries_balance_and_cancellations_return_exactly_the_sale(line, cuts):
    stops = sorted({min(cut, line.quantity) for cut in cuts} | {0, line.quantity})
    entries = [postings(fact(line))]
    for sequence, ends in enumerate(pairwise(stops), start=1):
        entries.append(postings(fact(line, sequence, ends)))
    for legs in entries:
        assert set(by_currency(legs).values()) <= {0}
    total = sums([leg for legs in entries for leg in legs])
    assert set(total.values()) <= {0}


@given(line=lines, cancelled=st.integers(0, 30))
def test_no_refund_is_above_its_sale(line, cancelled):
    part = min(cancelled, line.quantity)
    sale, undone = sums(postings(fact(line))), sums(postings(fact(line, 1, (0, part))))
    for key, moved in undone.items():
        assert abs(moved) <= abs(sale[key])
        assert moved * sale[key] <= 0


@given(line=lines)
def test_a_stored_quote_is_the_quote(line):
    assert Quote.loaded(line.dumped()) == line


@given(quantity=st.integers(1, 20), times=st.integers(2, 5))
def test_fees_scale_with_tickets(quantity, times):
    one, many = quoted(quantity), quoted(quantity * times)
    assert many.agent.service_fee_minor == times * one.agent.service_fee_minor
    assert many.face_minor == times * one.face_minor


@pytest.mark.parametrize(
    ("exact", "whole"),
    [
        (Fraction(5, 2), 2),
        (Fraction(7, 2), 4),
        (Fraction(-5, 2), -2),
        (Fraction(163725, 10), 16372),
        (Fraction(1, 3), 0),
    ],
)
def test_ties_are_rounded_to_the_even_one(exact, whole):
    assert rounded(exact) == whole


def test_share_of_a_published_case():
    assert share(109_150, 1_500) == 16_372  # 1091.50 at 15 %: exactly 163.725


@pytest.mark.parametrize(
    ("code", "digits", "shown"),
    [
        ("JPY", 0, "-1234 JPY"),
        ("EUR", 2, "-12.34 EUR"),
        ("BHD", 3, "-1.234 BHD"),
        ("CLF", 4, "-0.1234 CLF"),
    ],
)
def test_exponents_are_those_of_iso_4217(code, digits, shown):
    assert exponent(code) == digits
    assert str(Money(-1234, code)) == shown


def test_what_is_no_currency():
    assert not is_currency("XXX")
    assert not is_currency("QQQ")
    assert not is_currency("eur")


def test_months_are_those_of_the_contracts_zone():
    vienna = month("2026-10", "Europe/Vienna")
    assert vienna.starts_at == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert vienna.ends_at == datetime(2026, 10, 31, 23, tzinfo=UTC)  # after the change
    december = month("2026-12", "America/New_York")
    assert december.ends_at == datetime(2027, 1, 1, 5, tzinfo=UTC)
    assert december.starts_at == month("2026-11", "America/New_York").ends_at


@pytest.mark.parametrize(
    "name", ["2026-13", "2026-1", "26-01", "", "2026-01-01", "2026-11\n"]
)
def test_what_is_no_month(name):
    with pytest.raises(UnknownPeriodError):
        month(name, "UTC")
