"""Deliveries: versions, order, refusals one by one, full deliveries, quarantine."""

import csv
import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from connectors.services.steps import step
from hub.kernel.db import transaction
from tests.hubs import auditorium, ndjson, offer, performance, production, season, venue

COUNTS = ("accepted", "unchanged", "stale", "refused", "withdrawn")


def counts(delivery):
    return {name: delivery[name] for name in COUNTS if delivery[name]}


def rows(table):
    with transaction() as session:
        found = session.execute(text(f"SELECT * FROM {table} ORDER BY id"))
        return [tuple(row) for row in found]


def test_a_repeated_delivery_changes_nothing(hub):
    records = season()
    assert counts(hub.deliver(records)) == {"accepted": 4}
    tables = ("venue", "auditorium", "area", "seat", "production", "performance")
    before = {table: rows(table) for table in tables}
    assert counts(hub.deliver(records)) == {"unchanged": 4}
    assert {table: rows(table) for table in tables} == before


def test_an_older_version_changes_nothing(hub):
    hub.deliver(season())
    newer = hub.deliver([performance(version=5, days=40)])
    assert counts(newer) == {"accepted": 1}
    starts = hub.get("ann", "/v1/performances")["items"][0]["starts_at"]
    older = hub.deliver([performance(version=4, days=50)])
    assert counts(older) == {"stale": 1}
    assert hub.get("ann", "/v1/performances")["items"][0]["starts_at"] == starts


def test_the_highest_version_in_one_delivery_wins(hub):
    found = hub.deliver(
        [
            *season(),
            performance(version=3, days=33),
            performance(version=2, days=22),
        ]
    )
    assert counts(found) == {"accepted": 4, "stale": 2}
    assert rows("performance")[0].__contains__(3)


def test_a_version_with_other_content_is_refused(hub):
    hub.deliver(season())
    found = hub.deliver([performance(days=99)])
    assert counts(found) == {"refused": 1}
    refusal = hub.refusals(found)[0]
    assert (refusal["code"], refusal["field"]) == ("version-reused", "version")


def broken(**more):
    return performance("bad") | more


REFUSED = [
    (broken(starts_at="2026-12-01T20:00:00"), "starts_at", "invalid-field"),
    (broken(starts_at="soon"), "starts_at", "invalid-field"),
    (broken(version=-1), "version", "invalid-field"),
    (broken(version="1"), "version", "invalid-field"),
    (broken(colour="red"), None, "invalid-field"),
    (broken(production="nothing"), "production", "unknown-production"),
    (broken(auditorium="nowhere"), "auditorium", "unknown-auditorium"),
    (broken(areas=[]), "areas", "invalid-field"),
    (broken(areas=[{"area": "moon", "capacity": 1}], offers=[offer("moon")]), "areas[0].area", "unknown-area"),
    (broken(areas=[{"area": "floor", "capacity": 151}], offers=[offer()]), "areas[0].capacity", "above-area"),
    (broken(areas=[{"area": "floor", "capacity": -1}], offers=[offer()]), "areas[0].capacity", "invalid-field"),
    (broken(offers=[offer(face_minor=-1)]), "offers[0].face_minor", "invalid-field"),
    (broken(offers=[offer(face_minor=10**15)]), "offers[0].face_minor", "invalid-field"),
    (broken(offers=[offer(face_minor=45.5)]), "offers[0].face_minor", "invalid-field"),
    (broken(offers=[offer(currency="EURO")]), "offers[0].currency", "invalid-field"),
    (broken(offers=[offer(currency="QQQ")]), "offers[0].currency", "unknown-currency"),
    (broken(offers=[offer(), offer()]), "offers[1].price_type", "repeated-offer"),
    (broken(offers=[offer(tickets_min=5, tickets_max=2)]), "offers[0].tickets_min", "limits"),
    (broken(ends_at="2020-01-01T00:00:00Z"), "ends_at", "ends-before-start"),
    (broken(open_dated=True), "ends_at", "no-end"),
    (broken(cut_off_at="2099-01-01T00:00:00Z"), "cut_off_at", "cut-off-late"),
    (broken(starts_at="2099-01-01T00:00:00Z"), "starts_at", "too-far-ahead"),
    (broken(ref=""), "ref", "invalid-field"),
    (broken(ref="two words"), "ref", "invalid-field"),
    (broken(type="concert"), "type", "invalid-field"),
    (venue("v2", zone="Mars/Olympus"), "zone", "unknown-zone"),
    (auditorium("a2", venue="nowhere"), "venue", "unknown-venue"),
    (production("x", genre="opera"), "genre", "invalid-field"),
    (production("x", title={}), "title", "invalid-field"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "field", "code"), REFUSED)
def test_a_bad_record_is_refused_alone_with_line_field_and_reason(
    hub, record, field, code
):
    found = hub.deliver([*season(), record, performance("good")])
    assert counts(found) == {"accepted": 5, "refused": 1}
    refusal = hub.refusals(found)[0]
    assert refusal["line"] == 5
    assert (refusal["field"], refusal["code"]) == (field, code)
    assert refusal["reason"]
    assert refusal["ref"] == record["ref"]
    hub.assert_lawful()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "not-json"),
        (b"[1]", "invalid-field"),
        (b'{"type":"venue","ref":"x\xff"}', "not-utf-8"),
        (b"null", "invalid-field"),
        (b"NaN", "not-json"),
    ],
)
def test_a_bad_line_is_refused_alone(hub, line, code):
    body = ndjson(season()) + line + b"\n" + ndjson([performance("good")])
    found = hub.deliver(body)
    assert counts(found) == {"accepted": 5, "refused": 1}
    assert (hub.refusals(found)[0]["line"], hub.refusals(found)[0]["code"]) == (5, code)


def test_the_report_is_csv_too_with_formulas_made_harmless(hub):
    found = hub.deliver([*season(), broken(production="=1+1")])
    report = hub.call("sup", "GET", found["refusals"] + "?format=csv")
    table = list(csv.DictReader(io.StringIO(report.get_data(as_text=True))))
    assert table[0]["code"] == "unknown-production"
    assert table[0]["line"] == "5"
    assert report.headers["Content-Type"].startswith("text/csv")
    evil = hub.deliver([performance("=cmd") | {"production": "nothing"}])
    report = hub.call("sup", "GET", evil["refusals"] + "?format=csv")
    assert "'=cmd" in report.get_data(as_text=True)


def test_gzip_and_a_byte_order_mark_are_understood(hub):
    body = gzip.compress(b"\xef\xbb\xbf" + ndjson(season()))
    made = hub.post(
        "sup",
        "/v1/feeds/season/deliveries",
        None,
        202,
        data=body,
        content_type="application/x-ndjson",
        headers={"Content-Encoding": "gzip"},
    )
    hub.work()
    assert counts(hub.get("sup", f"/v1/deliveries/{made['id']}")) == {"accepted": 4}


def sent(hub, data, expect, *, content_type="application/x-ndjson", **headers):
    path = "/v1/feeds/season/deliveries"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return hub.post(
        "sup", path, None, expect, data=data, content_type=content_type, headers=more
    )


def test_what_does_not_arrive_whole_leaves_nothing(hub):
    whole = gzip.compress(ndjson(season()))
    for body in (whole[:-10], whole[:40], b"not gzip", whole + b"more"):
        refused = sent(hub, body, 400, Content_Encoding="gzip")
        assert refused["code"] == "delivery-broken"
    utf16 = sent(hub, ndjson(season()).decode().encode("utf-16"), 400)
    assert "UTF-16" in utf16["reason"]
    assert sent(hub, b"", 422)["code"] == "delivery-empty"
    assert sent(hub, b"\n\n  \n", 422)["code"] == "delivery-empty"
    assert sent(hub, b"{}", 415, content_type="text/plain")["code"] == "feed-format"
    assert hub.get("sup", "/v1/deliveries")["items"] == []
    assert rows("outbox_message") == []


def test_a_delivery_is_bounded_plain_and_unpacked(hub):
    hub.app.config["HUB_FEED_BYTES_MAX"] = 100_000
    too_large = sent(hub, b" " * 100_001, 413)
    assert too_large["code"] == "delivery-too-large"
    bomb = gzip.compress(b" " * 100_001)
    assert len(bomb) < 1_000
    assert sent(hub, bomb, 413, Content_Encoding="gzip")["bytes_max"] == 100_000


CSV = """\
ref,version,production,auditorium,starts_at,area,capacity,price_type,currency,face_minor
c1,1,play,main,2027-01-05T19:00:00+01:00,floor,100,adult,EUR,3000
c1,1,play,main,2027-01-05T19:00:00+01:00,floor,100,child,EUR,1500
c2,1,play,main,2027-01-06T19:00:00+01:00,floor,100,adult,EUR,lots
c3,1,play,main,2027-01-07T19:00:00+01:00,stalls,30,adult,EUR,8000
"""


def test_csv_makes_performances_of_adjacent_rows(hub):
    hub.deliver([venue(), auditorium(), production()])
    made = sent(hub, CSV.encode(), 202, content_type="text/csv")
    hub.work()
    found = hub.get("sup", f"/v1/deliveries/{made['id']}")
    assert counts(found) == {"accepted": 2, "refused": 1}
    refusal = hub.refusals(found)[0]
    assert (refusal["line"], refusal["ref"]) == (4, "c2")
    assert refusal["field"] == "offers[0].face_minor"
    again = sent(hub, CSV.encode(), 202, content_type="text/csv; charset=utf-8")
    hub.work()
    assert counts(hub.get("sup", f"/v1/deliveries/{again['id']}"))["unchanged"] == 2


def test_csv_with_other_columns_is_refused_naming_them(hub):
    refused = sent(hub, b"ref,price\nx,1\n", 400, content_type="text/csv")
    assert "version" in refused["missing"]
    assert refused["unknown"] == ["price"]


def upcoming(count, **more):
    return [performance(f"f{no}", **more) for no in range(count)]


def test_a_full_delivery_withdraws_what_it_does_not_name(hub):
    hub.deliver([*season(), *upcoming(9)])
    found = hub.deliver([*season(), *upcoming(8)], mode="full")
    assert (found["state"], found["withdrawn"], found["known"]) == ("done", 1, 10)
    assert len(hub.get("ann", "/v1/performances")["items"]) == 9
    back = hub.deliver(upcoming(9))
    assert counts(back) == {"accepted": 1, "unchanged": 8}
    assert len(hub.get("ann", "/v1/performances")["items"]) == 10


def test_a_refused_record_is_not_withdrawn(hub):
    hub.deliver([*season(), *upcoming(9)])
    bad = performance("f0", version=2, production="nothing")
    found = hub.deliver([performance(), bad, *upcoming(9)[1:]], mode="full")
    assert counts(found) == {"unchanged": 9, "refused": 1}
    assert len(hub.get("ann", "/v1/performances")["items"]) == 10


def test_a_full_delivery_that_drops_much_waits_for_an_operator(hub):
    hub.deliver([*season(), *upcoming(9)])
    found = hub.deliver([*season(), *upcoming(2, version=2, days=60)], mode="full")
    assert (found["state"], found["would_drop"], found["known"]) == (
        "quarantined",
        7,
        10,
    )
    assert counts(found) == {}
    assert len(hub.get("ann", "/v1/performances")["items"]) == 10
    waiting = hub.get("operator", "/v1/deliveries?state=quarantined")["items"]
    assert [item["id"] for item in waiting] == [found["id"]]
    path = f"/v1/deliveries/{found['id']}/decision"
    hub.post("operator", path, {"decision": "let-in"}, 200)
    hub.work()
    done = hub.get("sup", f"/v1/deliveries/{found['id']}")
    assert (done["state"], done["withdrawn"], done["accepted"]) == ("done", 7, 2)
    twice = hub.post("operator", path, {"decision": "discard"}, 409)
    assert twice["code"] == "not-quarantined"
    hub.assert_lawful()


def test_a_delivery_can_be_discarded(hub):
    hub.deliver([*season(), *upcoming(9)])
    found = hub.deliver(season(), mode="full")
    path = f"/v1/deliveries/{found['id']}/decision"
    gone = hub.post("operator", path, {"decision": "discard"}, 200)
    assert gone["state"] == "discarded"
    hub.work()
    assert len(hub.get("ann", "/v1/performances")["items"]) == 10


def test_an_old_picture_never_replaces_a_newer_one(hub):
    hub.deliver([*season(), *upcoming(9)])
    old = hub.deliver(season(), mode="full")
    newer = hub.deliver([*season(), *upcoming(9)], mode="full")
    assert newer["state"] == "done"
    path = f"/v1/deliveries/{old['id']}/decision"
    refused = hub.post("operator", path, {"decision": "let-in"}, 409)
    assert refused["reason"] == "a later full delivery has been applied"


def test_parts_are_small_transactions_and_lines_keep_their_numbers(hub):
    hub.deliver(season())
    many = [performance(f"m{no}") for no in range(2_500)]
    many[2_400]["production"] = "nothing"
    found = hub.deliver(many)
    assert found["parts"] >= 3
    assert counts(found) == {"accepted": 2_499, "refused": 1}
    assert hub.refusals(found)[0]["line"] == 2_401
    hub.assert_lawful()


def test_seats_are_stored_once_and_retired_not_deleted(hub):
    hub.deliver(season())
    assert len(rows("seat")) == 30
    hub.deliver([auditorium(version=2, seats_in_row=8)])
    with transaction() as session:
        query = text("SELECT is_retired, count(*) FROM seat GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in session.execute(query)] == [
            (False, 24),
            (True, 6),
        ]


def test_business_date_and_zone_are_the_venues(hub):
    late = performance("late", starts_at="2027-01-06T00:30:00+01:00")
    hub.deliver([venue(business_day_starts="06:00"), auditorium(), production(), late])
    found = hub.get("ann", "/v1/performances")["items"][0]
    assert found["business_on"] == "2027-01-05"
    assert found["zone"] == "Europe/Vienna"
    assert found["starts_at"] == "2027-01-05T23:30:00+00:00"


def test_the_schema_is_served_and_takes_what_the_hub_takes(hub):
    import jsonschema  # noqa: PLC0415

    schema = json.loads(hub.call(None, "GET", "/v1/feed-schema").data)
    validator = jsonschema.Draft202012Validator(schema)
    for record in season():
        validator.validate(record)
    assert not validator.is_valid(performance() | {"colour": "red"})


def test_a_full_delivery_let_in_late_withdraws_nothing_that_came_after_it(hub):
    hub.deliver([*season(), *upcoming(9)])
    waiting = hub.deliver(season(), mode="full")
    assert waiting["state"] == "quarantined"
    hub.deliver([performance("newer")])
    path = f"/v1/deliveries/{waiting['id']}/decision"
    hub.post("operator", path, {"decision": "let-in"}, 200)
    hub.work()
    done = hub.get("sup", f"/v1/deliveries/{waiting['id']}")
    assert (done["state"], done["withdrawn"]) == ("done", 9)
    assert len(hub.get("ann", "/v1/performances")["items"]) == 2


def test_two_jobs_on_one_feed_do_no_harm(hub):
    hub.deliver(season())
    many = [performance(f"t{no}") for no in range(3_000)]
    made = sent(hub, ndjson(many), 202)
    with transaction() as session:
        feed_id = session.scalar(text("SELECT id FROM feed"))

    def job(_):
        steps = 0
        while True:
            with transaction() as session:
                if not step(session, feed_id):
                    return steps
            steps += 1

    with ThreadPoolExecutor(2) as pool:
        steps = list(pool.map(job, range(2)))
    assert min(steps) > 0
    done = hub.get("sup", f"/v1/deliveries/{made['id']}")
    assert counts(done) == {"accepted": 3_000}
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM performance")) == 3_001
    hub.assert_lawful()


def test_a_performance_moves_to_another_room_unless_seats_are_somebodys(hub):
    sold = hub.on_sale()
    hub.deliver([auditorium("other", standing=200), performance(version=2, floor=150)])
    floor = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(floor, 3)]))
    moved = performance(version=3, floor=120, auditorium="other")
    assert hub.deliver([moved])["refused"] == 0
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 117
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    hub.hold("ann", [(stalls, 2)])
    back = hub.deliver([performance(version=4)])
    assert [r["code"] for r in hub.refusals(back)] == ["seats-taken"]
    assert hub.areas("ann", sold["id"])["stalls"]["available"] == 28
    hub.assert_lawful()
