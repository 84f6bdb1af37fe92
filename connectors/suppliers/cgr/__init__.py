"""CGR's GestionCinemaWS: JSON strings in SOAP; one call locks and sells."""

from connectors.suppliers.cgr.client import CgrPort

__all__ = ["CgrPort"]
