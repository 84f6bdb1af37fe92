"""What can go wrong with feeds and their deliveries."""

from collections.abc import Sequence

from hub.kernel.errors import HubError


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


class NoDecisionError(HubError):
    """The sync does not wait for anybody."""

    code, title, status = "sync-not-waiting", "This sync waits for nobody", 409


class SupplierError(Exception):
    """What comes back from a supplier instead of what was asked."""


class NotReachedError(SupplierError):
    """Nothing was sent, so nothing was done: no connection, or not asked at all."""


class NoAnswerError(SupplierError):
    """It was sent, and what became of it is not known: no reply, or none to read."""


class SilentError(NoAnswerError):
    """It was sent, and not a byte came back in all the time it was waited for."""


class SaidNoError(SupplierError):
    """The supplier refused, and nothing was done.

    *code* is one of ``REASONS``; *seats*: the codes of those taken; *is_permanent*:
    it will refuse everything (a signature, a login), so somebody must look.
    """

    def __init__(
        self,
        code: str,
        said: str,
        *,
        seats: Sequence[str] = (),
        is_permanent: bool = False,
    ) -> None:
        self.code, self.said = code, said[:300]
        self.seats, self.is_permanent = tuple(seats), is_permanent
        super().__init__(f"{code}: {self.said}")


REASONS = {
    "seats-taken": "Somebody else has a seat by now",
    "lock-expired": "The lock ran out",
    "not-on-sale": "The performance is not on sale there",
    "changed": "The performance is not what it was",
    "price-changed": "The price is another by now",
    "not-as-wanted": "It gave other seats, or another number",
    "past-cancellation": "It cannot be cancelled any more",
    "not-allowed": "The supplier does not let us",
    "rolled-back": "It did not answer in time, and took it back itself",
    "other": "The supplier gave another reason",
}
