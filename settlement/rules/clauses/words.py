"""The words clauses are made of: amounts, rates, bases, and what closes a band."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

MINOR_MAX = 10**13  # a line of a million tickets stays inside 64 bits

Minor = Annotated[int, Meta(ge=0, le=MINOR_MAX, description="Minor units")]
Rate = (
    Annotated[int, Meta(ge=0, le=10_000, description="Basis points")]
    | Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{1,12}/[1-9][0-9]{0,11}\Z",
            description='An exact fraction of one, such as "33/1000"',
        ),
    ]
)
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Days = Annotated[int, Meta(ge=0, le=3_660)]
Base = Annotated[
    Literal["gross", "net", "settled"],
    Meta(
        description="gross: face value; net: what the buyer pays of it; settled: what "
        "the supplier is settled at, face value less its own share of the discount"
    ),
]
Measure = Literal["gross", "net", "settled", "tickets"]
Period = Literal["month", "cinema-week", "event", "year"]


class Clause(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One agreed thing; an unknown field in it is a mistake, and said so."""


class Banded(Clause, frozen=True, kw_only=True):
    """Something that holds up to a bound: inclusive, exclusive, or without end."""

    up_to: Count | None = None
    below: Count | None = None

    @property
    def top(self) -> int | None:
        """The largest whole number inside, or None if there is none."""
        if self.up_to is not None:
            return self.up_to
        return None if self.below is None else self.below - 1

    def holds(self, minor: int, tickets: int = 1) -> bool:
        """Say whether an amount for so many tickets lies under the bound, each."""
        if self.up_to is not None:
            return minor <= self.up_to * tickets
        return self.below is None or minor < self.below * tickets
