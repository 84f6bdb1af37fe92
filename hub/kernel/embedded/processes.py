"""What the embedded stores need of the operating system."""

import ctypes
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1
SOCKET_PATH_LENGTH_MAX = 90


class EmbeddedError(RuntimeError):
    """A store of the hub's own cannot run here; the message says what to do."""


def package_folder(name: str) -> Path:
    """Return where a package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        message = f"{name} is not installed; set HUB_DATABASE_URL and HUB_REDIS_URL"
        raise EmbeddedError(message)
    return Path(next(iter(spec.submodule_search_locations)))


def socket_folder(folder: Path) -> Path:
    """Return a short folder of our own for sockets: their paths hold 108 characters."""
    name = hashlib.sha256(f"{os.getuid()}:{folder}".encode()).hexdigest()[:10]
    sockets = Path(tempfile.gettempdir()) / f"hub-{name}"
    if len(str(sockets)) > SOCKET_PATH_LENGTH_MAX:
        sockets = Path("/tmp") / f"hub-{name}"  # noqa: S108 - mode 700, checked below
    return sockets


def make_private(folder: Path) -> None:
    """Make a folder that only we may enter; EmbeddedError if somebody else made it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        message = f"{folder} belongs to another user; remove it or set TMPDIR"
        raise EmbeddedError(message)
    folder.chmod(0o700)


@cache
def unprivileged() -> tuple[str, ...]:
    """Return the prefix under which PostgreSQL consents to run: none unless root."""
    if os.geteuid() != 0:
        return ()
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare") and run([*prefix, "true"]).returncode == 0:
        return prefix
    message = (
        "PostgreSQL does not run as root and user namespaces are not allowed here: "
        "start the hub as an ordinary user, or set HUB_DATABASE_URL, "
        "HUB_DATABASE_OWNER_URL and HUB_REDIS_URL to servers of your own"
    )
    raise EmbeddedError(message)


def run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command away from our terminal and its signals; keep what it says."""
    return subprocess.run(  # noqa: S603 - our own words
        [str(word) for word in command],
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def die_with_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None]:
    """Return what a child does first so that it ends when its parent does (Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal_number)

    return ask if hasattr(libc, "prctl") else lambda: None
