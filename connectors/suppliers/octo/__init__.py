"""OCTO: the open standard of tours, activities and attractions."""

from connectors.suppliers.octo.client import OctoPort

__all__ = ["OctoPort"]
