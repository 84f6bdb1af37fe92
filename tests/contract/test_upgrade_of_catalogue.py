"""What revision 0007 stored of venues and productions is found by words afterwards."""

import psycopg
import pytest

from hub import migrations
from tests.contract.test_migrations import empty  # noqa: F401 - a fixture

BEFORE = """
SET session_replication_role = replica;
INSERT INTO production (id, world, supplier_id, ref, version, digest, genre, title,
    description) VALUES (gen_random_uuid(), 'live', gen_random_uuid(), 'norma', 1, '',
    'stage', '{"fr": "Norma  à l''été", "zh-Hant": "諾瑪"}', '{}');
INSERT INTO venue (id, world, supplier_id, ref, version, digest, name, zone, country,
    city, business_day_starts) VALUES (gen_random_uuid(), 'live', gen_random_uuid(),
    'opera', 1, '', '{"fr": "Opéra"}', 'Europe/Paris', 'FR', 'Lyon', '06:00');
"""


@pytest.fixture
def connection(empty):  # noqa: F811 - the fixture
    migrations.upgrade(empty, "0007")
    superuser = empty.replace("+psycopg", "").replace("hub_owner@", "postgres@")
    with psycopg.connect(superuser) as before:
        before.execute(BEFORE)
    migrations.upgrade(empty)
    with psycopg.connect(superuser) as connection:
        yield connection


def test_they_are_found_by_words_and_have_no_images(connection):
    found = connection.execute("SELECT search, images FROM production").fetchone()
    assert found == ("norma a l'ete 諾瑪", [])
    assert connection.execute("SELECT search FROM venue").fetchone() == ("opera lyon",)
