"""hub settlement: what finance does at the end of a month."""

import click

from settlement.cli import closing, explaining, invoicing, proving, quoting


@click.group("settlement")
def settlement() -> None:
    """Quote lines; close a month, by different people; explain and prove it."""


for command in (
    *(quoting.quote, quoting.show_schema),
    *(closing.draft, closing.review, closing.approve, closing.close),
    *(closing.list_statements, closing.export, explaining.explain),
    *(invoicing.invoice, invoicing.document, proving.verify, proving.books),
):
    settlement.add_command(command)
