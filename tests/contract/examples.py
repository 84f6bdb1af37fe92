"""Examples for the API document: a story, told to a real hub, written down.

``python -m tests.contract.examples`` prints what ``hub/examples.json`` holds; a test
tells the story again and compares. Ids, codes, secrets and times are replaced by fixed
ones, in the order in which they are met, so that the same story gives the same text.
"""

import json
import re
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from hub import migrations
from hub.config import load
from hub.kernel import db
from hub.kernel.embedded import Embedded
from tests.contract import agent_examples, sandbox_examples, staff_examples
from tests.hubs import CREDENTIALS_KEY, TODAY, Hub
from tests.hubs import SECRET as HUB_SECRET

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{16}\b")
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")
HEX = re.compile(r"\b[0-9a-f]{32}\b")
TOKEN = re.compile(r"/t/[A-Za-z0-9_-]{40,}")
LIST_MOST = 3
FIXED = {
    "instance": "...",
    "key": "...",
    "took_ms": 12,
    "key_hint": "hub_Kq7rTz",
    "period": "2026-12",
    "lines_sha256": "5b2c" * 16,
    "said": "502 with text/html",
    "would_withdraw": ["0001/2", "0001/3", "0001/4"],
}


class Plain:
    """Replaces what differs from time to time by what does not."""

    def __init__(self):
        self.known, self.is_next_month = {}, False

    def _number(self, kind, text, make):
        found = self.known.setdefault(kind, {})
        return found.setdefault(text, make(len(found) + 1))

    def _moment(self, found):
        if self.is_next_month:  # how many days ahead depends on the day of the month
            return "2027-01-04T10:00:00+00:00"
        at = datetime.fromisoformat(found[0])
        days = round((at - TODAY) / timedelta(days=1))
        return (
            datetime.fromisoformat("2026-11-30T10:00:00+00:00") + timedelta(days=days)
        ).isoformat()

    def text(self, said):
        said = TOKEN.sub("/t/AZqk-a-token-signed-by-the-hub", said)
        said = ID.sub(
            lambda m: self._number(
                "id", m[0], lambda n: f"019ac3f0-0000-7000-8000-{n:012d}"
            ),
            said,
        )
        said = HEX.sub("019ac3f000007000800000000000cafe", said)
        said = SECRET.sub("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", said)
        if DAY.match(said):  # on the clocks of the venue: which day depends on the hour
            return "2026-12-30"
        said = MOMENT.sub(self._moment, said)
        return CODE.sub(
            lambda m: self._number("code", m[0], lambda n: f"7Q2M9X4KD{n:07d}"), said
        )

    def value(self, said):
        if isinstance(said, dict):
            return {name: self.named(name, value) for name, value in said.items()}
        if isinstance(said, list):
            return [self.value(item) for item in said[:LIST_MOST]]
        return self.text(said) if isinstance(said, str) else said

    def named(self, name, value):
        if name in {"next", "after"} and isinstance(value, str):
            return "WyIwMTlhYzNmMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ"
        if name in {"position", "latest", "until_position"} or (
            name in {"next", "after"} and isinstance(value, int)
        ):
            return 1042
        if name in FIXED:
            return FIXED[name]
        return self.value(value)


class Story:
    """A hub whose calls are written down: the first of each operation that succeeds."""

    def __init__(self, hub):
        self.hub, self.told, self.plain = hub, {}, Plain()
        self.urls = hub.app.url_map.bind("")

    def ask(self, who, method, path, body=None, *, expect=200, key=None, **more):
        if key is None and method != "GET":
            key = str(uuid4())
        response = self.hub.call(who, method, path, body, key=key, **more)
        assert response.status_code == expect, response.get_data(as_text=True)
        answer = response.get_json(silent=True)
        rule, _ = self.urls.match(path.partition("?")[0], method, return_rule=True)
        route = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        said = self.told.setdefault(f"{method} {route}", {})
        if not said:
            said["status"] = str(expect)
            if body is not None:
                said["request"] = self.plain.value(body)
            if answer is not None:
                said["answer"] = self.plain.value(answer)
        return answer


def tell(hub):
    """Tell the story; return what was said of each operation."""
    story = Story(hub)
    agent_examples.tell(story)
    staff_examples.tell(story)
    sandbox_examples.tell(story)
    return {name: story.told[name] for name in sorted(story.told)}


def main():
    """Print the examples, told to a hub of their own."""
    with tempfile.TemporaryDirectory() as folder:
        embedded = Embedded(Path(folder))
        stores = embedded.start()
        try:
            migrations.upgrade(stores.owner_url)
            engine = db.connect(stores.database_url)
            settings = load(
                {
                    "HUB_VAR": folder,
                    "HUB_DATABASE_URL": stores.database_url,
                    "HUB_REDIS_URL": stores.redis_url,
                    "HUB_CREDENTIALS_KEYS": CREDENTIALS_KEY,
                    "HUB_SECRET_KEY": HUB_SECRET,
                    "HUB_AVAILABILITY_AGE_S": "0",
                    "HUB_RATE_PERCENT": "0",
                    "HUB_LOG_LEVEL": "error",
                }
            )
            db.bind(engine)
            told = tell(Hub.open(settings, engine))
            engine.dispose()
        finally:
            embedded.stop()
    sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
