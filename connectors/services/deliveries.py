"""Receiving deliveries, and deciding on those in quarantine."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors import queries
from connectors.errors import (
    BrokenDeliveryError,
    DeliveryTooLargeError,
    EmptyDeliveryError,
    FeedExistsError,
    LengthRequiredError,
    NotQuarantinedError,
    UnsupportedFormatError,
)
from connectors.feed import bodies
from connectors.feed.records import AnyRecord, encoder
from connectors.models import Delivery, Feed
from hub.kernel import clock, outbox
from hub.kernel.ids import new_id

FEED_RECEIVED = "feed.received"
_ADD_PART = text(
    "INSERT INTO delivery_part (delivery_id, no, body, line_numbers)"
    " VALUES (:delivery, :no, :body, CAST(:lines AS int[]))"
)


@dataclass(frozen=True, slots=True)
class Body:
    """A delivery's body, spooled to disk so that a slow sender holds no connection."""

    file: IO[bytes]
    size: int
    format: str
    is_gzip: bool


def open_feed(
    session: Session,
    *,
    world: str,
    supplier_id: UUID,
    name: str,
    drop_share_max_bp: int,
) -> Feed:
    """Make a feed; FeedExistsError if the supplier has one of that name."""
    values = {
        "id": new_id(),
        "world": world,
        "supplier_id": supplier_id,
        "name": name,
        "drop_share_max_bp": drop_share_max_bp,
    }
    made = insert(Feed).values(values).on_conflict_do_nothing().returning(Feed)
    feed = session.scalar(made)
    if feed is None:
        raise FeedExistsError(feed=name)
    return feed


def spool(
    read: Callable[[int], bytes],
    *,
    content_type: str,
    encoding: str | None,
    length: int | None,
    bytes_max: int,
) -> Body:
    """Write a body to disk as it arrives; refuse it if too long, or cut short."""
    body_format = bodies.format_of(content_type)
    encoding = (encoding or "identity").lower().removeprefix("x-")
    if encoding not in {"identity", "gzip"}:
        raise UnsupportedFormatError(encoding=encoding, known=["gzip", "identity"])
    if length is not None and length > bytes_max:
        raise DeliveryTooLargeError(bytes_max=bytes_max, got=length)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed on, closed by the edge
    try:
        size = _copy(read, file, bytes_max)
        _check_whole(size, length, has_own_end=encoding == "gzip")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Body(file, size, body_format, encoding == "gzip")


def _check_whole(size: int, length: int | None, *, has_own_end: bool) -> None:
    if length is None and size and not has_own_end:
        raise LengthRequiredError  # cut off and whole would look the same
    if length is not None and size < length:
        reason = "the body ends early"
        raise BrokenDeliveryError(reason=reason, got=size, wanted=length)


def _copy(read: Callable[[int], bytes], file: IO[bytes], bytes_max: int) -> int:
    size = 0
    for block in iter(lambda: read(bodies.BLOCK_BYTES), b""):
        size += len(block)
        if size > bytes_max:
            raise DeliveryTooLargeError(bytes_max=bytes_max)
        file.write(block)
    return size


def receive(
    session: Session, feed: Feed, body: Body, *, mode: str, bytes_max: int
) -> Delivery:
    """Keep a delivery in parts, to be applied by a job; return it."""
    unpacked = bodies.blocks(body.file, is_gzip=body.is_gzip, bytes_max=bytes_max)
    read = bodies.csv_lines if body.format == "csv" else bodies.lines
    delivery = _kept(session, feed, read(unpacked), mode=mode, size=body.size)
    if not delivery.records:
        raise EmptyDeliveryError
    outbox.put(session, FEED_RECEIVED, world=feed.world, feed_id=str(feed.id))
    return delivery


def receive_records(
    session: Session, feed: Feed, records: Sequence[AnyRecord]
) -> Delivery:
    """Keep records that were read of a source as a delivery of its news."""
    lines = [bodies.Line(no, encoder.encode(one)) for no, one in enumerate(records, 1)]
    size = sum(len(line.json) for line in lines)
    return _kept(session, feed, lines, mode="delta", size=size)


def _kept(
    session: Session, feed: Feed, lines: Iterable[bodies.Line], *, mode: str, size: int
) -> Delivery:
    delivery = Delivery(
        id=new_id(),
        world=feed.world,
        feed=feed,
        mode=mode,
        state="received",
        bytes=size,
        parts=0,
        records=0,
        received_at=clock.real(session),
    )
    for no, part in enumerate(bodies.parts(lines)):
        delivery.parts = no + 1
        delivery.records += len(part.line_numbers)
        row = {"no": no, "body": part.body, "lines": part.line_numbers}
        session.execute(_ADD_PART, {"delivery": delivery.id, **row})
    session.add(delivery)
    return delivery


def decide(
    session: Session, delivery_id: UUID, *, world: str, is_let_in: bool, by: UUID
) -> Delivery:
    """Let a delivery out of quarantine, or throw it away.

    NotQuarantinedError when it waits for nobody, or a later full delivery has been
    applied since: an older picture never replaces a newer one.
    """
    delivery = queries.get_delivery(session, delivery_id, world=world, supplier_id=None)
    session.get_one(Feed, delivery.feed_id, with_for_update=True)
    session.refresh(delivery)
    if delivery.state != "quarantined":
        raise NotQuarantinedError(state=delivery.state)
    if is_let_in and queries.is_superseded(session, delivery):
        raise NotQuarantinedError(reason="a later full delivery has been applied")
    delivery.decided_by = by
    if is_let_in:
        delivery.state = "released"
        outbox.put(session, FEED_RECEIVED, world=world, feed_id=str(delivery.feed_id))
    else:
        delivery.state = "discarded"
        delivery.finished_at = clock.real(session)
    return delivery
