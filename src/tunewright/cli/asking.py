"""The options of every command that asks a model, written once; and what a dry run prints."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.errors import RecipeError

if TYPE_CHECKING:
    from tunewright.llm.ask import Estimate
    from tunewright.llm.config import AskConfig

PANEL = "Asking the model"


def _option(*names: str, help: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=PANEL)


def _options(
    *,
    model: Annotated[
        str,
        _option(
            "--model",
            help="Who answers: openai:NAME (any compatible endpoint; OPENAI_API_KEY and OPENAI_BASE_URL "
            "apply), hf:PATH (in this process), vllm:PATH, batch:DIR (an OpenAI batch file), scripted:FILE "
            "(for tests).",
        ),
    ],
    base_url: Annotated[
        str | None, _option("--base-url", help="The endpoint, e.g. http://127.0.0.1:8000/v1.")
    ] = None,
    concurrency: Annotated[
        int | None,
        _option("--concurrency", help="Calls at once, at most (32); fewer while the endpoint is busy."),
    ] = None,
    requests_per_minute: Annotated[
        int | None, _option("--requests-per-minute", "--rpm", help="The endpoint's limit of requests.")
    ] = None,
    tokens_per_minute: Annotated[
        int | None, _option("--tokens-per-minute", "--tpm", help="The endpoint's limit of tokens.")
    ] = None,
    deadline_seconds: Annotated[
        float | None, _option("--deadline", help="Seconds for one call, to the last byte (120).")
    ] = None,
    patience_seconds: Annotated[
        float | None,
        _option("--patience", help="Longest wait, in seconds, for an endpoint without a reply (600)."),
    ] = None,
    max_attempts: Annotated[
        int | None,
        _option("--max-attempts", help="Calls for one reply (4); being told to wait is not counted."),
    ] = None,
    max_asked_again: Annotated[
        int | None,
        _option("--ask-again", help="Times to ask again, with the error, when a reply cannot be used (2)."),
    ] = None,
    budget_tokens: Annotated[
        int | None, _option("--budget-tokens", help="Stop before more tokens are used, in and out.")
    ] = None,
    budget_money: Annotated[
        float | None, _option("--budget-money", help="Stop before it costs more; needs both prices.")
    ] = None,
    price_input: Annotated[
        float | None, _option("--price-input", help="Price of a million tokens read.")
    ] = None,
    price_output: Annotated[
        float | None, _option("--price-output", help="Price of a million tokens written.")
    ] = None,
    batch_size: Annotated[
        int | None, _option("--batch-size", help="Requests at once of a model in this process (8).")
    ] = None,
    batch_model: Annotated[
        str | None, _option("--batch-model", help="The model to name in a batch file (batch:DIR).")
    ] = None,
    revision: Annotated[
        str | None, _option("--revision", help="Tells two builds of the same model name apart.")
    ] = None,
    replies: Annotated[
        Path | None,
        _option("--replies", help="The journal of replies, to share one; default: in the run folder."),
    ] = None,
    no_calls: Annotated[
        bool, _option("--no-calls", help="Use only replies that are in the journal; ask nothing.")
    ] = False,
    allow_unanswered: Annotated[
        bool,
        _option(
            "--allow-unanswered",
            help="Go on without the calls that never got an answer; the same command asks them later.",
        ),
    ] = False,
    ask_refused: Annotated[
        bool, _option("--ask-refused", help="Ask again what the endpoint refused before.")
    ] = False,
    dry_run: Annotated[
        bool, _option("--dry-run", help="Say what would be asked and what it would cost; ask nothing.")
    ] = False,
) -> None:
    """Only its signature is used."""


def asks(command: Callable[..., None], *, only_sometimes: bool = False) -> Callable[..., None]:
    """Give a command the options above. It takes them as one keyword argument, `ask`, a mapping of the set
    ones by AskConfig's names, and `dry_run`. With `only_sometimes` the model may be left out: a command that
    can do without one looks whether `ask` has it."""
    shared = dict(inspect.signature(_options).parameters)
    own = {
        name: one
        for name, one in inspect.signature(command).parameters.items()
        if name not in ("ask", "dry_run")
    }
    if only_sometimes:
        shared["model"] = shared["model"].replace(default=None)
    hints = typing.get_type_hints(command, include_extras=True) | typing.get_type_hints(
        _options, include_extras=True
    )

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        ask = {name: given.pop(name) for name in shared}
        dry_run = ask.pop("dry_run")
        ask["calls"] = not ask.pop("no_calls")
        command(
            **given, ask={name: value for name, value in ask.items() if value is not None}, dry_run=dry_run
        )

    if only_sometimes:
        kind, *notes = typing.get_args(hints["model"])
        hints["model"] = Annotated[kind | None, *notes]
    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, one in [*own.items(), *shared.items()]
    ]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in parameters}
    return wrapped


def ask_config(ask: dict[str, Any]) -> AskConfig:
    """The checked settings; raises RecipeError in the words of the command line."""
    from tunewright.llm.config import AskConfig
    from tunewright.run.config import parse_config

    try:
        return parse_config(AskConfig, ask, where="the command line")
    except RecipeError as problem:
        raise RecipeError(_with_option_names(str(problem))) from None


def _with_option_names(message: str) -> str:
    """The message with options instead of the settings they fill."""
    hints = typing.get_type_hints(_options, include_extras=True)
    for name in sorted(hints.keys() - {"return"}, key=len, reverse=True):
        info = hints[name].__metadata__[0]
        first = (info.default, *info.param_decls)  # typer takes the first name for a default until it parses
        option = next(one for one in first if isinstance(one, str))
        message = re.sub(rf"(?<![-\w]){name}(?!\w)", option, message)
    return message


def show_estimate(found: Estimate) -> None:
    """What a dry run says."""
    typer.echo(f"requests       {found.num_requests:,}")
    typer.echo(f"  to be asked  {found.num_to_ask:,}   (the rest is in the journal, or is asked twice)")
    typer.echo(f"tokens read    {found.prompt_tokens:,}   (estimated)")
    typer.echo(f"tokens written {found.most_output_tokens:,}   at most")
    if found.most_cost is not None:
        typer.echo(f"price          {found.least_cost:.4g} to {found.most_cost:.4g}")
    else:
        typer.echo("price          unknown: add --price-input and --price-output (per million tokens)")
    typer.echo("Nothing was asked. Replies that cannot be used are asked again, which comes on top.")


def judged_by(command: Callable[..., None], help: str) -> Callable[..., None]:
    """The command with `--judge` in the place of `--model`: beside what is judged, "the model" could be any
    of them."""
    signature = inspect.signature(command)
    option = Annotated[str | None, typer.Option("--judge", help=help, rich_help_panel=PANEL)]
    parameters = [
        one.replace(annotation=option) if one.name == "model" else one
        for one in signature.parameters.values()
    ]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__["model"] = option
    return command
