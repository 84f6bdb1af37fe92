"""What suppliers sell themselves: held in our tree and locked there, sold by their word."""

import pytest

from tests.simulators.faults import struck
from tests.simulators.hubs import opened

KINDS = ["vista", "cmts"]


@pytest.fixture(params=KINDS)
def cinemas(hub, request):
    with opened(hub, request.param) as found:
        yield found


def test_a_sale_from_the_schedule_to_the_ticket(cinemas):
    hub = cinemas.hub
    assert len(cinemas.performances()) == 4
    hold = hub.hold("ann", [(cinemas.offer(), 2)])
    assert (hold["state"], len(hold["lines"][0]["seats"])) == ("held", 2)
    assert len(cinemas.house.locks()) == 1
    order = hub.confirm("ann", hold)
    assert order["state"] == "confirmed"
    assert cinemas.sold_here() == cinemas.sold_there()
    assert len(cinemas.sold_here()) == 2
    codes = {ticket["code"] for ticket in order["tickets"]}
    [sold] = cinemas.house.orders.values()
    assert codes == (
        {sold.booking}
        if cinemas.there.base.endswith("Client")
        else set(sold.codes.values())
    )
    hub.assert_lawful()


def test_a_lost_reply_becomes_unknown_and_then_the_order(cinemas):
    hub = cinemas.hub
    hold = hub.hold("ann", [(cinemas.offer(), 2)])
    with struck(cinemas.faults, drop={"only": {"CompleteOrder", "SellTicket"}}):
        order = hub.confirm("ann", hold, expect=202)
    assert order["state"] == "unknown"
    assert cinemas.work() == 0
    found = hub.get("ann", f"/v1/orders/{order['id']}")
    assert (found["state"], len(found["tickets"])) == ("confirmed", 2)
    assert cinemas.sold_here() == cinemas.sold_there()
    hub.assert_lawful()
