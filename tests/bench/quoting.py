"""Quotes of a file of lines, by the rules alone and as a command."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from settlement.rules.files import quote_files
from tests.bench.harness import PAIRS, say

QUOTED = 10_000


def quoting(rows):
    """Quote a file of lines with a process of its own, as somebody would."""
    terms = {
        "currency": "EUR",
        "terms": [
            {
                "side": side,
                "clauses": {
                    "commission": {"kind": "percent", "rate": 875},
                    "service_fees": [{"rate": 200, "minimum_minor": 50}],
                },
            }
            for side in ("supplier", "agent")
        ],
    }
    line = {"currency": "EUR", "sold_at": "2026-11-05T12:00:00Z"}
    lines = [
        {**line, "quantity": 1 + no % 6, "face_minor": 1_000 + no}
        for no in range(QUOTED)
    ]
    took = []
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("terms.json", "lines.json")]
        for path, said in zip(paths, (terms, lines), strict=True):
            path.write_text(json.dumps(said))
        texts = [path.read_bytes() for path in paths]
        for _ in range(PAIRS):
            began = time.perf_counter()
            quote_files(*texts)
            took.append(time.perf_counter() - began)
        command = [sys.executable, "-m", "hub.cli", "settlement", "quote"]
        command += ["--terms", str(paths[0]), "--lines", str(paths[1])]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        whole = time.perf_counter() - began
    median = statistics.median(took)
    told = f"{median:.2f} s; as a command, starting and writing included, {whole:.2f} s"
    rows.append([f"quotes of {QUOTED} lines", told, "", f"{QUOTED / median:.0f}/s", ""])
    say(f"quotes of {QUOTED} lines: {told}")
