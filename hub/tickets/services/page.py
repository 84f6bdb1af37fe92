"""Tickets as a page for a telephone: no scripts, nothing fetched from elsewhere."""

import base64
import html
from collections.abc import Sequence

from hub.tickets.rules import WORDS, Printed, said
from hub.tickets.services.symbols import image

STYLE = (
    "body{font:16px/1.4 system-ui,sans-serif;margin:0;background:#eee;color:#111}"
    "article{background:#fff;margin:12px auto;max-width:420px;padding:20px;"
    "border-radius:12px}h1{font-size:1.3rem;margin:0 0 .6rem}dl{display:grid;"
    "grid-template-columns:auto 1fr;gap:.2rem .8rem;margin:0}dt{color:#555}dd{margin:0}"
    "img{display:block;width:100%;max-width:320px;margin:14px auto 4px}"
    "code{display:block;text-align:center;letter-spacing:.08em}"
    "p{margin:.6rem 0;text-align:center}nav{text-align:center;padding:0 0 24px}"
)
NONE = {
    "en": "None of these tickets is valid any more. Ask who sold them.",
    "zh-Hans": "这些票已失效。请联系售票方。",
}
PRINT = {"en": "Print", "zh-Hans": "打印"}


def shown_page(tickets: Sequence[Printed], language: str, token: str) -> str:
    """Return the page of an order's valid tickets, or one that says there is none."""
    if tickets:
        body = "".join(_ticket(ticket, language) for ticket in tickets)
        link = f"/t/{html.escape(token)}/tickets.pdf?language={language}"
        body += f'<nav><a href="{link}">{PRINT[language]}</a></nav>'
        title = said(tickets[0].title, language)
    else:
        body, title = f"<article><p>{NONE[language]}</article>", "Tickets"
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>{body}</html>"
    )


def _ticket(ticket: Printed, language: str) -> str:
    words = WORDS[language]
    facts = "".join(
        f"<dt>{html.escape(label)}<dd>{html.escape(text)}"
        for label, text in ticket.facts(language)
    )
    note = f"<p>{words['postponed']}" if ticket.status == "postponed" else ""
    symbol = base64.b64encode(image(ticket.code, "qr", "svg")).decode()
    return (
        f"<article><h1>{html.escape(said(ticket.title, language))}</h1>{note}"
        f'<dl>{facts}</dl><img alt="QR" src="data:image/svg+xml;base64,{symbol}">'
        f"<code>{html.escape(ticket.code)}</code><p>{words['show']}</article>"
    )
