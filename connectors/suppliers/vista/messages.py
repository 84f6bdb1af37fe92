"""What is sent to a Vista, member by member: it wants every scalar, used or not."""

from typing import Any

from connectors.ports import LineWanted, OrderWanted, Sold, TicketSold
from connectors.suppliers.vista.words import place_of

PAID = 0
SEAT_DATA = {
    "ReturnOrder": False,
    "ExcludeAreasWithoutTickets": False,
    "IncludeBrokenSeats": True,
    "IncludeHouseSpecialSeats": True,
    "IncludeGreyAndSofaSeats": True,
    "IncludeAllSeatPriorities": False,
    "IncludeSeatNumbers": True,
    "IncludeCompanionSeats": True,
}


def add_tickets(wanted: OrderWanted) -> dict[str, Any]:
    """Return AddTickets: the tickets, and the seats if any are chosen."""
    cinema, _, session = wanted.performance.rpartition("/")
    seats = [place_of(code) for code in wanted.seat_codes()]
    return {
        "UserSessionId": wanted.key,
        "CinemaId": cinema,
        "SessionId": session,
        "TicketTypes": {"TicketType": [_tickets(line) for line in wanted.lines]},
        "ReturnOrder": True,
        "ReturnSeatData": False,
        "ProcessOrderValue": True,
        "UserSelectedSeatingSupported": bool(seats),
        "SkipAutoAllocation": bool(seats),
        "IncludeAllSeatPriorities": False,
        "IncludeSeatNumbers": True,
        "ExcludeAreasWithoutTickets": False,
        "ReturnDiscountInfo": False,
        "BookingMode": PAID,
        "ReorderSessionTickets": False,
        "ReturnSeatDataFormat": 0,
        "SelectedSeats": {"SelectedSeat": seats} if seats else None,
    }


def complete_order(wanted: OrderWanted) -> dict[str, Any]:
    """Return CompleteOrder: paid elsewhere, the hub settles with the chain."""
    return {
        "UserSessionId": wanted.key,
        "PaymentInfo": {
            "PaymentValueCents": wanted.total_minor,
            "PaymentTenderCategory": "AGENT",
            "BillFullOutstandingAmount": False,
            "UseAsBookingRef": False,
            "BillingValueCents": wanted.total_minor,
            "CardBalance": 0,
            "SaveCardToWallet": False,
            "BankReference": wanted.key,
        },
        "PerformPayment": False,
        "GeneratePrintStream": False,
        "ReturnPrintStream": False,
        "UnpaidBooking": False,
        "OptionalReturnMemberBalances": False,
        "BookingMode": PAID,
        "GenerateConcessionVoucherPrintStream": False,
        "UseAlternateLanguage": False,
    }


def _tickets(line: LineWanted) -> dict[str, Any]:
    return {
        "TicketTypeCode": line.type_code,
        "Qty": line.quantity,
        "PriceInCents": line.face_minor,
        "OptionalAreaCatSequence": 0,
        "LoyaltyRecognitionSequence": 0,
        "OptionalAreaCategoryCode": line.area,
    }


def sold(wanted: OrderWanted, booking: str) -> Sold:
    """Return a booking: its id is the code that lets all of it in."""
    seats: list[str | None] = [*wanted.seat_codes()]
    seats += [None] * (wanted.quantity - len(seats))
    tickets = tuple(TicketSold(booking, seat) for seat in seats)
    return Sold(booking, tickets, is_shared=True)
