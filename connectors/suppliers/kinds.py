"""The kinds of suppliers' systems there are."""

from collections.abc import Mapping

from connectors.suppliers.cgr import CgrPort
from connectors.suppliers.cmts import CmtsPort
from connectors.suppliers.feed import FilesPort
from connectors.suppliers.hfh import HfhPort
from connectors.suppliers.hub import HubPort
from connectors.suppliers.octo import OctoPort
from connectors.suppliers.otsapi import OtsapiPort
from connectors.suppliers.pretix import PretixPort
from connectors.suppliers.rehearsal import RehearsalPort
from connectors.suppliers.tiqets import TiqetsPort
from connectors.suppliers.vista import VistaPort

Kind = type[
    VistaPort
    | CmtsPort
    | HfhPort
    | OtsapiPort
    | CgrPort
    | PretixPort
    | OctoPort
    | TiqetsPort
    | HubPort
    | FilesPort
    | RehearsalPort
]
KINDS: Mapping[str, Kind] = {
    "vista": VistaPort,
    "cmts": CmtsPort,
    "hfh": HfhPort,
    "otsapi": OtsapiPort,
    "cgr": CgrPort,
    "pretix": PretixPort,
    "octo": OctoPort,
    "tiqets": TiqetsPort,
    "hub": HubPort,
    "files": FilesPort,
}
"""Those that operators set up."""
REHEARSAL = "rehearsal"
EVERY: Mapping[str, Kind] = {**KINDS, REHEARSAL: RehearsalPort}
"""Those that there are: one more in sandboxes."""
