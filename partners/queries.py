"""What is read about partners; nothing here writes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller, Kind
from hub.kernel.errors import NotFoundError
from partners.models import BillingProfile, Contract, Credential, Partner

FAMILY = "(SELECT id FROM partner WHERE :holder IN (id, parent_id))"
"""An agent and its sub-agents, in SQL."""


def find_caller(session: Session, key_hash: bytes) -> Caller | None:
    """Return whose key this is, unless it is unknown or expired."""
    found = session.scalar(
        select(Credential).where(
            Credential.key_hash == key_hash,
            or_(
                Credential.expires_at.is_(None),
                Credential.expires_at > func.clock_timestamp(),
            ),
        )
    )
    return None if found is None else caller_of(found)


def caller_of(found: Credential) -> Caller:
    """Return who calls with a credential."""
    return Caller(
        credential_id=found.id,
        holder_id=found.holder_id,
        world=found.world,
        kind=Kind(found.kind),
        partner_id=found.partner_id,
        scopes=frozenset(found.scopes),
        expires_at=found.expires_at,
        name=found.name,
    )


def get_partner(
    session: Session, partner_id: UUID, *, world: str, kind: Kind | None = None
) -> Partner:
    """Return a partner of a world; NotFoundError for any other."""
    found = session.get(Partner, partner_id)
    if found is None or found.world != world or kind not in {None, found.kind}:
        raise NotFoundError(partner_id=partner_id)
    return found


def find_partner_by_ref(session: Session, ref: str, *, world: str) -> Partner | None:
    """Return the partner with this reference in a world, if any."""
    wanted = select(Partner).where(Partner.world == world, Partner.ref == ref)
    return session.scalar(wanted)


def list_partners(
    session: Session, *, world: str, after: UUID | None, limit: int
) -> Sequence[Partner]:
    """Return partners of a world by id, one more than *limit*."""
    wanted = select(Partner).where(Partner.world == world).order_by(Partner.id)
    if after is not None:
        wanted = wanted.where(Partner.id > after)
    return session.scalars(wanted.limit(limit + 1)).all()


def agents_by_ref(
    session: Session, *, world: str
) -> dict[str, tuple[UUID, str | None]]:
    """Return agents by reference: id and channel. Sub-agents are their agents'."""
    wanted = select(Partner).where(
        Partner.world == world,
        Partner.kind == Kind.AGENT,
        Partner.parent_id.is_(None),
    )
    return {agent.ref: (agent.id, agent.channel) for agent in session.scalars(wanted)}


def get_credential(session: Session, credential_id: UUID, *, world: str) -> Credential:
    """Return a credential of a world, locked; NotFoundError for any other."""
    found = session.get(Credential, credential_id, with_for_update=True)
    if found is None or found.world != world:
        raise NotFoundError(credential_id=credential_id)
    return found


def list_credentials(
    session: Session, *, world: str, after: UUID | None, limit: int
) -> Sequence[Credential]:
    """Return credentials of a world by id, one more than *limit*."""
    wanted = select(Credential).where(Credential.world == world)
    if after is not None:
        wanted = wanted.where(Credential.id > after)
    return session.scalars(wanted.order_by(Credential.id).limit(limit + 1)).all()


def get_contract(session: Session, contract_id: UUID, *, world: str) -> Contract:
    """Return a contract of a world; NotFoundError for any other."""
    found = session.get(Contract, contract_id)
    if found is None or found.world != world:
        raise NotFoundError(contract_id=contract_id)
    return found


def contracts_of(session: Session, partner_id: UUID) -> Sequence[Contract]:
    """Return a partner's contracts by currency."""
    wanted = select(Contract).where(Contract.partner_id == partner_id)
    return session.scalars(wanted.order_by(Contract.currency)).all()


def contracts_with_partners(
    session: Session, *, world: str
) -> Sequence[tuple[Contract, Partner]]:
    """Return every contract of a world with its partner, in a fixed order."""
    wanted = (
        select(Contract, Partner)
        .join(Partner, Partner.id == Contract.partner_id)
        .where(Contract.world == world)
        .order_by(Partner.kind.desc(), Partner.ref, Contract.currency, Contract.id)
    )
    return [(row[0], row[1]) for row in session.execute(wanted)]


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of partners: keys and contracts in one world."""
    strayed = (
        select(Credential.id)
        .join(Partner, Partner.id == Credential.partner_id)
        .where(or_(Partner.world != Credential.world, Partner.kind != Credential.kind))
    )
    abroad = (
        select(Contract.id)
        .join(Partner, Partner.id == Contract.partner_id)
        .where(Partner.world != Contract.world)
    )
    return [
        {"law": "a key is of its partner's world and kind", "credential_id": str(found)}
        for found in session.scalars(strayed)
    ] + [
        {"law": "a contract is of its partner's world", "contract_id": str(found)}
        for found in session.scalars(abroad)
    ]


def billing_of(
    session: Session,
    *,
    world: str,
    partner_id: UUID | None = None,
    legal_entity: str | None = None,
) -> BillingProfile | None:
    """Return what documents say of a partner or a legal entity; None if not said."""
    wanted = select(BillingProfile).where(BillingProfile.world == world)
    if partner_id is not None:
        wanted = wanted.where(BillingProfile.partner_id == partner_id)
    else:
        wanted = wanted.where(BillingProfile.legal_entity == legal_entity)
    return session.scalar(wanted)


def get_billing(session: Session, **whose: Any) -> BillingProfile:
    """Return the same; NotFoundError where nothing has been said."""
    found = billing_of(session, **whose)
    if found is None:
        raise NotFoundError(billing_profile="not set yet")
    return found
