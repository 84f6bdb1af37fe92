"""A small client of the hub's own API, as a partner would write one."""

from typing import Any

import requests

TIMEOUT_S = 60


class RefusedError(Exception):
    """The hub answered with a problem."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.code = str(problem.get("code"))
        super().__init__(f"{problem.get('title')}: {problem}")


class Client:
    """Calls the API with one key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Read something; RefusedError with the problem if it may not be."""
        return self.call("GET", path, params=query)

    def post(
        self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> dict[str, Any]:
        """Write something, with an idempotency key where the route asks for one."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", path, json=body, headers=headers)

    def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Send a request; return the JSON of the reply, or raise its problem."""
        reply = self._session.request(
            method, self.url + path, timeout=TIMEOUT_S, **more
        )
        said: dict[str, Any] = reply.json() if reply.content else {}
        if not reply.ok:
            raise RefusedError(said)
        return said
