"""OCTO: what is sent and told is as the published document has it; what is odd."""

import json
import os
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from connectors.errors import NoAnswerError
from connectors.ports import LineWanted, OrderWanted, Read, Standing
from connectors.suppliers.kinds import KINDS
from connectors.suppliers.octo import schedule, words
from connectors.suppliers.octo.words import OctoSettings
from connectors.suppliers.settings import Place
from connectors.suppliers.soap import Waits, Wire
from tests.simulators.kinds import credentials, settings, simulator
from tests.simulators.serving import serving

DOCUMENT = Path(os.environ.get("HUB_REFERENCE_DATA", "../shared/data"))
DOCUMENT = DOCUMENT / "octo" / "openapi.yaml"
SENT = {
    "availability": "AvailabilityCheckBody",
    "reserve": "BookingReservationBody",
    "confirm": "BookingConfirmationBody",
    "extend": "ExtendReservationBody",
    "cancel": "BookingCancellationBody",
}
TOLD = {
    "supplier": "Supplier",
    "products": ["Product"],
    "availability": ["Availability"],
    **dict.fromkeys(("reserve", "booking", "extend", "confirm", "cancel"), "Booking"),
}
SETTINGS = OctoSettings(place=Place(zone="Europe/Vienna", country="AT", currency="EUR"))


def exchanged():
    """Do all that the port can at a simulator; return (operation, sent, told)."""
    there, seen = simulator("octo"), []
    answer = there.answer

    def noted(path, body):
        name, work = answer(path, body)

        def done():
            found = work()
            seen.append((name, json.loads(body or b"null"), json.loads(found[0])))
            return found

        return name, done

    there.answer = noted
    with serving(there.app()) as url:
        wire = Wire(Waits(1, 10))
        port = KINDS["octo"](
            url + there.base, settings("octo"), credentials("octo", there), wire
        )
        shows = port.schedule(None, None, Read()).performances
        offer = shows[0].offers[0]
        line = LineWanted(1, "GA", "adult", offer.code, 2, offer.face_minor, "EUR")
        wanted = OrderWanted("0123456789abcdef" * 2, shows[0].ref, (line,), 900)
        port.availability(shows[0].ref)
        port.lock(wanted)
        port.extend(wanted)
        port.sell(wanted)
        port.ask(wanted)
        port.cancel(wanted, ())
        wire.close()
    return seen


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the reference data is not there")
def test_what_is_sent_and_told_is_as_the_document_has_it():
    document = yaml.safe_load(DOCUMENT.read_text())
    checked = set()
    for name, sent, told in exchanged():
        if name in SENT:
            assert wrong(document, SENT[name], sent) == []
        kind = TOLD[name]
        for one in told if isinstance(kind, list) else [told]:
            assert (
                wrong(document, kind[0] if isinstance(kind, list) else kind, one) == []
            )
        checked.add(name)
    assert checked == set(TOLD)


def wrong(document, name, said):
    """Return how something differs from a schema of the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": plain(document)}
    found = Draft202012Validator(schema).iter_errors(said)
    return [f"{'/'.join(map(str, one.path))}: {one.message}"[:200] for one in found]


def plain(document):
    """Return the components of OpenAPI 3.0 as JSON Schema: null where it is allowed."""

    def told(node):
        if isinstance(node, list):
            return [told(one) for one in node]
        if not isinstance(node, dict):
            return node
        found = {key: told(value) for key, value in node.items() if key != "nullable"}
        return {"anyOf": [found, {"type": "null"}]} if node.get("nullable") else found

    return told(document["components"])


def available(**more):
    said = {
        "id": "a",
        "localDateTimeStart": "2027-01-05T19:00:00+01:00",
        "localDateTimeEnd": "2027-01-05T21:00:00+01:00",
        "utcCutoffAt": "2027-01-05T18:00:00Z",
        "available": True,
        "status": "AVAILABLE",
        "vacancies": 7,
        "capacity": 10,
        "unitPricing": [
            {"unitId": "u", "retail": 1_500, "currency": "EUR", "currencyPrecision": 2}
        ],
    }
    return said | more


PRODUCT = {"id": "p", "internalName": "Tour", "deliveryMethods": ["VOUCHER"]}
OPTION = {
    "id": "o",
    "internalName": "Morning",
    "units": [{"id": "u", "internalName": "Adult", "type": "ADULT"}],
}


@pytest.mark.parametrize(
    ("said", "left", "is_on_sale"),
    [
        (available(), 7, True),
        (available(status="FREESALE", vacancies=None), None, True),
        (available(vacancies=None), None, True),
        (available(available=False, status="SOLD_OUT", vacancies=0), 0, True),
        (available(available=False, status="CLOSED"), 0, False),
    ],
)
def test_what_is_left_is_a_number_some_or_none(said, left, is_on_sale):
    found = schedule.left(said)
    assert (found.left["GA"], found.is_on_sale) == (left, is_on_sale)


@pytest.mark.parametrize(
    ("retail", "precision", "currency", "minor"),
    [(1_500, 2, "EUR", 1_500), (15_000, 3, "EUR", 1_500), (15, 0, "JPY", 15)],
)
def test_prices_are_in_minor_units_whatever_their_precision(
    retail, precision, currency, minor
):
    priced = {"retail": retail, "currencyPrecision": precision, "currency": currency}
    assert schedule.minor(priced) == minor


@pytest.mark.parametrize(
    "said",
    [
        available(id="x" * 130),
        available(id="a|b"),
        available(localDateTimeStart="2027-01-05T19:00:00"),
        available(unitPricing=[]),
        available(
            unitPricing=[
                {"unitId": "u", "retail": 1, "currency": "EUR", "currencyPrecision": 3}
            ]
        ),
    ],
)
def test_what_cannot_be_sold_is_no_performance(said):
    with pytest.raises(ValueError, match=r"."):
        schedule.performance(PRODUCT, OPTION, said, SETTINGS)


def test_a_voucher_lets_the_whole_booking_in():
    assert schedule.performance(PRODUCT, OPTION, available(), SETTINGS).admission == (
        "order"
    )
    code = {"deliveryFormat": "QRCODE", "deliveryValue": "V1"}
    page = {"deliveryFormat": "PDF_URL", "deliveryValue": "https://example.org/t"}
    booking = {
        "id": "b",
        "status": "CONFIRMED",
        "voucher": {"deliveryOptions": [page, code]},
        "unitItems": [{"ticket": None}, {"ticket": {"deliveryOptions": [page]}}],
    }
    sold = words.sold(booking)
    assert (sold.is_shared, {t.code for t in sold.tickets}) == (True, {"V1"})
    with pytest.raises(NoAnswerError, match="without a code"):
        words.sold(booking | {"voucher": {"deliveryOptions": [page]}})


@pytest.mark.parametrize(
    ("status", "confirmed", "standing"),
    [
        ("ON_HOLD", None, Standing.LOCKED),
        ("PENDING", None, Standing.PENDING),
        ("EXPIRED", None, Standing.NOTHING),
        ("REJECTED", None, Standing.NOTHING),
        ("CANCELLED", None, Standing.NOTHING),
        ("CANCELLED", "2027-01-01T00:00:00Z", Standing.CANCELLED),
    ],
)
def test_how_a_booking_stands(status, confirmed, standing):
    said = {"id": "b", "status": status, "utcConfirmedAt": confirmed, "unitItems": []}
    assert words.answer(said).standing is standing


def test_a_status_that_is_none_is_no_answer():
    with pytest.raises(NoAnswerError, match="WAITLISTED"):
        words.answer({"id": "b", "status": "WAITLISTED"})


def test_two_units_of_a_type_are_told_apart_by_their_names():
    seen = {"adult"}
    unit = {"type": "ADULT", "internalName": "Adult, evening"}
    assert schedule.price_type(unit, seen) == "adult-evening"
