"""How alembic reaches the database and our tables."""

import re

from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.dialects.postgresql.base import ischema_names

import allocation.models
import connectors.models
import hub.catalogue.models
import hub.dialects.octo.models
import hub.kernel.clock
import hub.kernel.idempotency
import hub.kernel.outbox
import hub.sales.models
import hub.sandbox.models
import partners.models
import settlement.models
from hub.kernel.db import Base

TABLES_OF = (
    allocation.models,
    connectors.models,
    hub.catalogue.models,
    hub.dialects.octo.models,
    hub.kernel.clock,
    hub.kernel.idempotency,
    hub.kernel.outbox,
    hub.sales.models,
    hub.sandbox.models,
    partners.models,
    settlement.models,
)


def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
    """Leave out the partitions, which the database makes for itself."""
    if kind != "table" or name is None:
        return True
    return name != "partitioned" and not re.search(r"_(p\d{8}|default)$", name)


ischema_names["xid8"] = settlement.models.Xid8


url = context.config.get_main_option("sqlalchemy.url")
engine = create_engine(str(url), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=is_ours,
        transaction_per_migration=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()
