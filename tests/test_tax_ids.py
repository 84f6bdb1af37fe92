"""VAT identifiers: as documents have them, or refused."""

import pytest

from partners.errors import WrongTaxIdError
from partners.rules import vat_id


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("ATU 1358 5627", "ATU13585627"),
        ("de.136-695-976", "DE136695976"),
        ("EL 094259216", "EL094259216"),
        ("GB 980 7806 84", "GB980780684"),
        ("CN 91110000600037341L", "CN91110000600037341L"),
        ("IN 27AAPFU0939F1ZV", "IN27AAPFU0939F1ZV"),
        ("XI 980780684", "XI980780684"),
        ("KZ 123456", "KZ123456"),  # nobody's digits can be checked
    ],
)
def test_an_identifier_is_written_without_blanks(said, found):
    assert vat_id(said) == found


@pytest.mark.parametrize(
    "said",
    [
        "ATU13585628",
        "DE136695977",
        "EL094259217",
        "13585627",
        "A1",
        "AT/1",
        "",
        "XX123",
        "UK980780684",
    ],
)
def test_what_is_none_is_refused(said):
    with pytest.raises(WrongTaxIdError):
        vat_id(said)
