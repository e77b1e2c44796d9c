"""`tunewright replies DIR`: what a model was asked in a run, and what it said."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.errors import DataError

if TYPE_CHECKING:
    from tunewright.llm.journal import Call

_WIDTH = 60  # of the start of a reply


def command(
    folder: Annotated[Path, typer.Argument(help="A run folder, or its replies.sqlite.")],
    find: Annotated[
        str, typer.Option("--find", help="Only calls whose subject, request or reply has this text.")
    ] = "",
    show: Annotated[
        int | None, typer.Option("--show", help="Print the call of this number in full, as it was received.")
    ] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only calls that were refused.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="List at most so many calls.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="All of every call, one JSON object a line.")
    ] = False,
) -> None:
    """Show the replies a run is made of: who was asked what, what came back, tokens and seconds.

    Example: tunewright replies runs/rated --find "no JSON"
    """
    from tunewright.llm.journal import JOURNAL_FILE, Journal
    from tunewright.llm.reply import Refused

    path = folder / JOURNAL_FILE if folder.is_dir() else folder
    with Journal(path, read_only=True) as journal:
        num_shown = num_found = 0
        for call in journal.calls(containing=find):
            if (refused and not isinstance(call.answer, Refused)) or show not in (None, call.number):
                continue
            num_found += 1
            if show is not None:
                _show(call)
            elif as_json:
                typer.echo(json.dumps(_row(call), ensure_ascii=False))
            elif num_shown < limit:
                num_shown += 1
                typer.echo(_shown(_line(call)))
        spent = journal.spent()
    if show is not None:
        if not num_found:
            raise DataError(f"{path} has no call number {show}; its calls count from 1 to {spent.num_calls}")
    elif not as_json:
        if num_found > num_shown:
            typer.echo(f"… and {num_found - num_shown:,} more; --limit, --find and --json show them")
        typer.echo(
            f"{spent.num_calls:,} calls, {spent.prompt_tokens:,} tokens read, "
            f"{spent.output_tokens:,} written; --show NUMBER prints one in full"
        )


def _shown(text: str) -> str:
    """The text with its control characters written out: a reply must not steer the terminal."""
    return "".join(
        character if character in "\n\t" or unicodedata.category(character) != "Cc" else repr(character)[1:-1]
        for character in text
    )


def _line(call: Call) -> str:
    from tunewright.llm.reply import Refused

    answer = call.answer
    start = f"{call.number:>6}  {call.request.subject or call.key[:12]}"
    if isinstance(answer, Refused):
        return f"{start}  refused: {answer.problem}"
    text = " ".join(answer.text.split())
    text = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    tokens = f"{answer.usage.prompt_tokens}→{answer.usage.output_tokens} tokens"
    cut = "  cut" if answer.finish == "length" else ""
    return f"{start}  {tokens}  {answer.seconds:.2f} s{cut}  {text}"


def _show(call: Call) -> None:
    from tunewright.llm.reply import Refused

    request, answer = call.request, call.answer
    typer.echo(f"call {call.number}: {request.subject}\nkey {call.key}\nmodel {call.model}")
    for message in request.messages:
        typer.echo(_shown(f"\n── {message.role}\n{message.text}"))
    if request.schema is not None:
        typer.echo(f"\n── schema\n{json.dumps(request.schema, ensure_ascii=False)}")
    if isinstance(answer, Refused):
        typer.echo(_shown(f"\n── refused: {answer.problem}\n{answer.raw}"))
        return
    usage = answer.usage
    typer.echo(
        _shown(
            f"\n── reply ({answer.finish}; {usage.prompt_tokens}→{usage.output_tokens} tokens)\n{answer.text}"
        )
    )
    typer.echo(_shown(f"\n── as received\n{answer.raw}"))


def _row(call: Call) -> dict[str, object]:
    from tunewright.llm.reply import Refused

    answer = call.answer
    kept = {"refused": answer.problem, "raw": answer.raw} if isinstance(answer, Refused) else answer.to_row()
    return {
        "number": call.number,
        "key": call.key,
        "model": call.model,
        "request": call.request.to_row(),
        "answer": kept,
    }
