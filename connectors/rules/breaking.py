"""When a supplier is not asked any more for a while: a circuit breaker. Pure."""

from dataclasses import dataclass, replace

FAILURES_MOST = 5
PAUSE_S = 5.0
PAUSE_MOST_S = 60.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed until it fails too often in a row; then open, with one probe at a time.

    *opened_at* in seconds of a clock that does not jump; *pause_s*: how long it stays
    open before it lets one probe through; each probe that fails doubles that.
    """

    failures: int = 0
    opened_at: float | None = None
    pause_s: float = PAUSE_S
    probing_since: float | None = None

    @property
    def state(self) -> str:
        """Say closed, open or half-open."""
        if self.opened_at is None:
            return "closed"
        return "open" if self.probing_since is None else "half-open"

    def waits_s(self, now: float) -> float | None:
        """Return for how long it refuses; None when it may be asked now."""
        if self.opened_at is None:
            return None
        if self.probing_since is not None:
            left = self.probing_since + self.pause_s - now  # a probe that died is lost
        else:
            left = self.opened_at + self.pause_s - now
        return left if left > 0 else None

    def asked(self, now: float) -> "Breaker":
        """Return it after it let somebody through: when open, that is the probe."""
        return self if self.opened_at is None else replace(self, probing_since=now)

    @staticmethod
    def answered() -> "Breaker":
        """Return it after any answer, a refusal too: the supplier is there."""
        return Breaker()

    def failed(self, now: float) -> "Breaker":
        """Return it after no answer came."""
        failures = self.failures + 1
        if self.opened_at is not None:
            pause = min(PAUSE_MOST_S, 2 * self.pause_s)
            return Breaker(failures, now, pause)
        if failures >= FAILURES_MOST:
            return Breaker(failures, now, PAUSE_S)
        return replace(self, failures=failures)
