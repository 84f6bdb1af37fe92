"""A concert hall in New York: a season of programmes, on a plan with 738 seats."""

from datetime import date, datetime, time, timedelta
from typing import Any

from hub.demo.season.parts import (
    Record,
    moment,
    moved,
    offer,
    record,
    row,
    seated,
    share,
    sold,
)

ZONE = "America/New_York"
WEEKS = 104
ON_SALE = moment(date(2026, 8, 1), time(10), ZONE)
CUT_OFF = timedelta(hours=1)
ADULT_FEE = 300
PRICES = {"I": 14_500, "II": 11_000, "IV": 7_500, "V": 5_000}
SHARES = {"adult": 100, "student": 40, "senior": 80}
FLOOR_WIDTH = 2_000


def feed(facts: dict[str, Any]) -> list[Record]:
    """Return the hall's records."""
    areas = hall_areas(facts)
    hall = record(
        "auditorium",
        "great-hall",
        venue="riverside-hall",
        name={"en": "Great Hall", "de": "Großer Saal", "zh-Hans": "大音乐厅"},
        areas=areas,
    )
    programmes = _together(facts["programmes"])
    first = {number: numbers[0] for numbers in programmes for number in numbers}
    works = {found["programme"]: found["works"] for found in facts["programmes"]}
    productions = [_production(found[0], works[found[0]]) for found in programmes]
    performances = [
        _performance(day, clock, first[number], areas)
        for day, clock, number in facts["concerts"]
    ]
    return [_venue(), hall, *productions, *performances]


def hall_areas(facts: dict[str, Any]) -> list[Record]:
    """Return the categories of the plan as areas, rows near the stage first."""
    return [
        seated(
            f"category-{category.lower()}",
            {
                "en": f"Category {category}",
                "de": f"Kategorie {category}",
                "zh-Hans": f"{category} 区",
            },
            [
                row(f"{found['block']}-{found['row']}", _drawn(found))
                for found in _best_first(facts, category)
            ],
        )
        for category in PRICES
    ]


def places(found: dict[str, Any]) -> list[tuple[int, int]]:
    """Return where the seats of a row stand in the plan."""
    if "step" not in found:
        return list(zip(found["x"], found["y"], strict=True))
    seats = range(found["seats"])
    return [(found["x"] + found["step"] * at, found["y"]) for at in seats]


def _drawn(found: dict[str, Any]) -> list[tuple[int, int]]:
    """Draw the upper floor beside the lower one: in the plan it lies upon it."""
    return [(x + FLOOR_WIDTH * found["zone"], y) for x, y in places(found)]


def _best_first(facts: dict[str, Any], category: str) -> list[dict[str, Any]]:
    stage_x, stage_y = facts["stage"]

    def _far(found: dict[str, Any]) -> tuple[int, int, int, str]:
        spots = places(found)
        x, y = spots[len(spots) // 2]
        away = (x - stage_x) ** 2 + (y - stage_y) ** 2
        return found["zone"], away, found["block"], found["row"]

    rows = [found for found in facts["rows"] if found["category"] == category]
    return sorted(rows, key=_far)


def _venue() -> Record:
    return record(
        "venue",
        "riverside-hall",
        name={
            "en": "Riverside Hall",
            "de": "Konzerthaus Riverside",
            "zh-Hans": "河畔音乐厅",
        },
        zone=ZONE,
        country="US",
        city="New York",
    )


def _together(programmes: list[dict[str, Any]]) -> list[list[int]]:
    """Put together what differs only in the soloist's own piece."""
    found: dict[str, list[int]] = {}
    for programme in programmes:
        same = f"{programme['season']} {programme['works']}"
        found.setdefault(same, []).append(programme["programme"])
    return list(found.values())


def _production(number: int, works: list[list[str]]) -> Record:
    (composer, work) = works[-1]
    others = list(dict.fromkeys(name for name, _ in works if name != composer))
    guests = f", with {' and '.join(others)}" if len(others) in (1, 2) else ""
    lines = "; ".join(f"{name}: {what}" for name, what in works)
    return record(
        "production",
        f"programme-{number}",
        genre="stage",
        title={"en": f"{composer}: {work}{guests}"},
        description={"en": lines},
    )


def _performance(day: str, clock: str, number: int, areas: list[Record]) -> Record:
    on = moved(day, WEEKS)
    starts: datetime = moment(on, time.fromisoformat(clock), ZONE)
    return record(
        "performance",
        f"concert-{number}-{starts:%Y%m%d-%H%M}",
        production=f"programme-{number}",
        auditorium="great-hall",
        starts_at=starts.isoformat(),
        on_sale_at=ON_SALE.isoformat(),
        cut_off_at=(starts - CUT_OFF).isoformat(),
        areas=sold(areas),
        offers=[
            _offer(category, price_type) for category in PRICES for price_type in SHARES
        ],
    )


def _offer(category: str, price_type: str) -> Record:
    face = share(PRICES[category], SHARES[price_type])
    fee = {"booking_fee_minor": ADULT_FEE} if price_type == "adult" else {}
    return offer(
        f"category-{category.lower()}", price_type, "USD", face, tax_bp=0, **fee
    )
