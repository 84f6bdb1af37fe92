"""A real PostgreSQL and a real Valkey of the hub's own: to try, develop and test.

Production sets ``HUB_DATABASE_URL`` and ``HUB_REDIS_URL`` and never comes here.
"""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.kernel.embedded.postgres import Postgres
from hub.kernel.embedded.processes import EmbeddedError, socket_folder
from hub.kernel.embedded.valkey import Valkey

__all__ = ["AlreadyRunningError", "Embedded", "EmbeddedError", "Stores"]


class AlreadyRunningError(EmbeddedError):
    """Another process keeps the stores of this folder."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the stores answer: SQLAlchemy URLs of both roles, and a Redis URL."""

    database_url: str
    owner_url: str
    redis_url: str


class Embedded:
    """The stores under one folder; whoever holds the folder's lock keeps them."""

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder.resolve()
        sockets = socket_folder(self._folder)
        self._postgres = Postgres(self._folder / "postgres", sockets, settings or {})
        self._valkey = Valkey(self._folder / "valkey", sockets)
        self._lock: IO[str] | None = None

    @property
    def stores(self) -> Stores:
        """Where the stores answer while they run."""
        return Stores(
            database_url=self._postgres.url("hub_app", "hub"),
            owner_url=self._postgres.url("hub_owner", "hub"),
            redis_url=self._valkey.url,
        )

    @property
    def postgres(self) -> Postgres:
        return self._postgres

    def start(self) -> Stores:
        """Start both stores, or take over those a killed keeper left running.

        AlreadyRunningError when somebody else keeps this folder, EmbeddedError when
        a store cannot be started here.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._hold_lock()
        try:
            self._postgres.start()
            self._valkey.start()
        except BaseException:
            self.stop()
            raise
        return self.stores

    def stop(self) -> None:
        """Stop Valkey, then PostgreSQL, and let the folder go."""
        if self._lock is None:
            return
        try:
            self._valkey.stop()
        finally:
            self._postgres.stop()
            self._lock.close()
            self._lock = None

    def _hold_lock(self) -> None:
        path = self._folder / "lock"
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            keeper = lock.read().strip() or "unknown"
            lock.close()
            message = (
                f"already running beside this: process {keeper} keeps {self._folder}"
            )
            raise AlreadyRunningError(message) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        os.set_inheritable(lock.fileno(), False)  # noqa: FBT003 - positional in os
        self._lock = lock
