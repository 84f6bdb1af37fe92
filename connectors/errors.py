"""What can go wrong with feeds and their deliveries."""

from hub.kernel.errors import HubError, Retry


class FeedExistsError(HubError):
    """The supplier has a feed of that name."""

    code, title, status = "feed-exists", "There is a feed of this name already", 409


class DeliveryTooLargeError(HubError):
    """More than a delivery may hold."""

    code, title, status = "delivery-too-large", "The delivery is too large", 413


class BrokenDeliveryError(HubError):
    """The body ends early, is not what it says, or is not UTF-8; nothing was kept."""

    code, title, status = "delivery-broken", "The delivery did not arrive whole", 400


class LengthRequiredError(HubError):
    """A body without Content-Length that does not say itself where it ends."""

    code, title, status = "length-required", "Send Content-Length, or gzip", 411


class EmptyDeliveryError(HubError):
    """A delivery without a single record."""

    code, title, status = "delivery-empty", "The delivery holds no records", 422


class UnsupportedFormatError(HubError):
    """Not a format feeds come in."""

    code, title, status = "feed-format", "Send NDJSON or CSV, plain or gzip", 415


class NotQuarantinedError(HubError):
    """Only a delivery in quarantine waits for a decision."""

    code, title, status = "not-quarantined", "This delivery waits for nobody", 409


class SourceExistsError(HubError):
    """The supplier has a source of that name."""

    code, title, status = "source-exists", "There is a source of this name already", 409


class SourceSettingsError(HubError):
    """The settings or credentials are not what this kind of source needs."""

    code, title, status = "source-settings", "The source cannot be set up so", 422


class CredentialsKeyError(HubError):
    """The key that seals credentials is missing, or is not the one that sealed them."""

    code, title, status = "credentials-key", "Sealed credentials cannot be opened", 503
    retry = Retry.LATER


class NoDecisionError(HubError):
    """The sync does not wait for anybody."""

    code, title, status = "sync-not-waiting", "This sync waits for nobody", 409
