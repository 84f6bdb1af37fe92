"""Protection of price classes: how many seats are kept for dearer ones. Pure.

The numbers are of ``revmng``: Littlewood's rule for two classes, Belobaba's EMSR-b
for more (P. Belobaba, Application of a probabilistic decision model to airline seat
inventory control, Operations Research 37, 1989).
"""

from allocation.rules.plans.language import PlanRules, Protection


def protected(said: Protection, capacity: int) -> dict[str, int]:
    """Return, by price type, the seats of an area kept for dearer classes.

    The dearest has none kept from it. Nesting is by theft: what any class has taken
    counts, so that the seats kept are those that are left.
    """
    if capacity <= 0:  # nothing is left to keep, and revmng refuses to say so
        return {}
    from revmng import emsr_b  # noqa: PLC0415 - only plans that ask for it need it

    classes = [
        (one.price_minor, one.demand_mean, max(1, one.demand_sd))
        for one in said.classes
    ]
    levels = emsr_b(classes, capacity).protection_levels
    return {
        one.price_type: int(level)
        for one, level in zip(said.classes[1:], levels, strict=True)
    }


def protected_in(plan: PlanRules, area: str, capacity: int) -> dict[str, int]:
    """Return what a plan keeps of an area, by price type; empty if it does not say."""
    for said in plan.protection:
        if said.area == area:
            return protected(said, capacity)
    return {}
