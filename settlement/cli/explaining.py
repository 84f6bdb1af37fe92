"""hub settlement explain: from a line to its postings and what made them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.tree import Tree

from hub.kernel.db import transaction
from hub.kernel.errors import NotFoundError
from hub.kernel.money import Money
from settlement.cli.keys import KEY, identify
from settlement.queries.explaining import explain as explained
from settlement.queries.explaining import lines_of_entry
from settlement.queries.statements import get_statement
from settlement.rules.facts import Leg
from settlement.rules.statements import SUMMED

NO_LINE = "is neither an entry's id nor STATEMENT_ID/NUMBER"


@click.command("explain")
@click.argument("line")
@KEY
@click.pass_obj
def explain(database: Any, *, line: str, key: str) -> None:
    """Explain LINE: an entry's id (as lines.csv has it), or STATEMENT_ID/NUMBER."""
    with database() as settings:
        who = identify(key, settings.secret_key, scope="read")
        with transaction() as session:
            for statement_id, no in _lines(session, line):
                statement = get_statement(
                    session, statement_id, world=who.world, partner_id=None
                )
                told = explained(session, statement, no, party_id=None)
                title = (
                    f"{statement.side} statement {statement.period} {statement_id},"
                    f" line {no}"
                )
                Console(soft_wrap=True).print(_tree(title, told, statement.currency))


def _lines(session: Any, said: str) -> list[tuple[UUID, int]]:
    first, _, no = said.partition("/")
    try:
        found = UUID(first)
        if no:
            return [(found, int(no))]
    except ValueError:
        raise click.BadParameter(NO_LINE, param_hint="LINE") from None
    lines = lines_of_entry(session, found)
    if not lines:
        raise NotFoundError(entry_id=found, reason="it is on no closed statement")
    return lines


def _tree(title: str, told: Mapping[str, Any], currency: str) -> Tree:
    line = told["line"]
    tree = Tree(f"{title}: {line.kind}, {line.tickets} tickets, {line.happened_at}")
    amounts = tree.add("what it says")
    for name in SUMMED[1:]:
        minor = getattr(line, name)
        if minor:
            amounts.add(f"{name.removesuffix('_minor')} {Money(minor, currency)}")
    if line.origin_entry_id:
        tree.add(f"goes back to entry {line.origin_entry_id} of {line.origin_period}")
    for name, value in (told["entry"].detail or {}).items():
        tree.add(f"{name} {value}")
    for said in told["reasons"]:
        branch = tree.add(_reason(said["reason"], currency))
        for leg in said["postings"]:
            branch.add(_leg(leg))
    if not told["reasons"]:
        branch = tree.add("postings")
        for leg in told["postings"]:
            branch.add(_leg(leg))
    for row in told["terms"]:
        tree.add(
            f"terms {row.id}, version {row.version}, from {row.valid_from}"
            f" until {row.valid_until or 'further notice'}"
        )
    tree.add(_verdict(told))
    return tree


def _reason(reason: Any, currency: str) -> str:
    amount, by = reason.amount, reason.by
    words = [f"{amount.side} {amount.what}".strip(), str(Money(amount.minor, currency))]
    if amount.tax_minor:
        words.append(f"(tax {Money(amount.tax_minor, currency)}, {amount.tax})")
    if amount.rule:
        words.append(f"by {amount.rule}")
    words += [f"{name}={value}" for name, value in amount.inputs.items()]
    if by is not None:
        words.append(f"(terms version {by.version})")
    return " ".join(words)


def _leg(leg: Leg) -> str:
    side = "debit" if leg.amount_minor > 0 else "credit"
    return f"{side} {leg.account} {abs(leg.amount_minor)} {leg.currency} ({leg.what})"


def _verdict(told: Mapping[str, Any]) -> str:
    if told["is_as_posted"] is None:
        return "an entry of money alone: its detail is all it was made from"
    if told["is_as_posted"]:
        return "made anew from these, it is leg for leg what was posted"
    return "NOT what was posted: run hub verify"
