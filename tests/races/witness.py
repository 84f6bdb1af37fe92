"""The database as the witness of a concurrent history, and the check against it.

Triggers note every change of a node's count and of a hold's state, numbered while its
row is locked. A history that agrees with those numbers is linearizable: replayed in
their order nothing is ever above its ceiling, the order respects real time, answers
and rows match one to one, every "sold out" was true at some moment of its call, and
no guarantee was refused. The check shares no code with what it checks.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

TRIGGERS = """
CREATE TABLE witness (seq bigserial PRIMARY KEY, at timestamptz, tx xid8, what text,
    id uuid, before int, after int);
CREATE FUNCTION note_node() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO witness (at, tx, what, id, before, after)
    VALUES (clock_timestamp(), pg_current_xact_id(), 'node', NEW.id,
        CASE TG_OP WHEN 'UPDATE' THEN OLD.taken END, NEW.taken);
    RETURN NULL;
END $$;
CREATE FUNCTION witness_hold() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO witness (at, tx, what, id)
    VALUES (clock_timestamp(), pg_current_xact_id(), NEW.state, NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE OF taken ON node
    FOR EACH ROW EXECUTE FUNCTION note_node();
CREATE TRIGGER witness AFTER INSERT OR UPDATE OF state ON hold
    FOR EACH ROW EXECUTE FUNCTION witness_hold();
"""
MADE_BY = {
    "hold": {"held"},
    "confirm": {"confirmed"},
    "release": {"released"},
}
ENDED = {"released", "lapsed", "voided"}


def install(owner_url):
    """Have the database note everything from now on."""
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        connection.execute(TRIGGERS)


@dataclass
class Call:
    """One call as its caller saw it: seconds since the epoch, and what came back."""

    what: str  # hold, release or confirm
    agent: str
    seats: int
    invoked: float
    returned: float
    status: int
    code: str | None
    hold_id: str | None


@dataclass
class Node:
    parent: UUID | None
    guarantee: int
    ceiling: int | None
    level: str
    agent: str | None


@dataclass
class Change:
    """One transaction, as the witness has it.

    *seq* and *at* are of its first count: whoever it was in the way of waits from then
    on until it is committed. Without counts they are of its first hold.
    """

    seq: int
    at: float
    counts: dict = field(default_factory=dict)  # node: what it has taken then
    holds: list = field(default_factory=list)  # (hold id, state)


@dataclass
class Record:
    nodes: dict
    start: dict  # node: count when the witness began
    changes: list
    lines: dict  # hold id: (node, seats)


def read(owner_url, performance_id):
    """Return what the witness has of a performance."""
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        nodes = {
            row[0]: Node(*row[1:])
            for row in connection.execute(
                "SELECT n.id, n.path[1], n.guarantee, n.ceiling, n.level, a.ref"
                " FROM node n LEFT JOIN partner a ON a.id = n.agent_id"
                " WHERE n.performance_id = %s",
                [performance_id],
            )
        }
        lines = {
            str(hold): (node, seats)
            for hold, node, seats in connection.execute(
                "SELECT hold_id, node_id, quantity FROM hold_line"
            )
        }
        changes, start = {}, {}
        for seq, at, tx, what, found, before, after in connection.execute(
            "SELECT seq, extract(epoch FROM at)::float, tx::text, what, id, before,"
            " after FROM witness ORDER BY seq"
        ):
            change = changes.setdefault(tx, Change(seq, at))
            if what != "node":
                change.holds.append((str(found), what))
            elif found in nodes:
                if not change.counts:
                    change.seq, change.at = seq, at
                start.setdefault(found, before)
                change.counts[found] = after
    ordered = sorted(changes.values(), key=lambda change: change.seq)
    return Record(nodes, start, ordered, lines)


def violations(record, calls):
    """Return everything in which a history and the witness do not agree."""
    return [
        *_replayed(record),
        *_matched(record, calls),
        *_ordered(record, calls),
        *_refused(record, calls),
    ]


def _replayed(record):
    """Replay in the witness' order: nothing above its ceiling, every sum its own."""
    taken = dict.fromkeys(record.nodes, 0) | record.start
    own = Counter()
    left = Counter()
    for change in record.changes:
        for hold, state in change.holds:
            node, seats = record.lines[hold]
            if state == "held":
                own[node] += seats
            elif state in ENDED:
                own[node] -= seats
            if state in ENDED or state == "confirmed":
                left[hold] += 1
        for node, after in change.counts.items():
            taken[node] = after
            found = record.nodes[node]
            if found.ceiling is not None and after > found.ceiling:
                yield f"{found.level} has {after} of {found.ceiling} at {change.seq}"
        for node, found in record.nodes.items():
            if found.agent is not None and taken[node] != own[node]:
                yield f"{found.agent} has {taken[node]}, its holds {own[node]}"
        yield from _sums(record, taken, change.seq)
    yield from (f"hold {hold} ended {n} times" for hold, n in left.items() if n > 1)


def _sums(record, taken, seq):
    below = Counter()
    for node, found in record.nodes.items():
        if found.parent is not None:
            below[found.parent] += max(found.guarantee, taken[node])
    for node, count in below.items():
        made = node in record.start  # a parent whose leaves are all rows by then
        if made and count != taken[node]:
            yield f"{record.nodes[node].level} has {taken[node]}, not {count} at {seq}"


def _matched(record, calls):
    """Answers and rows, one to one: of holds, and of what became of them."""
    for what, states in MADE_BY.items():
        rows = Counter(
            h for c in record.changes for h, state in c.holds if state in states
        )
        done = {200, 201}
        told = Counter(c.hold_id for c in calls if c.what == what and c.status in done)
        for hold in rows.keys() | told.keys():
            if (rows[hold], told[hold]) != (1, 1):
                yield f"{what} of {hold}: {rows[hold]} rows, {told[hold]} answers"


def _ordered(record, calls):
    """If one call returned before another began, its number is lower."""
    numbers = {
        (hold, what): change.seq
        for change in record.changes
        for hold, state in change.holds
        for what, states in MADE_BY.items()
        if state in states
    }
    done = [c for c in calls if (c.hold_id, c.what) in numbers]
    latest = 0.0
    for call in sorted(done, key=lambda call: numbers[call.hold_id, call.what]):
        if latest > call.returned:
            what = f"{call.what} of {call.hold_id}"
            yield f"{what} came after one that began when it had returned"
        latest = max(latest, call.invoked)


def _refused(record, calls):
    """Each "sold out" was true at some moment between its call and its answer."""
    states, times = [dict.fromkeys(record.nodes, 0) | record.start], [0.0]
    for change in record.changes:
        if change.counts:
            states.append(states[-1] | change.counts)
            times.append(change.at)
    leaves = {found.agent: node for node, found in record.nodes.items() if found.agent}
    for call in calls:
        if (call.what, call.code) != ("hold", "allotment-exhausted"):
            continue
        first = bisect_right(times, call.invoked) - 1
        last = bisect_right(times, call.returned) - 1
        seen = states[first : last + 1]
        leaf = leaves[call.agent]
        if all(_may_take(record.nodes, taken, leaf, call.seats) for taken in seen):
            yield f"{call.agent} was refused {call.seats} that were there all the time"
        within = [t[leaf] + call.seats <= record.nodes[leaf].guarantee for t in seen]
        if all(within):
            yield f"{call.agent} was refused its guarantee"


def _may_take(nodes, taken, node, change):
    while node is not None and change > 0:
        found, count = nodes[node], taken[node]
        if found.ceiling is not None and count + change > found.ceiling:
            return False
        change = max(found.guarantee, count + change) - max(found.guarantee, count)
        node = found.parent
    return True
