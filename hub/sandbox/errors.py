"""What can go wrong with sandboxes."""

from hub.kernel.errors import HubError, Retry


class NoSandboxError(HubError):
    """This is asked with the key of a partner's own sandbox, and only of that."""

    code, title, status = "no-sandbox", "This is no sandbox of yours", 409


class RehearsedError(HubError):
    """The answer was lost on purpose; what was asked for was done, or is not known."""

    code, title, status = "answer-lost", "The answer is lost, on purpose", 504


class ClosingRunningError(HubError):
    """A month of this sandbox is being closed at this moment."""

    code, title, status = "closing-running", "A month is being closed already", 409
    retry = Retry.LATER
    retry_after_s = 5
