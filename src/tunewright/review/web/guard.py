"""What surrounds the app: the Host header and the size of what comes in, the headers of what goes out."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunewright.review.web.forms import MAX_BODY_BYTES, MAX_KNOWN_BODY_BYTES
from tunewright.review.web.security import Site, visitor

MAX_DROPPED_BYTES = 100_000_000
# No inline script or style anywhere; nothing from elsewhere, not even a picture in a rated answer.
POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self'; script-src 'self'; style-src 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # "no-referrer" would make the Origin of our own forms null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware outside of everything: Host header, size of the body, headers of every answer.

    The body is read here, whole, before the app sees it: an answer of 413 is possible only before a route
    has begun, and 4 MB are little to hold. Of a longer one nothing is handed on but that it was too long, of
    one that was cut off on its way nothing at all.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message))
            await send(message)

        headers = Headers(scope=scope)
        if not self.site.is_ours(headers.get("host", "")):
            refusal = PlainTextResponse(
                "This page is not served under that name. Use the address that the command printed.", 400
            )
            await refusal(scope, receive, send_with_headers)
            return
        if scope["method"] == "HEAD":  # what a GET would be answered; the server leaves the body out
            scope = {**scope, "method": "GET"}
        # what is known of a request, shared with the handler of our own mistakes, which is outside of this
        scope.setdefault("state", {})
        body: bytes | None = b""
        if scope["method"] != "GET":
            limit = await self._limit(headers, scope)
            try:
                body = await _whole_body(limit, headers, receive)
            except ClientDisconnect:  # half a text must not take the place of what is kept
                return
        scope["state"]["is_too_long"] = body is None  # `check_form` says so before any route
        await self.app(scope, _replay(body or b"", receive), send_with_headers)

    async def _limit(self, headers: Headers, scope: Scope) -> int:
        """How long a body may be. Only who is logged in may send the texts of a very long pair: anybody else
        could fill the memory with them."""
        if _said_bytes(headers) <= MAX_BODY_BYTES:
            return MAX_BODY_BYTES
        known = await run_in_threadpool(visitor, Request(scope))
        return MAX_BODY_BYTES if known is None else MAX_KNOWN_BODY_BYTES


def add_headers(headers: MutableHeaders) -> None:
    """Those of `HEADERS` that the answer has not set itself (the style sheet may be cached)."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def _said_bytes(headers: Headers) -> int:
    """The length that is said, 0 for none and for what is no number."""
    said = headers.get("content-length", "")
    return int(said[:12]) if said.isascii() and said.isdigit() else 0


async def _whole_body(limit: int, headers: Headers, receive: Receive) -> bytes | None:
    """The body; None when it is longer than `limit` bytes, said or found. ClientDisconnect when its end did
    not come.

    What is too long is read to its end and dropped: browsers that are still sending when the connection is
    closed show their own page, "connection reset", instead of ours. Beyond all measure nobody is waited for.
    """
    if _said_bytes(headers) > MAX_DROPPED_BYTES:
        return None
    body, num_bytes = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        num_bytes += len(part)
        if num_bytes <= limit:
            body += part
        if not message.get("more_body", False) or num_bytes > MAX_DROPPED_BYTES:
            return bytes(body) if num_bytes <= limit else None


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once and then what the server says (a disconnect)."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
