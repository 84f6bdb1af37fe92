"""What can go wrong on the way from hold to ticket."""

from hub.kernel.errors import HubError, Retry


class HoldExpiredError(HubError):
    """The hold lapsed; its seats may be somebody else's by now."""

    code, title, status = "hold-expired", "The hold has expired", 409
    retry = Retry.REQUOTE


class HoldReleasedError(HubError):
    """The hold was given back."""

    code, title, status = "hold-released", "The hold was released", 409
    retry = Retry.REQUOTE


class AlreadyConfirmedError(HubError):
    """The hold is an order already."""

    code, title, status = "already-confirmed", "The hold was confirmed before", 409


class ReferenceTakenError(HubError):
    """The agent has another order under this reference."""

    code, title, status = "reference-taken", "You have an order of this reference", 409


class AlreadyCancelledError(HubError):
    """What is to be cancelled is cancelled."""

    code, title, status = "already-cancelled", "Already cancelled", 409


class PastCancellationError(HubError):
    """Tickets cannot be cancelled once the performance has begun."""

    code, title, status = "past-cancellation", "Too late to cancel", 409


class TicketLimitError(HubError):
    """Fewer or more tickets than the offer allows in one hold."""

    code, title, status = (
        "ticket-limit",
        "Not a number of tickets this offer allows",
        422,
    )


class MixedCurrenciesError(HubError):
    """One hold is in one currency."""

    code, title, status = "mixed-currencies", "A hold is in one currency", 422


class PerformanceBusyError(HubError):
    """A change of this performance, or of this hold, is being written just now."""

    code, title, status = "performance-busy", "It is being changed at this moment", 503
    retry = Retry.SAME_KEY
    retry_after_s = 1


class OfferChangedError(HubError):
    """The supplier changed the performance between price and hold."""

    code, title, status = "offer-changed", "The offer has just changed", 409
    retry = Retry.REQUOTE


class HoldVoidedError(HubError):
    """The supplier or an operator took the hold back, or did not grant the request."""

    code, title, status = "hold-voided", "The hold was taken back", 409
    retry = Retry.REQUOTE


class HoldChangedError(HubError):
    """The hold has another version than the one that was meant."""

    code, title, status = "hold-changed", "The hold has changed meanwhile", 409
    retry = Retry.REQUOTE


class HoldRequestedError(HubError):
    """The supplier has not answered the request yet."""

    code, title, status = "hold-requested", "The supplier has not answered yet", 409
    retry = Retry.LATER
    retry_after_s = 60


class NotExtendableError(HubError):
    """The hold was extended as often, or for as long, as the plan allows."""

    code, title, status = "not-extendable", "The hold cannot be extended further", 409


class LookToBookError(HubError):
    """The agent holds far more than it confirms."""

    code, title, status = "look-to-book", "Too many holds for what is confirmed", 429
    retry = Retry.LATER
    retry_after_s = 60
