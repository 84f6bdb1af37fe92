"""A real PostgreSQL and a real Valkey for the whole run; a database for each test."""

import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from hub import migrations
from hub.config import load
from hub.kernel import db
from hub.kernel.embedded import Embedded
from tests.hubs import CREDENTIALS_KEY, SECRET, Hub
from tests.upstream import Upstream

UNSAFE_BUT_FAST = {"fsync": "off", "max_connections": "200"}
TEMPLATE = "hub"
pytest.register_assert_rewrite("tests.allocation.machine")  # to see the numbers


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.TemporaryDirectory(prefix="hub-tests-")
    embedded = Embedded(Path(folder.name), settings=UNSAFE_BUT_FAST)
    stores = embedded.start()
    try:
        migrations.upgrade(stores.owner_url)
        with admin(stores.owner_url) as connection:
            connection.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")
    except BaseException:
        embedded.stop()
        raise
    config.hub_folder = folder
    config.hub_embedded = embedded


def pytest_unconfigure(config):
    if hasattr(config, "hub_embedded"):
        config.hub_embedded.stop()
        config.hub_folder.cleanup()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    stores = node.config.hub_embedded.stores
    node.workerinput["owner_url"] = stores.owner_url
    node.workerinput["redis_url"] = stores.redis_url


def admin(owner_url):
    """Connect as the superuser to the maintenance database of the run's server."""
    sockets = owner_url.partition("host=")[2]
    return psycopg.connect(
        f"host={sockets} user=postgres dbname=postgres", autocommit=True
    )


@pytest.fixture(scope="session")
def server(request):
    """Where the run's PostgreSQL (owner's URL) and Valkey answer."""
    given = getattr(request.config, "workerinput", None)
    if given is not None:
        return given["owner_url"], given["redis_url"]
    stores = request.config.hub_embedded.stores
    return stores.owner_url, stores.redis_url


@contextmanager
def database(server, template=TEMPLATE):
    """Make a database after a template; yield its owner's URL, drop it afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER hub_owner STRATEGY FILE_COPY")
    with admin(server[0]) as connection:
        connection.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
    yield server[0].replace("/hub?", f"/{name}?")
    with admin(server[0]) as connection:
        gone = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        connection.execute(gone.format(sql.Identifier(name)))


@pytest.fixture
def owner_url(request, server):
    """The owner's URL of an own, migrated database; it is dropped afterwards.

    For a hub it is a copy of one that has its partners already.
    """
    template = TEMPLATE
    if "hub_before" in request.fixturenames:
        template = request.getfixturevalue("hub_before")[1]
    with database(server, template) as url:
        yield url


@pytest.fixture(scope="session")
def hub_before(server, tmp_path_factory):
    """A hub with its partners that is only copied, and the name of its database."""
    with database(server) as url:
        app_url = url.replace("hub_owner@", "hub_app@")
        engine = db.connect(app_url)
        var = tmp_path_factory.mktemp("before")
        found = Hub.open(_settings(app_url, url, server, var), engine)
        engine.dispose()
        yield found, make_url(url).database


@pytest.fixture
def database_url(owner_url):
    return owner_url.replace("hub_owner@", "hub_app@")


@pytest.fixture
def engine(database_url):
    """This process's connection to the test's database, as ``hub_app``."""
    engine = db.connect(database_url, pool_size=40)
    db.bind(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    """A session; the test commits if it wants to."""
    with db.SessionFactory() as session:
        yield session


@pytest.fixture
def settings(database_url, owner_url, server, tmp_path):
    """The settings of a hub on the test's database."""
    return _settings(database_url, owner_url, server, tmp_path)


def _settings(database_url, owner_url, server, folder):
    return load(
        {
            "HUB_VAR": str(folder / "var"),
            "HUB_DATABASE_URL": database_url,
            "HUB_DATABASE_OWNER_URL": owner_url,
            "HUB_REDIS_URL": server[1],
            "HUB_SECRET_KEY": SECRET,
            "HUB_CREDENTIAL_CACHE_S": "0",
            "HUB_AVAILABILITY_AGE_S": "0",
            "HUB_RATE_PERCENT": "0",
            "HUB_AGENT_AT_ONCE": "0",
            "HUB_LOG_LEVEL": "error",
            "HUB_CREDENTIALS_KEYS": CREDENTIALS_KEY,
        }
    )


@pytest.fixture
def hub(settings, engine, hub_before):
    """A hub with partners, their terms and a feed, over its own API."""
    return Hub.again(settings, engine, hub_before[0])


@pytest.fixture
def upstream(server, hub_before, tmp_path):
    """Another hub on a database of its own; ask for it before ``hub``."""
    with database(server, hub_before[1]) as url:
        app_url = url.replace("hub_owner@", "hub_app@")
        there = _settings(app_url, url, server, tmp_path / "upstream")
        yield Upstream(there, hub_before[0])
