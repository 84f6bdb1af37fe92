"""Inventory in, shared out, sold once, settled: the whole way through the API."""


def test_a_ticket_goes_from_feed_to_statement(hub):
    performance = hub.on_sale()
    where = f"/v1/performances/{performance['id']}"
    assert hub.get("ann", where)["title"]["zh-Hans"] == "一出戏"
    floor = hub.areas("ann", performance["id"])["floor"]
    assert floor["available"] == 150
    adult = hub.offer_id("ann", performance["id"])
    stalls = hub.offer_id("ann", performance["id"], "stalls")
    hold = hub.hold("ann", [(adult, 2), (stalls, 2)])
    assert hold["price_minor"] == 2 * (4500 + 150) + 2 * 8000
    order = hub.confirm("ann", hold, "ann-1")
    assert len({ticket["code"] for ticket in order["tickets"]}) == 4
    assert [line["seats"] and line["seats"][0]["row"] for line in order["lines"]] == [
        [],
        "A",
    ]
    hub.assert_lawful()
    undone = hub.cancel("ann", order, [order["tickets"][0]["id"]])
    assert undone["state"] == "partly_cancelled"
    hub.assert_lawful()
