"""Taking partners on: who they are, their keys, their contracts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller, Kind
from hub.kernel.clock import World
from hub.kernel.clock import now as world_time
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.ids import new_id
from hub.kernel.money import is_currency
from partners import queries, rules
from partners.errors import (
    ContractExistsError,
    CredentialEndedError,
    LegalEntityExistsError,
    PartnerExistsError,
    UnknownCurrencyError,
)
from partners.models import (
    BillingProfile,
    Contract,
    Credential,
    LegalEntity,
    Partner,
)

_NOW = select(func.clock_timestamp())


def open_world(session: Session, name: str) -> bool:
    """Make a world if there is none of that name; return whether one was made."""
    made = insert(World).values(name=name).on_conflict_do_nothing()
    return session.scalar(made.returning(World.name)) is not None


def register_legal_entity(
    session: Session, *, code: str, name: str, country: str
) -> None:
    """Make a legal entity; LegalEntityExistsError if the code names another."""
    values = {"code": code, "name": name, "country": country}
    session.execute(insert(LegalEntity).values(values).on_conflict_do_nothing())
    found = session.get_one(LegalEntity, code)
    if (found.name, found.country) != (name, country):
        raise LegalEntityExistsError(code=code, name=found.name, country=found.country)


def register_partner(
    session: Session,
    *,
    world: str,
    kind: Kind,
    ref: str,
    name: str,
    channel: str | None = None,
    parent_id: UUID | None = None,
) -> Partner:
    """Take a supplier or an agent on; PartnerExistsError if the reference is taken.

    A sub-agent sells through its agent's channel, from what that hands on to it.
    """
    if parent_id is not None:
        parent = queries.get_partner(session, parent_id, world=world, kind=Kind.AGENT)
        if kind is not Kind.AGENT or parent.parent_id is not None:
            reason = "names an agent that is no sub-agent itself, for an agent"
            raise InvalidRequestError(field="parent_id", reason=reason)
        channel = channel or parent.channel
        if channel != parent.channel:
            reason = "a sub-agent sells through its agent's channel"
            raise InvalidRequestError(field="channel", reason=reason)
    if (kind is Kind.AGENT) != (channel is not None):
        reason = "an agent has a channel, a supplier has none"
        raise InvalidRequestError(field="channel", reason=reason)
    values = {
        "id": new_id(),
        "world": world,
        "kind": kind,
        "ref": ref,
        "name": name,
        "channel": channel,
        "parent_id": parent_id,
    }
    made = insert(Partner).values(values).on_conflict_do_nothing()
    partner: Partner | None = session.scalar(made.returning(Partner))
    if partner is None:
        raise PartnerExistsError(ref=ref)
    return partner


def issue_credential(
    session: Session,
    *,
    secret: str,
    world: str,
    kind: Kind,
    name: str,
    partner_id: UUID | None = None,
    scopes: frozenset[str] = rules.SCOPES,
    expires_at: datetime | None = None,
    rotated_from: Credential | None = None,
) -> tuple[Credential, str]:
    """Issue an API key; return the credential and the key, which is not kept."""
    if partner_id is not None:
        queries.get_partner(session, partner_id, world=world, kind=kind)
    key = rules.new_key()
    credential_id = new_id()
    credential = Credential(
        id=credential_id,
        holder_id=rotated_from.holder_id if rotated_from else credential_id,
        rotated_from=rotated_from and rotated_from.id,
        world=world,
        kind=kind,
        partner_id=partner_id,
        name=name,
        key_hash=rules.key_hash(key, secret),
        key_hint=key[: rules.HINT_LENGTH],
        scopes=sorted(scopes),
        expires_at=expires_at,
        created_at=session.scalar(_NOW),
    )
    session.add(credential)
    return credential, key


def rotate_credential(
    session: Session, credential_id: UUID, *, secret: str, world: str, overlap_s: int
) -> tuple[Credential, str]:
    """Issue a successor; the old key goes on working for *overlap_s* seconds.

    CredentialEndedError when the old key has expired or was revoked.
    """
    old = queries.get_credential(session, credential_id, world=world)
    if old.expires_at is not None and old.expires_at <= session.scalars(_NOW).one():
        raise CredentialEndedError(credential_id=credential_id)
    new, key = issue_credential(
        session,
        secret=secret,
        world=world,
        kind=Kind(old.kind),
        name=old.name,
        partner_id=old.partner_id,
        scopes=frozenset(old.scopes),
        expires_at=old.expires_at,
        rotated_from=old,
    )
    _expire(session, old, after_s=overlap_s)
    return new, key


def revoke_credential(session: Session, credential_id: UUID, *, world: str) -> None:
    """End a key now; web processes forget it within the stated cache time."""
    old = queries.get_credential(session, credential_id, world=world)
    _expire(session, old, after_s=0)


def _expire(session: Session, credential: Credential, *, after_s: int) -> None:
    until = func.clock_timestamp() + timedelta(seconds=after_s)
    session.execute(
        update(Credential)
        .where(Credential.id == credential.id)
        .values(expires_at=func.least(Credential.expires_at, until))
        .execution_options(synchronize_session=False)
    )


def sign_contract(
    session: Session,
    *,
    world: str,
    legal_entity: str,
    partner_id: UUID,
    currency: str,
    zone: str,
) -> Contract:
    """Make a contract; its months are those of *zone*, its money is *currency*."""
    queries.get_partner(session, partner_id, world=world)
    if not is_currency(currency):
        raise UnknownCurrencyError(currency=currency)
    if session.get(LegalEntity, legal_entity) is None:
        raise InvalidRequestError(field="legal_entity", reason="not a legal entity")
    values = {
        "id": new_id(),
        "world": world,
        "legal_entity": legal_entity,
        "partner_id": partner_id,
        "currency": currency,
        "zone": rules.zone(zone).key,
    }
    made = insert(Contract).values(values).on_conflict_do_nothing()
    contract: Contract | None = session.scalar(made.returning(Contract))
    if contract is None:
        raise ContractExistsError(partner_id=partner_id, currency=currency)
    return contract


def set_billing(
    session: Session,
    who: Caller,
    *,
    said: dict[str, Any],
    partner_id: UUID | None = None,
    legal_entity: str | None = None,
) -> BillingProfile:
    """Say what documents say of a partner, or of a legal entity in the caller's world.

    WrongTaxIdError for a VAT identifier that is none, NotFoundError for nobody.
    """
    if partner_id is not None:
        queries.get_partner(session, partner_id, world=who.world)
    elif session.get(LegalEntity, legal_entity) is None:
        raise NotFoundError(legal_entity=legal_entity)
    agreed = {
        code: day.isoformat() for code, day in said.get("self_billing", {}).items()
    }
    for code in agreed:
        if session.get(LegalEntity, code) is None:
            reason = f"{code} is not a legal entity"
            raise InvalidRequestError(field="self_billing", reason=reason)
    said = said | {"self_billing": agreed}
    if said["vat_id"] is not None:
        said = said | {"vat_id": rules.vat_id(said["vat_id"])}
    said |= {"set_by": who.credential_id, "set_at": world_time(session, who.world)}
    whose = {"partner_id": partner_id, "legal_entity": legal_entity}
    keys = ["world", "legal_entity"] if partner_id is None else ["partner_id"]
    made = (
        insert(BillingProfile)
        .values(id=new_id(), world=who.world, **whose, **said)
        .on_conflict_do_update(index_elements=keys, set_=said)
        .returning(BillingProfile)
        .execution_options(populate_existing=True)
    )
    return session.scalars(made).one()
