"""Whose names a venue asks for, at which prices a supplier lets go. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from hub.sales.errors import (
    NameTakenError,
    NameTwiceError,
    RealNameRequiredError,
    ResalePriceError,
)

Named = tuple[UUID, str | None, str | None]
"""Who has a ticket of a performance: by type and number of a document."""
Names = Literal["none", "order", "ticket"]
SHOWN = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody by name, with the document that says so where it is asked for."""

    name: str
    id_type: str | None = None
    id_number: str | None = None
    email: str | None = None
    phone: str | None = None

    def told(self) -> dict[str, str | None]:
        """Return what is shown of a person: of the document its last characters."""
        number = self.id_number
        return {
            "name": self.name,
            "id_type": self.id_type,
            "id_ends_with": number and number[-SHOWN:],
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that is to be sold: how many tickets, and whose names it asks for."""

    no: int
    performance_id: UUID
    quantity: int
    names: str


def holders_by_line(
    lines: Sequence[Asked], buyer: Person | None, holders: Sequence[Person]
) -> dict[int, Sequence[Person]]:
    """Return whose the tickets of each line are; lines that ask for nobody have none.

    RealNameRequiredError where names are asked for and not given, NameTwiceError where
    one document is given for two tickets of a performance.
    """
    found: dict[int, Sequence[Person]] = {}
    needed = sum(line.quantity for line in lines if line.names == "ticket")
    for line in lines:
        if line.names == "order" and (buyer is None or not buyer.id_number):
            raise RealNameRequiredError(
                performance_id=line.performance_id, asks_for="buyer"
            )
        if line.names == "ticket" and len(holders) != needed:
            raise RealNameRequiredError(
                performance_id=line.performance_id,
                asks_for="holders",
                needed=needed,
                given=len(holders),
            )
    if not needed and holders:
        raise RealNameRequiredError(asks_for="nobody", needed=0, given=len(holders))
    left = list(holders)
    for line in lines:
        if line.names == "ticket":
            found[line.no], left = left[: line.quantity], left[line.quantity :]
    _refuse_twice(lines, found)
    return found


def _refuse_twice(
    lines: Sequence[Asked], found: Mapping[int, Sequence[Person]]
) -> None:
    seen: set[tuple[UUID, str | None, str | None]] = set()
    for line in lines:
        for person in found.get(line.no, ()):
            key = (line.performance_id, person.id_type, person.id_number)
            if key in seen:
                raise NameTwiceError(name=person.name)
            seen.add(key)


def refuse_taken(
    holders: Mapping[int, Sequence[Person]],
    lines: Sequence[Asked],
    taken: Collection[Named],
) -> None:
    """Raise NameTakenError for somebody who has a ticket of the performance already."""
    for line in lines:
        for person in holders.get(line.no, ()):
            if (line.performance_id, person.id_type, person.id_number) in taken:
                raise NameTakenError(
                    performance_id=line.performance_id, **person.told()
                )


def refuse_price(
    no: int, resale_minor: int | None, floor: int | None, ceiling: int | None
) -> None:
    """Raise ResalePriceError unless a ticket's price to the public is one allowed.

    The bounds are the supplier's, in minor units; both the same is parity.
    """
    if floor is None and ceiling is None:
        return
    is_low = resale_minor is None or (floor is not None and resale_minor < floor)
    if is_low or (ceiling is not None and (resale_minor or 0) > ceiling):
        raise ResalePriceError(
            line_no=no,
            resale_minor=resale_minor,
            floor_minor=floor,
            ceiling_minor=ceiling,
        )
