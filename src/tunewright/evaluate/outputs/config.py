"""The settings of `tunewright evaluate answers`."""

from __future__ import annotations

from pydantic import Field

from tunewright.llm.config import AskConfig
from tunewright.run.config import Config

# FastChat's temperatures for MT-Bench, by category; every other one is greedy.
MT_BENCH_TEMPERATURES = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}


class AnswersConfig(Config):
    """Which model answers, and how it decodes."""

    ask: AskConfig = Field(description="the model that answers and how it is asked")
    generator: str | None = Field(None, description="its name in the file; default: the spec itself")
    system: str | None = Field(None, description="a system message; default: that of the prompts")
    temperature: float | None = Field(
        None, ge=0, description="default: 0, and for MT-Bench's questions its own by category"
    )
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus, when the temperature is not 0")
    max_tokens: int = Field(1024, ge=1, description="the most tokens of one answer")
    seed: int = Field(7, description="of sampling, where the temperature is not 0")

    def temperature_of(self, category: str) -> float:
        if self.temperature is not None:
            return self.temperature
        return MT_BENCH_TEMPERATURES.get(category, 0.0)
