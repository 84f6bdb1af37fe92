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
    advice = (
        "The order is there: find it by your reference, or ask for the hold's order"
        " among your orders. Nothing was bought twice."
    )


class ReferenceTakenError(HubError):
    """The agent has another order under this reference."""

    code, title, status = "reference-taken", "You have an order of this reference", 409
    advice = (
        "If you repeat yourself, the order is there: `GET /v1/orders?reference=`. For"
        " another sale take another reference."
    )


class AlreadyCancelledError(HubError):
    """What is to be cancelled is cancelled."""

    code, title, status = "already-cancelled", "Already cancelled", 409
    advice = "Look at the order: what you wanted is done, or was done by somebody else."


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


class RealNameRequiredError(HubError):
    """The venue asks for the buyer's, or each holder's, name and document."""

    code, title, status = "real-name-required", "The venue asks for names", 422


class NameTwiceError(HubError):
    """One document is given for two tickets of one performance."""

    code, title, status = "name-twice", "A person may hold one ticket of it", 422


class NameTakenError(HubError):
    """The person has a ticket of this performance already, from any agent."""

    code, title, status = "name-taken", "This person has a ticket of it already", 409


class ResalePriceError(HubError):
    """The price to the public is not one the supplier lets the ticket go for."""

    code, title, status = "resale-price", "Not a price the supplier allows", 422


class OrderChangedError(HubError):
    """The order has another version than the one that was meant."""

    code, title, status = "order-changed", "The order has changed meanwhile", 409
    retry = Retry.REQUOTE


class MustAlsoCancelError(HubError):
    """Some tickets cannot stay without those to be cancelled; the facts name them."""

    code, title, status = "must-also-cancel", "Others must be cancelled with them", 409
    advice = "Add the tickets of `ticket_ids` to those you cancel, or leave them all."


class TicketUsedError(HubError):
    """A ticket somebody has entered with can be neither cancelled nor replaced."""

    code, title, status = "ticket-used", "The ticket has been used", 409


class NotCancelledError(HubError):
    """Only the tickets of a cancelled performance are refunded all at once."""

    code, title, status = "not-cancelled", "The performance is not cancelled", 409


class RefundsRunningError(HubError):
    """The tickets of this performance are being refunded already."""

    code, title, status = "refunds-running", "A refund run is under way", 409


class TicketCancelledError(HubError):
    """The ticket is cancelled: it has no code to replace."""

    code, title, status = "ticket-cancelled", "The ticket is cancelled", 409


class CancellationDifferenceError(HubError):
    """What comes back is not what was shown; the facts say what it is now."""

    code, title, status = "cancellation-difference", "It returns another amount", 409
    retry = Retry.REQUOTE


class ExchangeDifferenceError(HubError):
    """The difference is not the one that was shown; the facts say which it is now."""

    code, title, status = "exchange-difference", "It comes to another amount", 409
    retry = Retry.REQUOTE


class NotExchangeableError(HubError):
    """An exchange is of tickets of one currency, for a hold in the same."""

    code, title, status = "not-exchangeable", "These cannot be exchanged", 422


class SupplierRefusedError(HubError):
    """The supplier's own system refused; nothing is held or sold by it.

    `reason` says why in a word: `seats-taken`, `lock-expired`, `not-on-sale`,
    `changed`, `not-as-wanted`, `past-cancellation`, `not-allowed` or `other`.
    """

    code, title, status = "supplier-refused", "The supplier refused", 409
    advice = (
        "Look at the performance afresh and choose again. For `lock-expired` place a"
        " new hold; what is `not-allowed` is to be asked of the supplier."
    )


class SupplierUnavailableError(HubError):
    """The supplier was not asked, or not reached: nothing was done there."""

    code, title, status = "supplier-unavailable", "The supplier does not answer", 503
    retry = Retry.LATER
    retry_after_s = 5


class SupplierSilentError(HubError):
    """The supplier was asked for seats and did not answer: you hold nothing.

    The hub lets go of whatever it may have locked.
    """

    code, title, status = "supplier-silent", "No answer about the seats came", 503
    retry = Retry.LATER
    retry_after_s = 5


class SupplierPriceError(HubError):
    """The supplier asks another price by now; the facts say the old and the new."""

    code, title, status = "supplier-price", "The price has changed there", 409
    retry = Retry.REQUOTE


class SaleUnderWayError(HubError):
    """The supplier is being asked about it at this moment; its answer is to come."""

    code, title, status = "sale-under-way", "The supplier has not answered yet", 409
    retry = Retry.LATER
    retry_after_s = 5


class NotLiveError(HubError):
    """What the supplier sells itself cannot be had in this way."""

    code, title, status = (
        "sold-by-supplier",
        "Not for what a supplier sells itself",
        422,
    )
