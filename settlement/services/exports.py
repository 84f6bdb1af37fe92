"""A statement in the forms it can be had in."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from partners.models import Contract, LegalEntity, Partner
from settlement.models import Statement
from settlement.rules.exports.sheets import xlsx
from settlement.rules.exports.shown import Shown
from settlement.rules.exports.summary import pdf
from settlement.rules.statements import LATER_FORM, as_csv
from settlement.services.statements import shown_lines


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its media type, and what makes it of a statement."""

    content_type: str
    make: Callable[[Session, Statement], bytes]


def shown(session: Session, statement: Statement) -> Shown:
    """Return what a statement's documents say of it."""
    contract = session.get_one(Contract, statement.contract_id)
    partner = session.get_one(Partner, statement.partner_id)
    entity = session.get_one(LegalEntity, statement.legal_entity)
    return Shown(
        legal_entity=entity.name,
        partner=partner.name,
        reference=partner.ref,
        side=statement.side,
        period=statement.period,
        zone=contract.zone,
        starts_at=statement.starts_at,
        ends_at=statement.ends_at,
        currency=statement.currency,
        state=statement.state,
        number=statement.number,
        totals=statement.totals,
        sha256=statement.lines_digest.hex(),
        opening_minor=statement.opening_minor,
        payments_minor=statement.payments_minor,
        closing_minor=statement.closing_minor,
    )


def _csv(session: Session, statement: Statement) -> bytes:
    lines = shown_lines(session, statement)
    if statement.form < LATER_FORM:
        return as_csv(lines.rows(), statement.form).encode()
    return b"".join(lines.csv())


def _xlsx(session: Session, statement: Statement) -> bytes:
    rows = shown_lines(session, statement).rows()
    return xlsx(shown(session, statement), rows)


def _pdf(session: Session, statement: Statement) -> bytes:
    return pdf(shown(session, statement))


FORMS = {
    "csv": Form("text/csv; charset=utf-8", _csv),
    "xlsx": Form(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx
    ),
    "pdf": Form("application/pdf", _pdf),
}


def file_name(statement: Statement, form: str) -> str:
    """Return the name under which a statement is saved."""
    return f"statement-{statement.period}-{statement.side}-{statement.id}.{form}"
