"""Vista's schedule, as records: datasets of cinemas, films, sessions and prices."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors.feed.records import (
    AreaSoldRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
)
from connectors.ports import Available
from connectors.rules.times import at
from connectors.suppliers.vista.words import VistaSettings
from hub.kernel.zones import zones

NOT_ON_SALE = datetime(2000, 1, 1, tzinfo=UTC)
Row = Mapping[str, str]
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def venue(row: Row, settings: VistaSettings) -> VenueRecord:
    """Return a cinema as a record; its zone by IANA's name, or as settings map it."""
    place = settings.place
    said = row.get("TimeZoneId", "")
    zone = place.zones.get(said, said if said in zones() else place.zone)
    return VenueRecord(
        ref=row["ID"],
        version=0,
        name={place.language: row["Name"]},
        zone=zone,
        country=place.country,
        city=row.get("City") or row["Name"],
        business_day_starts=place.business_day_starts,
    )


def production(row: Row, settings: VistaSettings) -> ProductionRecord:
    """Return a film as a record."""
    language = settings.place.language
    synopsis = row.get("Synopsis", "")
    runtime = int(row.get("RunTime") or 0)
    return ProductionRecord(
        ref=row["ScheduledFilmId"],
        version=0,
        genre="film",
        title={language: row["Title"]},
        description={language: synopsis} if synopsis else {},
        runtime_min=runtime or None,
    )


def offers(rows: Sequence[Row], settings: VistaSettings) -> list[OfferRecord]:
    """Return ticket types of a price group as offers, those of no area left out."""
    return [
        OfferRecord(
            area=row["AreaCategoryCode"],
            price_type=_price_type(row, settings),
            code=row["TicketTypeCode"],
            currency=settings.place.currency,
            face_minor=int(row["PriceInCents"]),
            tickets_max=settings.selling.tickets_max,
        )
        for row in rows
        if row.get("AreaCategoryCode")
    ]


def _price_type(row: Row, settings: VistaSettings) -> str:
    code = row["TicketTypeCode"]
    known = settings.price_types.get(code)
    if known is not None:
        return known
    plain = _NOT_PLAIN.sub("-", row.get("Description", "").lower()).strip("-")
    return (plain if plain[:1].isalpha() else f"t-{code.lower()}")[:32]


def performance(
    row: Row,
    zone: str,
    priced: Sequence[OfferRecord],
    rooms: Mapping[str, int],
    *,
    stop_min: int,
    runtime_min: int | None,
) -> PerformanceRecord:
    """Return a session as a record.

    Capacities are the auditorium's: what is left is told beside it. One that may not
    be sold has its sales ended; one that is cancelled is, however many seats it shows.
    """
    starts_at = at(datetime.fromisoformat(row["Showtime"]), zone)
    offered = [offer for offer in priced if offer.area in rooms]
    areas = {offer.area for offer in offered}
    stop = timedelta(minutes=stop_min)
    cut_off = starts_at - stop if stop else None
    return PerformanceRecord(
        ref=ref(row),
        version=0,
        production=row["ScheduledFilmId"],
        auditorium=room_ref(row),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=runtime_min) if runtime_min else None,
        business_on=datetime.fromisoformat(row["SessionBusinessDate"]).date(),
        cut_off_at=cut_off if is_on_sale(row) else NOT_ON_SALE,
        status="cancelled" if row.get("Status") == "Cancelled" else "scheduled",
        admission="order",
        areas=[
            AreaSoldRecord(area=area, capacity=seats)
            for area, seats in rooms.items()
            if area in areas
        ],
        offers=offered,
    )


def ref(row: Row) -> str:
    """Return the reference of a session: numbers are the cinema's own."""
    return f"{row['CinemaId']}/{row['SessionId']}"


def room_ref(row: Row) -> str:
    """Return the reference of a session's screen: numbers are the cinema's own."""
    return f"{row['CinemaId']}/s{row['ScreenNumber']}"


def is_on_sale(row: Row) -> bool:
    """Say whether a session may be sold: the flag and the status, not the count."""
    return row.get("AllowTicketSales") == "true" and row.get("Status") != "Cancelled"


def left(row: Row) -> tuple[str, Available]:
    """Return a session's reference, and what is left of all its areas together."""
    seats = int(row.get("SeatsAvailable") or 0)
    return ref(row), Available(left={"": seats}, is_on_sale=is_on_sale(row))
