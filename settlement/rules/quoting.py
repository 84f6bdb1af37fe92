"""Quoting: terms and lines in, amounts with the rule behind each out. Pure."""

from collections.abc import Sequence

from settlement.rules.charges import charge
from settlement.rules.deals import SIDES, Deal, Draft, Totals
from settlement.rules.earning import commissions
from settlement.rules.lines import Line
from settlement.rules.prices import price
from settlement.rules.quotes import Amount, Place, Quote, Side
from settlement.rules.supplying import distribute, pay_out, withhold
from settlement.rules.taxes import TaxBook


def quotes(deals: Sequence[Deal], taxes: TaxBook, totals: Totals) -> list[Quote]:
    """Quote lines in order; *totals* are what has run up, and run on with each line.

    Linear terms round per line and are ``final``; what depends on a running total is
    T(total with the line) - T(total before it), and ``provisional``. DiscountTooLarge
    and NoTaxRateError say which line cannot be quoted.
    """
    drafts = [_draft(deal) for deal in deals]
    charge(drafts, taxes)
    for side in SIDES:
        commissions(drafts, side, totals, taxes)
    return [_finished(draft, totals, taxes) for draft in drafts]


def _draft(deal: Deal) -> Draft:
    agent, supplier = deal.agent, deal.supplier
    side = "agent" if agent and agent.clauses.discount else "supplier"
    terms = deal.terms(side)
    discount = terms.clauses.discount if terms else None
    agreed = supplier.clauses.agreed_price_minor if supplier else None
    is_own = supplier is not None and supplier.clauses.capacity == "principal"
    default = "hub" if is_own else "supplier"
    draft = Draft(deal, price(deal.line, discount, agreed, default=default))
    draft.amounts += _priced(draft, side if discount else "")
    return draft


def _priced(draft: Draft, discount_side: str) -> list[Amount]:
    line, found = draft.deal.line, draft.price
    supplier = draft.clauses("supplier")
    each = {"face_minor": line.face_minor, "quantity": line.quantity}
    told = [Amount("face", found.face_minor, rule="face value", inputs=each)]
    for funder, minor in sorted(found.funded.items()):
        if minor:
            told.append(
                Amount(
                    *("discount", minor, discount_side, funder),
                    rule="funding of the discount",
                    inputs=_discounted(draft),
                )
            )
    if line.booking_fee_minor:
        minor = line.booking_fee_minor * line.quantity
        rule = "the supplier's own fee, per ticket"
        is_kept = supplier is not None and supplier.refund.booking_fee == "kept"
        told.append(
            Amount("booking-fee", minor, to="supplier", rule=rule, is_kept=is_kept)
        )
    return told


def _discounted(draft: Draft) -> dict[str, int]:
    supplier = draft.clauses("supplier")
    told = {"discount_minor": draft.price.discount_minor}
    if supplier is not None and supplier.agreed_price_minor is not None:
        told |= {
            "agreed_price_minor": supplier.agreed_price_minor,
            "settled_minor": draft.price.settled,
        }
    return told


def _finished(draft: Draft, totals: Totals, taxes: TaxBook) -> Quote:
    distribute(draft, totals)
    withhold(draft)
    pay_out(draft)
    deal = draft.deal
    agent, supplier = draft.clauses("agent"), draft.clauses("supplier")
    return Quote(
        currency=deal.line.currency,
        quantity=deal.line.quantity,
        amounts=tuple(draft.amounts),
        supplier=_side(draft, "supplier", taxes),
        agent=_side(draft, "agent", taxes),
        legal_entity=deal.legal_entity,
        supplier_id=deal.supplier_id,
        agent_id=deal.agent_id,
        collector=agent.collector if agent else "agent",
        capacity=supplier.capacity if supplier else "agent",
        place=_place(deal.line),
        quoted_at=deal.line.sold_at,
    )


def _place(line: Line) -> Place:
    return Place(
        *(line.venue, line.production, line.performance, line.performance_at),
        *(line.area, line.price_type, line.channel),
    )


def _side(draft: Draft, side: str, taxes: TaxBook) -> Side | None:
    terms = draft.deal.terms(side)
    if terms is None:
        return None
    clauses = terms.clauses
    fee, tax = clauses.refund.fee_per_ticket_minor, 0
    if fee and clauses.taxes.refund_fee is not None:
        day = draft.day(side)
        taxed = taxes.taxed(fee, clauses.taxes.refund_fee, day, clauses.rounding)
        fee, tax = taxed.gross_minor, taxed.tax_minor
    return Side(
        *(terms.contract_id, terms.terms_id, terms.version, terms.zone, clauses.remit),
        *(clauses.basis, clauses.refund.running, fee, tax),
        tuple(draft.running[side]),
    )
