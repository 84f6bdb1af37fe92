"""The worked examples of the ledger: each event posts exactly those amounts.

The contract: the venue pays the hub 12 %, the agent earns 8 %, VAT of 6 % is included,
face value 45.00 CNY, the hub's fee is 1.00 a ticket.
"""

from uuid import UUID

import msgspec
import pytest

from settlement.rules.events import (
    Charge,
    Contracted,
    ContractEvent,
    bill_legs,
    legs,
)
from settlement.rules.exchange import revaluation
from settlement.rules.postings import postings
from settlement.rules.taxes import Taxed
from settlement.rules.truing import guarantee_legs, true_up_legs
from tests.settlement.samples import fact, line, quote, sums, terms

VENUE = {
    "commission": {"kind": "percent", "rate": 1200, "base": "settled"},
    "taxes": {"commission": "vat"},
}
AGENT = {
    "commission": {"kind": "percent", "rate": 800, "base": "settled"},
    "service_fees": [{"fixed_minor": 100}],
    "taxes": {"commission": "vat", "service_fee": "vat", "booking_fee": "vat"},
    "refund": {"service_fee": "kept", "booking_fee": "kept"},
}
TO_HUB = AGENT | {
    "collector": "hub",
    "service_fees": [],
    "booking_fees": [{"fixed_minor": 200, "to": "hub"}],
}
FUNDING = [
    {"funder": "supplier", "rate": 5000},
    {"funder": "hub", "rate": 3000},
    {"funder": "agent", "rate": 2000},
]


def sold(agent=AGENT, venue=VENUE, **more):
    return quote(line(**more), terms("supplier", venue), terms("agent", agent))


def booked(said, side="agent", currency="CNY"):
    """The postings of an event under a contract, by account."""
    event = msgspec.convert(said, ContractEvent)
    return sums(legs(event, Contracted(side, UUID(int=9), currency)))


def test_e0_a_deposit():
    assert booked({"event": "deposit", "amount_minor": 1_000_000}) == {
        "asset:bank": 1_000_000,
        "deposit:agent": -1_000_000,
    }


def test_e1_a_sale_on_the_agents_credit():
    entry = postings(fact(sold()))
    assert sums(entry) == {
        "receivable:agent": 9_200 - 720,
        "payable:supplier": -9_000 + 1_080,
        "income:service-fee": -189,
        "income:commission": -1_019,
        "expense:commission": 679,
        "tax:output": -11 - 61,
        "tax:input": 41,
    }
    by_what = sums(entry, by_what=True)
    assert by_what["tax:output", "service-fee"] == -11
    assert by_what["tax:output", "commission"] == -61
    tickets = {leg.account: leg.amount_minor for leg in entry if leg.currency == "TKT"}
    assert tickets == {"tickets:agent": 2, "tickets:supplier": -2}
    # The hub keeps 5.29 and owes 0.31 of VAT.
    earned = -sum(v for k, v in sums(entry).items() if k.startswith(("inc", "exp")))
    vat = -sum(v for k, v in sums(entry).items() if k.startswith("tax"))
    assert (earned, vat) == (529, 31)


def test_e2_a_sale_paid_to_the_hub():
    entry = sums(postings(fact(sold(TO_HUB))))
    assert entry == {
        "asset:psp": 9_400,
        "payable:supplier": -9_000 + 1_080,
        "income:booking-fee": -377,
        "income:commission": -1_019,
        "expense:commission": 679,
        "payable:agent": -720,
        "tax:output": -23 - 61,
        "tax:input": 41,
    }
    payout = {"event": "psp-payout", "amount_minor": 9_400, "fee_minor": 56}
    assert booked(payout) == {
        "asset:bank": 9_344,
        "expense:psp-fee": 56,
        "asset:psp": -9_400,
    }


def test_e3_a_discount_that_three_fund():
    agent = AGENT | {"discount": {"rate": 1, "funding": FUNDING}, "service_fees": []}
    entry = postings(fact(sold(agent, discount_minor=1_001)))
    by_what = sums(entry, by_what=True)
    assert by_what["receivable:agent", "face"] == 9_000
    assert by_what["receivable:agent", "discount"] == -801  # 81.99: 79.99 and its 2.00
    assert by_what["expense:promotion", "discount"] == 300
    assert by_what["payable:supplier", "discount"] == 501  # so 84.99
    assert by_what["payable:supplier", "commission"] == 1_020
    assert by_what["income:commission", "commission"] == -962
    assert by_what["expense:commission", "commission"] == 642
    assert by_what["tax:output", "commission"] == -58
    assert by_what["tax:input", "commission"] == 38


def test_e4_a_refund_keeps_the_fee_and_two_return_all_else():
    found = sold()
    first = sums(postings(fact(found, 1, (0, 1))), by_what=True)
    assert first["receivable:agent", "face"] == -4_500
    assert first["payable:supplier", "face"] == 4_500
    assert first["payable:supplier", "commission"] == -540
    assert first["income:commission", "commission"] == 510
    assert first["tax:output", "commission"] == 30
    assert first["expense:commission", "commission"] == -340
    assert first["tax:input", "commission"] == -20
    assert first["receivable:agent", "commission"] == 360
    assert not any(what == "service-fee" for _, what in first)
    second = sums(postings(fact(found, 2, (1, 2))), by_what=True)
    assert second["income:commission", "commission"] == 509
    assert second["tax:output", "commission"] == 31
    whole = [postings(fact(found, 1, (0, 1))), postings(fact(found, 2, (1, 2)))]
    left = sums([*postings(fact(found)), *whole[0], *whole[1]])
    assert left == {
        "receivable:agent": 200,
        "income:service-fee": -189,
        "tax:output": -11,
    }


def test_january_closes_with_these_balances():
    """E1, E2, E3 and the refund of E4, as the partners see them."""
    three = AGENT | {"discount": {"rate": 1, "funding": FUNDING}, "service_fees": []}
    entries = [
        *postings(fact(sold())),
        *postings(fact(sold(), 1, (0, 1))),
        *postings(fact(sold(TO_HUB))),
        *postings(fact(sold(three, discount_minor=1_001))),
    ]
    found = sums(entries)
    assert found["receivable:agent"] == 11_859
    assert found["payable:supplier"] == -19_359
    assert found["payable:agent"] == -720


def test_e5_a_refund_after_the_close_goes_through_the_buyers_account():
    found = sold(TO_HUB)
    entry = sums(postings(fact(found, 1, (0, 1))), by_what=True)
    assert entry["payable:supplier", "face"] == 4_500
    assert entry["payable:buyer-refund", "face"] == -4_500
    assert entry["payable:agent", "commission"] == 360
    assert entry["income:commission", "commission"] == 510
    assert booked({"event": "refund-paid", "amount_minor": 4_500}) == {
        "payable:buyer-refund": 4_500,
        "asset:psp": -4_500,
    }
    reclass = {"event": "reclassified", "amount_minor": 3_960}
    assert booked(reclass, "supplier") == {
        "receivable:supplier": 3_960,
        "payable:supplier": -3_960,
    }


def test_e6_a_payout_and_its_match_with_the_bank():
    assert booked({"event": "payout", "amount_minor": 19_359}, "supplier") == {
        "payable:supplier": 19_359,
        "payable:in-transit": -19_359,
    }
    assert booked({"event": "payout-matched", "amount_minor": 19_359}, "supplier") == {
        "payable:in-transit": 19_359,
        "asset:bank": -19_359,
    }


def test_e7_a_remittance_out_of_the_deposit():
    assert booked({"event": "deposit-applied", "amount_minor": 10_000}) == {
        "deposit:agent": 10_000,
        "receivable:agent": -10_000,
    }


FOREIGN = {
    "event": "foreign-remittance",
    "amount_minor": 1_859,
    "paid_currency": "USD",
    "rate": "7.2000",
    "rate_source": "bank",
    "rate_at": "2026-01-31T12:00:00Z",
}


def foreign(**more):
    event = msgspec.convert(FOREIGN | more, ContractEvent)
    found = legs(event, Contracted("agent", UUID(int=9), "CNY"))
    return {(leg.account, leg.currency): leg.amount_minor for leg in found}


def test_e8_a_debt_paid_in_another_currency():
    assert foreign() == {
        ("asset:bank", "USD"): 258,
        ("equity:trading", "USD"): -258,
        ("equity:trading", "CNY"): 1_859,
        ("receivable:agent", "CNY"): -1_859,
    }
    assert revaluation(258, 1_859, "USD", "CNY", "7.1800") == -7


def test_e8_the_spread_is_a_leg_of_its_own():
    found = foreign(spread=200)
    assert found["asset:bank", "USD"] == 258 + 5
    assert found["equity:trading", "USD"] == -258
    assert found["income:fx-spread", "USD"] == -5


def test_e10_a_chargeback_and_who_bears_it():
    event = {"event": "chargeback", "amount_minor": 9_000, "cost_minor": 1_500}
    assert booked(event, "supplier") == {
        "payable:supplier": 9_000,
        "expense:chargeback-fee": 1_500,
        "asset:psp": -10_500,
    }
    back = booked(event | {"is_reversal": True}, "supplier")
    assert back == {k: -v for k, v in booked(event, "supplier").items()}
    both = [{"party": "partner", "weight": 1}, {"party": "hub", "weight": 2}]
    shared = booked(event | {"amount_by": both, "cost_minor": 0}, "agent")
    assert shared["receivable:agent"] == 3_000
    assert shared["expense:chargeback-fee"] == 6_000


def test_e12_a_minimum_guarantee():
    expected = {"expense:guarantee": 20_000, "payable:supplier": -20_000}
    assert (
        booked({"event": "guarantee", "amount_minor": 20_000}, "supplier") == expected
    )
    whose = Contracted("supplier", UUID(int=9), "CNY")
    assert sums(guarantee_legs(whose, "due", 20_000)) == expected


def test_e13_a_service_invoice_with_tax_withheld():
    charge = Charge("service", "listing", 10_600, 600, 1_000)
    entry = sums(bill_legs(charge, Contracted("agent", UUID(int=9), "CNY")))
    assert entry == {
        "receivable:agent": 9_600,
        "tax:withholding-claim": 1_000,
        "income:service-fee": -10_000,
        "tax:output": -600,
    }


CINEMA = {
    "distribution": {
        "kind": "box-office-split",
        "shares": [
            {"holder": "supplier", "rate": 5700},
            {"holder": "film-side", "rate": 4300},
        ],
    }
}


def test_a_cinemas_box_office_is_split_and_fees_stay_outside():
    agent = {"booking_fees": [{"fixed_minor": 300, "to": "hub"}]}
    entry = sums(postings(fact(sold(agent, CINEMA, quantity=1, face=10_000_000))))
    assert entry == {
        "receivable:agent": 10_000_300,
        "payable:supplier": -5_226_900,
        "payable:share": -3_943_100,
        "payable:special-fund": -500_000,
        "payable:box-office-tax": -330_000,
        "income:booking-fee": -300,
    }


def test_as_principal_the_hub_sells_what_it_has_bought():
    venue = VENUE | {"capacity": "principal"}
    assert booked({"event": "purchase", "amount_minor": 7_920}, "supplier") == {
        "asset:inventory": 7_920,
        "payable:supplier": -7_920,
    }
    entry = sums(postings(fact(sold(venue=venue))))
    assert entry["receivable:agent"] == 9_200 - 720
    assert entry["income:tickets"] == -9_000
    assert entry["expense:tickets"] == 7_920
    assert entry["asset:inventory"] == -7_920
    assert "payable:supplier" not in entry
    assert booked({"event": "unsold", "amount_minor": 100}, "supplier") == {
        "expense:guarantee": 100,
        "asset:inventory": -100,
    }


@pytest.mark.parametrize("collector", ["agent", "hub", "venue"])
@pytest.mark.parametrize("remit", ["net", "gross"])
def test_whoever_collects_and_however_it_is_remitted_the_hub_earns_the_same(
    collector, remit
):
    agent = AGENT | {"collector": collector, "remit": remit}
    entry = sums(postings(fact(sold(agent, VENUE | {"remit": remit}))))
    own = {k: v for k, v in entry.items() if k.startswith(("income", "exp", "tax"))}
    assert own == {
        "income:service-fee": -189,
        "income:commission": -1_019,
        "expense:commission": 679,
        "tax:output": -72,
        "tax:input": 41,
    }
    venue = sum(v for k, v in entry.items() if k.endswith(":supplier"))
    assert venue == -7_920 + (9_000 if collector == "venue" else 0)


def test_gross_remittance_keeps_commission_off_the_debt():
    entry = sums(postings(fact(sold(AGENT | {"remit": "gross"}))))
    assert entry["receivable:agent"] == 9_200
    assert entry["payable:agent"] == -720


def test_a_suppliers_money_is_deferred_advanced_and_retained():
    venue = VENUE | {
        "payout": {"when": "performed", "days": 3, "advance": 2000, "retention": 1000}
    }
    entry = sums(postings(fact(sold(venue=venue))))
    assert entry["payable:reserve"] == -792  # 10 % of 79.20
    assert entry["payable:deferred"] == -5_702  # 71.28 less the advance of 14.26
    assert entry["payable:supplier"] == -1_426
    whole = [
        *postings(fact(sold(venue=venue))),
        *postings(fact(sold(venue=venue), 1, (0, 2))),
    ]
    assert "payable:deferred" not in sums(whole)


def test_the_hub_withholds_from_an_agents_commission():
    agent = AGENT | {"withholding": [{"leg": "commission", "rate": 1000}]}
    by_what = sums(postings(fact(sold(agent))), by_what=True)
    assert by_what["tax:withheld", "withholding"] == -68  # 10 % of 6.79 net
    assert by_what["receivable:agent", "withholding"] == 68
    high = AGENT | {
        "withholding": [{"leg": "commission", "rate": 1000, "from_minor": 680}]
    }
    assert "tax:withheld" not in sums(postings(fact(sold(high))))


def test_cancelling_has_its_price_where_it_is_agreed():
    agent = AGENT | {
        "refund": {"fee_per_ticket_minor": 106},
        "taxes": AGENT["taxes"] | {"refund_fee": "vat"},
    }
    by_what = sums(postings(fact(sold(agent), 1, (0, 2))), by_what=True)
    assert by_what["receivable:agent", "refund-fee"] == 212
    assert by_what["income:refund-fee", "refund-fee"] == -200
    assert by_what["tax:output", "refund-fee"] == -12


def test_what_a_principal_has_earned_more_lowers_what_its_tickets_cost():
    whose = Contracted("supplier", UUID(int=9), "CNY")
    made = true_up_legs(
        *(whose, "commission", Taxed(500)),
        withheld_minor=0,
        to_account="payable:supplier",
        holder="",
        is_principal=True,
    )
    assert sums(made) == {"asset:inventory": 500, "expense:tickets": -500}
