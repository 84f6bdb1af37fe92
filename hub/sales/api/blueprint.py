"""The blueprint of the sale."""

from hub.kernel.http import Blueprint

blp = Blueprint("agent", __name__, url_prefix="/v1", description="Agents: the sale")
