"""The blueprints of tickets: for callers, and for whoever has a link."""

from hub.kernel.http import Blueprint

blp = Blueprint("tickets", __name__, url_prefix="/v1", description="Tickets")
links = Blueprint("links", __name__, description="Tickets, for whoever has a link")
