"""hub settlement verify and books: prove a period, and hand it to outsiders."""

from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from hub.kernel.db import snapshot
from hub.kernel.zones import zones
from partners.errors import UnknownZoneError
from settlement.cli.keys import KEY, identify, is_shown
from settlement.queries.evidence import stated
from settlement.rules.periods import month
from settlement.services.books import write_books
from settlement.services.evidence import new_folder
from settlement.services.proving import prove

ZONE = click.option(
    "--zone", default="UTC", show_default=True, help="Whose months the journal has."
)


@click.command("verify")
@click.argument("period")
@ZONE
@KEY
@click.pass_obj
def verify(database: Any, *, period: str, zone: str, key: str) -> None:
    """Prove PERIOD: its laws, a recompute by DuckDB, and hledger and bean-check.

    Exits with 1 when something does not hold. What is not on the machine is skipped,
    and said to be.
    """
    _check(period, zone)
    with database() as settings:
        who = identify(key, settings.secret_key, scope="read")
        broken = 0
        with snapshot() as session:
            for proof in prove(session, world=who.world, period=period, zone=zone):
                verdict = "skipped" if proof.is_skipped else "ok"
                click.echo(f"{'BROKEN' if proof.broken else verdict:7}  {proof.what}")
                for fact in proof.broken[:20]:
                    click.echo(f"         {fact}")
                broken += bool(proof.broken)
    if broken:
        raise SystemExit(1)


@click.command("books")
@click.argument("period")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    required=True,
    help="A folder that is made.",
)
@ZONE
@KEY
@click.pass_obj
def books(database: Any, *, period: str, to: Path, zone: str, key: str) -> None:
    """Write the books of PERIOD: journals for hledger and Beancount, and Parquet."""
    _check(period, zone)
    with database() as settings:
        who = identify(key, settings.secret_key, scope="read")
        bar = Progress(disable=not is_shown())
        with new_folder(to) as folder, snapshot() as session, bar:
            total = sum(one.lines for one in stated(session, who.world, period))
            task = bar.add_task(f"books of {period}, lines", total=total)
            lines, journals = write_books(
                session,
                folder,
                world=who.world,
                period=period,
                zone=zone,
                on_lines=partial(bar.advance, task),
            )
    click.echo(f"{to}: {lines} lines as Parquet", err=True)
    for journal in journals:
        click.echo(f"{to / journal.name}", err=True)


def _check(period: str, zone: str) -> None:
    month(period, "UTC")
    if zone not in zones():
        raise UnknownZoneError(zone=zone)
