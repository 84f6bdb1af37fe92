"""What a plan can say, as msgspec reads it; the JSON Schema is made from these."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from allocation.rules.seats import Singles
from hub.kernel.money import BASIS_POINTS

SEATS_MAX = 1_000_000
WEIGHT_MAX = 1_000_000_000

Ref = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[\x21-\x7E]+\Z")]
Seats = Annotated[int, Meta(ge=0, le=SEATS_MAX, description="Seats")]
Part = Annotated[int, Meta(ge=0, le=BASIS_POINTS, description="Basis points")]
Moment = Annotated[datetime, Meta(tz=True)]
Days = Annotated[int, Meta(ge=0, le=3_660)]
Clock = Annotated[
    str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d\Z", description="Venue's time")
]
Level = Literal["area", "channel", "agent"]


class RuleKind(StrEnum):
    """How a holder comes to its seats."""

    FIXED = "fixed"
    PERCENT = "percent"
    WEIGHTED = "weighted"
    FREE_SALE = "free-sale"


class Mode(StrEnum):
    """How a holder sells: from its seats, after being asked, or reporting later."""

    NORMAL = "normal"
    ON_REQUEST = "on-request"
    SELL_AND_REPORT = "sell-and-report"


class Said(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something a plan says; an unknown field in it is a mistake, and said so."""


class At(Said, frozen=True, kw_only=True):
    """A moment: absolute, or so long before the performance begins.

    Days are calendar days of the venue, at *time* of its clocks (without one: the
    performance's own); hours are hours.
    """

    at: Moment | None = None
    days_before: Days | None = None
    hours_before: Annotated[int, Meta(ge=0, le=87_840)] | None = None
    time: Clock | None = None


class Stage(Said, frozen=True, kw_only=True):
    """At its time an allotment keeps so many seats, and gives the others back.

    *keep*: in all, sold ones included. *keep_unsold*: beyond what is confirmed.
    """

    when: At
    keep: Seats | None = None
    keep_unsold: Seats | None = None


class Window(Said, frozen=True, kw_only=True):
    """When a holder may see and sell; what is not said is as for everybody."""

    announce: At | None = None
    on_sale: At | None = None
    cut_off: At | None = None


class Holding(Said, frozen=True, kw_only=True):
    """How a holder may hold: time to live, extensions, how many seats at once.

    *look_to_book*: so many holds per order it confirms, counted over a day, once it
    has placed *looks_free* of them.
    """

    ttl_s: Annotated[int, Meta(ge=10, le=86_400)] | None = None
    ttl_max_s: Annotated[int, Meta(ge=10, le=2_592_000)] | None = None
    extensions_most: Annotated[int, Meta(ge=0, le=100)] | None = None
    held_most: Seats | None = None
    look_to_book: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    looks_free: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    option_most: Seats | None = None
    option_deadline: At | None = None


class Rule(Said, frozen=True, kw_only=True):
    """What one holder (an area, a channel, an agent) is given of what is above it.

    Fixed: ``seats``; percent: ``percent_bp`` of what is above; weighted: its
    ``weight`` of what is left after these, between ``floor`` and ``ceiling``; free
    sale: no promise. A lower ``priority`` number is served first and cut last.
    """

    area: Ref | None = None
    channel: Ref | None = None
    agent: Ref | None = None
    kind: RuleKind = RuleKind.FREE_SALE
    seats: Seats = 0
    percent_bp: Part = 0
    weight: Annotated[int, Meta(ge=0, le=WEIGHT_MAX)] = 0
    floor: Seats = 0
    ceiling: Seats | None = None
    is_exclusive: bool = False
    priority: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    keep_shared_bp: Part | None = None
    release: Annotated[tuple[Stage, ...], Meta(max_length=20)] = ()
    recall_notice_h: Annotated[int, Meta(ge=0, le=8_784)] | None = None
    mode: Mode | None = None
    pending_most: Seats | None = None
    window: Window | None = None
    holding: Holding | None = None
    rules: Annotated[tuple["Rule", ...], Meta(max_length=1_000)] = ()

    @property
    def level(self) -> str:
        """Which kind of holder it names; ``checks`` says that it is one."""
        named = (self.area, self.channel)
        return "area" if named[0] else "channel" if named[1] else "agent"

    @property
    def of(self) -> str:
        """The reference of its holder."""
        return self.area or self.channel or self.agent or ""


class Cap(Said, frozen=True, kw_only=True):
    """A limit that promises nothing: at most so many seats, counted as they are taken.

    ``price-type``: of a price type, in an area or all; ``channel``: of a channel over
    all areas; ``agent``: of each agent, or one, over performances or the production;
    ``buyer``: of one buyer, whoever sells.
    """

    of: Literal["price-type", "channel", "agent", "buyer"]
    most: Seats
    over: Literal["performance", "production"] = "performance"
    price_type: Ref | None = None
    area: Ref | None = None
    channel: Ref | None = None
    agent: Ref | None = None


class Overbooking(Said, frozen=True, kw_only=True):
    """Seats of a general admission area that may be sold above its capacity."""

    area: Ref
    seats: Seats


class PriceClass(Said, frozen=True, kw_only=True):
    """A price class with its expected demand (seats), from the dearest on."""

    price_type: Ref
    price_minor: Annotated[int, Meta(ge=1, le=10**12)]
    demand_mean: Annotated[int, Meta(ge=0, le=SEATS_MAX)]
    demand_sd: Annotated[int, Meta(ge=0, le=SEATS_MAX)]


class Protection(Said, frozen=True, kw_only=True):
    """Seats of an area kept for dearer classes, by expected demand (EMSR-b)."""

    area: Ref
    classes: Annotated[tuple[PriceClass, ...], Meta(min_length=2, max_length=20)]


class Rebalancing(Said, frozen=True, kw_only=True):
    """How guarantees follow confirmed sell-through; ``floor`` of a rule bounds it.

    *every_h*: a run's distance from the last; *dead_band*: seats below which nothing
    moves; *step_bp*: the most of an agent's unsold that one run takes.
    """

    every_h: Annotated[int, Meta(ge=1, le=744)] = 24
    dead_band: Seats = 5
    step_bp: Part = 2_000
    cover_bp: Annotated[int, Meta(ge=BASIS_POINTS, le=100_000)] = 12_000
    half_life_h: Annotated[int, Meta(ge=1, le=744)] = 48
    is_automatic: bool = False


class PlanRules(Said, frozen=True, kw_only=True):
    """How capacity is shared out: the order of levels, the rules, the limits."""

    levels: Annotated[tuple[Level, ...], Meta(min_length=2, max_length=3)] = (
        *("area", "channel", "agent"),
    )
    shared_capacity: Seats | None = None
    keep_shared_bp: Part = 0
    rules: Annotated[tuple[Rule, ...], Meta(min_length=1, max_length=1_000)]
    caps: Annotated[tuple[Cap, ...], Meta(max_length=50)] = ()
    overbooking: Annotated[tuple[Overbooking, ...], Meta(max_length=100)] = ()
    protection: Annotated[tuple[Protection, ...], Meta(max_length=50)] = ()
    window: Window = Window()
    holding: Holding = Holding()
    recall_notice_h: Annotated[int, Meta(ge=0, le=8_784)] = 0
    single_seats: Singles = Singles.AVOID
    rebalancing: Rebalancing | None = None


class PlanScope(Said, frozen=True, kw_only=True, omit_defaults=True):
    """Which performances a plan is for, by the supplier's references.

    What is not named is anything; the plan that names the narrowest wins.
    """

    genre: Literal["film", "stage", "sport", "general"] | None = None
    venue: Ref | None = None
    auditorium: Ref | None = None
    production: Ref | None = None
    performance: Ref | None = None
    starts_from: Moment | None = None
    starts_until: Moment | None = None

    @property
    def specificity(self) -> int:
        """How narrow: the narrowest dimension named counts more than all wider ones."""
        dims = (
            self.starts_from or self.starts_until,
            *(self.genre, self.venue, self.auditorium),
            *(self.production, self.performance),
        )
        return sum(1 << at for at, said in enumerate(dims) if said is not None)

    def covers(self, found: "Subject") -> bool:
        """Say whether a performance is meant; validity is half-open."""
        named = ("genre", "venue", "auditorium", "production", "performance")
        return (
            all(getattr(self, n) in {None, getattr(found, n)} for n in named)
            and (self.starts_from is None or self.starts_from <= found.starts_at)
            and (self.starts_until is None or found.starts_at < self.starts_until)
        )


class Subject(Struct, frozen=True, kw_only=True):
    """A performance as scopes see it, by the supplier's references."""

    genre: str
    venue: str
    auditorium: str
    production: str
    performance: str
    starts_at: datetime
