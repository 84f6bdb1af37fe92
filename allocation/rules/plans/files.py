"""A plan as a document: its JSON Schema. Pure."""

from typing import Any

import msgspec

from allocation.rules.plans.language import PlanRules


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what a plan can say."""
    made = msgspec.json.schema(PlanRules)
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**told, "title": "Ticket hub: plan", **made}
