"""A museum: an exhibition and guided tours, on any day until they close."""

from datetime import date, time

from hub.demo.season.parts import Record, moment, offer, record, sold, standing

ZONE = "Europe/Vienna"
TAX_BP = 1_300
OPENS = moment(date(2026, 11, 2), time(9), ZONE)
CLOSES = moment(date(2027, 1, 31), time(18), ZONE)
GROUP_MIN = 3


def feed() -> list[Record]:
    """Return the museum's records."""
    halls = _auditorium(
        "halls",
        {"en": "Exhibition halls", "de": "Ausstellungsräume", "zh-Hans": "展厅"},
        standing(
            "admission", {"en": "Admission", "de": "Eintritt", "zh-Hans": "入场"}, 5_000
        ),
    )
    tours = _auditorium(
        "tours",
        {"en": "Meeting point", "de": "Treffpunkt", "zh-Hans": "集合点"},
        standing("tour", {"en": "Tour", "de": "Führung", "zh-Hans": "导览"}, 300),
    )
    exhibition = {
        "en": "A Century of Shadows",
        "de": "Ein Jahrhundert der Schatten",
        "zh-Hans": "光影百年",
    }
    guided = {
        "en": "A Century of Shadows: guided tour",
        "de": "Ein Jahrhundert der Schatten: Führung",
        "zh-Hans": "光影百年 · 导览",
    }
    return [
        _venue(),
        halls,
        tours,
        record("production", "exhibition", genre="general", title=exhibition),
        record("production", "guided-tour", genre="general", title=guided),
        _performance("exhibition", halls, {"adult": 1_600, "child": 600, "group": 900}),
        _performance(
            "guided-tour", tours, {"adult": 2_400, "child": 1_200, "group": 1_700}
        ),
    ]


def _venue() -> Record:
    return record(
        "venue",
        "museum-of-light",
        name={
            "en": "Museum of Light",
            "de": "Museum des Lichts",
            "zh-Hans": "光博物馆",
        },
        zone=ZONE,
        country="AT",
        city="Wien",
    )


def _auditorium(ref: str, name: dict[str, str], area: Record) -> Record:
    return record("auditorium", ref, venue="museum-of-light", name=name, areas=[area])


def _performance(ref: str, room: Record, faces: dict[str, int]) -> Record:
    """Return an open-dated performance; the group price is for each of the group."""
    [area] = room["areas"]
    return record(
        "performance",
        ref,
        production=ref,
        auditorium=room["ref"],
        starts_at=OPENS.isoformat(),
        ends_at=CLOSES.isoformat(),
        open_dated=True,
        areas=sold([area]),
        offers=[
            _offer(area["ref"], price_type, face) for price_type, face in faces.items()
        ],
    )


def _offer(area: str, price_type: str, face: int) -> Record:
    least = {"tickets_min": GROUP_MIN} if price_type == "group" else {}
    return offer(area, price_type, "EUR", face, tax_bp=TAX_BP, **least)
