"""How much one caller may ask: per minute and kind of route, and at the same time.

A process takes what a caller may use of a minute in portions from the queue's store,
so that most requests ask nobody. When that is away, each process counts for itself.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPMethod
from typing import Final
from uuid import UUID

import structlog
from flask import Flask, Response, g, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from hub.kernel.callers import Caller
from hub.kernel.errors import TooManyAtOnceError, TooManyRequestsError

PER_MINUTE: Final = {
    "availability": 12_000,
    "reads": 6_000,
    "holds": 3_000,
    "orders": 3_000,
    "tickets": 1_200,
    "writes": 1_200,
}
"""What a partner (or one of the staff) may ask in a minute, by kind of route."""
_AVAILABILITY = ("/availability", "/seats", "/best-seats")
_TICKETS = ("/tickets.pdf", ":form>", "/door-list.csv")
HOLDING = ("/octo/bookings", "/tiqets/v2/products/<product_id>/reservation")
ORDERING = ("/v1/orders", "/octo/bookings/", "/octo/orders/", "/tiqets/v2/booking")
PORTION = 100
"""A portion is at most this part of what is left of a minute's limit."""
AWAY_S = 5.0
SOCKET_TIMEOUT_S = 0.2
KNOWN_MAX = 50_000
PERCENT = 100
log = structlog.get_logger(__name__)


def group_of(method: str, route: str) -> str:
    """Return the kind of a route, by which it is limited."""
    if method in {HTTPMethod.GET, HTTPMethod.HEAD}:
        if route.endswith(_AVAILABILITY):
            return "availability"
        return "tickets" if route.endswith(_TICKETS) else "reads"
    if route.startswith("/octo/availability"):
        return "availability"
    if route.startswith("/v1/holds") or route in HOLDING:
        return "holds"
    is_order = route.startswith(ORDERING)
    return "orders" if is_order else "writes"


@dataclass(slots=True)
class Window:
    """What this process may still give a caller of its minute, and how much is left."""

    until: float = 0.0
    own: int = 0
    left: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Rates:
    """The minutes of callers, as this process knows them."""

    def __init__(self, storage: Storage, percent: int) -> None:
        self._limiter = FixedWindowRateLimiter(storage)
        self._alone = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0
        self._items: Mapping[str, RateLimitItem] = {
            group: RateLimitItemPerMinute(max(1, limit * percent // PERCENT))
            for group, limit in PER_MINUTE.items()
        }
        self._windows: dict[tuple[str, UUID], Window] = {}

    def take(self, owner_id: UUID, group: str) -> tuple[bool, int, int, int]:
        """Use one request; return whether it may be, limit, left, seconds left."""
        item = self._items[group]
        window = self._window((group, owner_id))
        with window.lock:
            now = time.time()
            if window.own <= 0 or now >= window.until:
                self._fill(window, item, group, owner_id)
            is_given = window.own > 0
            window.own -= is_given
            left = window.left + window.own
            reset = max(1, round(window.until - now))
            return is_given, item.amount, left, reset

    def _window(self, key: tuple[str, UUID]) -> Window:
        if len(self._windows) > KNOWN_MAX:
            self._windows.clear()
        return self._windows.setdefault(key, Window())

    def _fill(
        self, window: Window, item: RateLimitItem, group: str, owner_id: UUID
    ) -> None:
        """Take a portion of a minute: a small part of what is left of it."""
        said = (group, str(owner_id))
        is_alone = time.monotonic() < self._away_until
        limiter = self._alone if is_alone else self._limiter
        left = limiter.get_window_stats(item, *said).remaining
        wanted = max(1, left // PORTION)
        is_given = left > 0 and limiter.hit(item, *said, cost=wanted)
        seen = limiter.get_window_stats(item, *said)
        window.own = wanted if is_given else 0
        window.left = seen.remaining
        window.until = seen.reset_time

    def count_alone(self) -> None:
        """Count without the other processes for a while: the store does not answer."""
        self._away_until = time.monotonic() + AWAY_S


class Crowd:
    """How many requests of each caller this process is answering."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: dict[UUID, int] = {}
        self._lock = threading.Lock()

    def enter(self, owner_id: UUID) -> bool:
        """Begin one more of a caller's requests, unless it has as many as it may."""
        with self._lock:
            count = self._under_way.get(owner_id, 0)
            if count >= self._most:
                return False
            self._under_way[owner_id] = count + 1
            return True

    def leave(self, owner_id: UUID) -> None:
        """End one."""
        with self._lock:
            count = self._under_way[owner_id] - 1
            if count:
                self._under_way[owner_id] = count
            else:
                del self._under_way[owner_id]


def limit(app: Flask, *, redis_url: str, rate_percent: int, at_once: int) -> None:
    """Bound what callers ask; after it is known who they are. 0: without that bound."""
    rates = Rates(_storage(redis_url), rate_percent) if rate_percent else None
    crowd = Crowd(at_once) if at_once else None

    def check() -> None:
        who: Caller | None = g.get("caller")
        if who is None or request.url_rule is None:
            return
        if crowd is not None:
            if not crowd.enter(who.owner_id):
                raise TooManyAtOnceError(at_once=at_once)
            g.in_crowd = who.owner_id
        if rates is not None:
            _use(rates, who, group_of(request.method, request.url_rule.rule))

    def leave(_: BaseException | None) -> None:
        owner_id: UUID | None = g.pop("in_crowd", None)
        if owner_id is not None and crowd is not None:
            crowd.leave(owner_id)

    def tell(response: Response) -> Response:
        told: tuple[str, int, int, int] | None = g.get("rate")
        if told is not None:
            group, most, left, reset = told
            response.headers["RateLimit-Policy"] = f'"{group}";q={most};w=60'
            response.headers["RateLimit"] = f'"{group}";r={left};t={reset}'
        return response

    app.before_request(check)
    app.after_request(tell)
    app.teardown_request(leave)


def _use(rates: Rates, who: Caller, group: str) -> None:
    try:
        is_given, most, left, reset = rates.take(who.owner_id, group)
    except (RedisError, OSError) as failure:
        log.warning("rates are counted alone", error=str(failure))
        rates.count_alone()
        is_given, most, left, reset = rates.take(who.owner_id, group)
    g.rate = (group, most, left, reset)
    if not is_given:
        error = TooManyRequestsError(kind=group, per_minute=most)
        error.retry_after_s = reset
        raise error


def _storage(redis_url: str) -> Storage:
    """Connect to the queue's store; nothing is asked of it yet."""
    return RedisStorage(
        redis_url.replace("unix://", "redis+unix://", 1),
        key_prefix="hub-rates",
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
    )
