"""Examples in the API document: what was asked and answered when its story was told.

The story is that of ``tests/contract/examples.py``; a test tells it again.
"""

import json
from importlib.resources import files
from typing import Any

FILE = "examples.json"


def illustrate(document: dict[str, Any]) -> dict[str, Any]:
    """Put examples into an API document; return it."""
    told = json.loads(files("hub").joinpath(FILE).read_text(encoding="utf-8"))
    for name, said in told.items():
        method, _, path = name.partition(" ")
        operation = document["paths"][path][method.lower()]
        if "request" in said:
            _show(operation["requestBody"], said["request"])
        if "answer" in said:
            _show(operation["responses"][said["status"]], said["answer"])
    return document


def _show(place: dict[str, Any], example: Any) -> None:
    for content in place["content"].values():
        content["example"] = example
