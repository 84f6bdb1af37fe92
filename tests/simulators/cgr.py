"""CGR as a server: JSON in SOAP; a sale that is answered too late it takes back."""

import json
import time
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from lxml import etree

from tests.simulators.faults import Faults
from tests.simulators.house import ONE_PRICE, House, HouseError
from tests.simulators.serving import application

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "urn:GestionCinemaWS"


class RefusedError(Exception):
    """A refusal as CGR has it: a code, and a text."""

    def __init__(self, code, text):
        self.said = {"CodeErreur": code, "IntituleErreur": text, "ObjetRetour": None}
        super().__init__(text)


@dataclass
class Cgr:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    user: str = "hub"
    password: str = "a-password-of-the-simulator"  # noqa: S105

    base = "/GestionCinemaWS.awws"
    each = 1
    areas = ("GA",)
    tells = {"left", "price"}
    sells_unlocked = False
    does = {
        "lock": ["GetSeancesPassCulture"],
        "sell": ["ReservationPassCulture"],
        "ask": [],
        "release": [],
        "cancel": ["AnnulationPassCulture"],
        "look": ["GetSeancesPassCulture"],
        "read": ["GetSeancesPassCulture"],
    }

    def sale_of(self, ref):
        """What a performance of the hub's is here: (session, area)."""
        return f"{self.cinema.id}/{ref.rpartition('/')[2]}", "GA"

    def area_of(self, _seat):
        return "GA"

    @property
    def cinema(self):
        return self.house.cinemas["0001"]

    def app(self):
        return application(self.faults, self.answer, (self.base,), late=self.take_back)

    def answer(self, _path, body):
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        request = etree.fromstring(body, parser)[-1][0]
        name = etree.QName(request).localname
        said = {etree.QName(e).localname: e.text or "" for e in request}
        said["came_at"] = time.monotonic()
        return name, lambda: (self._enveloped(name, said), "text/xml; charset=utf-8")

    def take_back(self, body):
        """Undo a sale whose reply comes later than its caller has said it listens."""
        said = {etree.QName(e).localname: e.text for e in etree.fromstring(body)[-1][0]}
        waits = said.get("pTimeoutReservation")
        order = self.house.orders.get(said.get("pToken"))
        is_sold = order is not None and order.state == "sold"
        if waits and is_sold and time.monotonic() - order.came_at > int(waits):
            self.house.refund(order.key)

    def _enveloped(self, name, said):
        with self.house.mutex:
            self.house.bump = 150 if self.faults.happens("price-bump", name) else 0
            try:
                self._check(name, said)
                found = getattr(self, f"do_{name}")(said)
            except RefusedError as error:
                found = error.said
        text = escape(json.dumps(found, ensure_ascii=False))
        return (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}">'
            f'<s:Body><n:{name}Response xmlns:n="{NAMESPACE}"><{name}Result>{text}'
            f"</{name}Result></n:{name}Response></s:Body></s:Envelope>"
        ).encode()

    def _check(self, name, said):
        who = (said["User"], said["mdp"])
        is_wrong = self.faults.happens("signature", name)
        if is_wrong or who != (self.user, self.password):
            raise RefusedError(-1, "utilisateur ou mot de passe inconnu")

    def do_GetSeancesPassCulture(self, said):
        happens, name = self.faults.happens, "GetSeancesPassCulture"
        sessions = list(self.cinema.sessions.values())
        if happens("shrunken", name):
            sessions = sessions[: len(sessions) // 4]
        is_garbled = happens("garbled", name)
        films = []
        for no, film in enumerate(self.cinema.films.values()):
            if said["IDFilmAllocine"] not in {"0", str(2000 + no)}:
                continue
            own = [self._told(s) for s in sessions if s.film == film.id]
            if is_garbled and own and not films:
                own[0]["Date"] = "demain"
            if own:  # a film that is sold out is not told
                films.append(
                    {
                        "IDFilm": 1000 + no,
                        "IDFilmAlloCine": 2000 + no,
                        "Titre": film.title,
                        "NumVisa": 150_000 + no,
                        "Duree": film.minutes,
                        "Synopsis": "",
                        "Affiche": "",
                        "TypeFilm": "CNC",
                        "Seances": own,
                    }
                )
        number = int(self.cinema.id)
        return good(ObjetRetour={"NumCine": number, "Films": films})

    def _told(self, session):
        is_open = session.status == "Open"
        free = len(session.free(self.cinema.screens[session.screen]))
        return {
            "IDSeance": int(session.id),
            "Date": session.starts.date().isoformat(),
            "Heure": session.starts.time().isoformat(),
            "NbPlacesRestantes": free if is_open else 0,
            "bAvecPlacement": True,
            "bAvecDuo": False,
            "bICE": False,
            "Relief": "2D",
            "Version": "VF",
            "bAVP": False,
            "PrixUnitaire": self.house.price(session, ONE_PRICE) / 100,
            "libTarif": "PLEIN",
        }

    def do_ReservationPassCulture(self, said):
        happens, name = self.faults.happens, "ReservationPassCulture"
        count, key, no = int(said["pNBPlaces"]), said["pToken"], said["pIDSeances"]
        if no not in self.cinema.sessions:
            raise RefusedError(2, f"IdSeance({no}) inconnu")
        session = self.cinema.sessions[no]
        screen = self.cinema.screens[session.screen]
        free = session.free(screen)
        if len(free) < count:
            text = f"Impossible de délivrer {count} places , il n'en reste que : "
            raise RefusedError(3, text + str(len(free)))
        if round(float(said["pPUTTC"]) * 100) != self.house.price(session, ONE_PRICE):
            raise RefusedError(4, "Tarif inconnu")
        try:
            order = self.house.lock(
                *(key, self.cinema.id, no, [(None, "0001", count)]),
                half=happens("half", name),
            )
        except HouseError as error:
            raise RefusedError(5, error.code) from error
        self.house.sell(key)
        order.came_at = said["came_at"]
        order.codes = dict.fromkeys(order.seats, order.booking)
        seats = [screen.seats[at] for at in order.seats]
        placement = ",".join(f"{seat.row_name}{seat.number}" for seat in seats)
        return good(QrCode=order.booking, Placement=placement)

    def do_AnnulationPassCulture(self, said):
        for order in self.house.orders.values():
            if order.booking == said["pQrCode"]:
                was_sold = order.state == "sold"
                self.house.refund(order.key)
                return good() if was_sold else good(CodeErreur=1)
        raise RefusedError(6, "QrCode inconnu")


def good(**more):
    return {"CodeErreur": 0, "IntituleErreur": "", "ObjetRetour": None} | more
