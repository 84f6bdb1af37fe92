"""Rows of a reply, told apart from those that were there before."""

from lxml import etree

from connectors.suppliers import xml
from connectors.suppliers.rows import digest, news


def table(*shows, first=0):
    rows = "".join(
        f'<Table id="Table{no}" rowOrder="{no}"><Id>{ref}</Id><Seats>{left}</Seats></Table>'
        for no, (ref, left) in enumerate(shows, first)
    )
    return xml.elements(etree.fromstring(f"<Set>{rows}</Set>"), "Table")


ABOUT = digest([b"prices"])
BEFORE = news(table(("a", 5), ("b", 7)), ABOUT, None)[1]


def test_at_first_every_row_is_new():
    new, prints = news(table(("a", 5), ("b", 7)), ABOUT, None)
    assert [row["Id"] for row in new] == ["a", "b"]
    assert len(prints) == 16


def test_what_was_there_before_is_not_though_it_has_another_number():
    new, prints = news(table(("c", 1), ("b", 7), ("a", 4)), ABOUT, BEFORE)
    assert new == [{"Id": "c", "Seats": "1"}, {"Id": "a", "Seats": "4"}]
    assert news(table(("a", 4), ("b", 7), ("c", 1), first=9), ABOUT, prints)[0] == []


def test_under_other_prices_every_row_is_new():
    new, _ = news(table(("a", 5), ("b", 7)), digest([b"others"]), BEFORE)
    assert [row["Id"] for row in new] == ["a", "b"]


def test_a_column_is_read_row_by_row_where_some_rows_lack_it():
    root = etree.fromstring("<S><T><A>1</A></T><T/><T><A> 3 </A></T></S>")
    found = xml.elements(root, "T")
    assert xml.column(root, found, "A") == ["1", "", "3"]
    whole = etree.fromstring("<S><T><A>1</A></T><T><A>2</A></T></S>")
    assert xml.column(whole, xml.elements(whole, "T"), "A") == ["1", "2"]
