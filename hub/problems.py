"""The catalogue of problems: what each code means, what to do, which facts it has."""

import ast
import html
import json
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from hub.kernel.errors import NotFoundError, Retry, every_refusal
from hub.kernel.http import FRAMEWORK_CODES

ROOT = Path(__file__).parent.parent
PACKAGES = ("hub", "connectors", "allocation", "settlement", "partners")
FACTS = "problems.json"
ADVICE = {
    Retry.NEVER: "Sent again as it was it is refused again. Change what it asks for.",
    Retry.SAME_KEY: (
        "Send it again as it was, with the same Idempotency-Key: it is carried out at"
        " most once. Retry-After says when."
    ),
    Retry.LATER: "It may succeed later. Retry-After says when to try again.",
    Retry.REQUOTE: (
        "What it was based on has changed. Look again (availability, price, version),"
        " then decide anew, with a new Idempotency-Key."
    ),
}
SAID = {
    "malformed-request": "The request could not be read: not JSON, or not HTTP.",
    "method-not-allowed": "The address is there, and not for this method.",
    "body-too-large": "The body is larger than the hub takes.",
    "unsupported-media-type": "The body is not of a type that is read here.",
    "internal-error": (
        "The hub made a mistake. It is logged under the id in `instance`; tell the"
        " operators that id."
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A problem as its page tells it."""

    code: str
    title: str
    status: int
    retry: Retry
    said: str
    facts: tuple[str, ...]
    advice: str

    def markdown(self) -> str:
        """Return its page."""
        lines = [
            f"# {self.title}",
            "",
            f"`{self.code}`, HTTP status {self.status}, retry `{self.retry}`.",
            "",
            self.said,
            "",
            f"**What to do.** {self.advice}",
        ]
        if self.facts:
            members = ", ".join(f"`{name}`" for name in self.facts)
            lines += ["", f"**Further members**, where they are known: {members}."]
        return "\n".join(lines) + "\n"

    def html(self) -> str:
        """Return the same for a browser, without its heading."""
        said = html.escape(self.said)
        advice = html.escape(self.advice)
        told = (
            f"<p><code>{self.code}</code>, HTTP status {self.status}, retry"
            f" <code>{self.retry}</code>.<p>{said}<p><b>What to do.</b> {advice}"
        )
        if self.facts:
            members = ", ".join(f"<code>{name}</code>" for name in self.facts)
            told += f"<p><b>Further members</b>, where they are known: {members}."
        return told


@cache
def catalogue() -> dict[str, Told]:
    """Return every problem there is by code: the framework's, then ours.

    Those of ours that are imported: ask when the application is made.
    """
    facts: dict[str, list[str]] = json.loads(files("hub").joinpath(FACTS).read_text())
    return told(facts)


def told(facts: dict[str, list[str]]) -> dict[str, Told]:
    """Return every problem, with the facts that are said to be told of each."""
    found = {
        code: Told(
            *(code, HTTPStatus(status).phrase, status, _retry(status)),
            *(SAID.get(code, HTTPStatus(status).description), ()),
            ADVICE[_retry(status)],
        )
        for status, code in FRAMEWORK_CODES.items()
    }
    for error in every_refusal():
        doc = " ".join((error.__doc__ or "").split())
        said = (error.code, error.title, error.status, error.retry, doc)
        own = facts.get(error.code, [])
        if error.code == FRAMEWORK_CODES[HTTPStatus.UNPROCESSABLE_ENTITY]:
            own = ["errors", *own]  # field by field, where a schema refuses it
        advice = error.advice or ADVICE[error.retry]
        found[error.code] = Told(*said, tuple(own), advice)
    return dict(sorted(found.items()))


def _retry(status: int) -> Retry:
    return Retry.SAME_KEY if status == HTTPStatus.INTERNAL_SERVER_ERROR else Retry.NEVER


def facts_in_sources() -> dict[str, list[str]]:
    """Return which facts are told of each code: the keywords it is raised with."""
    codes = {error.__name__: error.code for error in every_refusal()}
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _name(node.func) in codes:
                    names = {word.arg for word in node.keywords if word.arg}
                    code = codes[_name(node.func)]
                    found.setdefault(code, set()).update(names)
    # What is there to be found may be anything: its own name says enough.
    found.pop(NotFoundError.code, None)
    return {code: sorted(names) for code, names in sorted(found.items()) if names}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def write(folder: Path) -> int:
    """Write the facts beside this module, and a page for each code into a folder."""
    facts = facts_in_sources()
    (ROOT / "hub" / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    folder.mkdir(exist_ok=True)
    pages = {f"{one.code}.md": one.markdown() for one in told(facts).values()}
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, page in pages.items():
        (folder / name).write_text(page)
    return len(pages)
