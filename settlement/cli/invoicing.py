"""hub settlement invoice and document: issue a month's documents, and fetch one."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import click
from sqlalchemy.exc import OperationalError

from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.money import Money
from partners.models import Partner
from settlement.cli.keys import KEY, each, identify
from settlement.models import Statement
from settlement.queries import statements as queries
from settlement.queries.invoices import get_invoice
from settlement.rules.periods import month
from settlement.rules.statements import SETTLED
from settlement.services.invoicing import Issued, issue_invoices


@click.command("invoice")
@click.argument("period")
@KEY
@click.pass_obj
def invoice(database: Any, *, period: str, key: str) -> None:
    """Issue the invoices and credit notes of every closed statement of PERIOD.

    One that was stopped goes on; nothing is issued twice. Where something is missing
    the others are issued all the same, and it exits with 1.
    """
    month(period, "UTC")
    with database() as settings:
        who = identify(key, settings.secret_key)
        with transaction() as session:
            found = queries.of_period(session, world=who.world, period=period)
        closed = [one for one in found if one.state in SETTLED]
        done = each(f"invoicing {period}", closed, partial(_issued, who))
    for said in done:
        click.echo(said.text, err=said.is_refused, nl=bool(said.text))
    if any(said.is_refused for said in done):
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a statement's documents, or why it has none."""

    text: str
    is_refused: bool = False


def _issued(who: Caller, statement: Statement) -> Said:
    """Issue a statement's documents, and say which; others go on if it has none."""
    try:
        with transaction() as session:
            issued = issue_invoices(session, who, statement.id)
            partner = session.get_one(Partner, statement.partner_id).ref
            return Said("\n".join(_lines(issued, statement, partner)))
    except HubError as error:
        return Said(f"hub: {error}", is_refused=True)
    except OperationalError as error:  # somebody else had what it needs
        told = str(error).splitlines()[0]
        return Said(f"hub: statement {statement.id}: {told}", is_refused=True)


def _lines(issued: Issued, statement: Statement, partner: str) -> Iterator[str]:
    for one in issued.items:
        gross = Money(one.gross_minor, one.currency)
        yield f"{one.id}  {one.type_code}  {partner:20}  {gross}  {one.document_id}"
    for out in issued.left_out:
        gross = Money(out.gross_minor, statement.currency)
        yield f"left out: {partner}, {gross}: {out.reason}"


@click.command("document")
@click.argument("invoice_id", type=click.UUID)
@KEY
@click.pass_obj
def document(database: Any, *, invoice_id: UUID, key: str) -> None:
    """Write an invoice or credit note to standard output, as XML."""
    with database() as settings:
        who = identify(key, settings.secret_key, scope="read")
        with transaction() as session:
            found = get_invoice(session, invoice_id, world=who.world, partner_id=None)
            made = found.document
    sys.stdout.buffer.write(made)
