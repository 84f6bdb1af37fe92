"""OTSAPI, China's national online-ticketing interface: signed XML in SOAP 1.2."""

from connectors.suppliers.otsapi.client import OtsapiPort

__all__ = ["OtsapiPort"]
