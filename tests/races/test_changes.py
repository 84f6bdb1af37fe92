"""The feed of changes under writers that wait, roll back and die; with a control."""

import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from hub.catalogue.queries import changes
from hub.catalogue.services.changes import number_changes
from hub.kernel import db
from hub.kernel.db import transaction
from tests.hubs import WORLD, production
from tests.lengths import RUNS

WRITERS, TURNS, THINGS = 8, 25, 12
_CHANGE = text(
    "UPDATE production SET version = version + 1 WHERE ref = ANY(:refs)"
    " RETURNING id, version"
)
# As if positions were drawn by the writers: what commits late comes before it.
_AS_DRAWN = text(
    "UPDATE change SET position = seq WHERE position IS NULL RETURNING position"
)
_LAST = text("UPDATE change_feed SET last = greatest(last, :last)")


class Writer(threading.Thread):
    """Changes some productions at a time, slowly or not, and often not at all."""

    def __init__(self, no):
        super().__init__()
        self.dice = random.Random(no)  # noqa: S311
        self.made, self.failed = [], None

    def run(self):
        try:
            for _ in range(TURNS):
                self.turn()
        except Exception as error:  # noqa: BLE001 - told by the test
            self.failed = error

    def turn(self):
        refs = sorted(self.dice.sample([f"p{n}" for n in range(THINGS)], 3))
        with db.SessionFactory() as session:
            made = []
            for ref in refs:  # one by one and in order: nobody waits in a circle
                made += session.execute(_CHANGE, {"refs": [ref]}).all()
                if self.dice.random() < 0.2:
                    time.sleep(self.dice.choice([0.001, 0.03]))
            if self.dice.random() < 0.3:
                session.rollback()
            else:
                session.commit()
                self.made += [(row.id, row.version) for row in made]


class Reader(threading.Thread):
    """Follows the feed from the beginning until it is told to end."""

    def __init__(self, after):
        super().__init__()
        self.after, self.read, self.is_over = after, [], threading.Event()
        self.failed = None

    def run(self):
        try:
            while self.step() or not self.is_over.is_set():
                time.sleep(0.002)
        except Exception as error:  # noqa: BLE001 - told by the test
            self.failed = error

    def step(self):
        with transaction() as session:
            where = {"world": WORLD, "now": datetime.now(UTC), "most": 7}
            found = changes.changes(session, after=self.after, **where)
        self.read += [(row.position, row.id, row.version) for row in found.items]
        self.after = found.next
        return bool(found.items)


def number_as_drawn(session):
    drawn = session.scalars(_AS_DRAWN).all()
    if drawn:
        session.execute(_LAST, {"last": max(drawn)})
    return len(drawn)


def followed(hub, number):
    """Let writers loose while the feed is numbered and read; return both's changes."""
    hub.deliver([production(f"p{n}") for n in range(THINGS)])
    with transaction() as session:
        while number(session):
            pass
    with transaction() as session:
        where = {"world": WORLD, "now": datetime.now(UTC), "most": 1}
        latest = changes.changes(session, after=None, **where).latest
    reader, writers = Reader(latest), [Writer(no) for no in range(WRITERS)]
    for thread in (reader, *writers):
        thread.start()
    dice = random.Random(7)  # noqa: S311
    while any(writer.is_alive() for writer in writers):
        with db.SessionFactory() as session:  # dies half of the time, and begins again
            number(session)
            session.rollback() if dice.random() < 0.5 else session.commit()
        time.sleep(0.002)
    with transaction() as session:
        while number(session):
            pass
    reader.is_over.set()
    for thread in (reader, *writers):
        thread.join()
        assert thread.failed is None
    return [change for writer in writers for change in writer.made], reader.read


def wrong(made, read):
    """Say what is not as it should be of what a reader has read."""
    found = Counter((entity, version) for _, entity, version in read)
    if found != Counter(made):
        yield "not each change once"
    newest = {}
    for _, entity, version in read:
        if version <= newest.get(entity, 0):
            yield "an older version after a newer one"
        newest[entity] = version
    positions = [position for position, _, _ in read]
    if positions != sorted(positions):
        yield "not in order"


def test_every_change_is_read_once_and_in_order(hub):
    made, read = followed(hub, number_changes)
    assert len(made) > 200
    assert list(wrong(made, read)) == []


@pytest.mark.parametrize("run", RUNS)
def test_control_numbers_drawn_by_writers_lose_changes(hub, run):
    made, read = followed(hub, number_as_drawn)
    assert list(wrong(made, read)), f"run {run}"
