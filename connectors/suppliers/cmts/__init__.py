"""ManTianXing's ticketapi (CMTS): XML in strings, signed, issued after a while."""

from connectors.suppliers.cmts.client import CmtsPort

__all__ = ["CmtsPort"]
