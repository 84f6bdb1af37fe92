"""Idempotency keys: claimed in the effect's transaction, with the request hashed."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

import msgspec
from sqlalchemy import LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub.kernel.db import Base, CreatedAt, rows
from hub.kernel.errors import (
    HubError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
)

_CLAIM = text(
    "INSERT INTO idempotency_key (world, owner_id, key, digest)"
    " SELECT * FROM unnest(CAST(:worlds AS text[]), CAST(:owners AS uuid[]),"
    " CAST(:keys AS text[]), CAST(:digests AS bytea[])) AS k(w, o, k, d)"
    " ORDER BY w, o, k ON CONFLICT DO NOTHING RETURNING world, owner_id, key"
)
_EARLIER = text(
    "SELECT i.world, i.owner_id, i.key, i.digest, i.status, i.reply"
    " FROM idempotency_key i JOIN unnest(CAST(:worlds AS text[]),"
    " CAST(:owners AS uuid[]), CAST(:keys AS text[])) AS k(w, o, k)"
    " ON (i.world, i.owner_id, i.key) = (k.w, k.o, k.k)"
)
_STORE = text(
    "UPDATE idempotency_key AS i SET status = k.status, reply = k.reply"
    " FROM json_to_recordset(CAST(:rows AS json)) AS k(world text, owner_id uuid,"
    " key text, status smallint, reply jsonb)"
    " WHERE (i.world, i.owner_id, i.key) = (k.world, k.owner_id, k.key)"
)
_PRUNE = text(
    "DELETE FROM idempotency_key WHERE ctid = ANY(ARRAY(SELECT ctid FROM"
    " idempotency_key WHERE created_at < clock_timestamp() - make_interval(hours =>"
    " :hours) LIMIT :most))"
)


class IdempotencyKey(Base):
    """A key a caller has used, what for, and what it was answered."""

    __tablename__ = "idempotency_key"
    __table_args__ = {"postgresql_with": {"fillfactor": "70"}}  # noqa: RUF012

    world: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    reply: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt] = mapped_column(index=True)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Whose key it is; two callers may use the same text."""

    world: str
    owner_id: UUID
    key: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A key and the hash of the request that came with it."""

    key: Key
    digest: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request was answered: HTTP status and JSON body, and that as text.

    *later* makes the body when it is asked for: by who sends it, not by who decides.
    """

    status: int
    said: dict[str, Any] | None = None
    is_replay: bool = False
    encoded: bytes = b""
    later: Callable[[], dict[str, Any]] | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The body; what is empty says nothing."""
        if self.said is None and self.later is not None:
            return self.later()
        return self.said or {}

    @classmethod
    def of(cls, status: int, body: dict[str, Any]) -> Self:
        """Make a new reply; its body is encoded once, to be stored and sent."""
        return cls(status, body, encoded=msgspec.json.encode(body))

    @property
    def sent(self) -> bytes:
        """The body as it is sent."""
        return self.encoded or msgspec.json.encode(self.body)


def digest(method: str, path: str, body: bytes) -> bytes:
    """Return the hash by which a repeated request is recognised."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).digest()


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is stored under a key that was claimed before."""

    digest: bytes
    reply: Reply | None

    def answer(self, claim: Claim) -> Reply | HubError:
        """Return what a later request with this key is answered."""
        if claim.digest != self.digest:
            return IdempotencyKeyReusedError(key=claim.key.key)
        return self.reply or IdempotencyInProgressError(key=claim.key.key)


def claim_many(session: Session, claims: Sequence[Claim]) -> dict[Key, Earlier]:
    """Claim keys, in order; return what is stored of those that are not new.

    Waits for another transaction that has claimed the same key, and takes the key
    over if that one rolls back.
    """
    keys = _columns([claim.key for claim in claims])
    digests = {"digests": [claim.digest for claim in claims]}
    ours = {Key(*row) for row in session.execute(_CLAIM, keys | digests)}
    lost = [claim.key for claim in claims if claim.key not in ours]
    return _stored(session, lost) if lost else {}


def once_in_batch(
    claim: Claim,
    first: Claim,
    earlier: Mapping[Key, Earlier],
    answers: dict[Key, Reply | HubError],
    decide: Callable[[], Reply],
) -> Reply | HubError:
    """Answer one claim of a batch: as before, as its *first* was, or as *decide* does.

    A key that comes twice in one batch is decided once; *answers* remembers.
    """
    key = claim.key
    if key in earlier:
        return earlier[key].answer(claim)
    if first.digest != claim.digest:
        return IdempotencyKeyReusedError(key=key.key)
    if key in answers:
        return answers[key]
    try:
        reply = decide()
    except HubError as error:
        answers[key] = error
        return error
    answers[key] = replace(reply, is_replay=True)
    return reply


def _stored(session: Session, keys: Sequence[Key]) -> dict[Key, Earlier]:
    return _earlier(session.execute(_EARLIER, _columns(keys)))


def _earlier(found: Iterable[Any]) -> dict[Key, Earlier]:
    return {
        Key(row.world, row.owner_id, row.key): Earlier(
            row.digest,
            None
            if row.status is None
            else Reply(row.status, row.reply, is_replay=True),
        )
        for row in found
    }


def _answer(earlier: Earlier | None, claim: Claim) -> Reply | None:
    answer = None if earlier is None else earlier.answer(claim)
    if isinstance(answer, HubError):
        raise answer
    return answer


def find(session: Session, claim: Claim) -> Reply | None:
    """Return the stored reply of a repeated request, without claiming the key."""
    return _answer(_stored(session, [claim.key]).get(claim.key), claim)


def store_many(session: Session, replies: Mapping[Key, tuple[int, bytes]]) -> None:
    """Keep the answers (status, JSON) of keys claimed in this transaction."""
    found = (
        {
            "world": key.world,
            "owner_id": key.owner_id,
            "key": key.key,
            "status": status,
            "reply": msgspec.Raw(body),
        }
        for key, (status, body) in replies.items()
    )
    session.execute(_STORE, {"rows": rows(found)})


def once(
    session: Session, claim: Claim, work: Callable[[], tuple[int, bytes]]
) -> Reply | None:
    """Do *work* unless it was done before; return the earlier reply, or None."""
    earlier = _answer(claim_many(session, [claim]).get(claim.key), claim)
    if earlier is None:
        store_many(session, {claim.key: work()})
    return earlier


def prune(session: Session, *, older_than_hours: int, most: int) -> int:
    """Delete some keys past their time; return how many."""
    parameters = {"hours": older_than_hours, "most": most}
    return session.execute(_PRUNE, parameters).rowcount  # type: ignore[attr-defined, no-any-return]


def _columns(keys: Sequence[Key]) -> dict[str, list[Any]]:
    return {
        "worlds": [key.world for key in keys],
        "owners": [key.owner_id for key in keys],
        "keys": [key.key for key in keys],
    }
