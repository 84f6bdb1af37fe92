"""What can be wrong with a performance one wants to sell."""

from hub.kernel.errors import HubError, Retry


class NotOfferedError(HubError):
    """The supplier does not offer this performance (any more)."""

    code, title, status = "not-offered", "This performance is not offered", 409


class PerformanceCancelledError(HubError):
    """The performance will not take place."""

    code, title, status = "performance-cancelled", "The performance is cancelled", 409


class PerformancePostponedError(HubError):
    """The performance has no date at the moment; its tickets stay valid."""

    code, title, status = "performance-postponed", "The performance is postponed", 409
    retry = Retry.LATER
    retry_after_s = 3_600


class SalesNotOpenError(HubError):
    """The sale has not begun; the facts say when it does."""

    code, title, status = "sales-not-open", "Sales have not opened yet", 409
    retry = Retry.LATER
    retry_after_s = 60


class SalesClosedError(HubError):
    """The sale is over."""

    code, title, status = "sales-closed", "Sales have closed", 409


class ChangesGoneError(HubError):
    """Changes after that position are not kept any more."""

    code, title, status = "changes-gone", "These changes are not kept any more", 410
    advice = "Begin again: note `latest`, read the lists anew, and follow from there."


class NotMergeableError(HubError):
    """Productions are merged into another, of the same genre."""

    code, title, status = "not-mergeable", "These cannot be the same production", 422
