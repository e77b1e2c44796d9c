"""Why a standard task cannot run on this machine, and in words what helps."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_MOST_NAMED = 6


class Trouble(Enum):
    """Why a task cannot run here."""

    UNKNOWN = "unknown"
    NO_DATA = "its data are not here"
    NO_LOCAL_FILE = "a data file of it is missing"
    NEEDS_HUB = "its own code asks the hub when it is imported"
    NEEDS_PACKAGE = "it needs a package that is not installed"
    RUNS_CODE = "it runs code that the model wrote"
    BROKEN = "it cannot be built"


@dataclass(frozen=True, slots=True)
class Problem:
    """`detail` is what is missing: a data set's id, a file, a package, near names, or the harness's words."""

    task: str
    asked: str
    trouble: Trouble
    detail: str


def describe(problems: Sequence[Problem], *, include: Path | None = None) -> str:
    """The problems in words, grouped by what helps; "" when there is none. `include` is the folder of the
    user's own tasks."""
    paragraphs = []
    for trouble in Trouble:
        here = [problem for problem in problems if problem.trouble is trouble]
        if here:
            paragraphs.append(
                _no_data(here, include) if trouble is Trouble.NO_DATA else _WORDS[trouble](here)
            )
    return "\n".join(paragraphs)


def _unknown(problems: list[Problem]) -> str:
    lines = [
        f"unknown task {p.task!r}"
        + (f"; did you mean {p.detail}?" if p.detail else "; see `lm-eval ls tasks`")
        for p in problems
    ]
    return "\n".join(lines)


def _no_data(problems: list[Problem], include: Path | None) -> str:
    data_of: dict[str, dict[str, None]] = {}
    num_of: dict[str, int] = {}
    for problem in problems:
        data_of.setdefault(problem.asked, {})[problem.detail] = None
        num_of[problem.asked] = num_of.get(problem.asked, 0) + 1
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    why = "HF_HUB_OFFLINE is set" if offline else "the hub does not answer, or does not have it for you"
    tasks = "one task" if len(problems) == 1 else f"{len(problems)} tasks"
    lines = [f"the data of {tasks} are not on this machine ({why}):"]
    for asked, data in data_of.items():
        num = f" ({num_of[asked]} tasks)" if num_of[asked] > 1 else ""
        lines.append(f"  {asked}{num}: data set {', '.join(data)}")
    folder = f" --include {include}" if include is not None else ""
    lines += [
        "To bring them: on a machine with a network run",
        f"  HF_HOME=FOLDER tunewright evaluate tasks --check --tasks {','.join(data_of)}{folder}",
        "copy FOLDER here, and run this command again with HF_HOME=FOLDER HF_HUB_OFFLINE=1",
    ]
    return "\n".join(lines)


def _needs_hub(problems: list[Problem]) -> str:
    return (
        f"{_named(problems)}: the task's own code loads something from the hub when it is imported "
        f"({problems[0].detail}), so it cannot run offline, even with its data here, unless that is in the "
        f"cache; leave it out with --leave-out {','.join(dict.fromkeys(p.asked for p in problems))}"
    )


def _needs_package(problems: list[Problem]) -> str:
    lines = []
    for problem in problems:
        package = problem.detail.partition(".")[0]
        there = package != problem.detail and importlib.util.find_spec(package) is not None
        lines.append(
            f"{problem.task}: imports {problem.detail}, which the installed {package} does not have; "
            "leave it out"
            if there
            else f"{problem.task}: needs {package}, which is not installed; install it or leave the task out"
        )
    return "\n".join(lines)


def _runs_code(problems: list[Problem]) -> str:
    return (
        f"{_named(problems)}: runs code that the model wrote, on this machine; allow it with --run-code "
        f"(and HF_ALLOW_CODE_EVAL=1), best inside a container, or leave it out: "
        f"--leave-out {','.join(dict.fromkeys(p.asked for p in problems))}"
    )


def _each(problems: list[Problem]) -> str:
    return "\n".join(f"{p.task}: {p.trouble.value}: {p.detail}; mend its task file or data" for p in problems)


def _named(problems: list[Problem]) -> str:
    names = [problem.task for problem in problems]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


_WORDS = {
    Trouble.UNKNOWN: _unknown,
    Trouble.NO_LOCAL_FILE: _each,
    Trouble.NEEDS_HUB: _needs_hub,
    Trouble.NEEDS_PACKAGE: _needs_package,
    Trouble.RUNS_CODE: _runs_code,
    Trouble.BROKEN: _each,
}
