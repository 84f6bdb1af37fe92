"""Links that let somebody see tickets for a time, and how a ticket is worded. Pure."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from hub.kernel.errors import NotFoundError
from hub.kernel.money import Money
from hub.tickets.errors import LinkExpiredError

MAC_BYTES, TIME_BYTES, ID_BYTES = 16, 6, 16
PURPOSE = b"ticket link 1\0"
ENGLISH, CHINESE = "en", "zh-Hans"
WORDS = {
    ENGLISH: {
        "starts": "Starts",
        "venue": "Venue",
        "area": "Area",
        "row": "Row",
        "seat": "Seat",
        "admits": "Admits",
        "price_type": "Ticket",
        "holder": "Holder",
        "price": "Price",
        "reference": "Reference",
        "seller": "Sold by",
        "postponed": "This performance is postponed. Keep the ticket.",
        "show": "Show the code at the entrance.",
    },
    CHINESE: {
        "starts": "时间",
        "venue": "场馆",
        "area": "区域",
        "row": "排",
        "seat": "座",
        "admits": "人数",
        "price_type": "票种",
        "holder": "持票人",
        "price": "票价",
        "reference": "订单号",
        "seller": "销售方",
        "postponed": "演出延期。请保留此票。",
        "show": "请在入口处出示二维码。",
    },
}


@dataclass(frozen=True, slots=True)
class Printed:
    """What is on a ticket: one admission, or all of an order by one code."""

    code: str
    admits: int
    title: Mapping[str, str]
    venue: Mapping[str, str]
    city: str
    auditorium: Mapping[str, str]
    area: Mapping[str, str]
    price_type: str
    row: str | None
    seat: str | None
    placement: str | None
    starts_at: datetime
    zone: str
    status: str
    holder: str | None
    price_minor: int
    currency: str
    reference: str
    seller: str

    def facts(self, language: str) -> list[tuple[str, str]]:
        """Return what the ticket says, label and text, in a language it has."""
        words = WORDS[language]
        starts = self.starts_at.astimezone(ZoneInfo(self.zone))
        venue = f"{said(self.venue, language)}, {said(self.auditorium, language)}"
        found = [
            (words["starts"], starts.strftime("%Y-%m-%d %H:%M")),
            (words["venue"], f"{venue}, {self.city}"),
            (words["area"], said(self.area, language)),
            (words["price_type"], self.price_type),
        ]
        if self.row is not None and self.seat is not None:
            found += [(words["row"], self.row), (words["seat"], self.seat)]
        if self.placement is not None:
            found.append((words["seat"], self.placement))
        if self.admits > 1:
            found.append((words["admits"], str(self.admits)))
        if self.holder is not None:
            found.append((words["holder"], self.holder))
        found.append((words["price"], str(Money(self.price_minor, self.currency))))
        found.append((words["reference"], self.reference))
        found.append((words["seller"], self.seller))
        return found


def said(names: Mapping[str, str], language: str) -> str:
    """Return a name in a language; in English, or any, where it has none in that."""
    for wanted in (language, language.partition("-")[0], ENGLISH):
        for tag, name in names.items():
            if tag.lower() == wanted.lower() or tag.lower().startswith(
                f"{wanted.lower()}-"
            ):
                return name
    return next(iter(names.values()), "")


def language_of(accepted: Iterable[str]) -> str:
    """Return the first language wanted in which a ticket is worded; else English."""
    for tag in accepted:
        main = tag.lower().partition("-")[0]
        if main == "zh":
            return CHINESE
        if main == ENGLISH:
            return ENGLISH
    return ENGLISH


def make_token(order_id: UUID, expires_at: datetime, secret: str, replaced: int) -> str:
    """Return what opens an order's tickets until a moment, and nothing else.

    *replaced*: how many of its codes were; with the next one the link ends, too.
    """
    seconds = int(expires_at.timestamp()).to_bytes(TIME_BYTES, "big")
    body = order_id.bytes + seconds
    signed = body + _mac(body, secret, replaced)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def opened_by(token: str) -> UUID:
    """Return whose tickets a link says it opens; NotFoundError if it says nothing."""
    return UUID(bytes=_parts(token)[0][:ID_BYTES])


def read_token(token: str, secret: str, replaced: int) -> datetime:
    """Return until when a link opens its order's tickets; NotFoundError if never."""
    body, mac = _parts(token)
    if not hmac.compare_digest(mac, _mac(body, secret, replaced)):
        raise NotFoundError
    return datetime.fromtimestamp(int.from_bytes(body[ID_BYTES:], "big"), tz=UTC)


def _parts(token: str) -> tuple[bytes, bytes]:
    try:
        signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise NotFoundError from None
    body, mac = signed[:-MAC_BYTES], signed[-MAC_BYTES:]
    if len(body) != ID_BYTES + TIME_BYTES:
        raise NotFoundError
    return body, mac


def refuse_expired(until: datetime, now: datetime) -> None:
    """Raise LinkExpiredError once a link's time is over."""
    if now >= until:
        raise LinkExpiredError(expired_at=until.isoformat())


def _mac(body: bytes, secret: str, replaced: int) -> bytes:
    said = PURPOSE + body + replaced.to_bytes(4, "big")
    return hmac.new(secret.encode(), said, hashlib.sha256).digest()[:MAC_BYTES]
