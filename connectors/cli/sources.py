"""hub sources: keys of sealed credentials; hub simulate: suppliers to try with."""

import subprocess
import sys
from pathlib import Path

import click
from cryptography.fernet import Fernet

from connectors.services.sealing import Sealer, rekey
from hub.kernel.db import transaction

ROOT = Path(__file__).resolve().parent.parent.parent
SIMULATORS = [
    "vista",
    "cmts",
    "hfh",
    "otsapi",
    "cgr",
    "pretix",
    "octo",
    "tiqets",
    "files",
]


@click.group("sources")
def sources() -> None:
    """Look after suppliers' systems that the hub asks."""


@sources.command("new-key")
def new_key() -> None:
    """Write a new key for HUB_CREDENTIALS_KEYS to standard output."""
    click.echo(Fernet.generate_key().decode())


@sources.command("rekey")
@click.pass_obj
def rekey_command(database: object) -> None:
    """Seal all credentials with the first key of HUB_CREDENTIALS_KEYS.

    Put the new key first and keep the old one behind it, restart, run this, then take
    the old one away.
    """
    with database() as settings:  # type: ignore[operator]
        sealer = Sealer(settings.credentials_keys)
        with transaction() as session:
            count = rekey(session, sealer)
    click.echo(f"{count} sealed with the first key", err=True)


@click.command("simulate")
@click.argument("name", type=click.Choice(SIMULATORS))
@click.option("--port", default=8081, show_default=True, help="On this machine only.")
@click.option("--cinemas", default=2, show_default=True)
@click.option("--sessions", default=12, show_default=True, help="For each cinema.")
def simulate(name: str, port: int, cinemas: int, sessions: int) -> None:
    """Serve a supplier's system to try with, faults included (see /faults)."""
    if not (ROOT / "tests" / "simulators").is_dir():
        message = "simulators come with the source code, not with the installed package"
        raise click.ClickException(message)
    command = [sys.executable, "-m", "tests.simulators", name, str(port)]
    ended = subprocess.run(  # noqa: S603 - our own words
        [*command, str(cinemas), str(sessions)], cwd=ROOT, check=False
    )
    sys.exit(ended.returncode)
