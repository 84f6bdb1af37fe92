"""Calls of the ticketapi: signed, with a token that is fetched anew before it ends."""

import threading
import time
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from connectors.errors import NoAnswerError, NotReachedError
from connectors.suppliers import xml
from connectors.suppliers.cmts import words
from connectors.suppliers.cmts.signing import signature
from connectors.suppliers.cmts.words import CmtsCredentials, TokenEndedError
from connectors.suppliers.soap import Soap

EARLY_S, TOKEN_S = 30.0, 300.0
TOKEN_TRIES = 2


class Calls:
    """What is asked of one CMTS; any thread may, one at a time fetches a token."""

    def __init__(self, own: CmtsCredentials, soap: Soap) -> None:
        self._own, self._soap = own, soap
        self._token: tuple[str, str, float] | None = None
        self._refresh = threading.Lock()

    def ask(self, operation: str, **named: str) -> Any:
        """Ask by parameters; return the reply's XML, which says that it is done."""
        return self._checked_with_token(
            operation, lambda: self._said(operation, **named)
        )

    def _checked_with_token(self, operation: str, send: Any) -> Any:
        """Send; once more with a new token if the old had ended: nothing was done."""
        for _ in range(TOKEN_TRIES):
            try:
                return self._checked(send())
            except TokenEndedError:
                self._token = None
        raise NoAnswerError(f"{operation}: it takes no token")

    @staticmethod
    def _checked(said: str) -> Any:
        root = xml.parse(said)
        code = root.findtext("ResultCode")
        if code is None:
            raise NoAnswerError("a reply without a result")
        words.refuse_unless_done(code.strip(), root.findtext("Message") or "")
        return root

    def _said(self, operation: str, **named: str) -> str:
        token_id, token = self._with_token()
        said = {**named, "pTokenID": token_id}
        verify = signature(
            self._own.app_code, [*said.values(), token], self._own.check_key
        )
        return self._text(
            operation, pAppCode=self._own.app_code, **said, pVerifyInfo=verify
        )

    def in_xml(self, operation: str, named: Mapping[str, str], more: str) -> Any:
        """Send an operation whose parameters are an XML string, signed as in it."""

        def send() -> str:
            token_id, token = self._with_token()
            said = {**named, "TokenID": token_id}
            verify = signature(
                self._own.app_code, [*said.values(), token], self._own.check_key
            )
            every = {"AppCode": self._own.app_code, **said, "VerifyInfo": verify}
            inner = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in every.items())
            document = f"<{operation}Parameter>{inner}{more}</{operation}Parameter>"
            return self._text(operation, pXmlString=document)

        return self._checked_with_token(operation, send)

    def _text(self, operation: str, **named: str) -> str:
        reply = self._soap.call(operation, **named)
        if not reply:
            raise NoAnswerError(f"{operation} answers nothing")
        return str(reply)

    def _with_token(self) -> tuple[str, str]:
        """Return a token that lasts; one thread at a time fetches a new one, early."""
        if not self._refresh.acquire(timeout=EARLY_S):
            raise NotReachedError("no token came in time")
        try:
            if self._token is None or self._token[2] < time.monotonic():
                verify = signature(self._own.app_code, [], self._own.check_key)
                said = self._checked(
                    self._text(
                        "GetToken", pAppCode=self._own.app_code, pVerifyInfo=verify
                    )
                )
                lasts = float(said.findtext("TimeOut") or TOKEN_S)
                until = time.monotonic() + max(1.0, lasts - EARLY_S)
                names = ("TokenID", "Token")
                found = [said.findtext(name) or "" for name in names]
                self._token = (found[0], found[1], until)
            return self._token[0], self._token[1]
        finally:
            self._refresh.release()
