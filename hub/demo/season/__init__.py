"""A season of sample data: one feed for each of five suppliers, always the same."""

from typing import Any

from hub.demo.season import cinema, concerts, football, museum, parts


def feeds() -> dict[str, list[dict[str, Any]]]:
    """Return each supplier's records: what is referred to stands before its use."""
    facts = parts.facts()
    return {
        "riverside-hall": concerts.feed(facts),
        "stadium-park": football.feed(facts),
        "lichthaus": cinema.feed(facts, "lichthaus"),
        "donaukino": cinema.feed(facts, "donaukino"),
        "museum-of-light": museum.feed(),
    }
