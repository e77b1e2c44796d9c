"""Pages that other stages wrote, shown here without being trusted.

A report holds texts of records, and a folder may hold a page that somebody else put there. Such a page is
served with a policy of its own: a sandbox, in which no script runs, no form is sent and nothing belongs to
this site, not even its cookies; styles inside the page and pictures inside the page are all it may have.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import HTTPException
from starlette.responses import Response

MOST_BYTES = 50_000_000
POLICY = (
    "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def framed_page(path: Path) -> Response:
    """The HTML file in its sandbox. The caller has made sure that this path may be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise HTTPException(
                413, f"{path.name} is larger than {MOST_BYTES // 10**6} MB; open it from its folder."
            )
        content = path.read_bytes()
    except OSError:
        raise HTTPException(
            404, f"{path.name} cannot be read any more; look whether its folder was moved."
        ) from None
    headers = {"content-security-policy": POLICY, "content-disposition": "inline"}
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)
