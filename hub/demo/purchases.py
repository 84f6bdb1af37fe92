"""What the sample agents buy: a fixed script, the same in every run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.demo.cast import AGENTS, STARTS_AT
from hub.demo.client import Client, RefusedError

DAYS = 27
PAGE = 200
CANCELS_EVERY = 9
CANCELS_PART_EVERY = 7
RELEASES_EVERY = 11
CHOOSES_SEATS_EVERY = 5
GENRES = ("stage", "film", "sport", "film", "general")
LAST_FILM_DAY = 15


@dataclass(frozen=True, slots=True)
class Visit:
    """One agent's purchase of a day; *no* counts all of them."""

    no: int
    day: int
    agent: str

    @property
    def at(self) -> datetime:
        """When it happens on the world's clock, a few minutes after the one before."""
        start = datetime.fromisoformat(STARTS_AT)
        return start + timedelta(days=self.day, minutes=self.no % 12 * 5)


def visits() -> Iterator[Visit]:
    """Yield what is bought when and by whom: each agent twice a day."""
    no = 0
    for day in range(DAYS):
        for _ in range(2):
            for agent in AGENTS:
                yield Visit(no, day, agent.ref)
                no += 1


class Shop:
    """Lets the agents buy over HTTP."""

    def __init__(self, operator: Client, agents: Mapping[str, Client]) -> None:
        self._operator = operator
        self._agents = agents
        self._listed: dict[tuple[int, str], list[dict[str, Any]]] = {}
        self.counts: dict[str, int] = {}

    def visit(self, visit: Visit) -> None:
        """Move the clock, choose, hold, and confirm, release or cancel."""
        self._move_clock(visit.at)
        client = self._agents[visit.agent]
        chosen = self._choose(client, visit)
        if chosen is None:
            self._count("found nothing")
            return
        try:
            hold = client.post("/v1/holds", chosen, key=f"demo-hold-{visit.no}")
        except RefusedError as error:
            self._count(error.code)
            return
        if visit.no % RELEASES_EVERY == 0:
            client.call("DELETE", f"/v1/holds/{hold['id']}")
            self._count("released")
            return
        body = {"hold_id": hold["id"], "reference": f"demo-{visit.no}"}
        order = client.post("/v1/orders", body, key=f"demo-order-{visit.no}")
        self._count("confirmed")
        self._maybe_cancel(client, visit, order)

    def _move_clock(self, at: datetime) -> None:
        try:
            self._operator.call("PUT", "/v1/clock", json={"now": at.isoformat()})
        except RefusedError as error:
            if error.code != "clock-backwards":  # a run that goes on after a stop
                raise

    def _choose(self, client: Client, visit: Visit) -> dict[str, Any] | None:
        listed = self._listing(client, visit)
        if not listed:
            return None
        performance = listed[visit.no * 7 % len(listed)]
        path = f"/v1/performances/{performance['id']}"
        found = client.get(f"{path}/availability")
        quantity = 1 + visit.no % 4
        sold = [
            (area, offer)
            for area in found["areas"]
            for offer in area["offers"]
            if area["available"] >= quantity
            and offer["tickets_min"] <= quantity <= offer["tickets_max"]
        ]
        if not sold or not found["is_on_sale"]:
            return None
        area, offer = sold[visit.no % len(sold)]
        line: dict[str, Any] = {"offer_id": offer["offer_id"]}
        if area["is_seated"] and visit.no % CHOOSES_SEATS_EVERY == 0:
            seats = client.get(f"{path}/seats")["items"]
            free = [
                s["id"] for s in seats if s["is_free"] and s["area"] == area["area"]
            ]
            return {"lines": [line | {"seat_ids": free[-quantity:]}]}
        return {"lines": [line | {"quantity": quantity}]}

    def _listing(self, client: Client, visit: Visit) -> list[dict[str, Any]]:
        """Return the performances of the next three weeks, by day and genre."""
        genre = GENRES[visit.no % len(GENRES)]
        if genre == "film" and visit.day > LAST_FILM_DAY:
            genre = "stage"
        key = (visit.day, genre)
        if key not in self._listed:
            starts = visit.at.astimezone(UTC).replace(hour=0) + timedelta(days=1)
            found = client.get(
                "/v1/performances",
                genre=genre,
                starts_from="2026-11-01T00:00:00Z"
                if genre == "general"
                else _iso(starts),
                starts_until=_iso(starts + timedelta(days=21)),
                limit=PAGE,
            )["items"]
            self._listed[key] = sorted(found, key=_order)
        return self._listed[key]

    def _maybe_cancel(
        self, client: Client, visit: Visit, order: dict[str, Any]
    ) -> None:
        tickets = [ticket["id"] for ticket in order["tickets"]]
        path = f"/v1/orders/{order['id']}/cancellations"
        key = f"demo-cancel-{visit.no}"
        if visit.no % CANCELS_EVERY == 0:
            client.post(path, {}, key=key)
            self._count("cancelled")
        elif visit.no % CANCELS_PART_EVERY == 0 and len(tickets) > 1:
            quotes = f"/v1/orders/{order['id']}/cancellation-quotes"
            quote = client.post(quotes, {"ticket_ids": tickets[:1]})
            chosen = tickets[:1] + quote["must_also_cancel"]
            client.post(path, {"ticket_ids": chosen}, key=key)
            self._count("partly cancelled")

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def _iso(at: datetime) -> str:
    return at.isoformat()


def _order(performance: dict[str, Any]) -> tuple[str, str, str]:
    """Sort by what is the same in every run: ids are not."""
    return (
        performance["starts_at"],
        str(performance["title"]),
        str(performance["auditorium"]),
    )
