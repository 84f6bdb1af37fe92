"""The blueprint that the resources of allocation hang on."""

from hub.kernel.http import Blueprint

blp = Blueprint("plans", __name__, url_prefix="/v1", description="Sharing capacity out")
