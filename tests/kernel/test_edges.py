"""Ids, the clock of worlds, request ids, metrics, settings."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from hub.config import ConfigError, load
from hub.kernel import clock, log
from hub.kernel.clock import ClockBackwardsError, ClockFixedError
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from partners.services import open_world


def test_ids_are_version_7_and_sort_as_they_were_made():
    ids = [new_id() for _ in range(2_000)]
    assert {found.version for found in ids} == {7}
    assert len(set(ids)) == 2_000
    assert ids[::100] == sorted(ids[::100])
    made_at = datetime.fromtimestamp((ids[0].int >> 80) / 1_000, UTC)
    assert abs(made_at - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_sandboxs_clock_moves_forward_and_runs_on(session):
    open_world(session, "sand")
    real = clock.now(session, "live")
    assert abs(real - datetime.now(UTC)) < timedelta(seconds=5)
    wanted = real + timedelta(days=30)
    clock.move(session, "sand", at=wanted)
    first, second = clock.now(session, "sand"), clock.now(session, "sand")
    assert wanted <= first < second < wanted + timedelta(seconds=5)
    with pytest.raises(ClockBackwardsError):
        clock.move(session, "sand", at=real)
    with pytest.raises(ClockFixedError):
        clock.move(session, "live", at=wanted)
    with pytest.raises(NotFoundError):
        clock.now(session, "nowhere")


def test_requests_carry_an_id_into_reply_problem_and_log(hub, capfd, monkeypatch):
    mine = hub.call("ann", "GET", "/v1/orders", headers={"X-Request-Id": "abc-1"})
    assert mine.headers["X-Request-Id"] == "abc-1"
    evil = hub.call("ann", "GET", "/v1/orders", headers={"X-Request-Id": "x" * 65})
    assert evil.headers["X-Request-Id"] != "x" * 65
    log.configure("error")  # to the standard error of this test
    monkeypatch.setitem(hub.app.view_functions, "agent.Orders", lambda: 1 / 0)
    broken = hub.call("ann", "GET", "/v1/orders", headers={"X-Request-Id": "abc-2"})
    assert broken.status_code == 500
    assert broken.get_json()["instance"] == "abc-2"
    assert "ZeroDivision" not in broken.get_data(as_text=True)
    logged = [
        json.loads(line)
        for line in capfd.readouterr().err.splitlines()
        if "abc-2" in line
    ]
    assert logged[0]["event"] == "unexpected error"
    assert "ZeroDivisionError" in logged[0]["exception"]


def test_metrics_are_counted_by_route(hub):
    hub.on_sale()
    hub.call("ann", "FOO", "/v1/orders")
    told = hub.call(None, "GET", "/metrics").get_data(as_text=True)
    assert (
        'hub_requests_total{method="GET",route="/v1/performances",status="200"}' in told
    )
    assert 'method="other"' in told
    assert 'method="FOO"' not in told
    assert 'hub_feed_records_total{outcome="accepted"}' in told


COMPLETE = {
    "HUB_DATABASE_URL": "postgresql://x",
    "HUB_REDIS_URL": "redis://x",
    "HUB_SECRET_KEY": "s" * 32,
}


def test_settings_are_read_once_and_frozen():
    settings = load(COMPLETE | {"HUB_PORT": "9000", "HUB_LOG_LEVEL": "WARNING"})
    assert (settings.port, settings.log_level) == (9_000, "warning")
    assert settings.database_url == "postgresql+psycopg://x"
    assert not settings.is_embedded
    with pytest.raises(AttributeError):
        settings.port = 1


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("HUB_PORT", "٨٠٨٠"),
        ("HUB_PORT", "0"),
        ("HUB_THREADS", "many"),
        ("HUB_HOLD_TTL_S", "1"),
        ("HUB_LOG_LEVEL", "loud"),
        ("HUB_REDIS_URL", "http://x"),
        ("HUB_DATABASE_OWNER_URL", "sqlite://"),
        ("HUB_SECRET_KEY", "short"),
    ],
)
def test_a_wrong_setting_names_its_variable(name, wrong):
    with pytest.raises(ConfigError, match=name):
        load(COMPLETE | {name: wrong})


def test_the_embedded_hub_makes_its_own_secret_once(tmp_path):
    first = load({"HUB_VAR": str(tmp_path)})
    assert first.is_embedded
    assert len(first.secret_key) >= 32
    assert load({"HUB_VAR": str(tmp_path)}).secret_key == first.secret_key
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
