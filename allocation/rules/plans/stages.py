"""When a plan's stages fall due, and what they leave. Pure; DST-safe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from allocation.rules.plans.language import At, Stage
from allocation.rules.plans.sharing import Share


class Bound(Struct, frozen=True, omit_defaults=True):
    """What a released or recalled allotment may keep at most (seats).

    *keep*: in all; *unsold*: beyond what is confirmed. The narrower of both holds.
    """

    keep: int | None = None
    unsold: int | None = None

    def narrowed(self, other: "Bound") -> "Bound":
        """Return both bounds as one: what is released is never taken back silently."""
        return Bound(_least(self.keep, other.keep), _least(self.unsold, other.unsold))

    def applied(self, guarantee: int, confirmed: int) -> int:
        """Return the guarantee it leaves of another."""
        left = guarantee if self.keep is None else min(guarantee, self.keep)
        return left if self.unsold is None else min(left, confirmed + self.unsold)


def _least(a: int | None, b: int | None) -> int | None:
    return min((n for n in (a, b) if n is not None), default=None)


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


def due_bounds(
    shares: Iterable[Share], timing: Timing, now: datetime
) -> dict[str, Bound]:
    """Return what stages whose time has come leave, by the keys of their allotments."""
    found: dict[str, Bound] = {}
    for share in shares:
        for stage in _stages(share):
            if timing.moment(stage.when) <= now:
                said = Bound(stage.keep, stage.keep_unsold)
                found[share.key] = found.get(share.key, Bound()).narrowed(said)
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
    confirmed: Mapping[str, int],
) -> list[Share]:
    """Return shares as releases, recalls, transfers and moves leave them.

    *adjusted*: seats moved to (from: negative) an allotment, by its key; where its
    guarantee was all it had, its ceiling moves too. *confirmed*: seats, by key.
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
            guarantee = bound.applied(guarantee, confirmed.get(share.key, 0))
        same = (guarantee, ceiling) == (share.guarantee, share.ceiling)
        changed = (
            share if same else replace(share, guarantee=guarantee, ceiling=ceiling)
        )
        found.append(changed)
    return found


def narrowed(before: Mapping[str, Bound], now: Mapping[str, Bound]) -> dict[str, Bound]:
    """Return bounds that were and those that have come, the narrower of each."""
    found = dict(before)
    for key, bound in now.items():
        found[key] = found.get(key, Bound()).narrowed(bound)
    return found
