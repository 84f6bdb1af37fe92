"""The blueprints of suppliers: for callers, and for whoever has a source's token."""

from hub.kernel.http import Blueprint

blp = Blueprint(
    "supplier", __name__, url_prefix="/v1", description="Suppliers: inventory in"
)
hints = Blueprint("hints", __name__, url_prefix="/v1", description="Hints of suppliers")
