"""What can go wrong with tickets after the sale."""

from hub.kernel.errors import HubError


class LinkExpiredError(HubError):
    """The link's time is over; the agent makes another."""

    code, title, status = "link-expired", "This link has expired", 410


class NothingToShowError(HubError):
    """No ticket of the order is valid."""

    code, title, status = "no-valid-ticket", "No ticket of the order is valid", 409


class NotDeliveredThereError(HubError):
    """The method is not offered: to that country, to this agent, or any more."""

    code, title, status = "not-delivered", "This way of delivery is not offered", 422


class TooLateToDeliverError(HubError):
    """The performance begins too soon for this method."""

    code, title, status = "too-late-to-deliver", "It would arrive too late", 409


class ShipmentAskedError(HubError):
    """The order is delivered another way already; only its address can change."""

    code, title, status = "shipment-asked", "A delivery was asked for before", 409


class DispatchedError(HubError):
    """The shipment is on its way."""

    code, title, status = "dispatched", "It is on its way already", 409


class MethodTakenError(HubError):
    """There is a method of delivery of this name."""

    code, title, status = "method-taken", "There is a method of this reference", 409
