"""The demo from empty folder to statements, and then the hub goes on serving."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hub import serve, verify
from hub.config import Settings
from hub.demo import season, stage
from hub.demo.cast import AGENTS, PERIOD, SETTLES_AT, SUPPLIERS, WORLD
from hub.demo.chain import cinema_chain, sell_one
from hub.demo.client import Client
from hub.demo.purchases import Shop, visits
from hub.kernel import db
from hub.kernel.callers import Kind
from hub.kernel.db import transaction
from hub.kernel.money import Money
from partners.queries import contracts_with_partners
from settlement.cli.closing import approve_period, close_period, review_period
from settlement.cli.keys import identify
from settlement.models import Statement
from settlement.queries.statements import of_period

T = TypeVar("T")
Child = subprocess.Popen[bytes]
COUNTED = ("tickets", "face", "booking fee", "service fee", "commission", "due")
say = Console(stderr=True)
out = Console()


def run(settings: Settings, *, is_exit: bool) -> int:
    """Run the demo; return the exit status."""
    halt = serve.Stop()
    with serve.stores(settings) as ready:
        engine = db.connect(str(ready.database_url))
        db.bind(engine)
        try:
            with serve.processes(ready) as children:
                serve.wait_until_ready(ready, children, halt)
                return _play(ready, halt, children, is_exit=is_exit)
        except serve.StoppedError:
            return 0
        finally:
            engine.dispose()


def _play(
    settings: Settings, halt: serve.Stop, children: Sequence[Child], *, is_exit: bool
) -> int:
    is_settled = stage.open_world()
    operator = Client(
        serve.base_url(settings), stage.staff_key(settings, Kind.OPERATOR, "Olga")
    )
    finance = Client(
        serve.base_url(settings), stage.staff_key(settings, Kind.FINANCE, "Fay")
    )
    ids = stage.onboard(operator, finance)
    keys = _partner_keys(settings)
    if is_settled:
        say.print("The demo is settled already; starting from what is there.")
    else:
        _load(settings, operator, ids, keys, halt)
        _sell(settings, operator, keys, halt)
        _settle(settings, operator)
    _print_statements()
    with cinema_chain(settings, operator, finance) as url:
        if url is not None:
            sell_one(settings, keys, url)
        _print_keys(keys | {"operator": operator.key, "finance": finance.key})
        status = _verify()
        if is_exit or status:
            return status
        say.print(
            f"\nAPI {serve.base_url(settings)}/v1, documents "
            f"{serve.base_url(settings)}/docs - Ctrl-C stops everything"
        )
        return serve.watch(children, halt)


def _partner_keys(settings: Settings) -> dict[str, str]:
    suppliers = {
        s.ref: stage.partner_key(settings, Kind.SUPPLIER, s.ref) for s in SUPPLIERS
    }
    agents = {a.ref: stage.partner_key(settings, Kind.AGENT, a.ref) for a in AGENTS}
    return suppliers | agents


def _load(
    settings: Settings,
    operator: Client,
    ids: dict[str, str],
    keys: dict[str, str],
    halt: serve.Stop,
) -> None:
    url = serve.base_url(settings)
    feeds = season.feeds()
    for supplier in _tracked("Loading the season", SUPPLIERS, halt):
        client = Client(url, keys[supplier.ref])
        delivery = stage.deliver(client, feeds[supplier.ref])
        if delivery["state"] != "done" or delivery["refused"]:
            message = f"the sample feed of {supplier.ref} was not taken: {delivery}"
            raise RuntimeError(message)
        stage.share_out(operator, supplier, ids[supplier.ref])
    stage.wait_until_shared_out()


def _sell(
    settings: Settings, operator: Client, keys: dict[str, str], halt: serve.Stop
) -> None:
    url = serve.base_url(settings)
    agents = {agent.ref: Client(url, keys[agent.ref]) for agent in AGENTS}
    shop = Shop(operator, agents)
    for visit in _tracked("Agents buy", list(visits()), halt):
        shop.visit(visit)
    told = ", ".join(f"{count} {what}" for what, count in sorted(shop.counts.items()))
    say.print(f"Purchases: {told}")


def _settle(settings: Settings, operator: Client) -> None:
    at = datetime.fromisoformat(SETTLES_AT).isoformat()
    operator.call("PUT", "/v1/clock", json={"now": at})
    reviewer = stage.staff_key(settings, Kind.FINANCE, "Rita")
    closer = stage.staff_key(settings, Kind.FINANCE, "Carl")
    review_period(identify(reviewer, settings.secret_key), PERIOD)
    who = identify(closer, settings.secret_key)
    approve_period(who, PERIOD)
    close_period(who, PERIOD)


def _print_statements() -> None:
    table = Table(title=f"Statements {PERIOD} (world {WORLD})")
    for column in ("side", "partner"):
        table.add_column(column)
    for column in COUNTED:
        table.add_column(column, justify="right")
    for row in statement_rows():
        table.add_row(*row)
    if out.is_terminal:
        out.print(table)
        return
    for row in statement_rows():
        sys.stdout.write("  ".join(row) + "\n")
    sys.stdout.flush()


def statement_rows() -> list[list[str]]:
    """Return what the statements say, in a fixed order, as text."""
    with transaction() as session:
        found = {
            statement.contract_id: statement
            for statement in of_period(session, world=WORLD, period=PERIOD)
        }
        return [
            _row(found[contract.id], partner.ref)
            for contract, partner in contracts_with_partners(session, world=WORLD)
            if contract.id in found
        ]


def _row(statement: Statement, ref: str) -> list[str]:
    totals = statement.totals
    amounts = (
        "face_minor",
        "booking_fee_minor",
        "service_fee_minor",
        "commission_minor",
        "due_minor",
    )
    money = [str(Money(totals[name], statement.currency)) for name in amounts]
    return [statement.side, ref, str(totals["tickets"]), *money]


def _print_keys(keys: dict[str, str]) -> None:
    say.print("\nKeys to look around with (they change at the next start):")
    for ref in ("ticketweb", "lichthaus", "operator", "finance"):
        say.print(f"  {ref:12} {keys[ref]}", highlight=False)


def _verify() -> int:
    verdict = verify.verify()
    for fact in verdict.broken:
        say.print(f"BROKEN {fact}")
    if verdict.is_clean:
        say.print("hub verify: every law holds")
    return 0 if verdict.is_clean else 1


def _tracked(title: str, items: Iterable[T], halt: serve.Stop) -> Iterator[T]:
    wanted = list(items)
    with _bar() as progress:
        task = progress.add_task(title, total=len(wanted))
        for item in wanted:
            halt.check()
            yield item
            progress.advance(task)
    if not say.is_terminal:
        say.print(f"{title}: {len(wanted)} done")


@contextmanager
def _bar() -> Iterator[Any]:
    with Progress(console=say, disable=not say.is_terminal) as progress:
        yield progress
