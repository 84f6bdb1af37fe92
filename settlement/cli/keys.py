"""Whose key it is, and how long work goes on."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import click
from rich.progress import Progress

from hub.kernel.callers import Caller, Kind
from hub.kernel.db import transaction
from hub.kernel.errors import ForbiddenError, UnauthenticatedError
from hub.kernel.pools import each_of
from partners.queries import find_caller
from partners.rules import key_hash
from settlement.models import Statement

AT_ONCE = 2  # statements that are worked on at a time, each of another contract
Done = TypeVar("Done")
KEY = click.option(
    "--key", envvar="HUB_API_KEY", required=True, help="A finance key (HUB_API_KEY)."
)


def identify(key: str, secret: str, *, scope: str = "write") -> Caller:
    """Return whose key it is; only finance settles."""
    with transaction() as session:
        who = find_caller(session, key_hash(key, secret))
    if who is None:
        raise UnauthenticatedError
    if who.kind is not Kind.FINANCE or scope not in who.scopes:
        raise ForbiddenError(kind=str(who.kind), allowed=str(Kind.FINANCE), scope=scope)
    return who


def each(
    title: str, found: Sequence[Statement], work: Callable[[Statement], Done]
) -> list[Done]:
    """Do *work* on each statement, two at a time; return what it returns, in order.

    A progress bar on a terminal, a line otherwise. Stopped, it has done some and not
    others: started again it does the rest.
    """
    told = []
    with Progress(disable=not is_shown()) as bar:
        task = bar.add_task(title, total=len(found))
        for done in each_of(found, work, at_once=AT_ONCE):
            told.append(done)
            bar.advance(task)
    if not is_shown():
        click.echo(f"{title}: {len(found)} statements", err=True)
    return told


def is_shown() -> bool:
    """Say whether somebody is looking."""
    return sys.stderr.isatty()
