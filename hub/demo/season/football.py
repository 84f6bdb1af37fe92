"""A stadium: one club's home matches, with standing and seated areas."""

from datetime import time
from typing import Any

from hub.demo.season.parts import (
    Record,
    moment,
    moved,
    offer,
    record,
    seated,
    standing,
    straight,
)

ZONE = "Europe/Berlin"
WEEKS = 52
USUAL_KICK_OFF = "15:30"
TAX_BP = 700
ROWS, SEATS, BEST_ROW = 20, 30, 8
STEP = 50
SOLD = {"north": 1_500, "east": 1_000, "south": 1_200, "main": 600}
PRICES = {
    "north": (1_600, 800),
    "east": (1_800, 900),
    "south": (2_000, 1_000),
    "main": (5_200, 2_600),
}


def feed(facts: dict[str, Any]) -> list[Record]:
    """Return the stadium's records."""
    fixtures = facts["fixtures"]
    return [
        _venue(),
        _ground(),
        *(_production(found) for found in fixtures),
        *(_performance(found) for found in fixtures),
    ]


def _venue() -> Record:
    return record(
        "venue",
        "stadium-park",
        name={"en": "Park Stadium", "de": "Stadion am Park", "zh-Hans": "公园体育场"},
        zone=ZONE,
        country="DE",
        city="Berlin",
    )


def _ground() -> Record:
    north = {"en": "North Stand", "de": "Nordkurve", "zh-Hans": "北看台"}
    east = {"en": "East Stand", "de": "Gegengerade", "zh-Hans": "东看台"}
    south = {"en": "South Stand", "de": "Südkurve", "zh-Hans": "南看台"}
    main = {"en": "Main Stand", "de": "Haupttribüne", "zh-Hans": "主看台"}
    return record(
        "auditorium",
        "ground",
        venue="stadium-park",
        name={"en": "Ground", "de": "Spielfeld", "zh-Hans": "球场"},
        areas=[
            standing("north", north, 4_000),
            standing("east", east, 2_500),
            standing("south", south, 1_200),
            seated("main", main, _main_rows()),
        ],
    )


def _main_rows() -> list[Record]:
    best = sorted(range(1, ROWS + 1), key=lambda number: abs(number - BEST_ROW))
    return [
        straight(str(number), seats=SEATS, y=number * STEP, step=STEP)
        for number in best
    ]


def _production(found: dict[str, Any]) -> Record:
    day, other = found["round"], found["opponent"]
    return record(
        "production",
        f"match-{day}",
        genre="sport",
        title={
            "en": f"Home match v {other} (matchday {day})",
            "de": f"Heimspiel gegen {other} ({day}. Spieltag)",
            "zh-Hans": f"主场对阵 {other} · 第{day}轮",
        },
    )


def _performance(found: dict[str, Any]) -> Record:
    clock = time.fromisoformat(found["time"] or USUAL_KICK_OFF)
    return record(
        "performance",
        f"match-{found['round']}",
        production=f"match-{found['round']}",
        auditorium="ground",
        starts_at=moment(moved(found["date"], WEEKS), clock, ZONE).isoformat(),
        areas=[{"area": area, "capacity": count} for area, count in SOLD.items()],
        offers=[
            offer(area, price_type, "EUR", face, tax_bp=TAX_BP)
            for area, faces in PRICES.items()
            for price_type, face in zip(("adult", "child"), faces, strict=True)
        ],
    )
