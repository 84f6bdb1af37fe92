"""Reports (finance); partners see what is owed to or by them, and their commission."""

from typing import Any

from flask.views import MethodView

from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from partners.errors import UnknownZoneError
from partners.rules import zone
from settlement import errors
from settlement.api.blueprint import blp
from settlement.queries import reports
from settlement.rules.periods import month
from settlement.schemas import reports as schemas


@blp.route("/reports/revenue")
class RevenueReport(MethodView):
    @blp.arguments(schemas.RevenueQuerySchema, location="query")
    @blp.response(200, schemas.RevenueSchema)
    @blp.problems(errors.UnknownPeriodError, UnknownZoneError, InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Tell the hub's revenue of a month, by kind and partner, venue, genre..."""
        zone(wanted["zone"])
        period = month(wanted["period"], wanted["zone"])
        with transaction() as session:
            items = reports.revenue(
                session,
                world=caller().world,
                entity=wanted["legal_entity"],
                period=period,
                by=wanted["by"],
            )
        return {"period": period.name, "by": wanted["by"], "items": items}


@blp.route("/reports/owed")
class OwedReport(MethodView):
    @blp.response(200, schemas.OwedSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """Tell what is owed under each contract, and since when."""
        who = caller()
        with transaction() as session:
            now = clock.now(session, who.world)
            items = reports.owed(
                session, world=who.world, partner_id=who.partner_id, now=now
            )
        return {"as_of": now, "items": items}


@blp.route("/reports/commissions")
class CommissionsReport(MethodView):
    @blp.arguments(schemas.ReportQuerySchema, location="query")
    @blp.response(200, schemas.CommissionReportSchema)
    @blp.problems(errors.UnknownPeriodError, InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Tell what commission was promised at a month's sales, and what is earned."""
        who, span = caller(), month(wanted["period"], "UTC")
        months = (f"{span.starts_at:%Y-%m-%d}", f"{span.ends_at:%Y-%m-%d}")
        with transaction() as session:
            items = reports.commissions(
                session, world=who.world, partner_id=who.partner_id, months=months
            )
        return {"period": span.name, "items": items}
