"""Published cases: somebody else's numbers, and ours must be the same."""

from datetime import date
from fractions import Fraction

import pytest
from msgspec import convert

from hub.kernel.money import Money, divided, exponent, is_currency, part, rated, split
from settlement.errors import TermsRefusedError
from settlement.rules.checks import problems, refuse, warnings
from settlement.rules.cinema import distributed, exact_shares
from settlement.rules.clauses import Clauses, RoundingClause, TaxRate
from settlement.rules.clauses.cinema import FilmHire
from settlement.rules.exchange import converted, valued
from settlement.rules.running import Meter, Total
from settlement.rules.taxes import TaxBook
from tests.settlement.samples import amount, line, quote, terms


def earned(clauses, *lines):
    """The agent's commission on lines that run on, one after the other."""
    agent, totals = terms("agent", commission=clauses), {}
    return [
        amount(quote(sold, agent=agent, totals=totals), "commission", "agent")
        for sold in lines
    ]


def tiers(shape, *bands, measure="gross", **more):
    return {"kind": "tiers", "shape": shape, "measure": measure, "tiers": bands, **more}


SPLIT = {"kind": "box-office-split"}


def split_clause(*shares, **more):
    return convert({"distribution": SPLIT | {"shares": shares} | more}, Clauses)


@pytest.mark.parametrize(
    ("gross", "distributable"), [(10**9 * 100, 917_000_000_00), (10_000_000, 9_170_000)]
)
def test_cn1_what_of_a_box_office_can_be_distributed(gross, distributable):
    clause = split_clause({"holder": "supplier", "rate": 10_000}).distribution
    assert distributed(clause, gross)["supplier"] == distributable


def test_cn2_what_a_producer_gets_in_cash():
    """1 x (1 - 0.033 - 0.05) x 40 % x (1 - 10 %) = 0.33012."""
    clause = split_clause(
        {"holder": "supplier", "rate": 6000},
        {"holder": "producer", "rate": 4000},
        {"holder": "distributor", "rate": 1000, "of": "producer"},
    ).distribution
    assert distributed(clause, 100_000_000_00)["producer"] == 33_012_000_00
    assert exact_shares(clause)["producer"] == Fraction(36, 100)


def test_cn3_a_hundred_thousand():
    clause = split_clause(
        {"holder": "supplier", "rate": 5700}, {"holder": "film-side", "rate": 4300}
    ).distribution
    assert distributed(clause, 10_000_000) == {
        "special-fund": 500_000,
        "tax": 330_000,
        "supplier": 5_226_900,
        "film-side": 3_943_100,
    }


IMPORTED = [
    {"holder": "foreign", "rate": 2500},
    {"holder": "chain", "rate": 700},
    {"holder": "supplier", "rate": 5000},
    {"holder": "cfg", "rate": 850},
    {"holder": "distribution", "rate": 850},
]


def test_cn4_shares_of_99_percent_are_refused_until_somebody_has_the_rest():
    with pytest.raises(TermsRefusedError) as refused:
        refuse(problems(split_clause(*IMPORTED), "supplier"))
    [wrong] = refused.value.facts["clauses"]
    assert wrong["clause"] == "distribution.shares"
    assert "99/100" in wrong["reason"]
    assert "1/100 short" in wrong["reason"]
    named = split_clause(*IMPORTED, residual="foreign")
    assert problems(named, "supplier") == []
    assert exact_shares(named.distribution)["foreign"] == Fraction(26, 100)


@pytest.mark.parametrize(
    ("floor", "hire"), [(0, 1_350_000), (6000, 1_350_000), (7000, 1_400_000)]
)
def test_fh1_to_3_ninety_ten_over_the_house_cost(floor, hire):
    clause = FilmHire(
        opens_on=date(2026, 1, 2),
        rates=[floor],
        over_rate=9000,
        house_cost_minor=500_000,
    )
    week = Total(1, 2_000_000, 2_000_000)
    assert Meter(clause).earned("film/week:2026-01-02", week) == hire


def test_film_hire_slides_by_week():
    clause = FilmHire(
        opens_on=date(2026, 1, 2), rates=[5000, 5000, 4000, 3500, 3000, 2500]
    )
    weeks = ["2026-01-02", "2026-01-16", "2026-01-23", "2026-02-06", "2026-05-01"]
    paid = [
        Meter(clause).earned(f"film/week:{week}", Total(1, 10_000, 10_000))
        for week in weeks
    ]
    assert paid == [5_000, 4_000, 3_500, 2_500, 2_500]


UNITS = (
    {"up_to": 10, "per_ticket_minor": 150},
    {"up_to": 110, "per_ticket_minor": 100},
    {"per_ticket_minor": 50},
)


@pytest.mark.parametrize(
    ("shape", "comes_to"), [("marginal", 11_550), ("whole-volume", 5_550)]
)
def test_kb_111_units_by_all_tiers_and_by_the_top_one(shape, comes_to):
    clause = tiers(shape, *UNITS, measure="tickets")
    assert earned(clause, line(111, 100)) == [comes_to]
    assert sum(earned(clause, *[line(1, 100)] * 111)) == comes_to


def test_lg_graduated_percentage_with_flat_amounts():
    clause = tiers(
        "marginal",
        {"up_to": 100_000, "rate": 100, "flat_minor": 20_000},
        {"up_to": 1_000_000, "rate": 200, "flat_minor": 30_000},
        {"rate": 300, "flat_minor": 40_000},
    )
    said = [line(1, face) for face in (50_000, 55_000, 400_000)]
    assert earned(clause, *said) == [20_500, 30_600, 8_000]


AGENCY = (
    {"up_to": 50_000_000_00, "rate": 300},
    {"up_to": 300_000_000_00, "rate": 200},
    {"up_to": 600_000_000_00, "rate": 100},
    {},
)


def test_digital_agency_by_net_box_office_either_way():
    """Up to 0.5, 3 and 6 hundred million 3, 2 and 1 %; marginal or whole is agreed."""
    box_office = [line(1, 100_000_000_00)] * 7
    assert sum(earned(tiers("marginal", *AGENCY), *box_office)) == 950_000_000
    whole = tiers("whole-volume", *AGENCY)
    assert sum(earned(whole, *box_office[:1])) == 200_000_000
    assert sum(earned(whole, *box_office)) == 0


def test_rx2_and_3_a_fee_of_the_total_it_is_in():
    fee = {"fixed_minor": 39, "rate": 240, "of": "total", "per": "order"}
    found = quote(line(2, 3400), agent=terms("agent", booking_fees=[fee]))
    assert amount(found, "booking-fee") == 207
    seven = TaxBook([TaxRate(code="v", valid_from=date(2020, 1, 1), rate=700)])
    taxed = seven.taxed(7_007, "v", date(2026, 1, 1), RoundingClause())
    assert (taxed.gross_minor - taxed.tax_minor, taxed.tax_minor) == (6_549, 458)


@pytest.mark.parametrize(
    ("mode", "minor"), [("half-up", 16_373), ("half-even", 16_372)]
)
def test_rx4_a_tie_is_rounded_as_agreed(mode, minor):
    clause = {"kind": "percent", "rate": 1500}
    agent = terms("agent", commission=clause, rounding={"commission": mode})
    assert amount(quote(line(1, 109_150), agent=agent), "commission", "agent") == minor
    assert rated(109_150, 1_500, mode) == minor


@pytest.mark.parametrize(("tax_on", "net", "tax"), [("net", 288, 11), ("tax", 287, 12)])
def test_rx5_a_tie_in_included_tax_is_told_by_policy(tax_on, net, tax):
    four = TaxBook([TaxRate(code="v", valid_from=date(2020, 1, 1), rate=400)])
    found = four.taxed(299, "v", date(2026, 1, 1), RoundingClause(tax_on=tax_on))
    assert (found.gross_minor - found.tax_minor, found.tax_minor) == (net, tax)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (9_999, {"a": 75, "b": 25}, [7_499, 2_500]),
        (1, {"a": 33, "b": 66}, [0, 1]),
        (1_003, {"a": 49, "b": 51}, [491, 512]),
        (15, {"a": 80, "b": 8, "c": 12}, [12, 1, 2]),
        (1_001, {"a": 50, "b": 30, "c": 20}, [501, 300, 200]),
    ],
)
def test_al_amounts_are_shared_by_largest_remainder(total, weights, parts):
    assert list(split(total, weights).values()) == parts
    backwards = split(total, dict(reversed(weights.items())))
    assert [backwards[key] for key in weights] == parts


def test_st1_a_part_refund_returns_its_part_of_the_fee():
    assert part(1_000, 2_000, 1_500) == 750


@pytest.mark.parametrize("mode", ["half-even", "half-up"])
def test_tb1_dollars_to_rupees(mode):
    assert valued(10_000, "USD", "INR", "82.42135", mode) == 824_214


def test_exchange_knows_every_exponent():
    assert converted(1_859, "CNY", "USD", "7.2000") == 258
    assert valued(100, "USD", "JPY", "150.25") == 150
    assert valued(1_000, "BHD", "EUR", "2.44") == 244
    assert valued(10_000, "CLF", "CLP", "38123.45") == 38_123


BRACKETS = [
    {"below": 10_000, "rate": 1_000},
    {"fixed_minor": 900},
]


@pytest.mark.parametrize(("face", "fee"), [(9_999, 1_000), (10_000, 900)])
def test_brackets_by_price_and_a_fee_that_falls_is_flagged(face, fee):
    clauses = convert({"booking_fees": [{"brackets": BRACKETS}]}, Clauses)
    agent = terms("agent", booking_fees=[{"brackets": BRACKETS}])
    assert amount(quote(line(1, face), agent=agent), "booking-fee") == fee
    assert problems(clauses, "agent") == []
    [found] = warnings(clauses)
    assert found.clause == "booking_fees[0].brackets[1]"


@pytest.mark.parametrize(
    ("face", "fee"), [(1_000, 50), (10_000, 200), (20_025, 300), (7_225, 144)]
)
def test_a_percentage_within_bounds(face, fee):
    """clamp(2 %, 0.50, 3.00), half-even."""
    clause = {"rate": 200, "minimum_minor": 50, "maximum_minor": 300}
    agent = terms("agent", booking_fees=[clause])
    assert amount(quote(line(1, face), agent=agent), "booking-fee") == fee
    assert amount(quote(line(3, face), agent=agent), "booking-fee") == 3 * fee


REWARD = (
    {"below": 5_500},
    {"below": 6_000, "per_ticket_minor": 50},
    {"below": 6_600, "per_ticket_minor": 75},
    {"per_ticket_minor": 100},
)


@pytest.mark.parametrize(
    ("share", "percent"),
    [(5_499, 0), (5_500, 50), (6_000, 75), (6_599, 75), (6_600, 100)],
)
def test_a_reward_table_that_begins_where_a_band_ends(share, percent):
    """Share of domestic films: from 66 % all, from 60 % 75, from 55 % 50 % comes back."""
    found = convert({"commission": tiers("whole-volume", *REWARD)}, Clauses).commission
    assert Meter(found).earned("", Total(1, share, share)) == percent


def test_settled_at_the_higher_of_actual_and_agreed_price():
    venue = terms("supplier", agreed_price_minor=3_000)
    promo = {
        "per_ticket_minor": 2_000,
        "funding": [{"funder": "hub", "residual": True}],
    }
    below = quote(line(2, 4_500), venue, terms("agent", discount=promo))
    assert amount(below, "discount", to="supplier") == 2 * 1_500  # settled at 30.00
    assert amount(below, "discount", to="hub") == 2 * 500  # topped up by the hub
    above = quote(
        line(2, 4_500),
        venue,
        terms("agent", discount=promo | {"per_ticket_minor": 1_000}),
    )
    assert amount(above, "discount", to="supplier") == 2 * 1_000
    assert amount(above, "discount", to="hub") == 0


@pytest.mark.parametrize(
    ("code", "digits", "shown"),
    [
        ("JPY", 0, "-1234 JPY"),
        ("EUR", 2, "-12.34 EUR"),
        ("BHD", 3, "-1.234 BHD"),
        ("CLF", 4, "-0.1234 CLF"),
        ("IQD", 3, "-1.234 IQD"),
        ("UYW", 4, "-0.1234 UYW"),
        ("BIF", 0, "-1234 BIF"),
    ],
)
def test_exponents_are_those_of_iso_4217(code, digits, shown):
    assert exponent(code) == digits
    assert str(Money(-1234, code)) == shown


def test_what_is_no_currency():
    testing, gold = "XTS", "XAU"  # of ISO 4217, but without minor units
    assert not is_currency(testing)
    assert not is_currency(gold)
    assert not is_currency("QQQ")
    assert not is_currency("eur")


@pytest.mark.parametrize(
    ("mode", "wholes"),
    [
        ("half-even", [2, 4, -2, 0, 1]),
        ("half-up", [3, 4, -3, 0, 1]),
        ("half-down", [2, 3, -2, 0, 1]),
        ("up", [3, 4, -3, 1, 1]),
        ("down", [2, 3, -2, 0, 0]),
    ],
)
def test_roundings(mode, wholes):
    exact = [(5, 2), (7, 2), (-5, 2), (1, 3), (2, 3)]
    assert [divided(n, d, mode) for n, d in exact] == wholes


def test_nobody_pays_more_of_a_discount_than_its_part():
    """Off 20.00 of 45.00, agreed 35.00: 10.00 lack, of which the agent's part is 1.00."""
    promo = {
        "per_ticket_minor": 2_000,
        "funding": [
            {"funder": "agent", "per_ticket_minor": 100},
            {"funder": "supplier", "residual": True},
        ],
    }
    venue = terms("supplier", agreed_price_minor=3_500)
    found = quote(line(1, 4_500), venue, terms("agent", discount=promo))
    assert amount(found, "discount", to="agent") == 100
    assert amount(found, "discount", to="hub") == 900
    assert amount(found, "discount", to="supplier") == 1_000


def test_shares_of_a_share_are_each_of_the_whole_of_it():
    clause = split_clause(
        {"holder": "supplier", "rate": 5700},
        {"holder": "film", "rate": 4300},
        {"holder": "distributor", "rate": 1000, "of": "film"},
        {"holder": "agency", "rate": 1000, "of": "film"},
    )
    parts = distributed(clause.distribution, 10_000_000)
    assert parts["distributor"] == parts["agency"] == 394_310
    assert parts["film"] == 3_943_100 - 2 * 394_310


@pytest.mark.parametrize(
    ("more", "clause"),
    [
        ({"residual": "tax"}, "distribution.residual"),
        ({"residual": None}, "distribution.shares"),
    ],
)
def test_what_a_split_leaves_goes_to_somebody_and_the_supplier_has_a_part(more, clause):
    said = split_clause({"holder": "film", "rate": 4300}, **more)
    assert clause in {found.clause for found in problems(said, "supplier")}


def test_a_rate_of_tiers_can_be_of_another_base_than_the_measure():
    half = {"rate": 5_000, "funding": [{"funder": "supplier", "residual": True}]}
    clause = tiers("whole-volume", {"rate": 1_000}, base="net")
    agent = terms("agent", commission=clause, discount=half)
    assert amount(quote(line(1, 10_000), agent=agent), "commission", "agent") == 500
    marginal = {"commission": tiers("marginal", {"rate": 1}, base="net")}
    [found] = problems(convert(marginal, Clauses), "agent")
    assert found.clause == "commission.base"


HIRE = {
    "kind": "film-hire",
    "opens_on": "2026-01-02",
    "rates": ["1/7"],
    "over_rate": 9_000,
    "house_cost_minor": 500_000,
}


def test_each_venue_has_a_house_cost_of_its_own():
    venue, totals = terms("supplier", distribution=HIRE), {}
    sold = [line(1, 2_000_000, venue=name) for name in ("one", "two")]
    found = [quote(one, venue, totals=totals) for one in sold]
    assert [amount(q, "distribution") for q in found] == [1_350_000, 1_350_000]


def test_film_hire_that_is_linear_is_rounded_per_line_and_final():
    left_out = {"over_rate", "house_cost_minor"}
    flat = {k: v for k, v in HIRE.items() if k not in left_out}
    venue, totals = terms("supplier", distribution=flat), {}
    found = [quote(line(1, 4_500), venue, totals=totals) for _ in range(6)]
    assert [amount(q, "distribution") for q in found] == [643] * 6
    assert totals == {}


def test_a_billion_is_an_amount():
    shares = [{"holder": "supplier", "rate": 10_000}]
    venue = terms("supplier", distribution=SPLIT | {"shares": shares})
    found = quote(line(1, 10**11), venue)
    assert amount(found, "distribution", to="special-fund") == 5 * 10**9
    assert 10**11 - amount(found, "distribution") == 91_700_000_000


def test_the_suppliers_own_fee_is_kept_where_it_says_so():
    kept = terms("supplier", refund={"booking_fee": "kept"})
    found = quote(line(1, 4_500, booking_fee_minor=200), kept)
    assert [a.is_kept for a in found.of("booking-fee")] == [True]


def test_what_follows_from_a_provisional_amount_is_provisional():
    clause = tiers("marginal", {"rate": 1_000})
    withheld = [{"leg": "commission", "rate": 1_000}]
    agent = terms("agent", commission=clause, withholding=withheld)
    found = {a.what: a.state for a in quote(line(), agent=agent).of("withholding")}
    assert found == {"withholding": "provisional"}


def test_as_principal_the_hub_bears_a_discount_nobody_funds():
    own = terms("supplier", capacity="principal")
    found = quote(line(1, 4_500, discount_minor=1_000), own)
    assert amount(found, "discount", to="hub") == 1_000
