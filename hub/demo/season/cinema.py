"""Cinemas: two weeks of shows; the last on Fridays and Saturdays is past midnight."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from hub.demo.season.parts import (
    Record,
    moment,
    offer,
    record,
    seated,
    share,
    sold,
    straight,
)

OPENS = date(2026, 11, 5)
DAYS = 14
WEEK = 7
BUSINESS_DAY_STARTS = "06:00"
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6
MATINEE = time(10, 45)
SHOWS = (time(13, 30), time(16, 15), time(19), time(21, 45))
LATE = time(0, 30)
STAGGER = timedelta(minutes=5)
MATINEE_FILM = "pim-paper-whale"
LOUNGE_ROWS = 2
STEP, LOUNGE_STEP = 60, 80
ROW_DEPTH = 110
SHARES = {"adult": 100, "child": 65, "senior": 85}
PRICE_STEP = 10
STANDARD = {"en": "Standard", "de": "Parkett", "zh-Hans": "标准区"}
LOUNGE = {"en": "Lounge", "de": "Loge", "zh-Hans": "贵宾区"}


def feed(facts: dict[str, Any], ref: str) -> list[Record]:
    """Return the records of the cinema with that reference."""
    cinema = next(found for found in facts["cinemas"] if found["ref"] == ref)
    films = facts["films"]
    screens = [_screen(ref, screen) for screen in cinema["screens"]]
    shows = [
        _performance(cinema, screen, film, starts)
        for at, screen in enumerate(screens)
        for film, starts in _programme(films, at, cinema["zone"])
    ]
    return [_venue(cinema), *screens, *(_production(film) for film in films), *shows]


def _venue(cinema: dict[str, Any]) -> Record:
    return record(
        "venue",
        cinema["ref"],
        name=cinema["name"],
        zone=cinema["zone"],
        country=cinema["country"],
        city=cinema["city"],
        business_day_starts=BUSINESS_DAY_STARTS,
    )


def _screen(venue: str, screen: dict[str, Any]) -> Record:
    name, wide = screen["name"], screen["seats"]
    front = screen["rows"] - LOUNGE_ROWS
    best = front * 2 // 3
    order = sorted(range(front), key=lambda at: (abs(at - best), -at))
    standard = [
        straight(_letter(at), seats=wide, y=at * ROW_DEPTH, step=STEP) for at in order
    ]
    lounge = [
        straight(_letter(at), seats=wide * 3 // 4, y=at * ROW_DEPTH, step=LOUNGE_STEP)
        for at in range(front, screen["rows"])
    ]
    return record(
        "auditorium",
        f"screen-{name}",
        venue=venue,
        name={"en": f"Screen {name}", "de": f"Saal {name}", "zh-Hans": f"{name}号厅"},
        areas=[
            seated("standard", STANDARD, standard),
            seated("lounge", LOUNGE, lounge),
        ],
    )


def _letter(at: int) -> str:
    return chr(ord("A") + at)


def _production(film: dict[str, Any]) -> Record:
    return record(
        "production",
        film["ref"],
        genre="film",
        title=film["title"],
        runtime_min=film["runtime"],
    )


def _programme(
    films: list[dict[str, Any]], screen: int, zone: str
) -> Iterator[tuple[dict[str, Any], datetime]]:
    """Yield what a screen shows when: the same each day, until the week is over."""
    family = next(film for film in films if film["ref"] == MATINEE_FILM)
    for day in range(DAYS):
        on = OPENS + timedelta(days=day)
        first = 2 * screen + 3 * (day // WEEK)
        if on.weekday() == SUNDAY:
            yield family, moment(on, MATINEE, zone) + screen * STAGGER
        for slot, clock in enumerate(SHOWS):
            film = films[(first + slot) % len(films)]
            yield film, moment(on, clock, zone) + screen * STAGGER
        if on.weekday() in (FRIDAY, SATURDAY):
            film = films[(first + len(SHOWS)) % len(films)]
            next_day = on + timedelta(days=1)
            yield film, moment(next_day, LATE, zone) + screen * STAGGER


def _performance(
    cinema: dict[str, Any], screen: Record, film: dict[str, Any], starts: datetime
) -> Record:
    ends = starts + timedelta(minutes=film["runtime"])
    faces = dict(zip(("standard", "lounge"), cinema["adult"], strict=True))
    return record(
        "performance",
        f"{screen['ref']}-{starts:%Y%m%d-%H%M}",
        production=film["ref"],
        auditorium=screen["ref"],
        starts_at=starts.isoformat(),
        ends_at=ends.isoformat(),
        areas=sold(screen["areas"]),
        offers=[
            offer(
                area,
                price_type,
                "EUR",
                share(face, percent, step=PRICE_STEP),
                tax_bp=cinema["tax_bp"],
            )
            for area, face in faces.items()
            for price_type, percent in SHARES.items()
        ],
    )
