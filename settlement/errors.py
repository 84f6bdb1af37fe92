"""What can go wrong with terms, statements and closing."""

from typing import Self

from hub.kernel.errors import HubError, Retry


class NoTermsError(HubError):
    """No contract with terms covers this sale now."""

    code, title, status = "no-terms", "No terms are agreed for this sale", 409


class TermsOverlapError(HubError):
    """The contract has terms for part of that time."""

    code, title, status = "terms-overlap", "The contract has terms for that time", 409


class UnknownPeriodError(HubError):
    """Not a month such as 2026-11."""

    code, title, status = "unknown-period", "A period is a month such as 2026-11", 422


class PeriodOpenError(HubError):
    """The month has not ended in the contract's zone."""

    code, title, status = "period-open", "The period has not ended yet", 409
    retry = Retry.LATER
    retry_after_s = 60


class StatementStateError(HubError):
    """A statement goes draft, reviewed, approved, closed, paid, and no other way."""

    code, title, status = "statement-state", "The statement is not ready for that", 409


class AlreadyClosedError(HubError):
    """Everything of that period is closed."""

    code, title, status = "already-closed", "The period is closed already", 409


class EarlierOpenError(HubError):
    """A statement opens with what the one before it closed with."""

    code, title, status = "earlier-open", "An earlier month is not closed yet", 409


class NotApprovedError(HubError):
    """A period is closed when every statement of it has been approved."""

    code, title, status = "not-approved", "Review and approve the period first", 409


class NotDraftedError(HubError):
    """A period is reviewed when all of it has been drafted."""

    code, title, status = "not-drafted", "Draft the rest of the period first", 409


class NotReviewedError(HubError):
    """A period is approved when every statement of it has been reviewed."""

    code, title, status = "not-reviewed", "Draft and review the period first", 409


class OwnWorkError(HubError):
    """Who approves did not draft or review; who pays did not approve."""

    code, title, status = "own-work", "Somebody else has to do that", 409


class ChangedSinceReviewError(HubError):
    """The lines are not those that were reviewed."""

    code, title, status = "changed-since-review", "Review the statement again", 409


class ChangedSinceDraftError(HubError):
    """The lines are not those the reviewer was shown."""

    code, title, status = "changed-since-draft", "Look at the draft again", 409


class MemoReasonError(HubError):
    """The terms name no such reason for a memo."""

    code, title, status = "memo-reason", "The terms have no memos for that reason", 422


class MemoFloorError(HubError):
    """The terms have no memos for so little."""

    code, title, status = "memo-floor", "The terms have no memos for so little", 409


class MemoWindowError(HubError):
    """It is too late to correct that month."""

    code, title, status = "memo-window", "That month may not be corrected any more", 409


class DisputedError(HubError):
    """The line is disputed already."""

    code, title, status = "disputed", "The line is disputed already", 409


class OtherAmountError(HubError):
    """A statement is paid as a whole, but for what is disputed."""

    code, title, status = "other-amount", "That is not what is payable", 409


class ExportFolderError(HubError):
    """An export is a new folder, written whole or not at all."""

    code, title, status = "export-folder", "The folder cannot be written", 409


class TooManyLinesError(HubError):
    """A spreadsheet has at most 1,048,576 rows."""

    code, title, status = "too-many-lines", "That is too long for a spreadsheet", 409


class SealsAheadError(HubError):
    """The chain of seals was made by a higher transaction counter than this one."""

    code, title, status = "seals-ahead", "Seals are ahead of this server", 409


class ClosingWaitsError(HubError):
    """Transactions older than the cut-off are still open."""

    code, title, status = "closing-waits", "Older transactions have not ended yet", 409
    retry = Retry.LATER
    retry_after_s = 5


class NoTaxRateError(HubError):
    """A tax code means nothing on the day of the sale."""

    code, title, status = "no-tax-rate", "A tax code has no rate for that day", 422


class DiscountTooLargeError(HubError):
    """A discount is at most the face value."""

    code, title, status = "discount-too-large", "The discount exceeds the price", 422


class TermsRefusedError(HubError):
    """Terms that contradict themselves or do not add up, clause by clause."""

    code, title, status = "terms-refused", "The terms cannot be agreed as written", 422


class LinesRefusedError(HubError):
    """Lines that cannot be quoted, named one by one."""

    code, title, status = "lines-refused", "The lines cannot be quoted", 422

    def __init__(self, *, lines: list[dict[str, str]]) -> None:
        self.lines = lines
        super().__init__(lines=lines)

    def at(self, where: str) -> Self:
        """Return the refusal with the place of the lines put before what is wrong."""
        told = [w | {"line": f"{where}.{w['line']}".rstrip(".")} for w in self.lines]
        return type(self)(lines=told)


class CreditExhaustedError(HubError):
    """The hold would take the agent above its deposit and credit limit."""

    code, title, status = "credit-exhausted", "The credit limit is reached", 409
    retry = Retry.LATER
    retry_after_s = 60


class NotItsSideError(HubError):
    """The event is of the other kind of contract."""

    code, title, status = "not-its-side", "This contract has no such event", 409


class ReferenceUsedError(HubError):
    """An entry of this kind with this reference is in the books already."""

    code, title, status = "reference-used", "This was booked before", 409


class NotBilledError(HubError):
    """The contract's terms price no such service now."""

    code, title, status = "not-billed", "The terms price no such service", 409


class DepositShortError(HubError):
    """The deposit holds less than that."""

    code, title, status = "deposit-short", "The deposit is smaller than that", 409


class NotKeptBackError(HubError):
    """Less than that is kept back of the performance's money."""

    code, title, status = "not-kept-back", "Less than that is kept back", 409


class TermsStateError(HubError):
    """Terms are decided once."""

    code, title, status = "terms-state", "These terms have been decided", 409


class TaxCodeOverlapError(HubError):
    """The tax code has a rate for part of that time."""

    code, title, status = "tax-code-overlap", "The tax code has a rate for then", 409


class BillingDetailsError(HubError):
    """A document needs names, addresses and tax ids: set the billing profiles first."""

    code, title, status = "billing-details", "Billing details are missing", 409


class NotInvoicedError(HubError):
    """An invoice has amounts of at most two decimals; this currency has more."""

    code, title, status = "not-invoiced", "This currency cannot be invoiced", 409
