"""What can go wrong when capacity is shared out or taken."""

from hub.kernel.errors import HubError, Retry


class AllotmentExhaustedError(HubError):
    """The agent asked for more seats than it may take now."""

    code, title, status = "allotment-exhausted", "Not enough seats left", 409
    retry = Retry.REQUOTE


class OvercommittedError(HubError):
    """More is sold than there is; nothing more is held until that is mended."""

    code, title, status = "overcommitted", "This performance is closed for now", 409
    retry = Retry.LATER


class NotAllottedError(HubError):
    """The plan gives this agent nothing here."""

    code, title, status = "not-allotted", "Nothing here is allotted to this agent", 409


class SeatsTakenError(HubError):
    """Somebody else has one of the seats."""

    code, title, status = "seats-taken", "Some of these seats are taken", 409
    retry = Retry.REQUOTE


class UnknownSeatsError(HubError):
    """Seats that are not in the area of the offer."""

    code, title, status = "unknown-seats", "Some of these seats are not sold here", 422


class PlanRefusedError(HubError):
    """The plan contradicts itself; the facts say where."""

    code, title, status = "plan-refused", "The plan cannot be kept", 422


class InfeasiblePlanError(HubError):
    """The plan promises more seats than an area has."""

    code, title, status = "plan-infeasible", "The plan promises more than there is", 422
