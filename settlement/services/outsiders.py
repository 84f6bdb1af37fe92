"""Somebody else's programs, where they are on the machine: hledger and bean-check."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Outsider:
    """What another program says of a journal; None where it is not on the machine."""

    name: str
    is_content: bool | None
    said: str


def asked(journal: Path) -> Outsider:
    """Have the checker of a journal read it, by the file's ending."""
    if journal.suffix == ".hledger":
        return _run("hledger", ["-f", str(journal), "check", "--strict"])
    return _run("bean-check", ["--no-cache", str(journal)])


def _run(name: str, words: list[str]) -> Outsider:
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name) or shutil.which(name, path=beside)
    if found is None:
        return Outsider(name, None, "it is not on this machine")
    # The program was looked up by its own name, and the file is ours.
    command = [found, *words]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        told = f"it had not answered after {TIMEOUT_S} s"
        return Outsider(name, is_content=False, said=told)
    said = (done.stdout + done.stderr).strip()
    return Outsider(name, done.returncode == 0 and not said, said[:2_000])
