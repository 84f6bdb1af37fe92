"""The season of a sandbox that the hub itself sells: each production says what it is.

Dates are days from the day a sandbox is opened, so that its clock can be moved past
whatever is to be rehearsed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET, UnsetType

from connectors.feed.records import (
    AnyRecord,
    AreaRecord,
    AreaSoldRecord,
    AuditoriumRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    ResaleRecord,
    RowRecord,
    SeatRecord,
    VenueRecord,
)

VENUE, ROOM = "rehearsal-hall", "hall"
FLOOR, STALLS = "floor", "stalls"
STANDING, ROWS, SEATS = 300, "ABCDE", 12
FACE_MINOR = {FLOOR: 2_000, STALLS: 3_500}
LATER = (5, 12, 25, 45, 75, 105, 135, 165, 195, 225, 255, 285, 315)


@dataclass(frozen=True, slots=True)
class Magic:
    """A production whose performances do one thing on purpose.

    *days*: when it takes place, from the first day on. *on_sale*, *cut_off*: so too.
    """

    ref: str
    title: str
    what: str
    days: tuple[int, ...] = (30,)
    floor: int = STANDING
    on_sale: int | None = None
    cut_off: int | None = None
    currency: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    resale: ResaleRecord | UnsetType = UNSET


SHOWS = (
    Magic("ordinary", "Ordinary", "Sells as it should, in every month", LATER),
    Magic("sold-out", "Sold out", "allotment-exhausted", floor=0),
    Magic("last-two", "Last two", "allotment-exhausted from the third on", floor=2),
    Magic("sales-closed", "Sales closed", "sales-closed", cut_off=-1),
    Magic(
        *("closes-soon", "Closes soon", "Move the clock by two days: sales-closed"),
        cut_off=1,
    ),
    Magic(
        *("opens-later", "Not open yet", "sales-not-open; in ten days it sells"),
        on_sale=10,
    ),
    Magic(
        *("cancelled", "Cancelled", "performance-cancelled"),
        more={"status": "cancelled"},
    ),
    Magic(
        *("postponed", "Postponed", "performance-postponed"),
        more={"status": "postponed"},
    ),
    Magic(
        *("comes-back", "Comes back"),
        "Kept for another agent; a week before the day it is everybody's",
    ),
    Magic("one-each", "One each", "buyer-needed, then cap-reached: one for a buyer"),
    Magic(
        "on-request",
        "On request",
        "A hold waits until you decide it in its supplier's place",
    ),
    Magic(
        *("named", "Named", "real-name-required, name-twice, name-taken"),
        more={"names": "ticket"},
    ),
    Magic(
        *("parity", "Parity", "resale-price, unless the public pays just 20.00"),
        resale=ResaleRecord(floor_minor=2_000, ceiling_minor=2_000),
    ),
    Magic("credit", "Little credit", "credit-exhausted from the third on"),
    Magic(*("abroad", "Abroad", "no-terms: no contract is in its currency")),
)


@dataclass(frozen=True, slots=True)
class Money:
    """In what is sold: the contract's currency, one with little credit, a third."""

    currency: str
    credit: str
    abroad: str

    @classmethod
    def beside(cls, currency: str) -> "Money":
        """Return a contract's currency and two others."""
        credit, abroad = [one for one in ("USD", "EUR", "GBP") if one != currency][:2]
        return cls(currency, credit, abroad)

    def of(self, ref: str) -> str:
        """Return the currency of a production."""
        return {"credit": self.credit, "abroad": self.abroad}.get(ref, self.currency)


def records(first: datetime, zone: str, money: Money) -> Iterator[AnyRecord]:
    """Yield the venue, its hall, the productions and their performances."""
    yield VenueRecord(
        ref=VENUE,
        version=1,
        name={"en": "Rehearsal hall"},
        zone=zone,
        country="AT",
        city="Sandbox",
    )
    yield _hall()
    for show in SHOWS:
        yield ProductionRecord(
            ref=show.ref,
            version=1,
            genre="stage",
            title={"en": show.title},
            description={"en": show.what},
        )
    for show in SHOWS:
        for day in show.days:
            yield performance(show, day, first, money)


def _hall() -> AuditoriumRecord:
    rows = [
        RowRecord(
            name=name,
            seats=[SeatRecord(number=str(no), x=no, y=y) for no in range(1, SEATS + 1)],
        )
        for y, name in enumerate(ROWS)
    ]
    return AuditoriumRecord(
        ref=ROOM,
        version=1,
        venue=VENUE,
        name={"en": "The hall"},
        areas=[
            AreaRecord(ref=FLOOR, name={"en": "Floor"}, capacity=STANDING),
            AreaRecord(ref=STALLS, name={"en": "Stalls"}, rows=rows),
        ],
    )


def performance(
    show: Magic,
    day: int,
    first: datetime,
    money: Money,
    version: int = 1,
    *,
    more_minor: int = 0,
    **changes: Any,
) -> PerformanceRecord:
    """Return a performance of a production, as it was made or as it has changed.

    *more_minor*: how much dearer it is than it was made.
    """
    starts_at = first + timedelta(days=day)
    stalls = len(ROWS) * SEATS if show.floor == STANDING else 0
    return PerformanceRecord(
        ref=f"{show.ref}-{day}",
        version=version,
        production=show.ref,
        auditorium=ROOM,
        starts_at=starts_at,
        on_sale_at=_at(first, show.on_sale),
        cut_off_at=_at(first, show.cut_off),
        areas=[
            AreaSoldRecord(area=FLOOR, capacity=show.floor),
            AreaSoldRecord(area=STALLS, capacity=stalls),
        ],
        offers=list(_offers(show, money.of(show.ref), more_minor)),
        **{**show.more, **changes},
    )


def _offers(show: Magic, currency: str, more_minor: int) -> Iterator[OfferRecord]:
    for area, face_minor in FACE_MINOR.items():
        yield OfferRecord(
            area=area,
            price_type="adult",
            currency=currency,
            face_minor=face_minor + more_minor,
            resale=show.resale,
        )


def _at(first: datetime, day: int | None) -> datetime | None:
    return None if day is None else first + timedelta(days=day)


def plans(channel: str, agent: str, other: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the plans of the season: a name, a scope, and the rules."""

    def rules(*own: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"rules": [{"channel": channel, "rules": list(own)}], **more}

    free = {"agent": agent, "kind": "free-sale"}
    yield "everything", {}, rules(free, {"agent": other, "kind": "free-sale"})
    kept = {
        "agent": other,
        "kind": "percent",
        "percent_bp": 10_000,
        "release": [{"when": {"days_before": 7}, "keep": 0}],
    }
    all_of_it = {"kind": "percent", "percent_bp": 10_000}
    promised = [{"channel": channel, **all_of_it, "rules": [kept, free]}]
    yield "comes back", {"production": "comes-back"}, {"rules": promised}
    caps = [{"of": "buyer", "most": 1}]
    yield "one each", {"production": "one-each"}, rules(free, caps=caps)
    asked = {**free, "mode": "on-request", "pending_most": 20}
    yield "on request", {"production": "on-request"}, rules(asked)
