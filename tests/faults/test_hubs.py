"""A hub sells another's tickets through a line that fails: both agree in the end."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.rules import breaking
from tests.faults.tills import clerk, strike
from tests.lengths import IS_LONG
from tests.upstream import FREE, connected

ORDERS, AT_ONCE = 2_000 if IS_LONG else 60, 4
PLACES = ORDERS * 3  # as much as all of them together may ask for
SELLING = {
    *("POST holds", "DELETE holds", "GET holds"),
    *("POST orders", "GET orders", "POST orders/cancel"),
}


@pytest.fixture
def two(upstream, request, monkeypatch):
    monkeypatch.setattr(breaking, "PAUSE_S", 0.05)
    more = {"plan": FREE, "floor": PLACES}
    with connected(upstream, request, operation_ms=500, **more) as found:
        yield found


def test_two_hubs_agree_once_the_line_is_good_again(two):
    two.faults.delay_s = 0.8
    offers = {
        who: [
            *(two.offer(who=who), two.offer(who=who), two.offer(kind="child", who=who)),
            two.offer("stalls", who=who),  # few, so that some are refused
        ]
        for who in ("ann", "bob")
    }
    strike(two.faults, SELLING)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tills = [pool.submit(clerk, two.hub, offers, n) for n in range(ORDERS)]
        for till in tills:
            till.result()
    calls = sum(two.faults.calls[name] for name in SELLING)
    assert calls > ORDERS
    assert len(two.faults.seen) / calls > 0.25, two.faults.calls
    two.faults.clear()
    two.work()
    sold = sum(two.sold_here().values())
    assert sold > ORDERS // 4
    two.agree(sold)
