"""Before any model is loaded: which tasks can run here, and for every other one why not and what helps.

The harness itself ends in a raw ConnectionError after minutes when one of fifty data sets is missing. Here
every task is built with its data first; what cannot be built is named, all of it at once.
"""

from __future__ import annotations

import contextlib
import difflib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, RecipeError
from tunewright.evaluate.tasks import squad
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.evaluate.tasks.suites import SUITES, expand
from tunewright.evaluate.tasks.troubles import Problem, Trouble, describe

INSTALL = "pip install 'tunewright[tasks]'"
_DATA_FORMATS = {"json", "csv", "parquet", "arrow", "text", "pandas", "xml"}


@dataclass(frozen=True, slots=True)
class Unit:
    """One name that was asked for: a task alone, or a group or tag with its tasks."""

    name: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preflight:
    """`tasks` are the harness's own objects, built with their data, by name."""

    units: tuple[Unit, ...]
    tasks: dict[str, Any]
    problems: tuple[Problem, ...]
    include: Path | None = None

    def demand(self) -> None:
        """Raise DataError with everything that is wrong and what to do about each."""
        if self.problems:
            raise DataError(describe(self.problems, include=self.include))


def preflight(config: TasksConfig) -> Preflight:
    """Build every task that is asked for with its data. RecipeError when lm-eval is not installed or two
    names ask for the same task, DataError when a name is not in `include` and a file there is no YAML."""
    names = expand(config.tasks, leave_out=config.leave_out)
    if not names:
        raise RecipeError("every task is left out; name one")
    with quiet(), squad.where_the_harness_looks():
        manager = _manager(config.include, names)
        units: list[Unit] = []
        tasks: dict[str, Any] = {}
        problems: list[Problem] = []
        for name in names:
            built, wrong = _build(manager, name, config)
            problems += wrong
            for task in built:
                if task in tasks:
                    other = next(unit.name for unit in units if task in unit.tasks)
                    raise RecipeError(f"task {task} is asked for twice, by {other} and {name}; name it once")
            tasks |= built
            if built:
                units.append(Unit(name, tuple(built)))
    return Preflight(tuple(units), tasks, tuple(problems), config.include)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The harness, datasets and evaluate log warnings by the dozen; what matters is said in our words."""
    loggers = [logging.getLogger(name) for name in ("lm_eval", "datasets", "evaluate", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _manager(include: Path | None, names: list[str]) -> Any:
    """The harness's task list: the folder's alone when it has every name (0.1 s), else all (10 to 20 s)."""
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise RecipeError(f"standard tasks need lm-eval ({error}); {INSTALL}") from error
    import datasets

    datasets.disable_progress_bars()
    if include is None:
        return TaskManager()
    if not include.is_dir():
        raise RecipeError(f"--include {include}: no such folder; give the one that holds the task files")
    folder = str(
        include.resolve()
    )  # tasks are loaded from their own folders, where a relative path is another
    own = TaskManager(include_path=folder, include_defaults=False)
    missing = [name for name in names if name not in own.task_index]
    if not missing:
        return own
    if unreadable := _unreadable(include, ", ".join(missing)):
        raise DataError(describe(unreadable))
    return TaskManager(include_path=folder)


def _build(manager: Any, name: str, config: TasksConfig) -> tuple[dict[str, Any], list[Problem]]:
    entry = manager.task_index.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, [*manager.all_tasks, *SUITES], n=3, cutoff=0.6)
        return {}, [Problem(name, name, Trouble.UNKNOWN, ", ".join(near))]
    leaves = _leaves(manager, entry)
    unsafe = [leaf.name for leaf in leaves if (leaf.cfg or {}).get("unsafe_code")]
    if unsafe and not config.run_code:
        return {}, [Problem(task, name, Trouble.RUNS_CODE, "") for task in unsafe]
    try:
        return _load(manager, entry), []
    except Exception as error:  # building runs the task's own code: anything can come
        problems = []
        for leaf in leaves:
            try:
                if leaf is entry:
                    raise error
                _load(manager, leaf)
            except Exception as problem:
                problems.append(_problem(leaf, name, problem))
        return {}, problems or [_problem(entry, name, error)]


def _unreadable(include: Path, asked: str) -> list[Problem]:
    """The user's task files that are no YAML: the harness leaves them out without a word."""
    from lm_eval.tasks._yaml_loader import load_yaml

    problems = []
    for file in sorted(include.rglob("*.yaml")):
        try:
            load_yaml(file, resolve_func=False)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            problems.append(Problem(str(file), asked, Trouble.BROKEN, reason))
    return problems


def _load(manager: Any, entry: Any) -> dict[str, Any]:
    """The entry's tasks by name, with their data. A relative path to data counts from the task file's own
    folder, and where nothing is there, from the current one (the harness's own rule)."""
    if entry.kind.name == "TAG":
        return {name: task for leaf in _leaves(manager, entry) for name, task in _load(manager, leaf).items()}
    is_local = any((leaf.cfg or {}).get("dataset_path") in _DATA_FORMATS for leaf in _leaves(manager, entry))
    if is_local and entry.yaml_path is not None:
        with contextlib.suppress(FileNotFoundError), contextlib.chdir(entry.yaml_path.parent):
            return _loaded(manager, entry.name)
    return _loaded(manager, entry.name)


def _loaded(manager: Any, name: str) -> dict[str, Any]:
    try:
        return dict(manager.load([name])["tasks"])
    except Exception as error:
        if _is_connection(error):
            _stay_offline()  # one wait for a hub that does not answer is enough
        raise


def _leaves(manager: Any, entry: Any) -> list[Any]:
    """The single tasks under a name, without importing any of their code."""
    if entry.kind.name == "TAG":
        children = sorted(entry.tags)
    elif entry.kind.name == "GROUP":
        members = entry.cfg.get("task") or []
        members = members if isinstance(members, list) else [members]
        children = [one if isinstance(one, str) else one.get("task") or one.get("group") for one in members]
    else:
        return [entry]
    known = [manager.task_index[child] for child in children if child in manager.task_index]
    return [leaf for child in known for leaf in _leaves(manager, child)]


def _problem(entry: Any, asked: str, error: Exception) -> Problem:
    cfg = entry.cfg or {}
    path = str(cfg.get("dataset_path") or "")
    first = _reason(error)
    if isinstance(error, ImportError):
        return Problem(entry.name, asked, Trouble.NEEDS_PACKAGE, error.name or first)
    if entry.yaml_path is not None and not _imports(entry.yaml_path):
        return Problem(entry.name, asked, Trouble.NEEDS_HUB, first)
    if path in _DATA_FORMATS or Path(path).exists():
        if isinstance(error, FileNotFoundError):
            looked = f"{first} (looked for in the current folder, and beside {entry.yaml_path})"
            return Problem(entry.name, asked, Trouble.NO_LOCAL_FILE, looked)
        return Problem(entry.name, asked, Trouble.BROKEN, first)
    if _is_connection(error) or isinstance(error, FileNotFoundError) or "Couldn't find cache" in first:
        return Problem(entry.name, asked, Trouble.NO_DATA, path)
    return Problem(entry.name, asked, Trouble.BROKEN, f"{type(error).__name__}: {first}")


def _reason(error: BaseException) -> str:
    """The first line of what went wrong at the bottom: "an error occurred" on top of it helps nobody."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, StopIteration):
        return "its data hold no document"
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _imports(yaml_path: Path) -> bool:
    """Whether the functions that a task file names can be imported."""
    from lm_eval.tasks._yaml_loader import load_yaml

    try:
        load_yaml(yaml_path, resolve_func=True)
    except Exception:
        return False
    return True


def _is_connection(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ConnectionError | TimeoutError) or type(error).__name__ in (
            "OfflineModeIsEnabled",
            "LocalEntryNotFoundError",
            "ConnectError",
            "ConnectTimeout",
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def _stay_offline() -> None:
    import datasets.config
    import huggingface_hub.constants

    datasets.config.HF_HUB_OFFLINE = True
    huggingface_hub.constants.HF_HUB_OFFLINE = True
