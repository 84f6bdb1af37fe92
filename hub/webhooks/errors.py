"""What can be wrong with a webhook endpoint."""

from hub.kernel.errors import HubError


class EndpointRefusedError(HubError):
    """The address is not one the hub sends to; the facts say why."""

    code, title, status = "endpoint-refused", "The hub does not send there", 422


class TooManyEndpointsError(HubError):
    """An agent has a bounded number of endpoints."""

    code, title, status = "too-many-endpoints", "Too many endpoints", 409


class RotationRunningError(HubError):
    """The secret before is still good: a third would end it."""

    code, title, status = "rotation-running", "A rotation is under way", 409


class ReplayRunningError(HubError):
    """Another range is being sent again to this endpoint."""

    code, title, status = "replay-running", "A replay is under way", 409
