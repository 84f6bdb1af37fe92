"""The kinds of simulators: what each is set up with, and what it calls its work."""

from connectors.suppliers.kinds import KINDS
from tests.simulators.cgr import Cgr
from tests.simulators.cmts import Cmts
from tests.simulators.hfh import Hfh
from tests.simulators.house import chain
from tests.simulators.octo import Octo
from tests.simulators.otsapi import Otsapi
from tests.simulators.pretix import Pretix
from tests.simulators.tiqets import Tiqets
from tests.simulators.vista import Vista

PLACE = {"zone": "Europe/Vienna", "country": "AT", "currency": "EUR"}
CINEMA = {
    "number": 1,
    "name": "Lichtspiele",
    "city": "Stadt",
    "capacity": 60,
    "email": "a@b.example",
}
VENUE = {
    "name": "Lichtspiele",
    "city": "Stadt",
    "capacity": 60,
    "customer": {"email": "hub@hub.example", "phone": "+431", "country": "at"},
}
ORGANIZER = {"organizer": "hub", "city": "Stadt", "email": "hub@hub.example"}
SIMULATORS = {
    "vista": Vista,
    "cmts": Cmts,
    "hfh": Hfh,
    "otsapi": Otsapi,
    "cgr": Cgr,
    "pretix": Pretix,
    "octo": Octo,
    "tiqets": Tiqets,
}
QUICK = {
    "cmts": {"poll_times": 2, "poll_s": 0.01},
    "pretix": {"calls_per_minute": 0},
}
ONE_PRICE = {"cmts", "otsapi"}  # they tell a price for all of a room


def able(what):
    """Return the kinds that can do something."""
    return [kind for kind in SIMULATORS if getattr(KINDS[kind].capabilities, what)]


def telling(what):
    """Return the kinds that tell something, of those that choose seats."""
    return [kind for kind in SEATED if what in SIMULATORS[kind].tells]


SELLERS = list(SIMULATORS)
SEATED, LOCKING = able("seat_choice"), able("separate_lock")
FENCED = [kind for kind in LOCKING if kind in able("ask_by_key")]


def operations(*what):
    """Return what all kinds call some of their work, as faults take it."""
    return {
        name
        for one in SIMULATORS.values()
        for w in what
        for name in one.does.get(w, ())
    }


def simulator(kind, **more):
    """A chain behind the interface of a kind."""
    house = chain(**more)
    if kind in ONE_PRICE:
        house.prices = dict.fromkeys(house.prices, 1100)
    return SIMULATORS[kind](house)


def credentials(kind, there):
    """What a source of a kind is let in with."""
    names = KINDS[kind].credentials_type.__struct_fields__
    return {name: getattr(there, name) for name in names if hasattr(there, name)}


def settings(kind, cinemas=1, *, is_patient=False):
    """How a source of a kind is set up; for tests it waits for nothing."""
    codes = [f"{n:04d}" for n in range(1, cinemas + 1)]
    needed = {
        "cgr": CINEMA,
        "otsapi": {"cinemas": codes},
        "pretix": ORGANIZER,
        "tiqets": VENUE,
    }
    quick = {} if is_patient else QUICK.get(kind, {})
    return {"place": PLACE, **needed.get(kind, {}), **quick}
