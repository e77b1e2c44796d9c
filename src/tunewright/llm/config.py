"""The settings of asking a model: a table `ask:` in a recipe, the same options on every command that asks."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, model_validator

from tunewright.run.config import Config


class AskConfig(Config):
    """Which model answers, how fast it may be asked, and what it may cost."""

    no_effect: ClassVar[frozenset[str]] = frozenset(
        {
            "base_url",
            "concurrency",
            "requests_per_minute",
            "tokens_per_minute",
            "deadline_seconds",
            "max_attempts",
            "patience_seconds",
            "budget_tokens",
            "budget_money",
            "price_input",
            "price_output",
            "allow_unanswered",
            "replies",
            "calls",
            "ask_refused",
        }
    )

    model: str = Field(
        description="openai:NAME (any compatible endpoint), hf:PATH or hub id (in this process), vllm:PATH, "
        "batch:DIR (an OpenAI batch file), scripted:FILE (for tests)"
    )
    revision: str = Field("", description="tells two builds behind the same name apart; part of every key")
    base_url: str | None = Field(None, description="the endpoint, such as http://127.0.0.1:8000/v1")
    batch_model: str | None = Field(None, description="the model named in a batch file (batch:DIR)")
    concurrency: int = Field(32, ge=1, description="calls at once, at most; fewer when the endpoint is busy")
    requests_per_minute: int | None = Field(None, ge=1, description="a limit of the endpoint")
    tokens_per_minute: int | None = Field(None, ge=1, description="a limit of the endpoint, in and out")
    deadline_seconds: float = Field(120.0, gt=0, description="for one call, to the last byte")
    max_attempts: int = Field(4, ge=1, description="calls for one reply; being told to wait is not counted")
    max_asked_again: int = Field(2, ge=0, description="times to ask again after a reply that is unusable")
    patience_seconds: float = Field(
        600.0, gt=0, description="longest wait for a busy or silent endpoint before the run stops"
    )
    budget_tokens: int | None = Field(None, ge=0, description="stop before more tokens than this are used")
    budget_money: float | None = Field(None, ge=0, description="stop before it costs more than this")
    price_input: float | None = Field(None, ge=0, description="price of a million tokens read")
    price_output: float | None = Field(None, ge=0, description="price of a million tokens written")
    batch_size: int = Field(8, ge=1, description="requests at once of a model in this process (hf:)")
    allow_unanswered: bool = Field(False, description="go on without the calls that never got an answer")
    replies: Path | None = Field(None, description="the journal; default: replies.sqlite in the run folder")
    calls: bool = Field(True, description="false: only replies that are in the journal, nothing is asked")

    ask_refused: bool = Field(False, description="ask again what the endpoint refused, in the journal")

    @model_validator(mode="after")
    def _money_needs_prices(self) -> AskConfig:
        if self.budget_money is not None and (self.price_input is None or self.price_output is None):
            raise ValueError("budget_money needs price_input and price_output (per million tokens)")
        return self
