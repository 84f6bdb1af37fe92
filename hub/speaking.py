"""What a process needs to tell webhooks in other APIs' words: imported when it does."""

from flask import Flask

from hub.app import configure, equip
from hub.config import Settings
from hub.dialects.octo.services.pushing import OctoWebhooks


def octo(settings: Settings) -> OctoWebhooks:
    """Return how endpoints of OCTO are told, over an application without routes."""
    app = Flask("hub", static_folder=None)
    configure(app, settings)
    equip(app, settings)
    return OctoWebhooks(app)
