"""hub key: the first keys of a world, made by whoever has the database."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from hub.kernel.callers import Kind
from hub.kernel.clock import LIVE
from hub.kernel.db import transaction
from partners import services


class Text(click.ParamType[str]):
    """Text of a stated form."""

    name = "text"

    def __init__(self, pattern: str, said: str) -> None:
        self._pattern, self._said = re.compile(pattern), said

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        if not self._pattern.fullmatch(value):
            self.fail(f"must be {self._said}", param, ctx)
        return value


TEXT = Text(r"\S.{0,199}", "1 to 200 characters")


@click.group("key")
def key() -> None:
    """Issue API keys to people; partners' keys are issued over the API."""


@key.command("issue")
@click.option("--kind", type=click.Choice(["operator", "finance"]), required=True)
@click.option("--name", required=True, type=TEXT, help="Whose key it is.")
@click.option(
    "--world",
    default=LIVE,
    show_default=True,
    type=Text(r"[a-z0-9][a-z0-9-]{0,31}", "letters, digits, -"),
    help="live, or a sandbox: a new name makes a new one.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Until it expires.")
@click.pass_obj
def issue(database: Any, *, kind: str, name: str, world: str, days: int | None) -> None:
    """Issue a key and print it; it cannot be shown again."""
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None  # noqa: TID251 - an edge
    with database() as settings, transaction() as session:
        if services.open_world(session, world):
            click.echo(f"a new world is made: {world}", err=True)
        _, secret_key = services.issue_credential(
            session,
            secret=settings.secret_key,
            world=world,
            kind=Kind(kind),
            name=name,
            expires_at=expires_at,
        )
    click.echo(secret_key)


@key.command("legal-entity")
@click.argument("code", type=Text(r"[a-z0-9][a-z0-9-]{0,31}", "letters, digits, -"))
@click.option("--name", required=True, type=TEXT)
@click.option(
    "--country", required=True, type=Text(r"[A-Z]{2}", "two letters of ISO 3166-1")
)
@click.pass_obj
def legal_entity(database: Any, *, code: str, name: str, country: str) -> None:
    """Register the company whose books and document numbers these are."""
    with database(), transaction() as session:
        services.register_legal_entity(session, code=code, name=name, country=country)
    click.echo(f"legal entity {code} registered", err=True)
