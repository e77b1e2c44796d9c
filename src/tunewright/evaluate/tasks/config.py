"""The settings of `tunewright evaluate tasks`."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from tunewright.run.config import Config


class TasksConfig(Config):
    """Which standard tasks are run, on how much of their data, and how the model is shown them."""

    no_effect: ClassVar[frozenset[str]] = frozenset({"batch_size", "device", "include", "leave_out", "tasks"})

    tasks: tuple[str, ...] = Field(min_length=1, description="suites, tasks, groups or tags")
    include: Path | None = Field(None, description="a folder of task files (YAML) of your own")
    leave_out: tuple[str, ...] = Field((), description="names of a suite that are not run")
    limit: int | None = Field(None, ge=1, description="only the first documents of each task; for trying out")
    num_fewshot: int | None = Field(
        None, ge=0, description="examples before each question; default: the task's own"
    )
    chat: bool = Field(False, description="put each question into the model's chat template")
    run_code: bool = Field(False, description="let tasks run code that the model wrote, on this machine")
    batch_size: int = Field(8, ge=1, description="requests in one forward pass")
    device: str = Field("auto", description="auto, cpu or cuda")
    dtype: str = Field(
        "auto", description="auto (bfloat16 on CUDA, else float32), float32, bfloat16, float16"
    )
