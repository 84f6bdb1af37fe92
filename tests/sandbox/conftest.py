import pytest

from tests.sandbox.rehearsing import Rehearsal


@pytest.fixture
def rehearsal(hub):
    hub.on_sale()
    return Rehearsal(hub)
