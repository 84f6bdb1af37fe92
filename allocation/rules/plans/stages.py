"""When a plan's stages fall due, and what they leave. Pure; DST-safe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from allocation.rules.plans.language import At, Stage
from allocation.rules.plans.sharing import Share


class Bound(Struct, frozen=True, omit_defaults=True):
    """What a released allotment may keep at most (seats), sold ones included.

    *at*: the moment of the last stage it is of, and *plan* whose stage that was: a
    stage fires once. Seats moved to or from the allotment later move it too.
    """

    keep: int
    at: datetime
    plan: str = ""

    def narrowed(self, other: "Bound") -> "Bound":
        """Return both bounds as one: what is released is never taken back silently."""
        return Bound(min(self.keep, other.keep), max(self.at, other.at), other.plan)

    def moved(self, seats: int) -> "Bound":
        """Return the bound after seats were moved to (from: negative) it."""
        return Bound(max(0, self.keep + seats), self.at, self.plan)

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
    what is confirmed (seats, by key) when it does.
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
    guarantee was all it had, its ceiling moves too.
    """
    found = []
    for share in shares:
        guarantee, ceiling = share.guarantee, share.ceiling
        moved = adjusted.get(share.key, 0)
        if moved:
            is_exclusive = ceiling == guarantee
            guarantee = max(0, guarantee + moved)
            if ceiling is not None:
                ceiling = guarantee if is_exclusive else max(ceiling, guarantee)
        bound = bounds.get(share.key)
        if bound is not None:
            guarantee = min(guarantee, bound.keep)
        same = (guarantee, ceiling) == (share.guarantee, share.ceiling)
        changed = (
            share if same else replace(share, guarantee=guarantee, ceiling=ceiling)
        )
        found.append(changed)
    return found
