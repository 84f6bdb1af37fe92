"""Reading suppliers: only news is written, nothing disappears at the first absence."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from connectors.errors import NoAnswerError
from connectors.services import guarding, syncing, visiting, writing
from connectors.suppliers.kinds import KINDS
from hub.kernel.db import transaction
from tests.simulators.faults import struck
from tests.simulators.house import Session
from tests.simulators.hubs import opened
from tests.simulators.kinds import SEATED, SELLERS, operations, telling

SCHEDULE = operations("read")
CATALOGUE = (
    *("venue", "auditorium", "area", "seat", "production", "performance"),
    *("performance_area", "offer", "delivery", "change", "outbox_message", "supply"),
    *("source_venue", "node", "tree"),
)


@pytest.fixture(params=SELLERS)
def cinemas(hub, request):
    with opened(hub, request.param, sessions=12) as found:
        yield found


@pytest.fixture(params=SEATED)
def seated(hub, request):
    with opened(hub, request.param, sessions=12) as found:
        yield found


def written():
    """Every row of the catalogue, with the transaction that wrote it."""
    with transaction() as session:
        return {
            table: session.scalar(
                text(
                    f"SELECT md5(string_agg(xmin::text, ',' ORDER BY xmin::text)) FROM {table}"
                )
            )
            for table in CATALOGUE
        }


def refs(cinemas):
    with transaction() as session:
        rows = session.execute(
            text("SELECT ref FROM performance WHERE withdrawn_at IS NULL ORDER BY ref")
        )
        return [row.ref for row in rows]


def test_a_sync_that_finds_nothing_new_writes_nothing(cinemas):
    assert cinemas.first["changed"] > 12
    before = written()
    found = cinemas.sync()
    told = (found["state"], found["changed"], found["performances"])
    assert told == ("done", 0, 12 * cinemas.each)
    assert written() == before


def test_a_thorough_sync_that_finds_nothing_new_writes_nothing_either(cinemas):
    with transaction() as session:
        ago = "UPDATE source_sync SET started_at = started_at - interval '2 days'"
        session.execute(text(ago))
    cinemas.sync()
    before = written()
    with transaction() as session:
        session.execute(text(ago))
    found = cinemas.sync()
    assert (found["is_thorough"], found["changed"]) == (True, 0)
    assert {k: v for k, v in written().items() if k != "source_venue"} == {
        k: v for k, v in before.items() if k != "source_venue"
    }


def test_what_is_missing_once_stays_and_twice_is_withdrawn(cinemas):
    before = refs(cinemas)
    gone = cinemas.house.cinemas["0001"].sessions.pop("3")
    first = cinemas.sync()
    each = cinemas.each
    assert (first["missing"], first["withdrawn"], refs(cinemas)) == (each, 0, before)
    second = cinemas.sync()
    assert (second["missing"], second["withdrawn"]) == (each, each)
    assert set(before) - set(refs(cinemas)) == cinemas.refs_of("3", before)
    cinemas.house.cinemas["0001"].sessions["3"] = gone
    assert cinemas.sync()["changed"] == each
    assert refs(cinemas) == before


def test_what_comes_back_in_time_was_never_gone(cinemas):
    before, gone = refs(cinemas), cinemas.house.cinemas["0001"].sessions.pop("3")
    cinemas.sync()
    cinemas.house.cinemas["0001"].sessions["3"] = gone
    cinemas.sync()
    cinemas.house.cinemas["0001"].sessions.pop("3")
    assert cinemas.sync()["withdrawn"] == 0  # once again is not twice
    assert refs(cinemas) == before


def test_a_show_that_has_begun_is_told_no_more_and_is_not_withdrawn(cinemas):
    before = refs(cinemas)
    cinemas.house.cinemas["0001"].sessions.pop("3")
    begun = (
        "UPDATE performance SET starts_at = clock_timestamp() - interval '10 min',"
        " ends_at = clock_timestamp() + interval '2 hours' WHERE ref = ANY(:refs)"
    )
    with transaction() as session:
        session.execute(text(begun), {"refs": list(cinemas.refs_of("3", before))})
    assert [cinemas.sync()["missing"] for _ in range(2)] == [0, 0]
    assert refs(cinemas) == before


def test_a_row_that_cannot_be_read_does_not_lose_the_others(cinemas):
    cinema, before = cinemas.house.cinemas["0001"], refs(cinemas)
    cinema.sessions["99"] = one_more(cinema, no="99")
    gone = cinema.sessions.pop("3")
    for _ in range(2):
        with struck(cinemas.faults, garbled={}):
            found = cinemas.sync()
        assert ": " in found["error"]
        assert "ValueError" in found["error"]
    more = set(refs(cinemas)) - set(before)  # and nothing is taken for missing
    assert more == cinemas.refs_of("99", more)
    assert len(refs(cinemas)) == 13 * cinemas.each
    cinema.sessions["3"] = gone
    assert cinemas.sync()["error"] is None


def test_a_source_is_asked_no_faster_than_it_bears(hub):
    with opened(hub, "vista", cinemas=3, sessions=2) as cinemas:
        path = f"/v1/sources/{cinemas.source_id}"
        hub.call("operator", "PUT", path, {"reads_per_minute": 300})
        began = time.monotonic()
        assert cinemas.sync()["venues"] == 3
        assert time.monotonic() - began >= 3 * 60 / 300  # its list, then each venue


def test_settings_that_change_have_the_same_replies_read_anew(cinemas):
    path = f"/v1/sources/{cinemas.source_id}"
    [told] = cinemas.hub.get("operator", "/v1/sources")["items"]
    assert cinemas.sync()["changed"] == 0
    place = {**told["settings"]["place"], "currency": "CZK"}
    has_genre = "genre" in KINDS[told["kind"]].settings_type.__struct_fields__
    other = {"genre": "sport"} if has_genre else {"place": place}
    body = {"settings": {**told["settings"], **other}}
    assert cinemas.hub.call("operator", "PUT", path, body).status_code == 200
    time.sleep(guarding.KNOWN_S)
    assert cinemas.sync()["changed"] > 0


def test_a_big_drop_waits_for_a_person(cinemas):
    hub, before = cinemas.hub, refs(cinemas)
    with struck(cinemas.faults, shrunken={}):
        cinemas.sync()
        held = cinemas.sync()
    assert (held["state"], held["withdrawn"]) == ("quarantined", 0)
    assert len(held["would_withdraw"]) > len(before) // 2
    assert refs(cinemas) == before
    path = f"/v1/syncs/{held['id']}/decision"
    told = hub.get("sup", f"/v1/sources/{cinemas.source_id}/syncs")["items"][0]
    assert told["would_withdraw"] == held["would_withdraw"]
    hub.post("operator", path, {"decision": "discard"}, 200)
    hub.post("operator", path, {"decision": "discard"}, 409)
    assert refs(cinemas) == before


def test_an_operator_lets_a_big_drop_in(cinemas):
    with struck(cinemas.faults, shrunken={}):
        cinemas.sync()
        held = cinemas.sync()
        path = f"/v1/syncs/{held['id']}/decision"
        found = cinemas.hub.post("operator", path, {"decision": "let-in"}, 200)
    assert (found["state"], found["withdrawn"]) == (
        "let-in",
        len(held["would_withdraw"]),
    )
    assert len(refs(cinemas)) == 12 * cinemas.each - found["withdrawn"]


@pytest.mark.parametrize("fault", ["truncated", "html-500", "drop"])
def test_a_reading_that_is_not_whole_changes_nothing(cinemas, fault):
    before = refs(cinemas)
    for _ in range(2):
        with struck(cinemas.faults, **{fault: {"only": SCHEDULE}}):
            found = cinemas.sync()
        assert (found["state"], found["missing"], found["venues_failed"]) == (
            "failed",
            0,
            1,
        )
        assert "NoAnswerError" in found["error"]
    assert refs(cinemas) == before


def test_a_venue_that_failed_and_tells_the_same_again_is_good(cinemas):
    with struck(cinemas.faults, drop={"only": SCHEDULE}):
        assert cinemas.sync()["error"] is not None
    errors = text("SELECT count(*) FROM source_venue WHERE error IS NOT NULL")
    with transaction() as session:
        assert session.scalar(errors) == 1
    again = cinemas.sync()
    assert (again["error"], again["changed"]) == (None, 0)
    with transaction() as session:
        assert session.scalar(errors) == 0


def test_one_venue_that_fails_does_not_keep_the_others_from_being_read(hub):
    with opened(hub, "vista", cinemas=3, sessions=2) as cinemas:
        for cinema in cinemas.house.cinemas.values():
            cinema.sessions["9"] = one_more(cinema)
        with struck(cinemas.faults, drop={"only": {"GetSessionList"}, "times": 1}):
            found = cinemas.sync()
        assert (found["state"], found["venues"], found["venues_failed"]) == (
            "done",
            2,
            1,
        )
        assert sum(ref.endswith("/9") for ref in refs(cinemas)) == 2
        assert found["error"].startswith("0001: NoAnswerError")
        cinemas.sync()
        assert sum(ref.endswith("/9") for ref in refs(cinemas)) == 3


def one_more(cinema, starts=None, on=None, no="9"):
    first = next(iter(cinema.sessions.values()))
    starts = starts or first.starts + timedelta(minutes=5)
    return Session(no, cinema.id, 1, first.film, starts, on or starts.date())


@pytest.mark.parametrize("kind", telling("cancelled"))
def test_status_beats_counts_and_the_room_says_the_capacity(hub, kind):
    with (
        opened(hub, kind, sessions=12) as cinemas,
        struck(cinemas.faults, cancelled={}),
    ):
        cinemas.sync()
    with transaction() as session:
        states = session.execute(
            text(
                "SELECT p.status, sum(a.capacity) AS seats FROM performance p"
                " JOIN performance_area a ON a.performance_id = p.id GROUP BY p.id"
            )
        ).all()
    assert {row.seats for row in states} == {60}
    assert [row.status for row in states].count("cancelled") >= 1


def test_a_performance_that_moves_to_another_room_moves_here(seated):
    room = text(
        "SELECT r.ref FROM performance p JOIN auditorium r ON r.id = p.auditorium_id"
        " WHERE p.ref = ANY(:refs)"
    )
    first = {"refs": list(seated.refs_of("1", refs(seated)))}
    with transaction() as session:
        before = session.scalar(room, first)
    with struck(seated.faults, moved={}):
        seated.sync()
    with transaction() as session:
        assert session.scalar(room, first) != before


def test_a_price_that_changes_there_changes_here(cinemas):
    price = text("SELECT max(face_minor) FROM offer WHERE NOT is_withdrawn")
    with transaction() as session:
        before = session.scalar(price)
    with struck(cinemas.faults, price_bump={}):
        assert cinemas.sync()["changed"] > 0
    with transaction() as session:
        assert session.scalar(price) == before + 150


@pytest.mark.parametrize(
    ("records", "taken_at_last"),
    [
        pytest.param(0, ["0001", "0002", "0003"], id="written"),
        pytest.param(1_000, ["0001", "0001", "0002", "0003"], id="waiting"),
    ],
)
def test_a_sync_that_was_cut_off_is_gone_on_with(
    hub, monkeypatch, records, taken_at_last
):
    """What it had written is not read again; what waited to be written is."""
    monkeypatch.setattr(writing, "RECORDS", records)
    with opened(hub, "vista", cinemas=3, sessions=2) as cinemas:
        for cinema in cinemas.house.cinemas.values():
            cinema.sessions["9"] = one_more(cinema)
        taken = []

        def cut_off(run, read, real=visiting._take):
            real(run, read)
            taken.append(read.ref)
            if read.ref == "0001":
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(visiting, "_take", cut_off)
            with pytest.raises(KeyboardInterrupt):
                cinemas.sync()
        monkeypatch.setattr(
            visiting,
            "_take",
            lambda run, read, real=visiting._take: (
                taken.append(read.ref),
                real(run, read),
            ),
        )
        found = cinemas.sync()
        assert taken == taken_at_last
        assert found["changed"] == (2 if records == 0 else 3)
        assert found["state"] == "done"
        with transaction() as session:
            assert session.scalar(text("SELECT count(*) FROM source_sync")) == 2


def test_one_at_a_time_and_the_next_is_put_off_by_about_its_pause(cinemas):
    with transaction() as session:
        session.execute(text("UPDATE source SET next_sync_at = clock_timestamp()"))
    with transaction() as session:
        lease = syncing.lease_due(session)
        assert lease.source_id == cinemas.source_id
    with transaction() as session:
        assert syncing.lease_due(session) is None
    syncing.sync(cinemas.suppliers, lease)
    with transaction() as session:
        pause = session.scalar(
            text(
                "SELECT extract(epoch FROM next_sync_at - clock_timestamp()) FROM source"
            )
        )
    assert 50 < pause <= 67


def test_who_lost_its_lease_writes_nothing_more(cinemas):
    with transaction() as session:
        session.execute(text("UPDATE source SET next_sync_at = clock_timestamp()"))
        lease = syncing.lease_due(session)
    with transaction() as session:
        session.execute(text("UPDATE source SET leased_until = clock_timestamp()"))
    cinemas.house.cinemas["0001"].sessions.pop("3")
    sync_id = syncing.sync(cinemas.suppliers, lease)
    with transaction() as session:
        state = session.scalar(
            text("SELECT state FROM source_sync WHERE id = :id"), {"id": sync_id}
        )
    assert state == "running"


def test_local_and_business_dates_over_midnight_and_the_change_of_clocks(hub):
    with opened(hub, "vista", sessions=2) as cinemas:
        cinema = cinemas.house.cinemas["0001"]
        late = datetime(2027, 3, 28, 0, 30)
        cinema.sessions = {
            "1": one_more(cinema, late, date(2027, 3, 27)),  # the night clocks change
            "2": one_more(cinema, datetime(2027, 10, 31, 2, 30), date(2027, 10, 30)),
            "3": one_more(cinema, datetime(2027, 3, 28, 20, 0)),
        }
        for no, session in cinema.sessions.items():
            session.id = no
        cinemas.sync()
        with transaction() as session:
            rows = session.execute(
                text("SELECT ref, starts_at, business_on FROM performance ORDER BY ref")
            )
            found = {row.ref: (row.starts_at, str(row.business_on)) for row in rows}
    assert found["0001/1"] == (datetime(2027, 3, 27, 23, 30, tzinfo=UTC), "2027-03-27")
    assert found["0001/2"] == (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "2027-10-30")
    assert found["0001/3"] == (datetime(2027, 3, 28, 18, 0, tzinfo=UTC), "2027-03-28")


def test_stale_never_overwrites_fresh(cinemas):
    """What was read before is written after: it is older, and changes nothing."""
    late, take = [], visiting._take
    cinemas.house.prices = dict.fromkeys(cinemas.house.prices, 1300)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(visiting, "_take", lambda *said: late.append(said))
        with transaction() as session:
            session.execute(text("UPDATE source SET next_sync_at = clock_timestamp()"))
            lease = syncing.lease_due(session)
        syncing.sync(cinemas.suppliers, lease)
    cinemas.house.prices = dict.fromkeys(cinemas.house.prices, 1500)
    assert cinemas.sync()["changed"] > 0
    take(*late[0])
    cinemas.hub.work()
    with transaction() as session:
        prices = session.scalars(
            text("SELECT max(face_minor) FROM offer WHERE price_type = 'adult'")
        ).all()
    assert prices == [1500]


def test_the_facts_of_a_source_are_shown_beside_what_it_states(cinemas):
    cinemas.suppliers.write()
    [told] = cinemas.hub.get("operator", "/v1/sources")["items"]
    assert told["capabilities"]["sells"] is True
    measured = told["measured"]
    venues = "itself" in cinemas.there.tells  # else nobody is asked for that
    assert measured["calls"] == venues + len(cinemas.house.cinemas)
    assert measured["errors"] == measured["unanswered"] == 0
    assert measured["p50_ms"] <= measured["p90_ms"]
    assert abs(measured["clock_offset_s"]) < 2
    assert measured["last_good_sync_at"] is not None
    assert "credentials" not in told
    assert cinemas.hub.get("sup", "/v1/sources")["items"][0]["id"] == told["id"]


def test_what_a_port_stumbles_over_is_no_answer(cinemas):
    asking = cinemas.suppliers.asking(cinemas.source_id, "test")
    with pytest.raises(NoAnswerError, match="not understood"), asking as port:
        port.availability(None)
