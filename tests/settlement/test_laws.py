"""Laws of quotes, postings and running totals, for terms nobody has thought of."""

from datetime import timedelta
from uuid import NAMESPACE_DNS, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.kernel.money import BASIS_POINTS, part, rated, split
from settlement.rules.cinema import distributed
from settlement.rules.clauses import Clauses
from settlement.rules.postings import postings
from settlement.rules.quotes import Quote
from settlement.rules.quoting import quotes
from settlement.rules.running import Meter, Movement, Total, settle
from settlement.rules.taxes import TaxBook
from tests.settlement.samples import (
    NOON,
    VAT,
    amount,
    by_currency,
    deal,
    fact,
    history,
    line,
    quote,
    sums,
    terms,
)

TAXES = TaxBook([VAT])
rates = st.integers(0, BASIS_POINTS) | st.sampled_from(["33/1000", "1/3", "0/1", "1/1"])
minors = st.integers(0, 100_000)
roundings = st.sampled_from(["half-even", "half-up", "half-down", "up", "down"])
bases = st.sampled_from(["gross", "net", "settled"])


def bounds(*per):
    return st.none() | st.builds(
        lambda per, low, more: {
            "per": per,
            "minimum_minor": low,
            "maximum_minor": None if more is None else low + more,
        },
        st.sampled_from(per),
        st.integers(0, 500),
        st.none() | minors,
    )


@st.composite
def bands(draw, **values):
    ends = sorted(draw(st.sets(st.integers(1, 500_000), max_size=4)))
    found = [
        {"up_to": end, **{name: draw(of) for name, of in values.items()}}
        for end in ends
    ]
    return [*found, {name: draw(of) for name, of in values.items()}]


linear = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("percent"),
            "rate": rates,
            "base": bases,
            "bounds": bounds("ticket", "line", "order"),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("fixed"),
            "per_ticket_minor": st.integers(0, 900),
            "per_order_minor": st.integers(0, 900),
            "bounds": bounds("order"),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("matrix"),
            "cells": st.just(
                [
                    {"price_type": "adult", "area": "floor", "rate": 900},
                    {"price_type": "child", "per_ticket_minor": 25},
                    {"area": "floor", "rate": "1/7"},
                ]
            ),
            "otherwise": rates,
            "base": bases,
        }
    ),
)
money_tiers = st.fixed_dictionaries(
    {
        "kind": st.just("tiers"),
        "shape": st.just("marginal"),
        "measure": bases,
        "tiers": bands(rate=rates, flat_minor=st.integers(0, 5_000)),
        "bounds": bounds("period"),
    }
)
ticket_tiers = st.fixed_dictionaries(
    {
        "kind": st.just("tiers"),
        "shape": st.just("marginal"),
        "measure": st.just("tickets"),
        "tiers": bands(per_ticket_minor=st.integers(0, 900)),
    }
)
whole_tiers = st.fixed_dictionaries(
    {
        "kind": st.just("tiers"),
        "shape": st.just("whole-volume"),
        "measure": st.sampled_from(["gross", "net", "settled", "tickets"]),
        "tiers": bands(
            rate=rates,
            flat_minor=st.integers(0, 5_000),
            per_ticket_minor=st.integers(0, 90),
        ),
    }
)
period_percent = st.fixed_dictionaries(
    {"kind": st.just("percent"), "rate": rates, "bounds": bounds("period").filter(bool)}
)
running = st.one_of(money_tiers, ticket_tiers, whole_tiers, period_percent)
fees = st.fixed_dictionaries(
    {
        "per": st.sampled_from(["ticket", "order"]),
        "fixed_minor": st.integers(0, 500),
        "rate": st.integers(0, 2_000),
        "of": st.sampled_from(["face", "price", "total"]),
    }
)
booking = st.builds(
    lambda fee, to: fee | {"to": to},
    fees,
    st.sampled_from(["hub", "agent", "supplier"]),
)
FUNDING = [
    {"funder": "hub", "per_ticket_minor": 7},
    {"funder": "agent", "rate": 2_000},
    {"funder": "supplier", "residual": True},
]
discounts = st.none() | st.builds(
    lambda rate: {"rate": rate, "funding": FUNDING}, st.integers(1, BASIS_POINTS)
)
returned = st.sampled_from(["returned", "kept"])
taxed = {"commission": "vat", "service_fee": "vat", "booking_fee": "vat"}
agents = st.fixed_dictionaries(
    {
        "commission": linear | running,
        "booking_fees": st.lists(booking, max_size=2),
        "service_fees": st.lists(fees, max_size=2),
        "collector": st.sampled_from(["agent", "hub", "venue"]),
        "remit": st.sampled_from(["net", "gross"]),
        "discount": discounts,
        "rounding": st.fixed_dictionaries({"commission": roundings, "fee": roundings}),
        "taxes": st.sampled_from([{}, taxed]),
        "withholding": st.sampled_from([[], [{"leg": "commission", "rate": 1_000}]]),
        "refund": st.fixed_dictionaries({}),
    }
)
SPLIT = {
    "kind": "box-office-split",
    "shares": [{"holder": "supplier", "rate": 5_700}],
    "residual": "film-side",
}
HIRE = {
    "kind": "film-hire",
    "opens_on": "2026-01-02",
    "rates": [5_000],
    "over_rate": 9_000,
    "house_cost_minor": 50_000,
}
suppliers = st.fixed_dictionaries(
    {
        "commission": linear | running,
        "service_fees": st.lists(fees, max_size=1),
        "remit": st.sampled_from(["net", "gross"]),
        "agreed_price_minor": st.none() | st.integers(0, 6_000),
        "payout": st.sampled_from(
            [{}, {"when": "performed", "advance": 3_000, "retention": 500}]
        ),
        "taxes": st.sampled_from([{}, {"commission": "vat"}]),
        "distribution": st.sampled_from([None, SPLIT, HIRE]),
    }
)
principals = st.fixed_dictionaries(
    {"commission": linear, "capacity": st.just("principal")}
)
solds = st.builds(
    line,
    quantity=st.integers(1, 30),
    face=minors,
    booking_fee_minor=st.integers(0, 500),
    area=st.sampled_from(["floor", "stalls"]),
    price_type=st.sampled_from(["adult", "child"]),
)
cuts = st.lists(st.integers(0, 30), max_size=5)
LAWFUL = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def quoted(sold, supplier, agent):
    return quote(sold, terms("supplier", supplier), terms("agent", agent), TAXES)


@LAWFUL
@given(sold=solds, supplier=suppliers | principals, agent=agents, cuts=cuts)
def test_every_entry_balances_and_a_full_refund_returns_to_zero(
    sold, supplier, agent, cuts
):
    entries = history(quoted(sold, supplier, agent), cuts)
    for legs in entries:
        assert set(by_currency(legs).values()) <= {0}
    left = sums([leg for legs in entries for leg in legs])
    # A refund paid to a buyer who had paid the hub goes through an account of its own.
    refunded = left.pop("payable:buyer-refund", 0)
    assert left.pop("asset:psp", 0) == -refunded
    assert left == {}


@LAWFUL
@given(sold=solds, supplier=suppliers, agent=agents, cancelled=st.integers(1, 30))
def test_no_refund_is_above_its_sale(sold, supplier, agent, cancelled):
    found = quoted(sold, supplier, agent)
    undone = sums(
        postings(fact(found, 1, (0, min(cancelled, found.quantity)))), by_what=True
    )
    sale = sums(postings(fact(found)), by_what=True)
    for (account, what), moved in undone.items():
        kind = "asset:psp" if account == "payable:buyer-refund" else account
        assert abs(moved) <= abs(sale[kind, what])
        assert moved * sale[kind, what] <= 0


@LAWFUL
@given(sold=solds, supplier=suppliers, agent=agents)
def test_what_is_kept_does_not_go_back(sold, supplier, agent):
    kept = {"booking_fee": "kept", "service_fee": "kept", "commission": "kept"}
    found = quoted(sold, supplier, agent | {"refund": kept})
    own = {"commission", "booking-fee", "service-fee"}
    undone = postings(fact(found, 1, (0, found.quantity)))
    theirs = {leg.what for leg in undone if leg.account == "income:booking-fee"}
    assert theirs == set()
    assert all(a.is_kept for a in found.amounts if a.side == "agent" and a.what in own)


@LAWFUL
@given(
    sold=solds, supplier=suppliers | principals, agent=agents, cut=st.integers(1, 30)
)
def test_what_the_venue_cancels_returns_what_the_terms_would_keep(
    sold, supplier, agent, cut
):
    kept = dict.fromkeys(("booking_fee", "service_fee", "commission"), "kept")
    kept["fee_per_ticket_minor"] = 70
    found = quoted(sold, supplier | {"refund": kept}, agent | {"refund": kept})
    cut = min(cut, found.quantity - 1)
    legs = list(postings(fact(found)))
    if cut:  # the agent cancels some, and pays for it
        legs += postings(fact(found, 1, (0, cut)))
    before = sums(legs, by_what=True)
    legs += postings(fact(found, 2, (cut, found.quantity), is_venues=True))
    left = sums(legs, by_what=True)
    if not cut:
        refunded = {k: n for k, n in left.items() if k[0] == "payable:buyer-refund"}
        paid = {k: n for k, n in left.items() if k[0] == "asset:psp"}
        assert sum(refunded.values()) == -sum(paid.values())
        assert left.keys() == refunded.keys() | paid.keys()
    fees = {k: n for k, n in left.items() if k[1] == "refund-fee"}
    assert fees == {k: n for k, n in before.items() if k[1] == "refund-fee"}
    for key, minor in left.items():  # of what was kept, the share of what was cut
        if key[1] in {"commission", "service-fee"} and cut:
            assert abs(minor) <= abs(before.get(key, 0))


@LAWFUL
@given(sold=solds, supplier=suppliers, agent=agents)
def test_a_stored_quote_is_the_quote(sold, supplier, agent):
    found = quoted(sold, supplier, agent)
    assert Quote.decoded(found.encoded()) == found
    assert Quote.loaded(found.dumped()) == found


@LAWFUL
@given(
    clause=running, rounding=roundings, solds=st.lists(solds, min_size=1, max_size=8)
)
def test_lines_sum_to_what_the_period_comes_to_in_any_order(clause, rounding, solds):
    agent = terms("agent", commission=clause, rounding={"commission": rounding})
    read = agent.clauses.commission

    def run(chosen):
        totals = {}
        found = quotes([deal(s, None, agent) for s in chosen], TAXES, totals)
        return sum(amount(q, "commission") for q in found), totals

    forwards, totals = run(solds)
    backwards, _ = run(solds[::-1])
    [((_, key), total)] = totals.items()
    assert forwards == backwards == Meter(read, rounding).earned(key, total)


@LAWFUL
@given(
    clause=running,
    own=running,
    sales=st.lists(
        st.tuples(st.sampled_from(["ann", "bob", "eve"]), solds), min_size=2, max_size=8
    ),
    data=st.data(),
)
def test_the_order_in_which_agents_sell_does_not_matter(clause, own, sales, data):
    """Each agent earns by its own sales alone, the supplier pays by all of them."""
    supplier = terms("supplier", commission=clause)
    agreed = terms("agent", commission=own)

    def run(chosen):
        totals, earned = {}, {"supplier": 0}
        for name, sold in chosen:
            agent = replace(agreed, contract_id=str(uuid5(NAMESPACE_DNS, name)))
            [found] = quotes([deal(sold, supplier, agent)], TAXES, totals)
            earned["supplier"] += amount(found, "commission", "supplier")
            mine = amount(found, "commission", "agent")
            earned[name] = earned.get(name, 0) + mine
        return earned

    together = run(sales)
    assert run(data.draw(st.permutations(sales))) == together
    for name in together.keys() - {"supplier"}:
        assert run([s for s in sales if s[0] == name])[name] == together[name]


@LAWFUL
@given(
    clause=running,
    refunds=st.sampled_from(["frozen-rate", "true-up"]),
    sizes=st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 90_000)), min_size=1, max_size=6
    ),
    cuts=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=6),
)
def test_refunds_on_running_totals_never_exceed_and_end_at_zero(
    clause, refunds, sizes, cuts
):
    read = terms("agent", commission=clause).clauses.commission
    moves, back = [], dict.fromkeys(range(len(sizes)), 0)

    def total(no, tickets):
        quantity, face = sizes[no]
        gross = part(quantity * face, quantity, tickets)
        measured = tickets if getattr(read, "measure", "") == "tickets" else gross
        return Total(tickets, measured, gross)

    for no, (quantity, _) in enumerate(sizes):
        moves.append(Movement(str(no), "month:2026-01", total(no, quantity)))
    for no, tickets in [*cuts, *((n, 9) for n in range(len(sizes)))]:
        if no >= len(sizes):
            continue
        before, after = back[no], min(sizes[no][0], back[no] + tickets)
        if after > before:
            whole = total(no, after).plus(total(no, before), -1)
            moves.append(Movement(str(no), "month:2026-01", whole, (before, after)))
            back[no] = after
    done = settle(Meter(read), moves, refunds=refunds)
    assert sum(done.amounts) == 0  # everything was given back
    if refunds == "frozen-rate":
        for no in range(len(sizes)):
            own = [
                a for m, a in zip(moves, done.amounts, strict=True) if m.line == str(no)
            ]
            assert sum(own) == 0


@given(
    total=st.integers(-1_000_000, 1_000_000),
    weights=st.dictionaries(
        st.text(min_size=1, max_size=3), st.integers(0, 999), min_size=1
    ),
)
def test_parts_sum_are_near_their_share_and_know_no_order(total, weights):
    if not any(weights.values()):
        with pytest.raises(ValueError, match="weights"):
            split(total, weights)
        return
    parts, whole = split(total, weights), sum(weights.values())
    assert sum(parts.values()) == total
    for key, weight in weights.items():
        assert abs(parts[key] * whole - total * weight) < whole
    assert split(total, dict(reversed(weights.items()))) == parts


@given(gross=st.integers(0, 10**12), rate=st.integers(0, BASIS_POINTS))
def test_a_box_office_is_distributed_to_the_cent(gross, rate):
    shares = [{"holder": "supplier", "rate": rate}]
    clause = {"kind": "box-office-split", "shares": shares, "residual": "film-side"}
    read = terms("supplier", distribution=clause).clauses.distribution
    assert sum(distributed(read, gross).values()) == gross


@given(quantity=st.integers(1, 20), times=st.integers(2, 5), fee=st.integers(0, 900))
def test_what_is_flat_scales_with_tickets(quantity, times, fee):
    agent = terms("agent", commission={"kind": "fixed", "per_ticket_minor": fee})
    one, many = (quote(line(n), agent=agent) for n in (quantity, quantity * times))
    assert amount(many, "commission") == times * amount(one, "commission")
    assert amount(many, "face") == times * amount(one, "face")


@pytest.mark.parametrize("currency", ["JPY", "EUR", "BHD", "CLF"])
@given(face=minors, rate=rates)
def test_every_exponent_is_counted_in_its_own_minor_units(currency, face, rate):
    agent = terms("agent", commission={"kind": "percent", "rate": rate})
    found = quote(line(3, face, currency=currency), agent=agent)
    assert amount(found, "commission") == rated(3 * face, rate)
    assert by_currency(postings(fact(found))).get(currency, 0) == 0


@given(solds=st.lists(solds, min_size=2, max_size=5), agent=agents)
def test_an_orders_amounts_do_not_depend_on_the_order_of_its_lines(solds, agent):
    """Of linear terms: per-order amounts are shared to the cent, whoever is first."""
    flat = agent | {"commission": {"kind": "fixed", "per_order_minor": 100}}
    own = terms("agent", flat)
    lines = [line(s.quantity, s.face_minor, order="a") for s in solds]
    there = quotes([deal(s, terms("supplier"), own) for s in lines], TAXES, {})
    back = quotes([deal(s, terms("supplier"), own) for s in lines[::-1]], TAXES, {})
    for what in ("commission", "service-fee", "booking-fee", "face"):
        assert sum(amount(q, what) for q in there) == sum(amount(q, what) for q in back)


def test_a_period_split_in_two_comes_to_the_same():
    """With a cumulative year, where its lines are cut into months changes nothing."""
    clause = {
        "kind": "tiers",
        "shape": "marginal",
        "period": "year",
        "tiers": [{"up_to": 10_000, "rate": 500}, {"rate": 1_000}],
    }
    agent = terms("agent", commission=clause)
    days = [NOON + timedelta(days=20 * n) for n in range(5)]
    totals = {}
    found = [
        amount(
            quote(line(1, 4_321, sold_at=at), agent=agent, totals=totals), "commission"
        )
        for at in days
    ]
    assert list(totals) == [(agent.contract_id, "commission/gross/year:2026")]
    whole = Total(5, 5 * 4_321, 5 * 4_321)
    assert sum(found) == Meter(agent.clauses.commission).earned("", whole)


def test_terms_that_say_nothing_earn_nothing():
    found = quote(line())
    assert [a.what for a in found.amounts] == ["face"]
    assert terms("agent").clauses == Clauses()
