"""When a plan's stages fall due, and what they leave. Pure; DST-safe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from operator import add
from zoneinfo import ZoneInfo

from msgspec import Struct

from allocation.rules.plans.keys import Heirs
from allocation.rules.plans.language import At, Stage
from allocation.rules.plans.sharing import Share


class Bound(Struct, frozen=True, omit_defaults=True):
    """What a released allotment may keep at most (seats), sold ones included.

    *at*: the moment of the last stage it is of, and *plan* whose stage that was: a
    stage fires once. Seats moved to or from the allotment later (*since*) move it
    too, and the same stage when another plan says it again.
    """

    keep: int
    at: datetime
    plan: str = ""
    since: int = 0

    def narrowed(self, other: "Bound") -> "Bound":
        """Return both bounds as one: what is released is never taken back silently."""
        is_new = other.at > self.at
        keep = other.keep if is_new else max(0, other.keep + self.since)
        since = other.since if is_new else self.since
        return Bound(min(self.keep, keep), max(self.at, other.at), other.plan, since)

    def moved(self, seats: int) -> "Bound":
        """Return the bound after seats were moved to (from: negative) it."""
        keep = max(0, self.keep + seats)
        return Bound(keep, self.at, self.plan, self.since + seats)

    def has_seen(self, at: datetime, plan: str) -> bool:
        """Say whether a stage has fired in it already."""
        return self.plan == plan and at <= self.at


@dataclass(frozen=True, slots=True)
class Timing:
    """When a performance begins (aware), and the zone of its venue."""

    starts_at: datetime
    zone: str

    def moment(self, said: At) -> datetime:
        """Return the moment a plan means, aware UTC.

        Days are counted on the venue's calendar, so that two weeks before stays at the
        same time of its clocks when they change; a time that clocks skip or repeat is
        told as the earlier offset tells it.
        """
        if said.at is not None:
            return said.at.astimezone(UTC)
        if said.hours_before is not None:
            return self.starts_at.astimezone(UTC) - timedelta(hours=said.hours_before)
        zone = ZoneInfo(self.zone)
        local = self.starts_at.astimezone(zone)
        on = local.date() - timedelta(days=said.days_before or 0)
        at = local.time() if said.time is None else time.fromisoformat(said.time)
        return datetime.combine(on, at.replace(fold=0), zone).astimezone(UTC)


def fired(
    before: Mapping[str, Bound],
    shares: Iterable[Share],
    timing: Timing,
    now: datetime,
    *,
    plan: str,
    confirmed: Mapping[str, int],
) -> dict[str, Bound]:
    """Return bounds after the stages whose time has come, by their allotments' keys.

    Each stage of a plan fires once; what is kept beyond the confirmed is counted from
    what is confirmed (seats, by key: all that lies in it) when it does.
    """
    found = dict(before)
    for share in shares:
        for stage in _stages(share):
            at = timing.moment(stage.when)
            old = before.get(share.key)
            if at > now or (old is not None and old.has_seen(at, plan)):
                continue
            keep = stage.keep
            if keep is None:
                keep = confirmed.get(share.key, 0) + (stage.keep_unsold or 0)
            said, known = Bound(keep, at, plan), found.get(share.key)
            found[share.key] = said if known is None else known.narrowed(said)
    return found


def summed_up(shares: Sequence[Share], seats: Mapping[str, int]) -> dict[str, int]:
    """Return seats by node's key as seats of every allotment they lie in."""
    above = {share.key: share.parent for share in shares}
    found: dict[str, int] = {}
    for own, number in Heirs(above).carried(seats, add).items():
        key: str | None = own if own in above else None
        while key is not None:
            found[key] = found.get(key, 0) + number
            key = above[key]
    return found


def next_due(shares: Iterable[Share], timing: Timing, now: datetime) -> datetime | None:
    """Return when the next stage falls due, or None."""
    moments = (
        timing.moment(stage.when) for share in shares for stage in _stages(share)
    )
    return min((at for at in moments if at > now), default=None)


def _stages(share: Share) -> Sequence[Stage]:
    return share.rules[-1].release if share.rules else ()


def bounded(
    shares: Sequence[Share],
    bounds: Mapping[str, Bound],
    adjusted: Mapping[str, int],
) -> list[Share]:
    """Return shares as releases, recalls, transfers and moves leave them.

    *adjusted*: seats moved to (from: negative) an allotment, by its key; where its
    guarantee was all it had, its ceiling moves too. Promises above it move as much.
    """
    heirs = Heirs([share.key for share in shares])
    moved = possible(shares, heirs.carried(adjusted, add))
    moved = _passed_up(shares, moved)
    kept = heirs.carried(bounds, Bound.narrowed)
    return [_bounded(s, moved.get(s.key, 0), kept.get(s.key)) for s in shares]


def _bounded(share: Share, moved: int, bound: Bound | None) -> Share:
    guarantee, ceiling = share.guarantee, share.ceiling
    if moved:
        is_exclusive = ceiling == guarantee
        guarantee = max(0, guarantee + moved)
        if ceiling is not None:
            ceiling = guarantee if is_exclusive else max(ceiling, guarantee)
    if bound is not None:
        guarantee = min(guarantee, bound.keep)
    if (guarantee, ceiling) == (share.guarantee, share.ceiling):
        return share
    return replace(share, guarantee=guarantee, ceiling=ceiling)


def possible(shares: Sequence[Share], adjusted: Mapping[str, int]) -> dict[str, int]:
    """Return moves as a plan that is smaller now allows them.

    An allotment gives no more than it is promised, and what was moved to others in
    its area shrinks as much: moving makes no promises. The last in order yields first.
    """
    found = dict(adjusted)
    missing: dict[str | None, int] = {}
    for share in shares:
        short = -(share.guarantee + found.get(share.key, 0))
        if short > 0 and share.key in found:
            found[share.key] += short
            missing[share.area] = missing.get(share.area, 0) + short
    for share in reversed(shares):
        gained, short = found.get(share.key, 0), missing.get(share.area, 0)
        if gained > 0 and short:
            found[share.key] -= min(gained, short)
            missing[share.area] -= min(gained, short)
    return found


def _passed_up(shares: Sequence[Share], moved: Mapping[str, int]) -> dict[str, int]:
    """Return moves with those of the promises above: as an agent's, its channel's."""
    if not moved:
        return {}
    above = {share.key: share for share in shares}
    found = dict(moved)
    for key, seats in moved.items():
        parent = above[key].parent if key in above else None
        while parent is not None:
            if above[parent].guarantee:
                found[parent] = found.get(parent, 0) + seats
            parent = above[parent].parent
    return found
