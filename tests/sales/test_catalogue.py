"""The catalogue as agents look for it: words, places, prices, calendars, ETags."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from hub.catalogue.services.changes import (
    announce_due,
    number_changes,
    prune_changes,
)
from hub.kernel.db import transaction
from tests.hubs import TODAY, ZONE, auditorium, offer, performance, production, venue

IMAGES = [{"url": "https://images.example/hamlet.jpg", "width": 800, "height": 1200}]


@pytest.fixture
def season(hub):
    """Two houses in two cities, three productions, prices in one currency."""
    hub.deliver(
        [
            venue(name={"en": "Town Hall", "de": "Stadthalle"}),
            venue("opera", name={"fr": "Opéra"}, city="Lyon", country="FR"),
            auditorium(),
            {**auditorium("stage"), "venue": "opera"},
            production(
                "hamlet",
                title={"en": "Hamlet", "zh-Hans": "哈姆雷特"},
                description={"en": "To be", "zh-Hans": "生存"},
                images=IMAGES,
            ),
            production(
                "norma", title={"it": "Norma", "zh-Hant": "諾瑪"}, genre="stage"
            ),
            production("derby", title={"en": "The 100% Derby"}, genre="sport"),
            performance("h1", production="hamlet", days=10),
            performance("h2", production="hamlet", days=10, status="cancelled"),
            performance(
                "h3", production="hamlet", days=12, offers=[offer(face_minor=900)]
            ),
            performance("n1", production="norma", auditorium="stage", days=11),
            performance("d1", production="derby", days=20),
        ]
    )
    hub.plan()
    return hub


def day_of(moment):
    """Return the day of a moment on the clocks of the venues."""
    return moment.astimezone(ZoneInfo(ZONE)).date().isoformat()


def titles(hub, query=""):
    found = hub.get("ann", f"/v1/performances?{query}")["items"]
    return [next(iter(item["title"].values())) for item in found]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Hamlet", "Hamlet", "Norma", "Hamlet", "The 100% Derby"]),
        ("q=HAMLET", ["Hamlet"] * 3),
        ("q=哈姆", ["Hamlet"] * 3),
        ("q=諾", ["Norma"]),
        ("q=opera", ["Norma"]),  # the house, without its accent
        ("q=lyon+norma", ["Norma"]),
        ("q=lyon+hamlet", []),
        ("q=stadthalle+derby", ["The 100% Derby"]),
        ("q=100%25", ["The 100% Derby"]),  # no pattern, but what it says
        ("q=_erby", []),
        ("genre=sport", ["The 100% Derby"]),
        ("city=lyon", ["Norma"]),
        ("city=_yon", []),
        ("country=FR", ["Norma"]),
        ("currency=EUR&price_until_minor=1000", ["Hamlet"]),
        ("currency=EUR&price_from_minor=8000&q=hamlet", ["Hamlet"] * 2),
        ("currency=USD", []),
    ],
)
def test_performances_are_found(season, query, found):
    assert titles(season, query) == found


def test_a_price_without_its_currency_is_refused(season):
    refused = season.get("ann", "/v1/performances?price_until_minor=5", 422)
    assert "currency" in str(refused["errors"])


def test_productions_say_what_is_to_come_and_at_what_prices(season):
    items = season.get("ann", "/v1/productions")["items"]
    by_title = {next(iter(item["title"].values())): item for item in items}
    assert set(by_title) == {"Hamlet", "Norma", "The 100% Derby"}
    hamlet = by_title["Hamlet"]
    assert hamlet["performances"] == 2  # the cancelled one is none
    assert hamlet["description"]["zh-Hans"] == "生存"
    assert hamlet["images"] == [{**IMAGES[0], "kind": "poster"}]
    assert hamlet["prices"] == [
        {"currency": "EUR", "from_minor": 900, "until_minor": 8000}
    ]
    first = datetime.fromisoformat(hamlet["first_starts_at"])
    assert first == TODAY + timedelta(days=10)
    assert season.get("ann", f"/v1/productions/{hamlet['id']}") == hamlet
    for query, count in (
        ("q=norma", 1),
        ("city=LYON", 1),
        ("genre=film", 0),
        ("country=AT", 2),
    ):
        assert len(season.get("ann", f"/v1/productions?{query}")["items"]) == count
    assert by_title["Norma"]["images"] == []


def test_productions_come_in_pages(season):
    seen, after = [], ""
    while after is not None:
        page = season.get("ann", f"/v1/productions?limit=2{after}")
        seen += [item["id"] for item in page["items"]]
        after = page["next"] and f"&after={page['next']}"
    assert len(seen) == len(set(seen)) == 3


def test_the_calendar_is_on_the_clocks_of_the_venue(season):
    hub = season
    (hamlet,) = hub.get("ann", "/v1/productions?q=hamlet")["items"]
    path = f"/v1/productions/{hamlet['id']}/calendar"
    days = hub.get("ann", path)["days"]
    local = [day_of(TODAY + timedelta(days=n)) for n in (10, 12)]
    assert [day["day"] for day in days] == local
    assert [(d["performances"], d["cancelled"]) for d in days] == [(2, 1), (1, 0)]
    assert [d["prices"][0]["from_minor"] for d in days] == [2250, 900]
    only = hub.get("ann", f"{path}?first_day={local[1]}&last_day={local[1]}")["days"]
    assert [day["day"] for day in only] == local[1:]
    late = TODAY.replace(hour=23, minute=30) + timedelta(days=40)  # past midnight there
    hub.deliver([performance("h4", production="hamlet", starts_at=late.isoformat())])
    days = hub.get("ann", path)["days"]
    assert days[-1]["day"] == day_of(late) != late.date().isoformat()
    hub.get("ann", f"{path}?first_day=2027-01-02&last_day=2027-01-01", 422)
    hub.get("ann", f"{path}?first_day=2026-01-01&last_day=2029-01-01", 422)
    hub.get("ann", f"/v1/productions/{hub.ids['sup']}/calendar", 404)


def test_a_production_is_not_told_before_anything_of_it_is_announced(season):
    hub = season
    soon = (TODAY + timedelta(days=3)).isoformat()
    hub.deliver(
        [
            production("secret", title={"en": "Secret"}),
            performance("s1", production="secret", announce_at=soon),
        ]
    )
    with transaction() as session:
        wanted = text("SELECT id FROM production WHERE ref = 'secret'")
        path = f"/v1/productions/{session.scalar(wanted)}"
    for said in (path, f"{path}/calendar"):
        hub.get("ann", said, 404)
    hub.move_clock(days=4)
    assert hub.get("ann", path)["performances"] == 1
    assert len(hub.get("ann", f"{path}/calendar")["days"]) == 1
    hub.move_clock(days=40)  # what is over is still told
    assert hub.get("ann", path)["performances"] == 0


def test_what_has_not_changed_is_not_sent_again(season):
    hub = season
    (hamlet,) = hub.get("ann", "/v1/productions?q=hamlet")["items"]
    for path in (
        "/v1/productions",
        "/v1/performances",
        f"/v1/productions/{hamlet['id']}",
        f"/v1/productions/{hamlet['id']}/calendar",
    ):
        first = hub.call("ann", "GET", path)
        known = {"If-None-Match": first.headers["ETag"]}
        again = hub.call("ann", "GET", path, headers=known)
        assert (again.status_code, again.get_data()) == (304, b""), path
    hub.deliver([performance("h1", 2, production="hamlet", days=10, floor=20)])
    changed = hub.call("ann", "GET", "/v1/performances", headers=known)
    assert changed.status_code == 200
    refused = hub.call("ann", "GET", "/v1/performances?limit=0", headers=known)
    assert "ETag" not in refused.headers


def test_availability_of_several_performances_at_once(season):
    hub = season
    items = hub.get("ann", "/v1/performances?q=hamlet")["items"]
    ids = [item["id"] for item in items]
    asked = "&".join(f"performance_id={i}" for i in [*ids, ids[0], hub.ids["sup"]])
    told = hub.get("ann", f"/v1/availability?{asked}")
    assert [item["performance_id"] for item in told["items"]] == ids
    assert told["not_found"] == [hub.ids["sup"]]
    alone = hub.get("ann", f"/v1/performances/{ids[0]}/availability")
    assert told["items"][0]["areas"] == alone["areas"]
    hub.get("ann", "/v1/availability", 422)
    many = "&".join(f"performance_id={ids[0]}" for _ in range(51))
    hub.get("ann", f"/v1/availability?{many}", 422)


def test_production_records_without_images_keep_their_digest(hub):
    hub.deliver([production()])
    assert hub.deliver([production()])["unchanged"] == 1
    delivered = hub.deliver([production(images=IMAGES)])
    (refusal,) = hub.refusals(delivered)
    assert refusal["code"] == "version-reused"
    wrong = hub.deliver([production(version=2, images=[{"url": "http://plain"}])])
    assert hub.refusals(wrong)[0]["field"] == "images[0].url"


def numbered():
    with transaction() as session:
        announce_due(session)
    with transaction() as session:
        while number_changes(session):
            pass


def followed(hub, after=None, who="ann", expect=200):
    query = "" if after is None else f"?after={after}"
    return hub.get(who, f"/v1/changes{query}", expect)


def told(found):
    return [(item["kind"], item["version"], item["what"]) for item in found["items"]]


def test_changes_are_followed_from_a_snapshot(hub):
    hub.deliver([venue(), auditorium(), production(), performance()])
    numbered()
    first = followed(hub)
    assert sorted(told(first)) == [
        ("auditorium", 1, "changed"),
        ("performance", 1, "changed"),
        ("production", 1, "changed"),
        ("venue", 1, "changed"),
    ]
    assert first["next"] == first["latest"] == 4
    assert followed(hub, first["latest"])["items"] == []
    hub.deliver([production(version=3), performance(version=2, floor=20)])
    hub.deliver([production(version=3)])  # nothing new
    assert followed(hub, first["latest"])["items"] == []  # not numbered yet
    numbered()
    more = followed(hub, first["latest"])
    assert told(more) == [("production", 3, "changed"), ("performance", 2, "changed")]
    one = hub.get("ann", f"/v1/changes?after={first['latest']}&limit=1")
    assert (told(one), one["next"], one["latest"]) == (told(more)[:1], 5, 6)
    assert told(followed(hub, one["next"])) == told(more)[1:]
    followed(hub, 7, expect=422)
    assert hub.get("ann", "/v1/changes?after=-1", 422)


def test_what_a_full_delivery_leaves_out_is_withdrawn(hub):
    shows = [performance(f"p{no}") for no in range(12)]  # of few, one is too many
    hub.deliver([venue(), auditorium(), production(), *shows])
    numbered()
    before = followed(hub)["latest"]
    hub.deliver(shows[1:], mode="full")
    numbered()
    assert told(followed(hub, before)) == [("performance", 1, "withdrawn")]
    hub.deliver([shows[0]])
    numbered()
    again = told(followed(hub, before + 1))
    assert again == [("performance", 1, "changed")]


def test_what_is_announced_later_is_told_then(hub):
    soon = (TODAY + timedelta(days=3)).isoformat()
    hub.deliver([venue(), auditorium(), production(), performance(announce_at=soon)])
    numbered()
    found = followed(hub)
    assert "performance" not in {item["kind"] for item in found["items"]}
    assert found["next"] == found["latest"] == 4  # what is not for it is passed over
    hub.move_clock(days=4)
    numbered()
    assert told(followed(hub, found["next"])) == [
        ("production", 1, "announced"),
        ("performance", 1, "announced"),
    ]
    numbered()
    assert followed(hub, found["next"] + 2)["items"] == []


def test_changes_that_are_not_kept_any_more_are_said_to_be_gone(hub):
    hub.deliver([venue(), auditorium(), production(), performance()])
    numbered()
    with transaction() as session:
        assert prune_changes(session, days=-1) == 4
    assert followed(hub, 2, expect=410)["code"] == "changes-gone"
    assert followed(hub)["items"] == []
    hub.deliver([production(version=2)])
    numbered()
    assert told(followed(hub)) == [("production", 2, "changed")]
    followed(hub, who="sup", expect=403)
