"""Setting the demo up: world, keys, partners, contracts, plans, feeds."""

import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import text

from hub.config import Settings
from hub.demo.cast import (
    AGENTS,
    LEGAL_ENTITIES,
    STARTS_AT,
    SUPPLIERS,
    WORLD,
    Supplier,
)
from hub.demo.client import Client, RefusedError
from hub.kernel.callers import Kind
from hub.kernel.db import transaction
from partners import services
from partners.queries import find_partner_by_ref

FEED = "season"
TERMS_FROM = "2026-01-01T00:00:00Z"
FOLLOW_PAUSE_S = 0.05
FOLLOW_TIMEOUT_S = 120
_BEGIN = text(
    "UPDATE world SET clock_offset = CAST(:at AS timestamptz) - clock_timestamp()"
    " WHERE name = :world AND clock_offset = interval '0'"
)
_FORGET_KEYS = text(
    "UPDATE credential SET expires_at = clock_timestamp() WHERE world = :world"
    " AND name = :name AND (expires_at IS NULL OR expires_at > clock_timestamp())"
)
_UNSPLIT = text(
    "SELECT count(*) FROM tree WHERE world = :world AND publication < (SELECT max(no)"
    " FROM plan_publication p WHERE p.supplier_id = tree.supplier_id)"
)
_IS_SETTLED = text(
    "SELECT coalesce(bool_and(state IN ('closed', 'paid')), false) FROM statement"
    " WHERE world = :world"
)


def open_world() -> bool:
    """Make the demo's world with its clock; return whether it was settled before."""
    with transaction() as session:
        services.open_world(session, WORLD)
        for code, (name, country) in LEGAL_ENTITIES.items():
            services.register_legal_entity(
                session, code=code, name=name, country=country
            )
        at = datetime.fromisoformat(STARTS_AT)
        session.execute(_BEGIN, {"world": WORLD, "at": at})
        return bool(session.scalar(_IS_SETTLED, {"world": WORLD}))


def staff_key(settings: Settings, kind: Kind, name: str) -> str:
    """Issue a key to a person of the demo; an earlier one of that name ends."""
    with transaction() as session:
        session.execute(_FORGET_KEYS, {"world": WORLD, "name": name})
        _, key = services.issue_credential(
            session, secret=settings.secret_key, world=WORLD, kind=kind, name=name
        )
    return key


def partner_key(settings: Settings, kind: Kind, ref: str) -> str:
    """Issue a key to a partner of the demo; its earlier one ends."""
    name = f"{ref}: demo"
    with transaction() as session:
        partner = find_partner_by_ref(session, ref, world=WORLD)
        assert partner is not None  # noqa: S101 - made just before
        session.execute(_FORGET_KEYS, {"world": WORLD, "name": name})
        _, key = services.issue_credential(
            session,
            secret=settings.secret_key,
            world=WORLD,
            kind=kind,
            name=name,
            partner_id=partner.id,
        )
    return key


def onboard(operator: Client, finance: Client) -> dict[str, str]:
    """Take everybody on over the API; return partner ids by reference.

    The operator proposes terms, finance approves them.
    """
    ids: dict[str, str] = {}
    for supplier in SUPPLIERS:
        ids[supplier.ref] = take_on(operator, finance, supplier)
        body = {"name": FEED}
        _unless_there(operator, f"/v1/partners/{ids[supplier.ref]}/feeds", body)
    for agent in AGENTS:
        channel = {"channel": agent.channel}
        ids[agent.ref] = _partner(operator, "agent", agent.ref, agent.name, **channel)
        for (legal_entity, currency), terms in agent.terms.items():
            where = (legal_entity, currency, agent.zone)
            _contract((operator, finance), ids[agent.ref], where, terms)
    return ids


def take_on(operator: Client, finance: Client, supplier: Supplier) -> str:
    """Take a supplier on with its contract; return its id."""
    supplier_id = _partner(operator, "supplier", supplier.ref, supplier.name)
    _contract(
        (operator, finance),
        supplier_id,
        (supplier.legal_entity, supplier.currency, supplier.zone),
        (supplier.commission_bp, supplier.ticket_fee_minor),
    )
    return supplier_id


def _partner(operator: Client, kind: str, ref: str, name: str, **more: str) -> str:
    made = _unless_there(
        operator, "/v1/partners", {"kind": kind, "ref": ref, "name": name, **more}
    )
    if made is not None:
        return str(made["id"])
    with transaction() as session:
        found = find_partner_by_ref(session, ref, world=WORLD)
        assert found is not None  # noqa: S101 - the hub has just said so
        return str(found.id)


def _contract(
    people: tuple[Client, Client],
    partner_id: str,
    where: tuple[str, str, str],
    terms: tuple[int, int],
) -> None:
    operator, finance = people
    body = dict(zip(("legal_entity", "currency", "zone"), where, strict=True))
    made = _unless_there(operator, f"/v1/partners/{partner_id}/contracts", body)
    if made is not None:
        commission_bp, ticket_fee_minor = terms
        fees = [{"fixed_minor": ticket_fee_minor}] if ticket_fee_minor else []
        clauses = {
            "commission": {"kind": "percent", "rate": commission_bp},
            "service_fees": fees,
        }
        wanted = {"valid_from": TERMS_FROM, "clauses": clauses}
        agreed = operator.post(f"/v1/contracts/{made['id']}/terms", wanted)
        finance.post(f"/v1/terms/{agreed['id']}/decision", {"decision": "approve"})


def _unless_there(
    operator: Client, path: str, body: dict[str, Any]
) -> dict[str, Any] | None:
    try:
        return operator.post(path, body)
    except RefusedError as error:
        if not error.code.endswith("-exists"):
            raise
        return None


def deliver(client: Client, records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Push a supplier's season as a full delivery and follow it to its end."""
    body = "".join(json.dumps(record) + "\n" for record in records).encode()
    delivery = client.call(
        "POST",
        f"/v1/feeds/{FEED}/deliveries",
        params={"mode": "full"},
        data=body,
        headers={"Content-Type": "application/x-ndjson"},
    )

    def is_done() -> bool:
        delivery.update(client.get(f"/v1/deliveries/{delivery['id']}"))
        return delivery["state"] in {"done", "quarantined"}

    wait(is_done, f"delivery {delivery['id']} is not applied")
    return delivery


def share_out(operator: Client, supplier: Supplier, supplier_id: str) -> None:
    """Publish a supplier's plan unless it has one."""
    path = f"/v1/partners/{supplier_id}/plans"
    if not operator.get(path)["items"]:
        operator.post(path, {"plan": supplier.plan})


def wait_until_shared_out() -> None:
    """Wait until every tree is what plan and capacity say."""

    def is_done() -> bool:
        with transaction() as session:
            return not session.scalar(_UNSPLIT, {"world": WORLD})

    wait(is_done, "the season is not shared out")


def wait(is_done: Callable[[], bool], otherwise: str) -> None:
    """Wait for the worker; TimeoutError with what did not happen."""
    deadline = time.monotonic() + FOLLOW_TIMEOUT_S
    while not is_done():
        if time.monotonic() > deadline:
            message = f"{otherwise} after {FOLLOW_TIMEOUT_S} s"
            raise TimeoutError(message)
        time.sleep(FOLLOW_PAUSE_S)
