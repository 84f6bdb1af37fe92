"""hub settlement quote: what lines come to under terms, without a database."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from hub.kernel.errors import HubError
from settlement.errors import LinesRefusedError, TermsRefusedError
from settlement.rules.files import FILES, quote_files, schema

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("quote")
@click.option("--terms", type=FILE, required=True, help="Terms, as JSON.")
@click.option("--lines", type=FILE, required=True, help="Lines, as JSON.")
def quote(*, terms: Path, lines: Path) -> None:
    """Quote a file of lines under a file of terms; needs no database.

    Writes JSON: a quote a line, in order, and sums. `hub settlement schema` has the
    JSON Schema of what is read and written.
    """
    try:
        found = quote_files(terms.read_bytes(), lines.read_bytes())
    except (TermsRefusedError, LinesRefusedError) as refusal:
        for wrong in _wrongs(refusal):
            click.echo(wrong, err=True)
        click.echo(f"hub: {refusal.title}", err=True)
        raise SystemExit(2) from None
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def _wrongs(refusal: HubError) -> Iterator[str]:
    for facts in refusal.facts.values():
        for wrong in facts if isinstance(facts, list) else ():
            where = wrong.get("clause", wrong.get("line")) or "the file"
            yield f"{where}: {wrong['reason']}"


@click.command("schema")
@click.argument("name", type=click.Choice(sorted(FILES)))
def show_schema(*, name: str) -> None:
    """Write the JSON Schema of terms, lines, quotes or events of money."""
    click.echo(json.dumps(schema(name), indent=2))
