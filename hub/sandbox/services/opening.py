"""Opening a sandbox: a world with a partner of its own, suppliers, terms, a season."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocation.services.plans import draft_plan, publish_plan
from connectors.services.deliveries import FEED_RECEIVED, open_feed, receive_records
from connectors.services.sealing import Sealer
from connectors.services.sources import open_source
from connectors.suppliers.kinds import REHEARSAL
from hub.kernel import clock, outbox
from hub.kernel.callers import Caller, Kind
from hub.kernel.db import take_turns
from hub.kernel.errors import NotFoundError
from hub.sandbox.models import Sandbox
from hub.sandbox.services import season
from partners import services
from partners.models import Contract, Partner
from partners.queries import caller_of, contracts_of, get_partner
from settlement.models import Terms
from settlement.services.credit import set_limit
from settlement.services.terms import decide_terms, propose_terms

STAGE, CINEMA, OTHER = "rehearsal-hall", "rehearsal-cinema", "somebody-else"
FEED, ENTITY, ZONE, CURRENCY, CHANNEL = "season", "rehearsal", "UTC", "EUR", "online"
TERMS_FOR = timedelta(days=70)
CREDIT_MINOR = 2 * season.FACE_MINOR[season.FLOOR]
CLAUSES: Mapping[str, Any] = {
    "commission": {"kind": "percent", "rate": 1_000},
    "service_fees": [{"fixed_minor": 50}],
}
SOURCE: Mapping[str, Any] = {
    "name": "by-its-word",
    "kind": REHEARSAL,
    "url": "https://rehearsal.invalid/",
    "every_s": 3_600,
    "connect_ms": 1_000,
    "operation_ms": 10_000,
    "at_once": 4,
    "reads_per_minute": 0,
    "tolerance_minor": 0,
    "drop_share_max_bp": 10_000,
    "credentials": {},
}


@dataclass(frozen=True, slots=True)
class Staff:
    """Who works in a sandbox: nobody has their keys."""

    operator: Caller
    reviewer: Caller
    approver: Caller


@dataclass(frozen=True, slots=True)
class Books:
    """Where a sandbox's contracts are: where the partner's first live one is."""

    legal_entity: str
    currency: str
    zone: str
    clauses: Mapping[str, Any]


def open_sandbox(
    session: Session, who: Caller, partner_id: UUID, *, secret: str, sealer: Sealer
) -> tuple[Sandbox, str]:
    """Open the sandbox of a live partner, or find it; return it with a new key to it.

    Its season is on its way: it can be sold once the workers have shared it out.
    """
    live = get_partner(session, partner_id, world=who.world)
    take_turns(session, f"sandbox/{live.id}")
    found = session.scalar(select(Sandbox).where(Sandbox.live_partner_id == live.id))
    if found is None:
        found = _opened(session, live, secret=secret, sealer=sealer)
    _, key = services.issue_credential(
        session,
        secret=secret,
        world=found.world,
        kind=Kind(live.kind),
        name=f"{live.ref}: sandbox",
        partner_id=found.partner_id,
    )
    return found, key


def find_sandbox(session: Session, who: Caller, partner_id: UUID) -> Sandbox:
    """Return the sandbox of a live partner; NotFoundError if it has none."""
    live = get_partner(session, partner_id, world=who.world)
    found = session.scalar(select(Sandbox).where(Sandbox.live_partner_id == live.id))
    if found is None:
        raise NotFoundError(partner_id=partner_id)
    return found


def _opened(session: Session, live: Partner, *, secret: str, sealer: Sealer) -> Sandbox:
    world = f"sandbox-{live.id.hex}"
    services.open_world(session, world)
    staff = Staff(*_staff(session, world, secret))
    scene = _Scene(session, world, staff, _books(session, live))
    own = scene.partner(Kind(live.kind), live.ref, live.name, live.channel)
    first = clock.now(session, world).replace(minute=0, second=0, microsecond=0)
    if live.kind == Kind.AGENT:
        stage = scene.partner(Kind.SUPPLIER, STAGE, "Rehearsal hall")
        cinema = scene.partner(Kind.SUPPLIER, CINEMA, "Rehearsal cinema")
        scene.set_up_cinema(cinema, own, sealer)
        scene.agree(cinema, CLAUSES)
        agent = own
    else:
        stage, agent = own, scene.partner(Kind.AGENT, "agent", "An agent", CHANNEL)
    other = scene.partner(Kind.AGENT, OTHER, "Somebody else", agent.channel)
    scene.agree_with_all(own, [stage, agent, other])
    scene.limit_credit(stage, agent)
    scene.deliver(stage, first)
    for name, scope, rules in season.plans(str(agent.channel), agent.ref, other.ref):
        scene.publish(stage, name, scope, rules)
    made = Sandbox(
        world=world,
        live_partner_id=live.id,
        partner_id=own.id,
        operator_id=staff.operator.credential_id,
        reviewer_id=staff.reviewer.credential_id,
        approver_id=staff.approver.credential_id,
        currency=scene.books.currency,
        season_from=first,
    )
    session.add(made)
    session.flush()
    return made


def _staff(session: Session, world: str, secret: str) -> list[Caller]:
    people = {
        "Sandbox operator": Kind.OPERATOR,
        "Sandbox reviewer": Kind.FINANCE,
        "Sandbox approver": Kind.FINANCE,
    }
    found = []
    for name, kind in people.items():
        credential, _ = services.issue_credential(
            session, secret=secret, world=world, kind=kind, name=name
        )
        session.flush()
        found.append(caller_of(credential))
    return found


def _books(session: Session, live: Partner) -> Books:
    """Return where a partner's first contract is, with the terms it has now."""
    contracts = contracts_of(session, live.id)
    if not contracts:
        services.register_legal_entity(
            session, code=ENTITY, name="Rehearsal", country="AT"
        )
        return Books(ENTITY, CURRENCY, ZONE, CLAUSES)
    first = contracts[0]
    wanted = select(Terms.clauses).where(
        Terms.contract_id == first.id, Terms.state == "approved", Terms.scope == {}
    )
    clauses = session.scalar(wanted.order_by(Terms.version.desc()).limit(1))
    return Books(first.legal_entity, first.currency, first.zone, clauses or CLAUSES)


@dataclass(frozen=True, slots=True)
class _Scene:
    """A world that is being furnished: what its staff agrees and delivers."""

    session: Session
    world: str
    staff: Staff
    books: Books

    def partner(
        self, kind: Kind, ref: str, name: str, channel: str | None = None
    ) -> Partner:
        return services.register_partner(
            self.session,
            world=self.world,
            kind=kind,
            ref=ref,
            name=name,
            channel=channel,
        )

    def agree_with_all(self, own: Partner, partners: Sequence[Partner]) -> None:
        """Agree terms with everybody; with the partner itself those it has live."""
        for partner in partners:
            clauses = self.books.clauses if partner is own else CLAUSES
            self.agree(partner, clauses)

    def agree(
        self, partner: Partner, clauses: Mapping[str, Any], currency: str | None = None
    ) -> Contract:
        contract = services.sign_contract(
            self.session,
            world=self.world,
            legal_entity=self.books.legal_entity,
            partner_id=partner.id,
            currency=currency or self.books.currency,
            zone=self.books.zone,
        )
        terms = propose_terms(
            *(self.session, self.staff.operator, contract),
            valid_from=clock.now(self.session, self.world) - TERMS_FOR,
            valid_until=None,
            scope={},
            clauses=clauses,
        )
        decide_terms(self.session, self.staff.reviewer, terms.id, is_approved=True)
        return contract

    def limit_credit(self, stage: Partner, agent: Partner) -> None:
        """Agree a second currency, in which the agent has little credit."""
        currency = season.Money.beside(self.books.currency).credit
        self.agree(stage, CLAUSES, currency)
        set_limit(
            *(self.session, self.staff.reviewer),
            self.agree(agent, CLAUSES, currency),
            limit_minor=CREDIT_MINOR,
            reason="to be reached",
        )

    def deliver(self, stage: Partner, first: datetime) -> None:
        """Put the season on its way, as a supplier's delivery."""
        feed = open_feed(
            self.session,
            world=self.world,
            supplier_id=stage.id,
            name=FEED,
            drop_share_max_bp=10_000,
        )
        money = season.Money.beside(self.books.currency)
        told = list(season.records(first, self.books.zone, money))
        receive_records(self.session, feed, told)
        facts = {"feed_id": str(feed.id)}
        outbox.put(self.session, FEED_RECEIVED, world=self.world, **facts)

    def publish(self, supplier: Partner, name: str, scope: Any, rules: Any) -> None:
        said = {"name": name, "scope": scope, "rules": rules}
        operator = self.staff.operator
        plan = draft_plan(self.session, operator, supplier.id, **said)
        publish_plan(self.session, operator.credential_id, plan)

    def set_up_cinema(self, cinema: Partner, agent: Partner, sealer: Sealer) -> None:
        """Set up the supplier that sells itself; it is read as any other."""
        settings = {
            "first": clock.real(self.session).date().isoformat(),
            "zone": self.books.zone,
            "currency": self.books.currency,
        }
        wanted = {**SOURCE, "settings": settings}
        open_source(
            self.session, sealer, wanted, world=self.world, supplier_id=cinema.id
        )
        free = [{"agent": agent.ref, "kind": "free-sale"}]
        rules = [{"channel": agent.channel, "rules": free}]
        self.publish(cinema, "everything", {}, {"rules": rules})
