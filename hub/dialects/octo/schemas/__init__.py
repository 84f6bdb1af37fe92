"""The wire of OCTO: what is asked, what is told."""
