"""The blueprint of suppliers' resources."""

from hub.kernel.http import Blueprint

blp = Blueprint(
    "supplier", __name__, url_prefix="/v1", description="Suppliers: inventory in"
)
