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
    retry_after_s = 60


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


class PlanStateError(HubError):
    """A plan that is not in force cannot be withdrawn."""

    code, title, status = "plan-state", "The plan is not in a state for that", 409


class CapReachedError(HubError):
    """A limit beside the tree is reached; the facts say which, and how far."""

    code, title, status = "cap-reached", "A limit of the plan is reached", 409
    retry = Retry.LATER
    retry_after_s = 30


class StoppedError(HubError):
    """The supplier or an operator has stopped the sale of this."""

    code, title, status = "stopped", "The sale of this is stopped", 409
    retry = Retry.LATER
    retry_after_s = 60


class BuyerNeededError(HubError):
    """The plan limits tickets per buyer, and the hold names none."""

    code, title, status = "buyer-needed", "Say who buys: tickets per buyer count", 422


class ProtectedError(HubError):
    """What is left is kept for dearer price classes."""

    code, title, status = "protected", "What is left is kept for dearer prices", 409
    retry = Retry.REQUOTE


class SeatsNotSoldError(HubError):
    """Seats that are set aside: for somebody else, for the house, or not for sale."""

    code, title, status = "seats-not-sold", "Some of these seats are not for you", 409
    retry = Retry.REQUOTE


class SingleSeatError(HubError):
    """The chosen seats would leave a free seat alone; the plan does not allow it."""

    code, title, status = "single-seat", "A single seat would be left", 409
    retry = Retry.REQUOTE


class AlreadyLiftedError(HubError):
    """The stop was lifted before."""

    code, title, status = "already-lifted", "The stop was lifted before", 409


class RecallDoneError(HubError):
    """The recall was carried out, or called off, before."""

    code, title, status = "recall-done", "The recall was carried out before", 409


class NothingToMoveError(HubError):
    """An allotment has less unsold promise than is to be moved from it."""

    code, title, status = "nothing-to-move", "It has less than that to give", 409


class SplitRefusedError(HubError):
    """An agent hands on more than it has."""

    code, title, status = "split-refused", "More is handed on than there is", 422
