"""A supplier's webhook has its source read soon, and says nothing that is believed."""

import pytest
from sqlalchemy import text

from connectors.services import syncing, visiting
from hub.kernel.db import transaction
from tests.simulators.hubs import opened


@pytest.fixture
def cinemas(hub):
    with opened(hub, "vista", sessions=2) as found:
        yield found


def told(cinemas):
    [found] = cinemas.hub.get("operator", "/v1/sources")["items"]
    return found


def hint(cinemas, path=None, body=None):
    client = cinemas.hub.app.test_client()
    return client.post(path or told(cinemas)["hints"], json=body or {"action": "any"})


def waits_s():
    with transaction() as session:
        return session.scalar(
            text(
                "SELECT extract(epoch FROM next_sync_at - clock_timestamp()) FROM source"
            )
        )


def test_a_hint_has_a_source_read_soon(cinemas):
    assert waits_s() > 50
    assert hint(cinemas).status_code == 204
    assert waits_s() <= 0
    with transaction() as session:
        assert syncing.lease_due(session).source_id == cinemas.source_id


def test_hints_that_come_again_and_again_do_not_wear_it_out(cinemas):
    hint(cinemas)
    assert cinemas.sync()["state"] == "done"
    for _ in range(5):
        hint(cinemas)
    assert 0 < waits_s() <= 10


def test_a_hint_while_it_is_read_has_it_read_once_more(cinemas, monkeypatch):
    def told_meanwhile(run, read, real=visiting._take):
        hint(cinemas)
        real(run, read)

    monkeypatch.setattr(visiting, "_take", told_meanwhile)
    cinemas.house.prices = dict.fromkeys(cinemas.house.prices, 1300)
    assert cinemas.sync()["changed"] > 0
    assert 0 < waits_s() <= 10


def test_a_token_that_is_nobodys_is_not_found(cinemas):
    assert hint(cinemas, "/v1/hints/nobodys").status_code == 404
    assert waits_s() > 50
