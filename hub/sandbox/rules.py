"""What is looked for before an agent goes live, and words that are magic. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

MAGIC_HOST = "rehearsal.invalid"
_ADDRESS = re.compile(rb'"([a-z0-9-]{1,64})@rehearsal\.invalid"')
LOST, SLOW = "answer-lost", "slow"
SLOW_S = 3.0


def magic_word(body: bytes) -> str | None:
    """Return what the address of a buyer asks for, wherever it is in a request."""
    found = _ADDRESS.search(body)
    return None if found is None else found[1].decode()


def done(method: str, rule: str) -> str:
    """Return how something that was done is noted."""
    return f"did {method} {rule}"


def refused(code: str) -> str:
    """Return how a refusal is noted."""
    return f"met {code}"


def rehearsed(code: str) -> str:
    """Return how a refusal is noted that was asked for by its code."""
    return f"asked for {code}"


RESENT = "asked again for an answer that was lost"
AGAIN = "again"


def months(first: str, last: str) -> Iterator[str]:
    """Yield the months from one to another, both included; such as 2026-11."""
    year, month = map(int, first.split("-"))
    while (found := f"{year:04}-{month:02}") <= last:
        yield found
        year, month = year + month // 12, month % 12 + 1


@dataclass(frozen=True, slots=True)
class Item:
    """Something to have done: any of what was noted, or a fact; *how* to do it."""

    ref: str
    title: str
    how: str
    any_of: Collection[str] = ()
    fact: str | None = None

    def is_done(self, seen: Collection[str], facts: Mapping[str, int]) -> bool:
        """Say whether what was seen is enough."""
        if self.any_of and not set(self.any_of) & set(seen):
            return False
        return self.fact is None or facts[self.fact] > 0


def _met(*codes: str) -> tuple[str, ...]:
    return tuple(refused(code) for code in codes)


def _did(*routes: str) -> tuple[str, ...]:
    return tuple(done(*route.split(" ", 1)) for route in routes)


ITEMS = (
    Item(
        "catalogue",
        "Read what is on",
        "List performances or products.",
        _did(
            "GET /v1/performances",
            "GET /v1/productions",
            "GET /octo/products",
            "GET /tiqets/v2/products",
        ),
    ),
    Item(
        "availability",
        "Look before you sell",
        "Ask what is to be had, and at what price.",
        _did(
            "GET /v1/performances/<uuid:performance_id>/availability",
            "GET /v1/availability",
            "POST /octo/availability",
            "GET /tiqets/v2/products/<product_id>/availability",
        ),
    ),
    Item("hold", "Hold tickets", "Hold some of Ordinary.", fact="held"),
    Item(
        "release",
        "Give back what nobody buys",
        "Release a hold; it is not to be left to run out.",
        fact="released",
    ),
    Item(
        "lapse",
        "Be late",
        "Move the clock past a hold's time, confirm, and be refused.",
        _met("hold-expired", "booking-expired"),
    ),
    Item("order", "Sell", "Confirm a hold.", fact="sold"),
    Item(
        "retry",
        "Lose an answer",
        f"Sell to {LOST}@{MAGIC_HOST}, and send the same again under the same key.",
        any_of=(RESENT,),
    ),
    Item(
        "sold-out",
        "Be too late for the seats",
        "Hold of Sold out, of Last two (three), or of the area or row `taken`.",
        _met(
            *("allotment-exhausted", "seats-taken", "not-allotted"),
            "supplier-refused seats-taken",
        ),
    ),
    Item(
        "closed",
        "Be refused by the clock",
        "Hold of Sales closed or of Not open yet.",
        _met("sales-closed", "sales-not-open"),
    ),
    Item(
        "changed",
        "Meet another price",
        "Hold the area or row `dearer`; look again, then decide.",
        _met("supplier-price", "offer-changed"),
    ),
    Item(
        "busy",
        "Be asked to wait",
        f"Hold or sell to overloaded@{MAGIC_HOST}; come again after Retry-After.",
        (
            *_met("overloaded", "performance-busy", "store-unavailable"),
            *(rehearsed(one) for one in ("overloaded", "too-many-requests")),
        ),
    ),
    Item(
        "unknown",
        "Wait for what is not known",
        "Sell the area or row `sold-lost` or `pending`; ask until it is confirmed,"
        " and sell nothing anew meanwhile.",
        fact="once_unknown",
    ),
    Item(
        "taken-back",
        "Have a sale fail that was under way",
        "Sell the area or row `half` or `not-sold`; tell your customer.",
        fact="taken_back",
    ),
    Item(
        "cancel-part",
        "Cancel a part",
        "Cancel one of several tickets.",
        fact="cancelled_in_part",
    ),
    Item("cancel", "Cancel an order", "Cancel all of its tickets.", fact="cancelled"),
    Item(
        "disruption",
        "Hear that it does not take place",
        "Sell, have it cancelled (POST /v1/sandbox/events), and acknowledge the notice"
        " or take the webhook.",
        fact="told",
    ),
    Item(
        "statement",
        "Read your statement",
        "Move the clock past the month, close it (POST /v1/sandbox/closing), and"
        " read its lines.",
        _did(
            "GET /v1/statements/<uuid:statement_id>/lines",
            "GET /v1/statements/<uuid:statement_id>/lines.xlsx",
        ),
    ),
)
