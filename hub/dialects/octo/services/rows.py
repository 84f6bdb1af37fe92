"""What is kept of a booking that the hub has no field for."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from hub.dialects.octo.errors import invalid, unprocessable
from hub.dialects.octo.models import OctoBooking
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.finding import Basket
from hub.sales.rules.people import Person

KEPT = ("resellerReference", "notes", "contact")


def new_row(
    asked: Asking, uuid: UUID, said: Mapping[str, Any], basket: Basket
) -> OctoBooking:
    """Return what is kept of a booking."""
    kept: dict[str, Any] = {name: said.get(name) for name in KEPT if said.get(name)}
    reference = kept.pop("resellerReference", None)
    items = [
        {"uuid": str(item.get("uuid") or uuid4())}
        | {k: v for k, v in item.items() if k != "uuid" and v is not None}
        for item in said["unitItems"]
    ]
    return OctoBooking(
        agent_id=asked.who.partner,
        uuid=uuid,
        world=asked.who.world,
        reseller_reference=reference,
        local_on=basket.day,
        said=kept
        | {
            "productId": said["productId"],
            "optionId": said["optionId"],
            "availabilityId": said["availabilityId"],
            "unitItems": items,
        },
    )


def note(row: OctoBooking) -> dict[str, Any]:
    """Return what is written of a booking beside its hold."""
    return {
        "agent": row.agent_id,
        "uuid": row.uuid,
        "world": row.world,
        "hold": row.hold_id,
        "digest": row.digest.hex(),
        "reference": row.reseller_reference,
        "on": row.local_on,
        "cart": row.cart_id,
        "said": row.said,
        "at": row.created_at,  # as it is committed, unless it is noted by itself
    }


def note_said(
    row: OctoBooking, said: Mapping[str, Any], now: datetime
) -> dict[str, Any] | None:
    """Let a booking be as a confirm or a change says; return what is new, if any."""
    more = {name: said[name] for name in ("notes", "contact") if said.get(name)}
    more["unitItems"] = merged_items(row, said.get("unitItems"))
    more = {name: one for name, one in more.items() if row.said.get(name) != one}
    reference = said.get("resellerReference") or row.reseller_reference
    if not more and reference == row.reseller_reference:
        return None
    row.said, row.reseller_reference, row.changed_at = row.said | more, reference, now
    return {
        "agent": row.agent_id,
        "uuid": row.uuid,
        "reference": reference,
        "more": more,
        "at": now,
    }


def merged_items(
    row: OctoBooking, said: list[dict[str, Any]] | None
) -> list[dict[str, Any]]:
    """Return a booking's unit items with what is said of each; all must be named."""
    before: list[dict[str, Any]] = row.said["unitItems"]
    if not said:
        return before
    left, found = list(before), []
    for item in said:
        wanted = {"unitId": item["unitId"]}
        if item.get("uuid"):
            wanted["uuid"] = str(item["uuid"])
        own = next((one for one in left if wanted.items() <= one.items()), None)
        if own is None:
            raise invalid("unitId", item["unitId"])
        left.remove(own)
        more = {k: v for k, v in item.items() if k != "uuid" and v is not None}
        found.append(own | more)
    if left:
        raise unprocessable("Every unit item is to be named", code="unit-items")
    return found


def person(said: Mapping[str, Any] | None) -> Person | None:
    """Return who a contact is; nobody, if it has no name."""
    said = said or {}
    names = (said.get("firstName"), said.get("lastName"))
    name = said.get("fullName") or " ".join(part for part in names if part)
    if not name:
        return None
    return Person(name, email=said.get("emailAddress"), phone=said.get("phoneNumber"))


def holders(items: list[dict[str, Any]]) -> list[Person]:
    """Return whose the tickets are, in the order of their lines."""
    lines = dict.fromkeys(item["unitId"] for item in items)
    people = [
        person(item.get("contact"))
        for unit in lines
        for item in items
        if item["unitId"] == unit
    ]
    return [person for person in people if person is not None]


def digest_of(said: Mapping[str, Any]) -> bytes:
    """Return the hash by which the same request is known again, however written."""
    told = msgspec.json.encode(_without_nulls(said), order="deterministic")
    return hashlib.sha256(told).digest()


def _without_nulls(said: Any) -> Any:
    """Return what is said without what is null: it says as much as nothing."""
    if isinstance(said, Mapping):
        kept = {name: _without_nulls(one) for name, one in said.items()}
        return {name: one for name, one in kept.items() if one is not None}
    return [_without_nulls(one) for one in said] if isinstance(said, list) else said


def refuse_other(known: OctoBooking, digest: bytes) -> None:
    """Refuse a uuid that was sent with another body before."""
    if known.digest != digest:
        message = "The uuid was sent with another request before"
        raise unprocessable(
            message, code="idempotency-key-reused", uuid=str(known.uuid)
        )
