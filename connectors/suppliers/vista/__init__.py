"""Vista's WSVistaWebClient: schedules by DataService, orders by TicketingService."""

from connectors.suppliers.vista.client import VistaPort

__all__ = ["VistaPort"]
