"""The settings of revising: the table `revise:` of a recipe."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from tunewright.coach.accept import AcceptConfig
from tunewright.coach.after import AfterConfig
from tunewright.coach.forms import FormName
from tunewright.coach.prompt import Style
from tunewright.llm.config import AskConfig
from tunewright.run.config import Config

LEAST_TOKENS = 1024  # of a reply: the published 512 cut records without a word


class Decoding(Config):
    """How replies are drawn. What is not given follows from the coach."""

    temperature: float = Field(0.0, ge=0, le=2, description="0 is greedy: the likeliest token every time")
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int | None = Field(
        None, ge=16, description="the most tokens of one reply; default: 1024, or more where a coach says so"
    )
    seed: int = Field(7, description="with a temperature: each record's own seed follows from it and the id")


class CoachAskConfig(AskConfig):
    """How a coach is asked: its model need not be named here."""

    model: str = Field("", description="only where a trained coach is served elsewhere, such as openai:NAME")


class ReviseConfig(Config):
    """Which coach revises, how it is asked, and which of its revisions count."""

    coach: str = Field(
        description="the folder of a coach that was trained, or any model: openai:NAME, hf:PATH, …"
    )
    ask: CoachAskConfig = Field(
        default_factory=CoachAskConfig,
        description="how the model is asked; ask.model only where a trained coach is served elsewhere",
    )
    form: FormName | None = Field(
        None, description="lines, marked or flat; default: the form a coach was trained in, else lines"
    )
    style: Style | None = Field(
        None, description="trained or guided (the long prompt); default: guided for a model that is no coach"
    )
    decoding: Decoding = Field(default_factory=Decoding, description="how replies are drawn")
    revise_trained: bool = Field(False, description="revise also the pairs that the coach was trained on")
    language: str | None = Field(
        None, description="the set's language as ISO 639-1, e.g. en, or any; default: that of after"
    )
    after: AfterConfig = Field(default_factory=AfterConfig, description="when a reply is no revision at all")
    accept: AcceptConfig | None = Field(
        None, description="which revisions are accepted; default: all that are valid"
    )

    @model_validator(mode="after")
    def _model_of_the_coach(self) -> ReviseConfig:
        """A coach that is no folder is the model that is asked: it need not be said twice."""
        if Path(self.coach).is_dir() or self.ask.model == self.coach:
            return self  # a trained coach's own model is known to its folder alone
        if self.ask.model:
            raise ValueError(
                f"the coach is the model '{self.coach}', so ask.model cannot be another one "
                f"('{self.ask.model}'); leave it out"
            )
        object.__setattr__(self, "ask", self.ask.model_copy(update={"model": self.coach}))
        return self

    @model_validator(mode="after")
    def _language_of_the_rules(self) -> ReviseConfig:
        AfterConfig(language=self.after_settings.language)  # a code that is none is a ValueError
        return self

    @property
    def after_settings(self) -> AfterConfig:
        """The rules for what comes back, in the set's language."""
        if self.language is None:
            return self.after
        return self.after.model_copy(update={"language": self.language})
