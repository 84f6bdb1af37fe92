"""Documents of any supplies: their sums, their tax, and the published rules."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.money import ratio
from settlement.rules.invoicing import memos
from settlement.rules.invoicing.documents import documents, tax_in
from settlement.rules.invoicing.supplies import HUB, PARTNER, Sum, TaxKind, of_fact
from settlement.rules.invoicing.ubl import Head, Party, ubl
from tests.settlement.published import broken_rules
from tests.settlement.samples import fact
from tests.settlement.test_worked_examples import VENUE, sold

KINDS = {
    "": TaxKind("O", 0, "Not subject to VAT"),
    "full": TaxKind("S", 2_000),
    "reduced": TaxKind("S", "1/15"),
    "zero": TaxKind("Z"),
    "exempt": TaxKind("E", 0, "Art. 135"),
    "exempt-too": TaxKind("E", 0, "Art. 132"),
    "reversed": TaxKind("AE", 0, "Reverse charge"),
}
WHATS = ["commission", "service-fee", "refund-fee", "advertising:a & b <c>"]


def party(ref, **more):
    said = {
        "identifier": ref,
        "name": f"{ref} & Söhne",
        "street": "Ring 1",
        "postcode": "1010",
        "city": "Wien",
        "country": "AT",
        "vat_id": "ATU12345675",
    }
    return Party(**{**said, **more})


def head(**more):
    said = {
        "number": "hub-eu-17",
        "issued_on": date(2026, 12, 1),
        "currency": "EUR",
        "seller": party("hub-eu"),
        "buyer": party("ann", postcode="", registration_id="FN 1"),
        "first_on": date(2026, 11, 1),
        "last_on": date(2026, 11, 30),
        "contract": "c-1",
        "statement": "hub-eu-16",
    }
    return Head(**{**said, **more})


amounts = st.integers(-(10**7), 10**7)
sums = st.dictionaries(
    st.tuples(
        st.sampled_from([HUB, PARTNER]),
        st.sampled_from(list(KINDS.values())),
        st.sampled_from(WHATS),
    ),
    st.builds(Sum, amounts, st.just(0)),
    max_size=8,
)


@given(sums)
def test_what_was_supplied_is_on_the_documents_to_the_cent(found):
    told = {HUB: 0, PARTNER: 0}
    for one in documents(found):
        sign = -1 if one.is_credit else 1
        told[one.seller] += sign * one.gross_minor
        assert one.gross_minor >= 0
        assert sum(line.net_minor for line in one.lines) == one.net_minor
        for group in one.groups:
            own = [line for line in one.lines if line.kind == group.kind]
            assert sum(line.net_minor for line in own) == group.net_minor
    for seller in (HUB, PARTNER):
        wanted = sum(s.gross_minor for k, s in found.items() if k[0] == seller)
        assert told[seller] == wanted


@given(
    st.integers(-(10**9), 10**9), st.sampled_from([0, 600, 1_900, 2_000, "1/15", "1/7"])
)
def test_tax_is_its_rates_part_of_the_net_to_one_minor_unit(gross, rate):
    tax = tax_in(gross, rate)
    off = abs(Fraction(*ratio(rate)) * (gross - tax) - tax)
    assert off <= Fraction(1, 2) or not any(
        abs(Fraction(*ratio(rate)) * (gross - t) - t) <= Fraction(1, 2)
        for t in range(tax - 2, tax + 3)
    )
    assert off < 1
    assert tax_in(-gross, rate) == -tax or off == Fraction(1, 2)


def test_an_amount_that_has_no_net_has_the_nearest_tax():
    assert tax_in(1_500, 1_900) == 239  # 15.00: neither 2.39 of 12.61 nor 2.40 of 12.60
    assert tax_in(10_000_000, 600) == 566_038


CASES = {
    "commission and fees": {
        (HUB, "full", "commission"): 123_45,
        (HUB, "full", "service-fee"): 1,
    },
    "two rates": {
        (HUB, "full", "commission"): 9_999,
        (HUB, "reduced", "service-fee"): 1_501,
    },
    "given back": {(HUB, "full", "commission"): -9_999},
    "some given back": {
        (HUB, "full", "commission"): 9_999,
        (HUB, "full", "refund-fee"): -200,
    },
    "more given back": {
        (PARTNER, "full", "commission"): -9_999,
        (PARTNER, "zero", "commission"): 3,
    },
    "self-billed": {(PARTNER, "full", "commission"): 700},
    "outside": {(HUB, "", "service-fee"): 700},
    "both": {(HUB, "", "service-fee"): 700, (HUB, "full", "commission"): 700},
    "zero": {(HUB, "zero", "service-fee"): 700},
    "exempt": {
        (HUB, "exempt", "service-fee"): 700,
        (HUB, "exempt-too", "commission"): 1,
    },
    "reversed": {(HUB, "reversed", "service-fee"): 700},
    "all kinds": {(HUB, name, "commission"): 1_001 for name in KINDS},
    "cancels out": {
        (HUB, "full", "commission"): 5,
        (HUB, "reduced", "service-fee"): -5,
    },
}


@pytest.mark.parametrize("name", CASES)
def test_documents_keep_the_published_rules(name):
    said = {
        (seller, KINDS[kind], what): Sum(minor)
        for (seller, kind, what), minor in CASES[name].items()
    }
    made = list(documents(said))
    assert made
    for one in made:
        said = ubl(head(before=("hub-eu-3",)), one)
        assert broken_rules(said) == []
        assert said == ubl(head(before=("hub-eu-3",)), one)


@pytest.mark.parametrize("currency", ["JPY", "EUR"])
@pytest.mark.parametrize("is_debit", [True, False])
@pytest.mark.parametrize("corrects", ["commission", "service-fee"])
@pytest.mark.parametrize("side", ["agent", "supplier"])
def test_memos_are_documents_that_keep_the_rules(side, corrects, is_debit, currency):
    seller = memos.seller_of(side, corrects)
    made = memos.document(
        *(seller, corrects),
        is_debit=is_debit,
        gross_minor=1_200,
        tax_minor=200,
        kind=KINDS["full"],
    )
    is_theirs = seller == PARTNER
    assert (
        made.type_code
        == {
            (False, True): "380",
            (False, False): "381",
            (True, False): "389",
            (True, True): "261",
        }[is_theirs, is_debit]
    )
    assert broken_rules(ubl(head(currency=currency), made)) == []


BROKEN = {
    "a sum": ('<cbc:PayableAmount currencyID="EUR">', "1", "BR-CO-16"),
    "a rate": ("<cbc:Percent>", "1", "BR-S-08"),
    "a line": ('<cbc:LineExtensionAmount currencyID="EUR">', "1", "BR-CO-10"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_the_published_rules_would_have_found_a_mistake(what):
    before, more, rule = BROKEN[what]
    made = next(documents({(HUB, KINDS["full"], "commission"): Sum(12_000)}))
    said = ubl(head(), made).decode()
    assert before in said
    wrong = said.replace(before, before + more, 1).encode()
    assert any(found.startswith(rule) for found in broken_rules(wrong))


@pytest.mark.parametrize("name", KINDS)
def test_a_memos_tax_is_what_its_kind_makes_of_it(name):
    kind = KINDS[name]
    own = tax_in(1_200, kind.rate)
    assert memos.fitting(1_200, own, [kind]) is kind
    near = memos.fitting(1_200, own + 1, [kind])
    assert near is (kind if kind.is_charged else None)
    assert memos.fitting(1_200, own + 2, [kind]) is None
    made = memos.document(
        *(HUB, "service-fee"),
        is_debit=True,
        gross_minor=1_200,
        tax_minor=own,
        kind=kind,
    )
    assert broken_rules(ubl(head(), made)) == []


@pytest.mark.parametrize(
    ("collector", "payer"), [("agent", "agent"), ("hub", None), ("venue", "supplier")]
)
def test_a_fee_for_cancelling_is_supplied_to_who_pays_it(collector, payer):
    taxed = {
        "collector": collector,
        "refund": {"fee_per_ticket_minor": 120},
        "taxes": {"refund_fee": "vat"},
    }
    cancelled = fact(sold(agent=taxed), sequence=1, cancelled=(0, 1))
    for side in ("agent", "supplier"):
        found = list(of_fact(cancelled, side, told, lambda _: KINDS["full"]))
        fees = [one for one in found if one.what == "refund-fee"]
        assert [one.gross_minor for one in fees] == [120] * (side == payer)


def told(tax):
    return KINDS["full" if tax else ""]


def test_what_is_bought_as_principal_is_on_no_invoice():
    bought = sold(venue=VENUE | {"capacity": "principal", "taxes": {}})
    found = list(of_fact(fact(bought), "supplier", told, told))
    assert found == []
    assert list(of_fact(fact(sold()), "supplier", told, told)) != []


def test_tax_of_lines_that_cancel_out_is_not_lost():
    (one,) = documents({(HUB, KINDS["full"], "commission"): Sum(0, 1)})
    assert (one.lines, one.more_tax_minor) == ((), -1)


def test_what_xml_cannot_hold_is_replaced():
    made = next(documents({(HUB, KINDS["full"], "advertising:a\x0bb"): Sum(12_000)}))
    assert "a\ufffdb".encode() in ubl(head(), made)
