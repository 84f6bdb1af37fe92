"""HFH: XML over HTTP, which tells of a show only what may not be sold."""

from connectors.suppliers.hfh.client import HfhPort

__all__ = ["HfhPort"]
