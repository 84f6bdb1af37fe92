"""What lines would be worth under a contract: nothing is held, nothing runs on."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from partners.models import Contract, Partner
from settlement.errors import LinesRefusedError
from settlement.queries.terms import tax_book, terms_between
from settlement.queries.totals import RunningTotals
from settlement.rules.checks import problems, refuse
from settlement.rules.clauses import Clauses
from settlement.rules.files import answer, converted, deals
from settlement.rules.lines import Line
from settlement.rules.quoting import quotes
from settlement.rules.scopes import Scope, TermsVersion


def what_if(
    session: Session,
    contract: Contract,
    *,
    lines: Sequence[Mapping[str, Any]],
    clauses: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Quote lines under a contract's approved terms, or under clauses to be agreed.

    Running totals begin where the contract's stand. LinesRefusedError names the lines
    that cannot be quoted, TermsRefusedError the clauses that cannot be agreed.
    """
    side = session.get_one(Partner, contract.partner_id).kind
    wanted: list[Line] = [_line(no, line) for no, line in enumerate(lines)]
    book = tax_book(session, contract.legal_entity)
    if clauses is None:
        versions = terms_between(
            session, contract, side, [line.sold_at for line in wanted]
        )
    else:
        read = converted(dict(clauses), Clauses)
        refuse(problems(read, side, book.codes))
        versions = [_draft(contract, side, read, wanted)]
    by_side: dict[str, list[TermsVersion]] = {"supplier": [], "agent": []}
    by_side[side] = versions
    found = quotes(
        deals(wanted, by_side, contract.currency), book, RunningTotals(session)
    )
    said: dict[str, Any] = msgspec.to_builtins(answer(contract.currency, found))
    return said


def _line(no: int, said: Mapping[str, Any]) -> Line:
    try:
        line: Line = converted(dict(said), Line, LinesRefusedError)
    except LinesRefusedError as error:
        raise error.at(f"[{no}]") from None
    return line


def _draft(
    contract: Contract, side: str, clauses: Clauses, lines: Sequence[Line]
) -> TermsVersion:
    return TermsVersion(
        contract_id=str(contract.id),
        terms_id="00000000-0000-0000-0000-000000000000",
        version=0,
        side=side,
        zone=contract.zone,
        valid_from=min(line.sold_at for line in lines),
        valid_until=None,
        scope=Scope(),
        clauses=clauses,
    )
