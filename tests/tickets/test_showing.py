"""Tickets as images, PDF pages and pages for a telephone, read back by other programs."""

import io
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from hub.kernel import fonts
from hub.kernel.errors import NotFoundError
from hub.tickets.rules import language_of, make_token, opened_by, read_token, said
from hub.tickets.services.symbols import image
from tests.hubs import auditorium, offer, performance, production, venue

CHINESE = {"zh-Hans": "一出戏", "en": "A play"}


def order_of(hub, sold, area="floor", count=2, who="ann", **more):
    hold = hub.hold(who, [(hub.offer_id(who, sold["id"], area), count)])
    wanted = {"hold_id": hold["id"], "reference": str(uuid4()), **more}
    return hub.post(who, "/v1/orders", wanted, key=str(uuid4()))


def read(picture):
    return [
        (str(found.format), found.text) for found in zxingcpp.read_barcodes(picture)
    ]


def of_vector(svg, px_per_mm=10):
    """Draw the bars of a vector image."""
    found = re.findall(r'x="([\d.]+)mm" y="[\d.]+mm" width="([\d.]+)mm"', svg)
    bars = [(float(x) * px_per_mm, float(width) * px_per_mm) for x, width in found]
    picture = Image.new("L", (round(sum(bars[-1])) + 50, 200), 255)
    for left, width in bars:
        picture.paste(0, (round(left), 20, round(left + width), 180))
    return picture


def pages(response):
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.content_type == "application/pdf"
    return list(pypdfium2.PdfDocument(response.get_data()))


def words(page):
    return page.get_textpage().get_text_range()


def codes(page):
    picture = page.render(scale=3).to_pil()
    return {text for _, text in read(picture)}, {kind for kind, _ in read(picture)}


@pytest.mark.parametrize("symbology", ["qr", "code128"])
def test_a_code_is_drawn_so_that_others_read_it(hub, symbology):
    order = order_of(hub, hub.on_sale())
    ticket = order["tickets"][0]
    base = f"/v1/orders/{order['id']}/tickets/{ticket['id']}/{symbology}"
    response = hub.call("ann", "GET", f"{base}.png")
    assert response.content_type == "image/png"
    picture = Image.open(io.BytesIO(response.get_data())).convert("L")
    assert [text for _, text in read(picture)] == [ticket["code"]]
    vector = hub.call("ann", "GET", f"{base}.svg")
    assert vector.content_type == "image/svg+xml"
    assert b"<svg" in vector.get_data()
    assert hub.get("bob", f"{base}.png", 404)["code"] == "not-found"
    hub.cancel("ann", order, [ticket["id"]])
    assert hub.get("ann", f"{base}.png", 409)["code"] == "no-valid-ticket"
    assert hub.get("ann", f"{base}.gif", 404)["code"] == "not-found"


@pytest.mark.parametrize("start", ["", "9", "99", "9999", "99A", "00", "0"])
@pytest.mark.parametrize("symbology", ["qr", "code128"])
def test_a_code_is_read_back_whole_whatever_it_begins_with(symbology, start):
    code = f"{start}RSQ7C08P4Y83QD"
    drawn = Image.open(io.BytesIO(image(code, symbology, "png"))).convert("L")
    assert [text for _, text in read(drawn)] == [code]
    if symbology == "code128":
        bars = of_vector(image(code, symbology, "svg").decode())
        assert [text for _, text in read(bars)] == [code]


@pytest.mark.parametrize("layout", ["print", "mobile"])
def test_tickets_are_printed_a_page_each_with_what_the_door_needs(hub, layout):
    order = order_of(hub, hub.on_sale(), "stalls")
    path = f"/v1/orders/{order['id']}/tickets.pdf?layout={layout}"
    found = pages(hub.call("ann", "GET", path))
    assert len(found) == 2
    expected = {t["code"] for t in order["tickets"]}
    shown = [codes(page) for page in found]
    assert set.union(*(texts for texts, _ in shown)) == expected
    assert all(len(kinds) == 2 for _, kinds in shown)  # both symbols on each page
    for page in found:
        text = words(page)
        for wanted in ("A play", "A hall", "Stalls", "Row: A", "80.00 EUR", "Ann"):
            assert wanted in text
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    assert len(pages(hub.call("ann", "GET", path))) == 1
    hub.cancel("ann", order)
    assert hub.get("ann", path, 409)["code"] == "no-valid-ticket"


def test_a_ticket_is_printed_in_chinese_and_in_names_of_many_alphabets(hub):
    hub.deliver(
        [
            venue(name={"zh-Hans": "上海大剧院", "en": "Grand Theatre"}),
            auditorium(name={"zh-Hans": "大剧场", "en": "Main"}),
            production(title=CHINESE),
            performance(names="order", offers=[offer(), offer("stalls")]),
        ]
    )
    hub.plan()
    sold = hub.get("ann", "/v1/performances")["items"][0]
    person = {"name": "Antonín Dvořák", "id_type": "passport", "id_number": "P123456"}
    order = order_of(hub, sold, count=1, buyer=person)
    path = f"/v1/orders/{order['id']}/tickets.pdf"
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
    [page] = pages(hub.call("ann", "GET", path, headers=chinese))
    text = words(page)
    for wanted in ("一出戏", "上海大剧院", "请在入口处出示二维码"):
        assert wanted in text
    assert codes(page)[0] == {order["tickets"][0]["code"]}
    [english] = pages(hub.call("ann", "GET", f"{path}?language=en"))
    assert "Grand Theatre" in words(english)


def test_one_page_lets_in_all_who_share_a_code(hub):
    order = order_of(hub, hub.on_sale(admission="order"), count=3)
    [page] = pages(hub.call("ann", "GET", f"/v1/orders/{order['id']}/tickets.pdf"))
    assert "Admits: 3" in words(page)
    assert "139.50 EUR" in words(page)


def link(hub, order, who="ann", **more):
    return hub.post(who, f"/v1/orders/{order['id']}/links", more, 200)


def test_a_link_shows_tickets_to_whoever_has_it_until_it_expires(hub):
    order = order_of(hub, hub.on_sale())
    made = link(hub, order, valid_h=2)
    path = "/" + made["url"].partition("://")[2].partition("/")[2]
    page = hub.call(None, "GET", path)
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert all(ticket["code"] in text for ticket in order["tickets"])
    assert "<script" not in text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    assert len(pages(hub.call(None, "GET", f"{path}/tickets.pdf"))) == 2
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    assert order["tickets"][0]["code"] not in hub.call(None, "GET", path).get_data(
        as_text=True
    )
    forged = path[:-2] + ("AA" if path[-2:] != "AA" else "BB")
    assert hub.get(None, forged, 404)["code"] == "not-found"
    assert hub.get(None, "/t/nonsense", 404)["code"] == "not-found"
    hub.cancel("ann", order)
    assert "None of these tickets" in hub.call(None, "GET", path).get_data(as_text=True)
    hub.move_clock(hours=3)
    assert hub.get(None, path, 410)["code"] == "link-expired"
    assert hub.post("bob", f"/v1/orders/{order['id']}/links", {}, 404)


def test_a_link_ends_with_the_code_that_is_replaced(hub):
    order = order_of(hub, hub.on_sale())
    path = "/" + link(hub, order)["url"].partition("://")[2].partition("/")[2]
    assert hub.call(None, "GET", path).status_code == 200
    lost = f"/v1/orders/{order['id']}/tickets/{order['tickets'][0]['id']}/replacements"
    hub.post("ann", lost, {"reason": "stolen"}, key="r")
    assert hub.get(None, path, 404)["code"] == "not-found"
    path = "/" + link(hub, order)["url"].partition("://")[2].partition("/")[2]
    assert hub.call(None, "GET", path).status_code == 200


def test_typographic_signs_are_printed(hub):
    title = {"en": "It\u2019s \u2013 a \u201cshow\u201d œuvre €"}
    hub.deliver([venue(), auditorium(), production(title=title), performance()])
    hub.plan()
    order = order_of(hub, hub.get("ann", "/v1/performances")["items"][0], count=1)
    [page] = pages(hub.call("ann", "GET", f"/v1/orders/{order['id']}/tickets.pdf"))
    assert title["en"] in words(page)


def test_a_link_is_good_for_one_order_one_time_and_one_secret():
    order_id, until = uuid4(), datetime.now(UTC).replace(microsecond=0)
    token = make_token(order_id, until, "secret", 0)
    assert opened_by(token) == order_id
    assert read_token(token, "secret", 0) == until
    for other in (
        make_token(uuid4(), until, "other", 0),
        make_token(order_id, until + timedelta(seconds=1), "other", 0),
        make_token(order_id, until, "secret", 1),
        token[:-1],
        token + "A",
        "",
        "é",
    ):
        with pytest.raises(NotFoundError):
            read_token(other, "secret", 0)


def test_names_are_said_in_the_language_wanted_or_one_there_is():
    assert said(CHINESE, "zh-Hans") == "一出戏"
    assert said({"zh": "戏", "en": "play"}, "zh-Hans") == "戏"
    assert said({"de": "Stück"}, "zh-Hans") == "Stück"
    assert said({}, "en") == ""
    assert language_of(["de", "zh-TW", "en"]) == "zh-Hans"
    assert language_of(["de"]) == "en"


def test_cuts_of_fonts_are_kept_and_the_oldest_let_go():
    cuts = fonts.Cuts(most=2)
    first = cuts.file(fonts.LATIN, frozenset(map(ord, "ř")))
    assert cuts.file(fonts.LATIN, frozenset(map(ord, "ř"))) == first
    second = cuts.file(fonts.LATIN, frozenset(map(ord, "š")))
    cuts.file(fonts.LATIN, frozenset(map(ord, "ř")))
    cuts.file(fonts.LATIN, frozenset(map(ord, "ž")))
    assert first.exists()
    assert not second.exists()
