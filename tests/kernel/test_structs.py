"""The first use of a Struct by many threads, with what is known of it and without."""

import subprocess
import sys

import pytest

from hub import app  # noqa: F401 - with all of its Structs
from hub.kernel.structs import prepare

FRESH = '''
import sys, threading, types
import msgspec
from hub.kernel.structs import prepare

sys.setswitchinterval(1e-6)
said = """
from __future__ import annotations
from typing import Annotated, Literal
from msgspec import Meta, Struct

class At(Struct, frozen=True):
    days: Annotated[int, Meta(ge=0)] = 0

class Rule(Struct, frozen=True, kw_only=True):
    at: At | None = None
    of: Annotated[str, Meta(min_length=1)] | None = None
    kind: Literal["a", "b"] = "a"
    rules: Annotated[tuple[Rule, ...], Meta(max_length=1000)] = ()

class Plan(Struct, frozen=True, kw_only=True):
    rules: tuple[Rule, ...]
"""
plan = {"rules": [{"at": {"days": 1}, "of": "q", "rules": [{"of": "z"}]}]}
for no in range(200):
    module = types.ModuleType(f"fresh{no}")
    sys.modules[module.__name__] = module
    exec(said, module.__dict__)
    if sys.argv[1] == "prepared":
        assert prepare([module.__name__]) == 3
    started = threading.Barrier(8)

    def first(kind=module.Plan):
        started.wait()
        msgspec.convert(plan, kind)

    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
'''


def run(how):
    command = [sys.executable, "-c", FRESH, how]
    return subprocess.run(command, check=False, capture_output=True).returncode


def test_the_structs_of_the_hub_are_prepared():
    assert prepare() > 50


def test_what_is_prepared_is_used_by_many_at_once():
    assert run("prepared") == 0


@pytest.mark.parametrize("no", range(5))
def test_control_without_it_the_process_crashes(no):
    assert run("not prepared") < 0, f"run {no}"
