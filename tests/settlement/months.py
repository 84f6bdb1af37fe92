"""A month of sales, and the hands it goes through until it is closed."""

import csv
import io
from datetime import datetime, timedelta


def begin_month(hub):
    """Put the clock on the second day of the next month; return its first instant."""
    now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    first = (now.replace(day=1) + timedelta(days=32)).replace(day=2)
    hub.call("operator", "PUT", "/v1/clock", {"now": first.isoformat()})
    hub.period = first.strftime("%Y-%m")
    return first


def end_month(hub):
    hub.move_clock(days=32)


def drafted(hub):
    """Draft the month; return its statements by whose they are."""
    hub.post("finance", f"/v1/periods/{hub.period}/drafts", None)
    found = hub.get("finance", f"/v1/statements?period={hub.period}")["items"]
    names = {hub.ids[ref]: ref for ref in ("ann", "bob", "sup")}
    return {names[item["partner_id"]]: item for item in found}


def closed(hub):
    """Draft, review, approve and close the month, by two people; return it."""
    for statement in drafted(hub).values():
        if statement["state"] in {"closed", "paid"}:
            continue
        hub.review("finance", statement["id"])
        hub.approve_statement("auditor", statement["id"])
        hub.close("auditor", statement["id"])
    return {
        who: hub.get("finance", f"/v1/statements/{s['id']}")
        for who, s in drafted(hub).items()
    }


def lines(hub, who, statement):
    """Return a statement's lines as CSV."""
    found = hub.call(who, "GET", f"/v1/statements/{statement['id']}/lines")
    return found.get_data(as_text=True)


def table(hub, who, statement):
    """Return a statement's lines as rows."""
    return list(csv.DictReader(io.StringIO(lines(hub, who, statement))))


def pay(hub, who, statement, minor, expect=200, *, reference=""):
    path = f"/v1/statements/{statement['id']}/payment"
    said = reference or f"bank-{statement['id']}"
    wanted = {"reference": said, "amount_minor": minor}
    return hub.post(who, path, wanted, expect)
