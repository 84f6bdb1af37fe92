"""How a cinema's box office is distributed: the Chinese split, and film hire."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from settlement.rules.clauses.words import Clause, Minor, Name, Rate


class Share(Clause, frozen=True, kw_only=True):
    """A holder's part of the distributable, or of another holder's part (*of*)."""

    holder: Name
    rate: Rate
    of: Name | None = None


class BoxOfficeSplit(
    Clause, frozen=True, kw_only=True, tag_field="kind", tag="box-office-split"
):
    """Special fund and tax first; the rest is shared, and sums to the whole.

    The holder ``supplier`` is the contract's partner. *residual* names who gets what
    the rates leave. Rates by 财税 (2015) 91号 (fund) and usual practice (tax).
    """

    special_fund: Rate = 500
    tax: Rate = 330
    shares: Annotated[list[Share], Meta(min_length=1, max_length=20)]
    residual: Name | None = None


class FilmHire(Clause, frozen=True, kw_only=True, tag_field="kind", tag="film-hire"):
    """A film's part of a cinema week's box office.

    The rate of the week (the last one goes on) is the floor; with *over_rate*, that
    part of what exceeds the house cost is due if it is more.
    """

    holder: Name = "distributor"
    opens_on: date
    rates: Annotated[list[Rate], Meta(min_length=1, max_length=60)]
    over_rate: Rate | None = None
    house_cost_minor: Minor = 0


class Week(Clause, frozen=True, kw_only=True):
    """When a cinema week begins, on clocks of the contract's zone."""

    starts: Literal[
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
    ] = "friday"
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d\Z")] = "00:00"


Distribution = BoxOfficeSplit | FilmHire
