"""Asking a supplier about a hold's part: what comes back is a value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from connectors.errors import NoAnswerError, NotReachedError, SaidNoError
from connectors.ports import Port
from connectors.services.guarding import BusyError, Suppliers
from hub.sales.errors import SupplierUnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What came of asking: an answer; or why there is none.

    *is_unknown*: it was sent and nobody knows what became of it; else, without an
    answer, nothing was done there.
    """

    answer: T | None = None
    reason: str | None = None
    said: str | None = None
    seats: tuple[str, ...] = ()
    is_unknown: bool = False
    is_reached: bool = True

    @property
    def is_refused(self) -> bool:
        """Whether the supplier said no."""
        return self.reason is not None and self.is_reached and not self.is_unknown


def ask(
    suppliers: Suppliers, source_id: UUID, what: str, work: Callable[[Port], T]
) -> Outcome[T]:
    """Ask a source one thing, with no transaction open; never raises what it says."""
    try:
        with suppliers.asking(source_id, what) as port:
            return Outcome(work(port))
    except SaidNoError as error:
        return Outcome(reason=error.code, said=error.said, seats=error.seats)
    except NotReachedError as error:
        return Outcome(reason="not-reached", said=str(error), is_reached=False)
    except NoAnswerError as error:
        return Outcome(reason="no-answer", said=str(error)[:300], is_unknown=True)


def refuse_unless_askable(suppliers: Suppliers, source_id: UUID, **facts: Any) -> None:
    """Raise SupplierUnavailableError if a source would not be asked at this moment."""
    try:
        if suppliers.is_askable(source_id):
            return
    except BusyError as error:
        raise SupplierUnavailableError(reason=str(error), **facts) from error
    raise SupplierUnavailableError(reason="it is stopped, or does not answer", **facts)
