"""Whose key it is, and how long work goes on."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import click
from rich.progress import Progress

from hub.kernel.callers import Caller, Kind
from hub.kernel.db import transaction
from hub.kernel.errors import ForbiddenError, UnauthenticatedError
from partners.queries import find_caller
from partners.rules import key_hash
from settlement.models import Statement

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
    title: str,
    found: Sequence[Statement],
    work: Callable[[Statement], object],
    *,
    at_once: int = 1,
) -> None:
    """Do *work* on each statement: a progress bar on a terminal, a line otherwise.

    Stopped, it has done some and not others: started again it does the rest.
    """
    with ThreadPoolExecutor(at_once) as pool, Progress(disable=not is_shown()) as bar:
        task = bar.add_task(title, total=len(found))
        try:
            for _ in pool.map(work, found):
                bar.advance(task)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if not is_shown():
        click.echo(f"{title}: {len(found)} statements", err=True)


def is_shown() -> bool:
    """Say whether somebody is looking."""
    return sys.stderr.isatty()
