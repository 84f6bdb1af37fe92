"""hub verify finds what breaks a law: each mutation of one row is caught."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from hub.cli import main
from hub.verify import verify
from tests.hubs import FREE_SALE

MUTATIONS = {
    "UPDATE node SET taken = taken + 1 WHERE level = 'agent' AND taken > 0": "every count equals its sum",
    "UPDATE node SET taken = taken - 1 WHERE level = 'area' AND taken > 0": "every count equals its sum",
    "UPDATE node SET ceiling = 1 WHERE level = 'area'": "over-commitment is what is above the ceiling",
    "DELETE FROM seat_taken": "a seat is taken by one hold or ticket, and by one only",
    "UPDATE seat_taken SET hold_id = gen_random_uuid()": "a seat is taken by one hold or ticket, and by one only",
    "UPDATE hold_line SET quantity = quantity + 1": "every count equals its sum",
    "UPDATE hold SET state = 'lapsed' WHERE state = 'held'": "every count equals its sum",
    "UPDATE hold SET state = 'held' WHERE state = 'confirmed'": "an order comes from a confirmed hold of the same agent",
    "UPDATE order_line SET cancelled = cancelled + 1": "a line has a ticket for each of its quantity",
    "UPDATE order_line SET face_minor = face_minor + 1": "postings are what the order lines say",
    "UPDATE order_line SET booking_fee_minor = booking_fee_minor - 1": "a line, its tickets, its offer and its node are one performance's",
    "DELETE FROM ticket WHERE seat_id IS NULL": "a line has a ticket for each of its quantity",
    "UPDATE ticket SET cancelled_at = now(), cancelled_for = 'agent'": "a line has a ticket for each of its quantity",
    "UPDATE sale_order SET state = 'cancelled'": "an order's state is what its tickets say",
    "UPDATE sale_order SET agent_id = (SELECT id FROM partner WHERE ref = 'bob')": "an order comes from a confirmed hold of the same agent",
    "UPDATE posting SET amount_minor = amount_minor + 1 WHERE no = 1": "every entry sums to zero in every currency",
    "DELETE FROM posting": "every entry has postings",
    "UPDATE journal_entry SET happened_at = happened_at + interval '1 s'": "sealed entries are as they were when they were sealed",
    "UPDATE seal_block SET hash = '\\x00'": "sealed entries are as they were when they were sealed",
    "UPDATE delivery SET accepted = accepted - 1": "every record of a delivery is accounted for",
    "UPDATE credential SET kind = 'supplier' WHERE kind = 'agent'": "a key is of its partner's world and kind",
    "UPDATE order_line SET quote = quote - 'agent'": "each entry has, leg for leg, what its line's quote says",
    "UPDATE order_line SET currency = 'USD'": "a line, its tickets, its offer and its node are one performance's",
    "UPDATE terms SET clauses = jsonb_set(clauses, '{commission,rate}', '801')": "a line's quote is what its terms make of it",
    "UPDATE terms SET version = version + 10": "a sale has terms that were approved, cover it, and are its contract's",
    "UPDATE terms SET state = 'proposed', decided_by = NULL, decided_at = NULL": "a sale has terms that were approved, cover it, and are its contract's",
    "UPDATE terms SET valid = tstzrange('2019-01-01', '2020-01-01')": "a sale has terms that were approved, cover it, and are its contract's",
    "UPDATE terms SET decided_by = created_by": "maker and checker of terms are two people",
    "UPDATE order_line SET quote = jsonb_set(quote, '{amounts,2,minor}', to_jsonb((quote->'amounts'->2->>'minor')::int + 1)) WHERE no = 1": "a line's quote is what its terms make of it",
    "UPDATE order_line SET quote = jsonb_set(quote, '{amounts,0,minor}', to_jsonb((quote->'amounts'->0->>'minor')::int + 1)) WHERE no = 1": "each entry has, leg for leg, what its line's quote says",
    "UPDATE credit SET exposure_minor = exposure_minor + 1": "credit is what the journal and the holds say",
    "UPDATE credit SET deposit_minor = deposit_minor + 1": "credit is what the journal and the holds say",
    "UPDATE credit SET reserved_minor = reserved_minor + 1": "credit is what the journal and the holds say",
    "UPDATE hold_line SET owed_minor = owed_minor + 1": "credit is what the journal and the holds say",
    "UPDATE total_delta SET due_minor = due_minor + 1 WHERE due_minor > 0": "fold and tail are what the journal says",
    "DELETE FROM total_delta WHERE id = (SELECT min(id::text)::uuid FROM total_delta)": "fold and tail are what the journal says",
    "UPDATE posting SET account = 'asset:cellar' WHERE account = 'expense:commission'": "every posting has its entry, account and party",
    "UPDATE journal_entry SET detail = jsonb_set(detail, '{amount_minor}', '4999') WHERE kind = 'deposit'": "each entry of money alone has, leg for leg, what its event says",
    "UPDATE posting SET amount_minor = amount_minor + sign(amount_minor) WHERE entry_id IN (SELECT id FROM journal_entry WHERE kind = 'deposit')": "each entry of money alone has, leg for leg, what its event says",
    "UPDATE posting SET party_id = (SELECT id FROM partner WHERE ref = 'bob') WHERE account = 'receivable:agent'": "each entry has, leg for leg, what its line's quote says",
    "UPDATE journal_entry SET tickets = tickets + 5": "each entry has, leg for leg, what its line's quote says",
    "UPDATE journal_entry SET agent_contract_id = supplier_contract_id WHERE order_id IS NOT NULL": "each entry has, leg for leg, what its line's quote says",
    "UPDATE sale_order SET confirmed_at = confirmed_at + interval '1 day'": "each entry has, leg for leg, what its line's quote says",
    "UPDATE posting SET amount_minor = amount_minor + CASE what WHEN 'face' THEN 1 ELSE -1 END WHERE account = 'payable:supplier' AND what IN ('face', 'commission')": "each entry has, leg for leg, what its line's quote says",
    "UPDATE node SET ceiling = ceiling + 1000 WHERE level = 'area'": "an area's node holds its capacity",
    "UPDATE cap_count SET taken = taken + 1": "a cap counts what was taken under it",
    "DELETE FROM block_seat WHERE seat_id = (SELECT min(seat_id::text)::uuid FROM block_seat)": "a block promises its seats",
    "UPDATE node SET world = 'live' WHERE level = 'area'": "a node is of its performance's world",
    "UPDATE contract SET world = 'live'": "a contract is of its partner's world",
    "UPDATE production SET world = 'live'": "a performance, its production and its room are one supplier's, in one world",
}  # fmt: skip


@pytest.fixture
def sold(hub):
    caps = [{"of": "price-type", "price_type": "adult", "most": 90}]
    performance = hub.on_sale({**FREE_SALE, "caps": caps})
    seats = hub.get("ann", f"/v1/performances/{performance['id']}/seats")["items"]
    block = {"area": "stalls", "kind": "house", "reason": "guests"}
    path = f"/v1/performances/{performance['id']}/blocks"
    last = [seat["id"] for seat in seats[-2:]]
    hub.post("operator", path, {**block, "seat_ids": last}, 201)
    lines = [
        (hub.offer_id("ann", performance["id"]), 3),
        (hub.offer_id("ann", performance["id"], "stalls"), 2),
    ]
    hub.confirm("ann", hub.hold("ann", lines))
    hub.hold("bob", lines)
    hub.book("ann", event="deposit", amount_minor=5_000)
    hub.seal(3)
    hub.assert_lawful()
    return hub


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_broken_law_is_found(sold, owner_url, mutation):
    sockets = owner_url.partition("host=")[2]
    name = owner_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(f"host={sockets} user=postgres dbname={name}") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE node DROP CONSTRAINT ck_node_sold_once")
        connection.execute("ALTER TABLE terms DROP CONSTRAINT ex_terms_valid")
        connection.execute(mutation)
    assert MUTATIONS[mutation] in {fact["law"] for fact in verify().broken}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE node SET taken = ceiling + 1 WHERE level = 'area'",
        "UPDATE node SET taken = -1 WHERE level = 'agent'",
        "UPDATE node SET guarantee = 9, ceiling = 8 WHERE level = 'agent'",
    ],
)
def test_the_database_itself_refuses_to_sell_more_than_there_is(
    sold, owner_url, change
):
    with (
        psycopg.connect(owner_url.replace("+psycopg", "")) as connection,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        connection.execute(change)


def environment(settings):
    return {
        "HUB_DATABASE_URL": settings.database_url,
        "HUB_REDIS_URL": settings.redis_url,
        "HUB_SECRET_KEY": settings.secret_key,
    }


def test_the_command_is_silent_and_zero_or_tells_the_facts(sold, settings, owner_url):
    clean = CliRunner().invoke(main, ["verify"], env=environment(settings))
    assert (clean.exit_code, clean.stdout) == (0, "")
    assert "every law holds; 0 entries not sealed yet" in clean.stderr
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        connection.execute("DELETE FROM seat_taken")
    broken = CliRunner().invoke(main, ["verify"], env=environment(settings))
    assert broken.exit_code == 1
    assert broken.stdout.startswith("BROKEN a seat is taken by one hold or ticket")
    told = CliRunner().invoke(main, ["verify", "--json"], env=environment(settings))
    assert told.exit_code == 1
    assert json.loads(told.stdout)["is_clean"] is False
