"""Memos, disputes and the payment of statements."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from settlement import errors
from settlement.api.blueprint import blp
from settlement.models import Statement
from settlement.queries.payable import payable
from settlement.queries.statements import get_statement
from settlement.schemas import corrections as schemas
from settlement.schemas.statements import StatementSchema
from settlement.services import disputes, memos, payments

MEMO_ERRORS = (
    errors.StatementStateError,
    errors.MemoReasonError,
    errors.MemoFloorError,
    errors.MemoWindowError,
    errors.NoTermsError,
    InvalidRequestError,
)


@blp.route("/statements/<uuid:statement_id>/memos")
class StatementMemos(MethodView):
    @blp.response(200, schemas.MemosSchema)
    @blp.problems()
    def get(self, statement_id: UUID) -> dict[str, Any]:
        """List the memos on a statement."""
        with transaction() as session:
            _own(session, statement_id)
            found = memos.memos_of(session, statement_id)
            is_theirs = caller().partner_id is not None
            issued = [one for one in found if one.state == memos.ISSUED]
            return {"items": issued if is_theirs else found}

    @blp.keyed
    @blp.arguments(schemas.MemoRequestSchema)
    @blp.response(201, schemas.MemoSchema)
    @blp.problems(*MEMO_ERRORS)
    def post(self, wanted: dict[str, Any], statement_id: UUID) -> Any:
        """Propose a debit or credit memo on a closed statement."""
        with transaction() as session:
            return memos.propose_memo(session, caller(), statement_id, wanted)


@blp.route("/memos/<uuid:memo_id>/decision")
class MemoDecision(MethodView):
    @blp.keyed
    @blp.arguments(schemas.MemoDecisionSchema)
    @blp.response(200, schemas.MemoSchema)
    @blp.problems(errors.StatementStateError, errors.OwnWorkError, InvalidRequestError)
    def post(self, wanted: dict[str, str], memo_id: UUID) -> Any:
        """Issue a memo or reject it; not by who proposed it."""
        is_issued = wanted["decision"] == "issue"
        with transaction() as session:
            return memos.decide_memo(session, caller(), memo_id, is_issued=is_issued)


@blp.route("/statements/<uuid:statement_id>/disputes")
class StatementDisputes(MethodView):
    @blp.response(200, schemas.DisputesSchema)
    @blp.problems()
    def get(self, statement_id: UUID) -> dict[str, Any]:
        """List the disputes on a statement."""
        with transaction() as session:
            statement = _own(session, statement_id)
            left = payable(session, statement).minor
            found = disputes.disputes_of(session, statement_id)
            return {"items": found, "payable_minor": left}

    @blp.keyed
    @blp.arguments(schemas.DisputeRequestSchema)
    @blp.response(201, schemas.DisputeSchema)
    @blp.problems(errors.StatementStateError, errors.DisputedError, InvalidRequestError)
    def post(self, wanted: dict[str, Any], statement_id: UUID) -> Any:
        """Dispute a line: it is not payable until that is decided; the rest is."""
        with transaction() as session:
            return disputes.open_dispute(session, caller(), statement_id, **wanted)


@blp.route("/disputes/<uuid:dispute_id>/decision")
class DisputeDecision(MethodView):
    @blp.keyed
    @blp.arguments(schemas.DisputeDecisionSchema)
    @blp.response(200, schemas.DisputeSchema)
    @blp.problems(*MEMO_ERRORS)
    def post(self, wanted: dict[str, Any], dispute_id: UUID) -> Any:
        """Uphold a dispute with a memo, which is proposed; or reject it."""
        with transaction() as session:
            return disputes.decide_dispute(session, caller(), dispute_id, **wanted)


@blp.route("/statements/<uuid:statement_id>/payment")
class StatementPayment(MethodView):
    @blp.keyed
    @blp.arguments(schemas.PaymentRequestSchema)
    @blp.response(200, StatementSchema)
    @blp.problems(
        errors.StatementStateError,
        errors.OwnWorkError,
        errors.OtherAmountError,
        errors.ReferenceUsedError,
        InvalidRequestError,
    )
    def post(self, wanted: dict[str, Any], statement_id: UUID) -> Any:
        """Book the payment of a closed statement; not by who approved it."""
        with transaction() as session:
            return payments.pay(session, caller(), statement_id, **wanted)


def _own(session: Any, statement_id: UUID) -> Statement:
    """Return a statement; NotFoundError if the caller may not see it."""
    return get_statement(
        session, statement_id, world=caller().world, partner_id=caller().partner_id
    )
