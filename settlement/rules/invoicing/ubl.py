"""A document as UBL 2.1 XML, in the semantics of EN 16931-1:2017. Pure.

Numbers in the comments are the business terms of EN 16931.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from hub.kernel.money import exponent
from hub.kernel.texts import UNSTORABLE
from settlement.rules.invoicing.documents import Document, Group, Line, percent
from settlement.rules.invoicing.supplies import PARTNER, TaxKind

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
CAC, CBC = f"{_UBL}CommonAggregateComponents-2", f"{_UBL}CommonBasicComponents-2"
STANDARD = "urn:cen.eu:en16931:2017"
DECIMALS_MAX = 2  # of any amount (BR-DEC)
PIECE = "C62"  # UN/ECE recommendation 20: one


@dataclass(frozen=True, slots=True)
class Party:
    """A company as a document names it."""

    identifier: str
    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str | None = None
    registration_id: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What a document says beside its amounts: numbers, days, who sells to whom.

    *first_on* and *last_on*: the days of the period, both in it. *before*: numbers of
    documents that this one gives money back for.
    """

    number: str
    issued_on: date
    currency: str
    seller: Party
    buyer: Party
    first_on: date
    last_on: date
    contract: str
    statement: str
    before: tuple[str, ...] = ()


def ubl(head: Head, document: Document) -> bytes:
    """Return a document as XML: the same document always makes the same bytes."""
    name = "CreditNote" if document.is_credit else "Invoice"
    root = etree.Element(
        f"{{{_UBL}{name}-2}}{name}",
        nsmap={None: f"{_UBL}{name}-2", "cac": CAC, "cbc": CBC},
    )
    _say(root, "CustomizationID", STANDARD)  # BT-24
    _say(root, "ID", head.number)  # BT-1
    _say(root, "IssueDate", head.issued_on.isoformat())  # BT-2
    _say(root, f"{name}TypeCode", document.type_code)  # BT-3
    if document.seller == PARTNER:
        _say(root, "Note", "Self-billing")  # BT-22; directive 2006/112/EC, 226 (10a)
    _say(root, "DocumentCurrencyCode", head.currency)  # BT-5
    _references(root, head)
    _party(root, "AccountingSupplierParty", head.seller, is_taxed=document.is_taxed)
    _party(root, "AccountingCustomerParty", head.buyer, is_taxed=document.is_taxed)
    settled = f"Settled with statement {head.statement}"
    _say(_in(root, "PaymentTerms"), "Note", settled)  # BT-20
    _tax(root, head, document)
    _sums(root, head, document)
    for no, line in enumerate(document.lines, start=1):
        _line(root, head, (no, line), is_credit=document.is_credit)
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return made


def _in(parent: Any, name: str) -> Any:
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def _say(parent: Any, name: str, text: str, **attributes: str) -> None:
    element = etree.SubElement(parent, f"{{{CBC}}}{name}", attributes)
    element.text = UNSTORABLE.sub("\ufffd", text)


def _amount(parent: Any, name: str, minor: int, currency: str) -> None:
    _say(parent, name, _decimal(minor, currency), currencyID=currency)


def _decimal(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-exponent(currency)):f}"


def _references(root: Any, head: Head) -> None:
    period = _in(root, "InvoicePeriod")
    _say(period, "StartDate", head.first_on.isoformat())  # BT-73
    _say(period, "EndDate", head.last_on.isoformat())  # BT-74
    for number in head.before:  # BT-25
        billed = _in(root, "BillingReference")
        _say(_in(billed, "InvoiceDocumentReference"), "ID", number)
    _say(_in(root, "ContractDocumentReference"), "ID", head.contract)  # BT-12
    said = _in(root, "AdditionalDocumentReference")
    _say(said, "ID", head.statement)  # BT-122
    _say(said, "DocumentDescription", "Statement")  # BT-123


def _party(root: Any, role: str, said: Party, *, is_taxed: bool) -> None:
    """Add a party; where nothing is taxed its VAT identifier is not allowed (BR-O)."""
    party = _in(_in(root, role), "Party")
    _say(_in(party, "PartyIdentification"), "ID", said.identifier)
    address = _in(party, "PostalAddress")
    _say(address, "StreetName", said.street)
    _say(address, "CityName", said.city)
    if said.postcode:
        _say(address, "PostalZone", said.postcode)
    _say(_in(address, "Country"), "IdentificationCode", said.country)
    if is_taxed and said.vat_id:
        scheme = _in(party, "PartyTaxScheme")
        _say(scheme, "CompanyID", said.vat_id)
        _say(_in(scheme, "TaxScheme"), "ID", "VAT")
    legal = _in(party, "PartyLegalEntity")
    _say(legal, "RegistrationName", said.name)
    if said.registration_id:
        _say(legal, "CompanyID", said.registration_id)


def _tax(root: Any, head: Head, document: Document) -> None:
    total = _in(root, "TaxTotal")
    _amount(total, "TaxAmount", document.tax_minor, head.currency)  # BT-110
    for group in document.groups:
        _subtotal(total, head, group)


def _subtotal(total: Any, head: Head, group: Group) -> None:
    found = _in(total, "TaxSubtotal")
    _amount(found, "TaxableAmount", group.net_minor, head.currency)  # BT-116
    _amount(found, "TaxAmount", group.tax_minor, head.currency)  # BT-117
    _category(found, "TaxCategory", group.kind, is_reasoned=True)


def _category(parent: Any, name: str, kind: TaxKind, *, is_reasoned: bool) -> None:
    found = _in(parent, name)
    _say(found, "ID", kind.category)
    if kind.is_taxed:
        _say(found, "Percent", percent(kind.rate))
    if is_reasoned and kind.exemption:
        _say(found, "TaxExemptionReason", kind.exemption)  # BT-120
    _say(_in(found, "TaxScheme"), "ID", "VAT")


def _sums(root: Any, head: Head, document: Document) -> None:
    found, currency = _in(root, "LegalMonetaryTotal"), head.currency
    net, gross = document.net_minor, document.gross_minor
    _amount(found, "LineExtensionAmount", net, currency)  # BT-106
    _amount(found, "TaxExclusiveAmount", net, currency)  # BT-109
    _amount(found, "TaxInclusiveAmount", gross, currency)  # BT-112
    _amount(found, "PayableAmount", gross, currency)  # BT-115


def _line(
    root: Any, head: Head, numbered: tuple[int, Line], *, is_credit: bool
) -> None:
    """Add a line: a price is never negative, so what goes back has quantity -1."""
    no, line = numbered
    found = _in(root, "CreditNoteLine" if is_credit else "InvoiceLine")
    _say(found, "ID", str(no))
    quantity = "CreditedQuantity" if is_credit else "InvoicedQuantity"
    _say(found, quantity, "-1" if line.net_minor < 0 else "1", unitCode=PIECE)
    _amount(found, "LineExtensionAmount", line.net_minor, head.currency)  # BT-131
    item = _in(found, "Item")
    _say(item, "Name", line.name)
    _category(item, "ClassifiedTaxCategory", line.kind, is_reasoned=False)
    price = _in(found, "Price")
    _amount(price, "PriceAmount", abs(line.net_minor), head.currency)  # BT-146


@dataclass(frozen=True, slots=True)
class Told:
    """What a document that was made says: its number, its kind, and its sums."""

    number: str
    type_code: str
    net: str
    tax: str
    gross: str


def told_by(document: bytes) -> Told:
    """Return what a document says, read from its XML."""
    root = etree.fromstring(document)
    name = etree.QName(root).localname
    total = f"{{{CAC}}}LegalMonetaryTotal/{{{CBC}}}"
    return Told(
        _text(root, f"{{{CBC}}}ID"),
        _text(root, f"{{{CBC}}}{name}TypeCode"),
        _text(root, f"{total}TaxExclusiveAmount"),
        _text(root, f"{{{CAC}}}TaxTotal/{{{CBC}}}TaxAmount"),
        _text(root, f"{total}PayableAmount"),
    )


def _text(root: Any, path: str) -> str:
    return str(root.findtext(path))


def as_told(
    number: str, type_code: str, currency: str, *, net_minor: int, tax_minor: int
) -> Told:
    """Return what a document of such sums has to say."""
    sums = (net_minor, tax_minor, net_minor + tax_minor)
    return Told(number, type_code, *(_decimal(minor, currency) for minor in sums))
