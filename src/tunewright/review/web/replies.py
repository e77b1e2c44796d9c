"""Where to go after a form was taken: told to the page's script, or a redirect for browsers without one."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response


def go(request: Request, address: str) -> Response:
    """`{"next": address}` for a request that accepts only JSON, else 303."""
    if "text/html" not in request.headers.get("accept", "") and "json" in request.headers.get("accept", ""):
        return JSONResponse({"next": address})
    return RedirectResponse(address, 303)
