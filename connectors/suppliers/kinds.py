"""The kinds of suppliers' systems there are."""

from collections.abc import Mapping

from connectors.suppliers.cmts import CmtsPort
from connectors.suppliers.feed import FilesPort
from connectors.suppliers.octo import OctoPort
from connectors.suppliers.vista import VistaPort

Kind = type[VistaPort | CmtsPort | OctoPort | FilesPort]
KINDS: Mapping[str, Kind] = {
    "vista": VistaPort,
    "cmts": CmtsPort,
    "octo": OctoPort,
    "files": FilesPort,
}
