"""Terms that contradict themselves or do not add up: the clause, and by how much."""

import pytest
from msgspec import convert

from settlement.errors import TermsRefusedError
from settlement.rules.checks import problems
from settlement.rules.clauses import Clauses
from settlement.rules.files import converted

TIERS = {"kind": "tiers", "shape": "marginal"}
SPLIT = {"kind": "box-office-split"}
ONE = [{"funder": "hub", "residual": True}]

WRONG = [
    ({"commission": {"kind": "percent", "rate": "3/2"}}, "commission.rate", "by 1/2"),
    (
        {"commission": TIERS | {"tiers": [{"up_to": 9, "rate": 1}]}},
        "commission.tiers[0]",
        "nothing holds above 9",
    ),
    (
        {"commission": TIERS | {"tiers": [{"up_to": 9}, {"up_to": 7}, {}]}},
        "commission.tiers[1]",
        "ends at 7, 2 below the end of the one before",
    ),
    (
        {"commission": TIERS | {"tiers": [{"rate": 1}, {"rate": 2}]}},
        "commission.tiers[0]",
        "no bound",
    ),
    (
        {"commission": TIERS | {"tiers": [{"up_to": 1, "below": 2}, {}]}},
        "commission.tiers[0]",
        "both up_to and below",
    ),
    (
        {"commission": TIERS | {"measure": "tickets", "tiers": [{"rate": 5}]}},
        "commission.tiers[0].rate",
        "per_ticket_minor",
    ),
    (
        {"commission": TIERS | {"tiers": [{"per_ticket_minor": 5}]}},
        "commission.tiers[0].per_ticket_minor",
        "have a rate",
    ),
    (
        {"commission": TIERS | {"tiers": [{}], "bounds": {"per": "ticket"}}},
        "commission.bounds",
        "no bounds per ticket",
    ),
    (
        {
            "commission": {
                "kind": "percent",
                "rate": 1,
                "bounds": {"per": "line", "minimum_minor": 9, "maximum_minor": 4},
            }
        },
        "commission.bounds",
        "exceeds the maximum by 5",
    ),
    (
        {"commission": {"kind": "matrix", "cells": [{"rate": 5}]}},
        "commission.cells[0]",
        "neither a price type nor an area",
    ),
    (
        {"commission": {"kind": "matrix", "cells": [{"area": "a"}, {"area": "a"}]}},
        "commission.cells[1]",
        "again what cells[0]",
    ),
    (
        {"booking_fees": [{"minimum_minor": 300, "maximum_minor": 50}]},
        "booking_fees[0]",
        "by 250",
    ),
    (
        {"service_fees": [{"rate": 10_000, "of": "total"}]},
        "service_fees[0].rate",
        "less than the whole",
    ),
    (
        {"service_fees": [{"fixed_minor": 5, "brackets": [{"fixed_minor": 1}]}]},
        "service_fees[0]",
        "an amount beside them",
    ),
    (
        {"discount": {"rate": 100, "funding": [{"funder": "hub", "rate": 9_900}]}},
        "discount.funding",
        "99/100, 1/100 short of the whole",
    ),
    (
        {
            "discount": {
                "rate": 100,
                "funding": [
                    {"funder": "hub", "rate": 6_000},
                    {"funder": "agent", "rate": "1/2"},
                ],
            }
        },
        "discount.funding",
        "1/10 over the whole",
    ),
    (
        {"discount": {"rate": 1, "funding": [{"funder": "hub"}]}},
        "discount.funding[0]",
        "a rate, an amount per ticket, or the rest",
    ),
    (
        {"discount": {"rate": 1, "funding": ONE * 2}},
        "discount.funding[1]",
        "names the hub again",
    ),
    ({"discount": {"funding": ONE}}, "discount", "takes nothing off"),
    (
        {"distribution": SPLIT | {"shares": [{"holder": "a", "rate": 10_001}]}},
        "distribution.shares[0].rate",
        "10000",
    ),
    (
        {
            "distribution": SPLIT
            | {
                "shares": [
                    {"holder": "a", "rate": 9_000},
                    {"holder": "b", "rate": 2_000},
                ]
            }
        },
        "distribution.shares",
        "1/10 over the whole",
    ),
    (
        {
            "distribution": SPLIT
            | {
                "shares": [
                    {"holder": "a", "rate": 10_000},
                    {"holder": "b", "rate": 1, "of": "c"},
                ]
            }
        },
        "distribution.shares[1].of",
        "c has no share",
    ),
    (
        {
            "distribution": SPLIT
            | {
                "special_fund": 9_000,
                "tax": 1_000,
                "shares": [{"holder": "a", "rate": 10_000}],
            }
        },
        "distribution",
        "leave nothing",
    ),
    ({"payout": {"advance": 5_000}}, "payout", "nothing to advance"),
    ({"payout": {"retention_days": 5}}, "payout.retention_days", "nothing is retained"),
    (
        {"payout": {"when": "performed"}, "capacity": "principal"},
        "payout",
        "paid for as bought",
    ),
    (
        {
            "withholding": [{"leg": "commission", "rate": 1_000}],
            "capacity": "principal",
        },
        "withholding[0]",
        "it buys for less",
    ),
    (
        {"payout": {"retention": 100}, "minimum_guarantee": {"amount_minor": 5}},
        "minimum_guarantee.of",
        "defers or retains",
    ),
    (
        {"withholding": [{"leg": "commission", "rate": 1}] * 2},
        "withholding[1]",
        "says commission again",
    ),
    (
        {"billables": [{"name": "x", "kind": "service", "unit_minor": 1}] * 2},
        "billables[1]",
        "says x again",
    ),
    ({"collector": "hub"}, "collector", "agreed with the agent"),
    ({"taxes": {"commission": "vta"}}, "taxes.commission", "vta is no tax code"),
]


@pytest.mark.parametrize(("clauses", "clause", "reason"), WRONG)
def test_what_is_wrong_is_named(clauses, clause, reason):
    try:
        read = converted(clauses, Clauses)
    except TermsRefusedError as refused:
        [found] = refused.facts["clauses"]
        assert found["clause"] == clause
        assert reason in found["reason"]
        return
    found = problems(read, "supplier", {"vat"})
    assert any(f.clause == clause and reason in f.reason for f in found), found


UNREADABLE = [
    ({"commision": {}}, "", "unknown field `commision`"),
    ({"commission": {"kind": "percent", "rate": 8.5}}, "commission.rate", "floats"),
    ({"commission": {"kind": "percent", "rate": 800.0}}, "commission.rate", "floats"),
    ({"commission": {"kind": "percent", "rate": True}}, "commission.rate", "`bool`"),
    ({"commission": {"kind": "percent", "rate": "3.3%"}}, "commission.rate", "regex"),
    ({"commission": {"kind": "percent", "rate": -1}}, "commission.rate", ">= 0"),
    ({"commission": {"kind": "precent"}}, "commission.kind", "precent"),
    ({"commission": {"rate": 1}}, "commission", "`kind`"),
    ({"booking_fees": [{"fixed_minor": -5}]}, "booking_fees[0].fixed_minor", ">= 0"),
    ({"booking_fees": [{"fixed_minor": 1.5}]}, "booking_fees[0].fixed_minor", "floats"),
    ({"week": {"starts": "someday"}}, "week.starts", "someday"),
    ({"rounding": {"tax": "nearest"}}, "rounding.tax", "nearest"),
    ({"basis": None}, "basis", "null"),
]


@pytest.mark.parametrize(("clauses", "clause", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_named(clauses, clause, reason):
    with pytest.raises(TermsRefusedError) as refused:
        converted(clauses, Clauses)
    [found] = refused.value.facts["clauses"]
    assert found["clause"] == clause
    assert reason in found["reason"]


def test_an_agent_agrees_nothing_that_is_a_suppliers():
    said = {
        "capacity": "principal",
        "agreed_price_minor": 5,
        "payout": {"retention": 1},
    }
    found = problems(convert(said, Clauses), "agent")
    assert {f.clause for f in found} >= {"capacity", "agreed_price_minor", "payout"}
