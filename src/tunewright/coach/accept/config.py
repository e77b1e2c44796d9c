"""The settings of accepting revisions: the table `accept:` of `revise:`, with a sub-table per policy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from tunewright.llm.config import AskConfig
from tunewright.run.config import Config


class RatingGain(Config):
    """Accept when a rater's score rises by at least `least_gain`."""

    criteria: str = Field("accuracy", description="accuracy, coachlm, elpa, or a YAML file of one's own")
    ask: AskConfig = Field(description="the model that rates and how it is asked")
    score: str | None = Field(
        None, description="the score compared, such as instruction.feasibility; default: the main side's"
    )
    least_gain: float = Field(
        0.0, description="the least score after minus score before, on the criteria's scale; 0: no worse"
    )
    expected: bool = Field(
        False, description="ask for the score alone and take its mean over the model's probabilities"
    )
    max_tokens: int = Field(512, ge=16, description="the most tokens of one reply")


class StudentLoss(Config):
    """Accept by the losses of the model that is to be tuned, as in Selective Reflection-Tuning.

    A changed instruction or input must become harder to follow (IFD up), a changed response must tell more
    of its instruction (r-IFD down) or, with `response: loss`, be likelier itself.
    """

    model: str = Field(description="the student: a folder or a Hugging Face id")
    ratio: Literal["perplexity", "loss"] = Field(
        "perplexity", description="IFD as a quotient of perplexities (as published) or of mean losses"
    )
    response: Literal["r_ifd", "loss"] = Field(
        "r_ifd", description="what has to fall when the response changed"
    )
    below_one: bool = Field(
        True, description="also ask for an IFD and an r-IFD of the revision below 1, as published"
    )
    max_tokens: int = Field(1024, ge=8, description="longer texts are not measured, so not accepted")
    chat_template: str | None = Field(
        None, description="tulu, chatml or a Jinja file; default: the model's own"
    )
    precision: Literal["f32", "bf16"] = Field("f32", description="what products run in")
    pack_tokens: int = Field(4096, ge=8, description="most tokens in one forward pass: memory and speed only")

    @field_validator("model")
    @classmethod
    def _has_learnt(cls, model: str) -> str:
        if model.startswith("scratch:"):
            raise ValueError("a model from scratch has learnt nothing yet; name a trained one")
        return model

    @field_validator("chat_template")
    @classmethod
    def _text_of_file(cls, value: str | None) -> str | None:
        from tunewright.tune.templates import template_text

        return None if value is None else template_text(value)


class Embeddings(Config):
    """Vectors of the changed records before and after, a row per proposal in their order."""

    before: Path = Field(description="a .npy file of the original versions")
    after: Path = Field(description="a .npy file of the revised versions")
    least: float = Field(ge=-1, le=1, description="the least cosine similarity of a record's two rows")


class MeaningKept(Config):
    """Accept when the revised texts are like the original ones: n-grams, given vectors, or both."""

    unit: Literal["char", "word"] = Field("char", description="what n-grams are made of")
    n: int = Field(3, ge=1, le=8, description="units in an n-gram")
    instruction: float | None = Field(
        0.3, ge=0, le=1, description="the least similarity of instruction and input; null: not looked at"
    )
    response: float | None = Field(
        None, ge=0, le=1, description="the least similarity of the output; null: not looked at"
    )
    embeddings: Embeddings | None = Field(None, description="vectors made by another program")

    @model_validator(mode="after")
    def _looks_at_something(self) -> MeaningKept:
        if self.instruction is None and self.response is None and self.embeddings is None:
            raise ValueError("nothing to compare: give instruction, response or embeddings")
        return self


class Preference(Config):
    """Accept when a judge prefers the revision in both orders, and not for its length."""

    ask: AskConfig = Field(description="the model that judges and how it is asked")
    length_control: bool = Field(True, description="take the fitted effect of length from each win")
    least_preference: float = Field(
        0.6, gt=0.5, le=1, description="what must be left of a win (1, or 0.75 with a tie) without it"
    )
    max_tokens: int = Field(512, ge=16, description="the most tokens of one reply")


class AcceptConfig(Config):
    """By what a revision is accepted. All policies given must agree; what one has rejected is not shown to
    the ones after it, which may cost money. They come in the order meaning, student, rating, preference."""

    rating: RatingGain | None = Field(None, description="by a rater's score of both versions")
    student: StudentLoss | None = Field(None, description="by the losses of the model to be tuned")
    meaning: MeaningKept | None = Field(None, description="by how like the original the revision is")
    preference: Preference | None = Field(None, description="by a judge of both versions, length controlled")

    @model_validator(mode="after")
    def _accepts_by_something(self) -> AcceptConfig:
        if all(one is None for one in (self.rating, self.student, self.meaning, self.preference)):
            raise ValueError("nothing to accept by: give rating, student, meaning or preference")
        return self
