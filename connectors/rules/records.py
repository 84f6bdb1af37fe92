"""Checks of feed records that types alone cannot make. Pure."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.feed.records import (
    AnyRecord,
    AuditoriumRecord,
    PerformanceRecord,
    VenueRecord,
)
from hub.kernel.money import BASIS_POINTS, is_currency
from hub.kernel.zones import zones

YEAR_MIN, YEAR_MAX = 2000, 2100
MOMENTS = ("starts_at", "ends_at", "announce_at", "on_sale_at", "cut_off_at")
YEARS_AHEAD_MAX = timedelta(days=3_660)


class RefusedError(Exception):
    """A record is not taken: the field, a stable code, and the reason in words."""

    def __init__(self, field: str | None, code: str, reason: str) -> None:
        self.field, self.code, self.reason = field, code, reason
        super().__init__(reason)


def check(record: AnyRecord) -> None:
    """Raise RefusedError if a record contradicts itself."""
    match record:
        case VenueRecord():
            if record.zone not in zones():
                _refuse(
                    "zone", "unknown-zone", f"{record.zone} is not an IANA time zone"
                )
        case AuditoriumRecord():
            _check_auditorium(record)
        case PerformanceRecord():
            _check_range(record)
            _check_times(record)
            _check_offers(record)


def _refuse(field: str, code: str, reason: str) -> None:
    raise RefusedError(field, code, reason)


def _check_auditorium(record: AuditoriumRecord) -> None:
    refs = [area.ref for area in record.areas]
    if len(set(refs)) != len(refs):
        _refuse("areas", "repeated-area", "two areas have the same ref")
    for at, area in enumerate(record.areas):
        if (area.rows is None) == (area.capacity is None):
            reason = "give rows (seated) or a capacity (general admission), not both"
            _refuse(f"areas[{at}]", "seated-or-not", reason)
        seats = [
            (row.name, seat.number) for row in area.rows or () for seat in row.seats
        ]
        if len(set(seats)) != len(seats):
            _refuse(f"areas[{at}].rows", "repeated-seat", "a seat is named twice")


def _check_range(record: PerformanceRecord) -> None:
    for field in MOMENTS:
        at = getattr(record, field)
        if at is not None and not YEAR_MIN <= at.year <= YEAR_MAX:
            _refuse(field, "out-of-range", f"years go from {YEAR_MIN} to {YEAR_MAX}")


def _check_times(record: PerformanceRecord) -> None:
    if record.ends_at is not None and record.ends_at <= record.starts_at:
        _refuse("ends_at", "ends-before-start", "it ends before it starts")
    if record.open_dated and record.ends_at is None:
        _refuse("ends_at", "no-end", "an open-dated performance says until when")
    last = record.ends_at if record.open_dated else record.starts_at
    assert last is not None  # noqa: S101 - narrowed above
    if record.cut_off_at is not None and record.cut_off_at > last:
        _refuse("cut_off_at", "cut-off-late", "sales would end after the performance")
    on_sale, announce = record.on_sale_at, record.announce_at
    if on_sale is not None and announce is not None and on_sale < announce:
        _refuse("on_sale_at", "sale-before-announce", "on sale before it is announced")
    if on_sale is not None and on_sale >= (record.cut_off_at or last):
        _refuse("on_sale_at", "sale-after-cut-off", "on sale only after sales end")


def _check_offers(record: PerformanceRecord) -> None:
    sold = [area.area for area in record.areas]
    if len(set(sold)) != len(sold):
        _refuse("areas", "repeated-area", "an area is named twice")
    seen: set[tuple[str, str]] = set()
    for at, offer in enumerate(record.offers):
        if offer.area not in sold:
            reason = f"{offer.area} is not among the areas of this performance"
            _refuse(f"offers[{at}].area", "unknown-area", reason)
        if (offer.area, offer.price_type) in seen:
            reason = "the area has two prices for this price type"
            _refuse(f"offers[{at}].price_type", "repeated-offer", reason)
        seen.add((offer.area, offer.price_type))
        if not is_currency(offer.currency):
            reason = f"{offer.currency} is not a currency of ISO 4217"
            _refuse(f"offers[{at}].currency", "unknown-currency", reason)
        if offer.tickets_min > offer.tickets_max:
            reason = "the least number of tickets is above the most"
            _refuse(f"offers[{at}].tickets_min", "limits", reason)


def check_now(record: PerformanceRecord, now: datetime) -> None:
    """Refuse what is absurdly far ahead: a slip in the year, most likely."""
    if record.starts_at > now + YEARS_AHEAD_MAX:
        _refuse("starts_at", "too-far-ahead", "it starts more than ten years from now")


def business_date(starts_at: datetime, zone: str, day_starts_min: int) -> date:
    """Return the business date: before the venue's day starts it is the day before."""
    local = starts_at.astimezone(ZoneInfo(zone))
    wall = local.replace(tzinfo=None) - timedelta(minutes=day_starts_min)
    return wall.date()


def drops_too_much(*, known: int, missing: int, share_max_bp: int) -> bool:
    """Say whether a full delivery would withdraw more than it may unasked."""
    return missing * BASIS_POINTS > known * share_max_bp
