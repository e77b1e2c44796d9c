"""The settings of `coach evaluate`."""

from __future__ import annotations

from pydantic import Field

from tunewright.coach.after import AfterConfig
from tunewright.coach.forms import FormName
from tunewright.coach.revise_config import CoachAskConfig, Decoding
from tunewright.run.config import Config


class ExamConfig(Config):
    """Which coaches sit the exam, and how they are asked: each as `revise` would ask it."""

    coaches: tuple[str, ...] = Field(
        min_length=1, description="folders of trained coaches, or any models: openai:NAME, hf:PATH, …"
    )
    good: bool = Field(True, description="also put the experts' versions, which should stay as they are")
    ask: CoachAskConfig = Field(
        default_factory=CoachAskConfig, description="how each is asked; its model is the coach"
    )
    form: FormName | None = Field(None, description="of models that are no trained coach; default: lines")
    decoding: Decoding = Field(default_factory=Decoding, description="how replies are drawn")
    after: AfterConfig = Field(default_factory=AfterConfig, description="when a reply is no revision at all")
