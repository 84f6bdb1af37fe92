"""hub feed: pushing a file as a supplier does, over HTTP."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import click
import requests
from rich.progress import Progress

from connectors.feed.records import json_schema

TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}
TIMEOUT_S = 600
FINISHED = {"done", "quarantined", "discarded"}


@click.group("feed")
def feed() -> None:
    """Push inventory as a supplier."""


@feed.command("push")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--feed", "name", required=True, help="The feed's name.")
@click.option("--full", is_flag=True, help="What the file does not name is withdrawn.")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True)
@click.option("--key", envvar="HUB_API_KEY", required=True, help="Or HUB_API_KEY.")
def push(*, file: Path, name: str, full: bool, url: str, key: str) -> None:
    """Push FILE (.ndjson or .csv, also .gz) and follow the delivery to its end."""
    key = key.strip()
    if not key.isascii():
        message = "the key holds characters no key has"
        raise click.ClickException(message)
    try:
        delivery = send(url, key, name, file, mode="full" if full else "delta")
        delivery = follow(url, key, delivery)
    except requests.RequestException as error:
        message = f"{url} does not answer ({type(error).__name__})"
        raise click.ClickException(message) from None
    counts = ("accepted", "unchanged", "stale", "refused", "withdrawn")
    said = ", ".join(f"{delivery[count]} {count}" for count in counts)
    click.echo(f"{delivery['state']}: {said}")
    if delivery["state"] == "quarantined":
        click.echo(
            f"delivery {delivery['id']} would withdraw {delivery['would_drop']} of"
            f" {delivery['known']} performances: it waits for the operator",
            err=True,
        )
    if delivery["refused"]:
        _echo_refusals(url, key, delivery)
    if delivery["state"] != "done" or delivery["refused"]:
        sys.exit(1)


def send(url: str, key: str, name: str, file: Path, *, mode: str) -> dict[str, Any]:
    """Send a file; return the delivery. A refusal ends the command with its problem."""
    is_gzip = file.suffix == ".gz"
    suffix = Path(file.stem).suffix if is_gzip else file.suffix
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": TYPES.get(suffix.lower(), "application/octet-stream"),
    }
    if is_gzip:
        headers["Content-Encoding"] = "gzip"
    with file.open("rb") as source, _bar() as progress:
        reply = requests.post(
            f"{url}/v1/feeds/{name}/deliveries",
            params={"mode": mode},
            data=_Body(source, progress) if file.stat().st_size else b"",
            headers=headers,
            timeout=TIMEOUT_S,
        )
    return answered(reply)


class _Body:
    """A file that tells how much of it has been sent; its length is known."""

    def __init__(self, source: BinaryIO, progress: Progress) -> None:
        self._source = source
        self._size = os.fstat(source.fileno()).st_size
        self._progress = progress
        self._task = progress.add_task("sending", total=self._size)

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self._progress.advance(self._task, len(block))
        return block


def answered(reply: requests.Response) -> dict[str, Any]:
    """Return the JSON of a reply; raise ClickException with the problem otherwise."""
    if reply.ok:
        found: dict[str, Any] = reply.json()
        return found
    try:
        said = reply.json()
    except ValueError:
        said = {"title": reply.reason}
    left_out = {"type", "title", "status"}
    facts = "".join(f"\n  {k}: {v}" for k, v in said.items() if k not in left_out)
    message = f"{reply.status_code} {said.get('title')}{facts}"
    raise click.ClickException(message)


def _bar() -> Progress:
    return Progress(disable=not sys.stderr.isatty(), transient=True)


def follow(url: str, key: str, delivery: dict[str, Any]) -> dict[str, Any]:
    """Wait until a delivery is finished or waits for somebody; return it."""
    headers = {"Authorization": f"Bearer {key}"}
    with _bar() as progress:
        task = progress.add_task("applying", total=delivery["parts"])
        while delivery["state"] not in FINISHED:
            time.sleep(0.1)
            where = f"{url}/v1/deliveries/{delivery['id']}"
            delivery = answered(requests.get(where, headers=headers, timeout=30))
            progress.update(task, completed=delivery["parts_applied"])
    return delivery


def _echo_refusals(url: str, key: str, delivery: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    where = url + delivery["refusals"]
    with requests.get(where, headers=headers, stream=True, timeout=30) as report:
        for line in report.iter_lines(decode_unicode=True):
            click.echo(line, err=True)


@feed.command("schema")
def schema() -> None:
    """Write the JSON Schema of feed records to standard output."""
    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True))
