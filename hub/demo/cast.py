"""Who plays in the demo: suppliers, agents in three channels, and their terms."""

from dataclasses import dataclass
from typing import Any

WORLD = "demo"
LEGAL_ENTITIES = {
    "hub-eu": ("Ticket Hub GmbH", "AT"),
    "hub-us": ("Ticket Hub Inc.", "US"),
}
STARTS_AT = "2026-11-02T08:00:00+00:00"
SETTLES_AT = "2026-12-01T12:00:00+00:00"
PERIOD = "2026-11"


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier: its contract with the hub, and how its capacity is shared out."""

    ref: str
    name: str
    legal_entity: str
    currency: str
    zone: str
    commission_bp: int
    ticket_fee_minor: int
    plan: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: its channel, and (commission, fee) per legal entity and currency."""

    ref: str
    name: str
    channel: str
    zone: str
    terms: dict[tuple[str, str], tuple[int, int]]


def _free(agent: str, ceiling: int | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"agent": agent, "kind": "free-sale"}
    return rule if ceiling is None else {**rule, "ceiling": ceiling}


def _weighted(agent: str, weight: int) -> dict[str, Any]:
    return {"agent": agent, "kind": "weighted", "weight": weight}


def _fixed(agent: str, seats: int) -> dict[str, Any]:
    return {"agent": agent, "kind": "fixed", "seats": seats, "ceiling": seats}


HALL_PLAN = {
    "keep_shared_bp": 4_000,
    "rules": [
        {
            "channel": "travel-trade",
            "kind": "fixed",
            "seats": 12,
            "rules": [_fixed("citybreaks", 8), _weighted("rail-and-stage", 1)],
        },
        {
            "channel": "online",
            "kind": "weighted",
            "weight": 3,
            "rules": [_weighted("ticketweb", 3), _weighted("seatfinder", 2)],
        },
        {
            "channel": "corporate",
            "kind": "weighted",
            "weight": 1,
            "ceiling": 40,
            "rules": [_free("clubdesk"), _free("perks", 20)],
        },
    ],
}
STADIUM_PLAN = {
    "keep_shared_bp": 5_000,
    "rules": [
        {
            "channel": "corporate",
            "kind": "fixed",
            "seats": 100,
            "rules": [_fixed("clubdesk", 60), _free("perks")],
        },
        {
            "channel": "online",
            "kind": "weighted",
            "weight": 1,
            "rules": [_free("ticketweb"), _free("seatfinder")],
        },
        {
            "channel": "travel-trade",
            "kind": "free-sale",
            "rules": [_free("citybreaks", 50), _free("rail-and-stage", 50)],
        },
    ],
}
FREE_SALE_PLAN = {
    "rules": [
        {
            "channel": channel,
            "kind": "free-sale",
            "rules": [_free(first), _free(second)],
        }
        for channel, first, second in (
            ("online", "ticketweb", "seatfinder"),
            ("travel-trade", "citybreaks", "rail-and-stage"),
            ("corporate", "clubdesk", "perks"),
        )
    ]
}
SUPPLIERS = (
    Supplier(
        *("riverside-hall", "Riverside Hall", "hub-us", "USD", "America/New_York"),
        *(1_200, 0, HALL_PLAN),
    ),
    Supplier(
        *("stadium-park", "Stadium am Park", "hub-eu", "EUR", "Europe/Berlin"),
        *(900, 25, STADIUM_PLAN),
    ),
    Supplier(
        *("lichthaus", "Lichthaus Kinos", "hub-eu", "EUR", "Europe/Berlin"),
        *(1_000, 0, FREE_SALE_PLAN),
    ),
    Supplier(
        *("donaukino", "Donaukino", "hub-eu", "EUR", "Europe/Vienna"),
        *(850, 10, FREE_SALE_PLAN),
    ),
    Supplier(
        *("museum-of-light", "Museum of Light", "hub-eu", "EUR", "Europe/Vienna"),
        *(1_500, 0, FREE_SALE_PLAN),
    ),
)
EU, US = ("hub-eu", "EUR"), ("hub-us", "USD")
AGENTS = (
    Agent(
        *("ticketweb", "Ticketweb", "online", "Europe/Berlin"),
        {EU: (600, 50), US: (700, 60)},
    ),
    Agent(
        *("seatfinder", "Seatfinder", "online", "Europe/Vienna"),
        {EU: (550, 30), US: (500, 30)},
    ),
    Agent(
        *("citybreaks", "City Breaks", "travel-trade", "Europe/London"),
        {EU: (1_000, 100), US: (1_000, 125)},
    ),
    Agent(
        *("rail-and-stage", "Rail & Stage", "travel-trade", "Europe/Vienna"),
        {EU: (875, 80), US: (925, 90)},
    ),
    Agent(
        *("clubdesk", "Clubdesk", "corporate", "Europe/Berlin"),
        {EU: (400, 0), US: (450, 0)},
    ),
    Agent(
        *("perks", "Perks at Work", "corporate", "America/New_York"),
        {EU: (333, 15), US: (333, 15)},
    ),
)
