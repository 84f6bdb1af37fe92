"""Files by HTTP: every format, ETags, and files that are not whole."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.services import syncing
from connectors.suppliers.feed import showtimes
from connectors.suppliers.feed.found import FilesSettings
from connectors.suppliers.settings import read
from hub.kernel.db import transaction
from tests.simulators.files import Files
from tests.simulators.house import chain
from tests.simulators.hubs import Cinemas
from tests.simulators.kinds import PLACE
from tests.simulators.serving import serving

DATA = Path(os.environ.get("HUB_REFERENCE_DATA", "../shared/data"))
FORMATS = {
    "ndjson": ("/season.ndjson", {}),
    "showtimes": ("/showtimes.json", {"place": PLACE}),
    "schema-org": ("/events.jsonld", {"place": PLACE}),
    "google-events": (
        "/google/descriptor.json",
        {"place": PLACE, "capacity": 60, "genre": "film"},
    ),
}


class At:
    def __init__(self, hub, there, url, path, settings, *, name="files"):
        self.hub, self.there = hub, there
        wanted = {
            "name": name,
            "kind": "files",
            "url": url + path,
            "settings": settings,
            "operation_ms": 10_000,
        }
        made = hub.post("operator", hub.of("sup", "sources"), wanted)
        suppliers = hub.app.extensions["suppliers"]
        self.cinemas = Cinemas(hub, there, url, made["id"], suppliers)

    def sync(self):
        return self.cinemas.sync()

    def count(self):
        with transaction() as session:
            return session.scalar(
                text("SELECT count(*) FROM performance WHERE withdrawn_at IS NULL")
            )


@pytest.fixture
def there():
    return Files(chain(sessions=6))


@pytest.fixture(params=list(FORMATS))
def at(hub, there, request):
    path, settings = FORMATS[request.param]
    with serving(there.app()) as url:
        yield At(hub, there, url, path, {"format": request.param, **settings})
        hub.app.extensions["suppliers"].close()


def test_a_file_is_read_sold_from_and_not_fetched_again_unchanged(at):
    hub = at.hub
    found = at.sync()
    assert (found["state"], found["performances"]) == ("done", 6), found
    assert at.count() == 6
    hub.plan()
    sold = hub.get("ann", "/v1/performances")["items"][0]
    areas = hub.areas("ann", sold["id"])
    offer = next(iter(areas.values()))["offers"][0]
    assert offer["face_minor"] == 1100
    order = hub.confirm("ann", hub.hold("ann", [(offer["offer_id"], 2)]))
    assert order["state"] == "confirmed"
    assert at.sync()["changed"] == 0
    statuses = [status for _, status in at.there.fetched]
    assert statuses[-1] == 304
    assert hub.areas("ann", sold["id"])
    hub.assert_lawful()


def test_what_a_file_does_not_name_twice_is_withdrawn(at):
    at.sync()
    at.there.house.cinemas["0001"].sessions.pop("2")
    at.there.version += 1
    assert (at.sync()["missing"], at.count()) == (1, 6)
    assert (at.sync()["withdrawn"], at.count()) == (1, 5)


def test_what_came_between_two_files_that_name_the_same_goes_too(at):
    """A file is as the one before the last was: what only that one named is missing."""
    sessions = at.there.house.cinemas["0001"].sessions
    second = sessions.pop("2")
    at.sync()
    sessions["2"] = second
    at.there.version += 1
    assert (at.sync()["changed"], at.count()) == (1, 6)
    sessions.pop("2")
    at.there.version += 1
    assert (at.sync()["missing"], at.count()) == (1, 6)
    assert (at.sync()["withdrawn"], at.count()) == (1, 5)


def test_an_empty_file_deletes_nothing_unasked(hub, there):
    path, settings = FORMATS["google-events"]
    with serving(there.app()) as url:
        at = At(hub, there, url, path, {"format": "google-events", **settings})
        at.sync()
        there.bodies["/google/events.json"] = b'{"data": []}'
        at.sync()
        held = at.sync()
        hub.app.extensions["suppliers"].close()
    assert (held["missing"], held["withdrawn"], at.count()) == (0, 0, 6)
    assert "names no performance" in held["error"]


@pytest.mark.parametrize("fault", ["truncated", "html-500", "drop"])
def test_a_file_that_is_not_whole_changes_nothing(hub, there, fault):
    path, settings = FORMATS["showtimes"]
    with serving(there.app()) as url:
        at = At(hub, there, url, path, {"format": "showtimes", **settings})
        at.sync()
        there.house.cinemas["0001"].sessions.pop("2")
        there.faults.set(fault)
        for _ in range(2):
            found = at.sync()
            assert found["state"] == "failed"
        hub.app.extensions["suppliers"].close()
    assert at.count() == 6


def test_csv_has_the_performances_of_rooms_that_are_known(hub, there):
    with serving(there.app()) as url:
        whole = At(hub, there, url, "/season.ndjson", {"format": "ndjson"})
        whole.sync()
        cinema = there.house.cinemas["0001"]
        cinema.sessions = {"7": cinema.sessions["1"]}
        cinema.sessions["7"].id = "7"
        rows = At(hub, there, url, "/season.csv", {"format": "csv"}, name="rows")
        with transaction() as session:
            session.execute(
                text("UPDATE source SET next_sync_at = NULL WHERE name = 'files'")
            )
            session.execute(
                text(
                    "UPDATE source SET next_sync_at = clock_timestamp() WHERE name = 'rows'"
                )
            )
        with transaction() as session:
            lease = syncing.lease_due(session)
        syncing.sync(rows.cinemas.suppliers, lease)
        hub.app.extensions["suppliers"].close()
    assert whole.count() == 7


def test_one_event_that_cannot_be_read_keeps_none_from_being_taken(hub, there):
    with serving(there.app()) as url:
        good = json.loads(Files(there.house)._events_jsonld())
        good["@graph"][1]["startDate"] = "soon"
        there.bodies["/events.jsonld"] = json.dumps(good).encode()
        at = At(
            hub, there, url, "/events.jsonld", {"format": "schema-org", "place": PLACE}
        )
        found = at.sync()
        hub.app.extensions["suppliers"].close()
    assert (found["performances"], found["state"]) == (5, "done")
    assert "soon" in found["error"]


@pytest.mark.skipif(not DATA.is_dir(), reason="the reference data is not there")
def test_the_open_showtimes_example_is_read_whole():
    said = json.loads((DATA / "showtimes" / "full-example.json").read_text())
    place = {"zone": "Australia/Melbourne", "country": "AU", "currency": "AUD"}
    settings = read(FilesSettings, {"format": "showtimes", "place": place})
    found = showtimes.read(said, settings)
    assert found.skipped == []
    assert len(found.performances) == len(said["sessions"])
    first = found.performances["EXC-CNAME-2025-08-18-1930-S1-AVATAR3-2D"]
    assert first.starts_at.isoformat() == "2025-08-18T09:30:00+00:00"
    assert {(o.area, o.price_type): o.face_minor for o in first.offers}[
        "STD", "child"
    ] == 1400
    assert {a.area: a.capacity for a in first.areas} == {
        "STD": 120,
        "PRM": 60,
        "DBX": 30,
    }
