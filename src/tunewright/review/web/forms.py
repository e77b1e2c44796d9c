"""A form as a browser sends it: read whole and exactly, or refused with words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from fastapi import HTTPException, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException as StarletteHTTPException

from tunewright.run.html_page import UNFIT

MAX_BODY_BYTES = 4_000_000
MAX_KNOWN_BODY_BYTES = 20_000_000  # 1 MB of Chinese is 3 MB in a form, and a pair has five fields
TOO_LONG = (
    f"That is more than {MAX_KNOWN_BODY_BYTES:,} bytes, or more than {MAX_BODY_BYTES:,} from somebody who is "
    "not logged in, and no more is taken at once. Nothing was saved. "
    "Go back: what you typed is still in the page. Shorten it, then send it again."
)
_DAMAGED = (
    "The form did not arrive whole, or not as this page sends it. Nothing was saved. "
    "Go back, copy what you typed, load the page again and send it once more."
)
_BEFORE_CHARS = 30  # shown of what stands before a character that is refused


async def read_form(request: Request) -> FormData:
    """The form, read once; a field may be as long as the whole body, where the usual limit is 1 MB. No form
    takes files. What no page here sends is refused (400): files, more than 1,000 fields, broken bodies, and
    bytes that are no UTF-8, which would come out as other letters."""
    known: FormData | None = getattr(request.state, "form", None)
    if known is not None:
        return known
    body = await request.body()
    is_multipart = request.headers.get("content-type", "").startswith("multipart/")
    if not (_is_utf8(body) if is_multipart else body.isascii() and _is_utf8(unquote_to_bytes(body))):
        raise HTTPException(400, _DAMAGED)
    try:
        form = await request.form(max_files=0, max_part_size=MAX_KNOWN_BODY_BYTES)
    except StarletteHTTPException:  # its words are for programmers
        raise HTTPException(400, _DAMAGED) from None
    request.state.form = form  # also for the page of an error, which can no longer read it
    return form


def unfit_character(text: str) -> str:
    """Where the first character stands that no page can show, in words; "" when there is none.

    Such a character would be U+FFFD in the page, and be saved so the next time: it is refused instead."""
    found = UNFIT.search(text)
    if found is None:
        return ""
    before = " ".join(text[max(0, found.start() - _BEFORE_CHARS) : found.start()].split())
    where = f"after “{before}”" if before else "at the beginning"
    return f"a character that no page can show (U+{ord(found[0]):04X}, {where})"


def check_texts(form: Mapping[str, str]) -> Mapping[str, str]:
    """The fields as they came; 422 when one holds what no page can show. A password may hold anything."""
    for name, text in form.items():
        unfit = "" if name == "password" else unfit_character(text)
        if unfit:
            raise HTTPException(
                422,
                f"What you typed holds {unfit}. Nothing was saved. "
                "Go back, delete what stands there, also what cannot be seen, and send it again.",
            )
    return form


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
