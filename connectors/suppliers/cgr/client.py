"""CGR as a supplier: what the port asks, in the three operations there are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from connectors.errors import (
    NoAnswerError,
    NotReachedError,
    SaidNoError,
    SilentError,
)
from connectors.feed.records import AuditoriumRecord, PerformanceRecord, VenueRecord
from connectors.ports import (
    Answer,
    Available,
    Capabilities,
    Locked,
    OrderWanted,
    Read,
    Rooms,
    Schedule,
    Sold,
    TicketSold,
    Told,
)
from connectors.suppliers.amounts import decimal_of
from connectors.suppliers.cgr import words
from connectors.suppliers.cgr.words import CgrCredentials, CgrSettings, Showing
from connectors.suppliers.quiet import Quiet
from connectors.suppliers.rows import STUMBLES, digest
from connectors.suppliers.settings import Said
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Soap, Wire

PACKAGE, WSDL = "connectors.suppliers.cgr", "gestioncinema.wsdl"
EARLY_S = 2  # it gives up so long before we do, for the way there and back
EVERY_FILM = "0"


class CgrPort(Quiet):
    """A cinema of CGR. One call locks and sells, and nothing can be asked afterwards.

    It is told how long we listen, and takes back by itself what it could not answer in
    that time: silence is a refusal, where that was agreed. What was answered and could
    not be read is not.
    """

    settings_type: ClassVar[type[CgrSettings]] = CgrSettings
    credentials_type: ClassVar[type[CgrCredentials]] = CgrCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        extend=True,
        own_order_key=True,
        cancel=True,
        by_venue=False,
        codes="order",
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read_settings(CgrSettings, settings)
        self._own = read_settings(CgrCredentials, credentials)
        self._soap = Soap(PACKAGE, WSDL, url, wire)
        self._rolls_back_s = int(wire.waits.operation_s) - EARLY_S
        self._films: dict[str, str] = {}  # by the performance, as last told
        self._starts: dict[str, str] = {}

    def venues(self) -> Sequence[VenueRecord]:
        """Tell the cinema, which is one at each address; it is not asked for that."""
        return [words.venue(self._settings)]

    def auditorium(
        self,
        venue: VenueRecord,
        ref: str,
        performance: str,  # noqa: ARG002 - the port's
    ) -> AuditoriumRecord:
        """Tell the rooms of the cinema, as one."""
        return words.room(venue.ref, ref, self._settings)

    def schedule(
        self,
        venue: VenueRecord | None,  # noqa: ARG002 - there is one
        rooms: Rooms,  # noqa: ARG002 - it has one
        read: Read,
    ) -> Schedule:
        """Tell every showing there is."""
        settings, said = self._settings, self._showings(EVERY_FILM)
        number, films = str(settings.number), said["Films"]
        found = list(words.each(films))
        told = digest([msgspec.json.encode(said, order="sorted")], settings)
        if told == read.digest:
            return Schedule.same(told, len(found))
        skipped: list[str] = []
        performances: list[PerformanceRecord] = []
        left: dict[str, Available] = {}
        productions = {}
        for film, one in found:
            try:
                productions[film["IDFilm"]] = words.production(film, settings)
                made = words.performance(film, one, settings)
                left[made.ref] = words.left(words.showing(film, one, settings))
                performances.append(made)
            except STUMBLES as error:
                skipped.append(f"{film.get('IDFilm')} {one.get('IDSeance')}: {error!r}")
        return Schedule(
            list(productions.values()),
            performances,
            is_complete=not skipped,
            available=left,
            digest=None if skipped else told,
            count=len(found),
            rooms=[words.room(number, number, settings)],
            skipped=skipped,
        )

    def availability(self, performance: str) -> Available:
        """Tell what is left of a showing."""
        return words.left(self._showing(performance))

    def _showing(self, performance: str) -> Showing:
        """Ask for a showing by its film; SaidNoError if it is not told any more."""
        wanted = performance.rpartition("/")[2]
        said = self._showings(self._films.get(performance, EVERY_FILM))
        for film, one in words.each(said["Films"]):
            if str(one["IDSeance"]) == wanted:
                return words.showing(film, one, self._settings)
        raise SaidNoError("not-on-sale", "it is not told any more")

    def lock(self, wanted: OrderWanted) -> Locked:
        """Look only: nothing is locked before it is sold, but what can be is known."""
        prices = {line.face_minor for line in wanted.lines}
        if len(prices) > 1:
            raise SaidNoError("not-as-wanted", "a CGR sells at one price at a time")
        found = self._showing(wanted.performance)
        if found.left < wanted.quantity:
            raise SaidNoError("seats-taken", f"{found.left} are left")
        total = found.price_minor * wanted.quantity
        return Locked(None, None, total, wanted.quantity)

    def extend(self, wanted: OrderWanted) -> datetime | None:  # noqa: ARG002 - the port's
        """Do nothing: what is not locked does not run out."""
        return None

    def release(self, wanted: OrderWanted) -> None:
        """Do nothing: nothing is locked."""

    def sell(self, wanted: OrderWanted) -> Sold:
        """Sell, in the one call there is; silence has been taken back there."""
        number, _, showing = wanted.performance.rpartition("/")
        currency, settings = self._settings.place.currency, self._settings
        named: dict[str, Any] = {
            "pIDSeances": int(showing),
            "pNumCinema": int(number),
            "pPUTTC": decimal_of(wanted.lines[0].face_minor, currency),
            "pNBPlaces": wanted.quantity,
            "pNom": settings.last_name,
            "pPrenom": settings.first_name,
            "pEmail": settings.email,
            "pToken": wanted.key,
            "pDateLimiteAnnul": self._starts_of(wanted.performance),
        }
        if self._rolls_back_s > 0:
            named["pTimeoutReservation"] = self._rolls_back_s
        try:
            said = self._ask("ReservationPassCulture", **named)
        except SilentError as error:
            if self._rolls_back_s < 1 or not settings.silence_is_refusal:
                raise
            raise SaidNoError("rolled-back", str(error)) from error
        return words.sold(said, wanted.quantity)

    def _starts_of(self, performance: str) -> str:
        """Return when a showing starts: until then it may be given back."""
        if performance not in self._starts:
            try:
                self._starts[performance] = self._showing(performance).starts
            except NoAnswerError as error:  # nothing was sold by asking
                raise NotReachedError(str(error)) from error
        return self._starts[performance]

    def ask(self, wanted: OrderWanted) -> Answer:  # noqa: ARG002 - the port's
        """Raise NoAnswerError: a CGR tells of no order."""
        raise NoAnswerError("a CGR cannot be asked for an order")

    def cancel(
        self,
        wanted: OrderWanted,  # noqa: ARG002 - it is asked for by its code
        tickets: Sequence[TicketSold],
    ) -> None:
        """Give a whole order back; what is given back already stays so."""
        self._ask(
            "AnnulationPassCulture",
            pQrCode=tickets[0].code,
            good={words.DONE, words.ALREADY_CANCELLED},
        )

    def _showings(self, film: str) -> Any:
        """Return what there is of a film, or of all; each is known from then on."""
        said = self._ask("GetSeancesPassCulture", IDFilmAllocine=film)["ObjetRetour"]
        if said["NumCine"] != self._settings.number:
            raise NoAnswerError(f"it is cinema {said['NumCine']}")
        for own, one in words.each(said["Films"]):
            ref = f"{said['NumCine']}/{one.get('IDSeance')}"
            self._films[ref] = str(own.get("IDFilmAlloCine", EVERY_FILM))
            self._starts[ref] = f"{one.get('Date')}T{one.get('Heure')}"
        return said

    def _ask(
        self,
        operation: str,
        *,
        good: frozenset[int] | set[int] = frozenset({words.DONE}),
        **named: Any,
    ) -> Any:
        """Ask, and return a reply that says it was done."""
        reply = self._soap.call(
            operation, User=self._own.user, mdp=self._own.password, **named
        )
        try:
            said = msgspec.json.decode(str(reply or ""))
            code = int(said["CodeErreur"])
        except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
            raise NoAnswerError(f"not whole JSON: {error}"[:200]) from error
        if code not in good:
            raise words.refused(code, str(said.get("IntituleErreur") or ""))
        return said
