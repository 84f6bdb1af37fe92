"""What can go wrong with terms, statements and closing."""

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


class StatementStateError(HubError):
    """A statement goes draft, reviewed, closed, and no other way."""

    code, title, status = "statement-state", "The statement is not ready for that", 409


class AlreadyClosedError(HubError):
    """Everything of that period is closed."""

    code, title, status = "already-closed", "The period is closed already", 409


class NotReviewedError(HubError):
    """A period is closed when every statement of it has been reviewed."""

    code, title, status = "not-reviewed", "Draft and review the period first", 409


class OwnWorkError(HubError):
    """Reviewer and closer are two people."""

    code, title, status = "own-work", "Somebody else has to do that", 409


class ChangedSinceReviewError(HubError):
    """The lines are not those that were reviewed."""

    code, title, status = "changed-since-review", "Review the statement again", 409


class ChangedSinceDraftError(HubError):
    """The lines are not those the reviewer was shown."""

    code, title, status = "changed-since-draft", "Look at the draft again", 409


class SealsAheadError(HubError):
    """The chain of seals was made by a higher transaction counter than this one."""

    code, title, status = "seals-ahead", "Seals are ahead of this server", 409


class ClosingWaitsError(HubError):
    """Transactions older than the cut-off are still open."""

    code, title, status = "closing-waits", "Older transactions have not ended yet", 409
    retry = Retry.LATER
    retry_after_s = 5
