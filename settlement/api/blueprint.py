"""The one blueprint of settlement; its resources are put on it by noun."""

from hub.kernel.http import Blueprint

blp = Blueprint(
    "finance",
    __name__,
    url_prefix="/v1",
    description="Terms, the journal, credit and statements",
)
