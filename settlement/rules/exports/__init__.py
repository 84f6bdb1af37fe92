"""Statements and journals in the forms that others read. Pure."""
