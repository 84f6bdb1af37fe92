"""Files by HTTP: our own formats, open cinema showtimes, schema.org, Google's feed."""

from connectors.suppliers.feed.client import FilesPort

__all__ = ["FilesPort"]
