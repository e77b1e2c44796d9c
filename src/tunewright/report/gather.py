"""What lies in a run's folder, read once and given types; every other module of the report works on this.

A run may be half finished: then `missing` says in sentences what is not there yet, and the rest is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.loss_tables import Arm, Table, read_losses
from tunewright.evaluate.losses import Distribution, Paired, best_epoch, describe_losses
from tunewright.evaluate.measured import Measured, read_measured
from tunewright.evaluate.unlike import PER_TOKEN, Unlike, read_unlike
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest
from tunewright.run.strict_yaml import dump_yaml, load_yaml

RECIPE_FILE = "recipe.yaml"
COMPARISON_FILE = "comparison.json"  # of `tunewright compare`: the family, its sentences, what failed
SPLIT_FILE = "split.json"  # of arms with data of their own: what of it is held out
RUNS_IT_AGAIN = "the command that began the run goes on with it"


Moment = Literal["epoch", "last", "best"]


@dataclass(frozen=True)
class TunedArm:
    """One finished model: its manifest, a row a step, and example masks as [text, role, weight] tokens."""

    name: str
    seed: int
    manifest: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    masks: Sequence[Mapping[str, Any]]
    rejects: Sequence[Mapping[str, Any]]

    @property
    def extra(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.manifest["extra"]
        return found


@dataclass(frozen=True)
class Difference:
    """A paired difference: at one epoch, or with each arm at its own last or best (`epochs`: both)."""

    paired: Paired
    epochs: tuple[int, int]
    at: Moment


@dataclass(frozen=True, slots=True)
class Split:
    """An arm with records of its own: how many of them are held out, and how many held-out records are not
    among them by id or prompt."""

    arm: str
    num_records: int
    num_left_out: int
    num_unmatched: int


def split_sentence(split: Split) -> str:
    """What was left out of an arm's own records, and what may have slipped in."""
    said = (
        f"{split.num_left_out:,} of the {split.num_records:,} records of arm {split.arm} are held out and "
        "not trained on"
    )
    if not split.num_unmatched:
        return said + "."
    return (
        f"{said}; {split.num_unmatched:,} held-out records are not among them by id or prompt. Where its "
        "records are revisions, it may be trained on those of held-out rows: give both files one id column."
    )


@dataclass(frozen=True)
class Run:
    """Everything the page shows. `recipe` is empty for a single tuned model; its settings are its config."""

    folder: Path
    title: str
    question: str
    recipe: Mapping[str, Any]
    settings_yaml: str
    arms: Sequence[TunedArm]
    missing: Sequence[str]
    generated: Mapping[str, Any] | None
    read_rejects: Sequence[Mapping[str, Any]]
    tables: Sequence[Table]
    distributions: Sequence[Distribution]
    differences: Sequence[Difference]
    scores: Sequence[Mapping[str, Any]]
    answers: Sequence[Mapping[str, Any]]
    evaluated: Mapping[str, Any] | None
    measured: Measured = field(default_factory=Measured)
    splits: Sequence[Split] = ()

    @property
    def is_single(self) -> bool:
        """Whether this is the folder of `tunewright tune` rather than of `tunewright run`."""
        return not self.recipe

    def arm_names(self) -> list[str]:
        """The arms' names, each once, in the order of the recipe."""
        return list(dict.fromkeys(arm.name for arm in self.arms))

    @property
    def baseline(self) -> str | None:
        """What the others are compared with: the recipe's first arm, also where none of its seeds is
        finished."""
        names = list(self.recipe.get("arms") or {}) or self.arm_names()
        return str(names[0]) if names else None

    @property
    def lacks_baseline(self) -> bool:
        """Whether other arms are there to be compared, and the baseline is not."""
        return bool(self.arms) and self.baseline not in self.arm_names()

    def of_arm(self, name: str) -> list[TunedArm]:
        """The finished seeds of an arm, in the order of the recipe."""
        return [arm for arm in self.arms if arm.name == name]

    @property
    def unit(self) -> str:
        """Of all losses: nats per token, or per byte where the arms' tokenizers differ."""
        return self.tables[0].unit if self.tables else PER_TOKEN

    @property
    def has_own_rows(self) -> bool:
        """Whether arms were trained on rows of their own, so that only held-out rows compare."""
        return any(table.is_own for table in self.tables)

    def set_names(self) -> list[str]:
        """The measured sets, the training rows first."""
        return list(dict.fromkeys(table.set for table in self.tables))

    def heldout_names(self) -> list[str]:
        """The measured sets that were not trained on."""
        return [name for name in self.set_names() if name != "train"]

    def epochs(self) -> list[int]:
        """The measured epochs; 0 is before training."""
        return sorted({table.epoch for table in self.tables})

    def last_epoch(self, arm: str) -> int:
        """The last epoch that all seeds of the arm reached."""
        mine = [table for table in self.tables if table.arm == arm]
        most = max(len(table.seeds) for table in mine)
        return max(table.epoch for table in mine if len(table.seeds) == most)

    def distribution(self, arm: str, set_name: str, epoch: int) -> Distribution | None:
        """One arm on one set at one epoch, where it was measured."""
        for found in self.distributions:
            if (found.arm, found.set, found.epoch) == (arm, set_name, epoch):
                return found
        return None

    def best_epoch(self, arm: str, set_name: str) -> int | None:
        """The epoch after training began with the arm's lowest mean loss on the set, over all its seeds."""
        try:
            return best_epoch(self.distributions, arm=arm, set=set_name).epoch
        except DataError:
            return None

    def environment(self) -> Mapping[str, Any]:
        """Versions and machine of the first finished model (of the generation when there is none)."""
        source = self.arms[0].manifest if self.arms else self.generated or {}
        found: Mapping[str, Any] = source.get("versions", {})
        return found


def gather(folder: str | Path) -> Run:
    """Read the folder of a run or of one tuned model. `RunFolderError` when it holds neither."""
    folder = Path(folder)
    if not folder.exists():
        raise RunFolderError(f"{folder} does not exist; give the folder of a 'tunewright run' or 'tune'")
    if not folder.is_dir():
        raise RunFolderError(f"{folder} is a file; give the folder of a 'tunewright run' or 'tune'")
    if (folder / RECIPE_FILE).exists():
        return _gather_run(folder)
    stage = _stage_of(folder)
    if stage is None:
        raise RunFolderError(
            f"{folder} holds no {RECIPE_FILE} and no manifest.json, so there is no run to report; "
            "give the folder that --out named for 'tunewright run' or 'tune'"
        )
    if stage != "tune":
        raise RunFolderError(
            f"{folder} holds a '{stage}' stage, which has no report of its own; give the folder of its run"
        )
    return _gather_single(folder)


def _gather_run(folder: Path) -> Run:
    recipe = load_yaml(folder / RECIPE_FILE)
    arms, missing = _arms(folder, recipe, _failures(folder))
    generated = _finished(folder / "generate") if recipe.get("generate") else None
    if recipe.get("generate") and generated is None:
        missing.insert(0, f"The records are not generated yet; {RUNS_IT_AGAIN}.")
    how = read_unlike(folder / "evaluate")
    tables = _tables([Arm(arm.name, arm.seed, path) for arm, path in arms], missing, how)
    evaluated = _finished(folder / "evaluate")
    if evaluated is None:
        missing.append(
            "The evaluation has not finished: paired differences, memorisation and answers are missing."
        )
    elif _is_stale(evaluated, [arm for arm, _ in arms]):
        missing.append(
            "The evaluation is of an earlier tuning and is left out; 'tunewright evaluate' renews it."
        )
        evaluated = None
    has = evaluated is not None
    return Run(
        folder=folder,
        title=str(recipe.get("name") or folder.resolve().name),
        question=str(recipe.get("question") or ""),
        recipe=recipe,
        settings_yaml=(folder / RECIPE_FILE).read_text(encoding="utf-8-sig"),
        arms=[arm for arm, _ in arms],
        missing=missing,
        generated=generated,
        read_rejects=_rows(folder / "rejects.jsonl"),
        tables=tables,
        distributions=_distributions(folder / "evaluate") if has else [describe_losses(t) for t in tables],
        differences=_differences(folder / "evaluate") if has else [],
        scores=_json(folder / "evaluate" / "answers.json") if has else [],
        answers=_rows(folder / "evaluate" / "answers.jsonl") if has else [],
        evaluated=evaluated,
        measured=read_measured(folder) if has else Measured(),
        splits=[Split(**row) for row in _json(folder / SPLIT_FILE)] if (folder / SPLIT_FILE).exists() else [],
    )


def _gather_single(folder: Path) -> Run:
    manifest = read_manifest(folder)
    config = manifest["config"]
    arm = _tuned_arm(str(config["objective"]), int(config["seed"]), folder, manifest)
    missing: list[str] = []
    tables = _tables([Arm(arm.name, arm.seed, folder)], missing)
    return Run(
        folder=folder,
        title=f"One tuned model: {folder.resolve().name}",
        question="",
        recipe={},
        settings_yaml=dump_yaml({"tune": dict(config)}),
        arms=[arm],
        missing=missing,
        generated=None,
        read_rejects=[row for row in arm.rejects if "set" not in row],
        tables=tables,
        distributions=[describe_losses(table) for table in tables],
        differences=[],
        scores=[],
        answers=[],
        evaluated=None,
    )


def _failures(folder: Path) -> dict[tuple[str, int], str]:
    """Why models could not be trained, as the comparison that tried wrote it down."""
    if not (folder / COMPARISON_FILE).exists():
        return {}
    return {(row["arm"], row["seed"]): row["reason"] for row in _json(folder / COMPARISON_FILE)["failures"]}


def _arms(
    folder: Path, recipe: Mapping[str, Any], failures: Mapping[tuple[str, int], str]
) -> tuple[list[tuple[TunedArm, Path]], list[str]]:
    """The finished models in the recipe's order, and a sentence for each that is not."""
    found, missing = [], []
    for name in recipe.get("arms") or {}:
        for seed in recipe.get("seeds") or [1]:
            path = folder / "tune" / f"{name}-seed{seed}"
            manifest = _finished(path)
            if (name, seed) in failures:
                missing.append(f"Arm {name}, seed {seed} failed and is left out: {failures[name, seed]}")
            elif manifest is not None:
                found.append((_tuned_arm(str(name), int(seed), path, manifest), path))
            elif (path / "stage.json").exists():
                measured = max(len(list((path / "losses").glob("epoch-*.jsonl"))) - 1, 0)
                missing.append(f"Arm {name}, seed {seed} is not finished ({measured} epochs so far).")
            else:
                missing.append(f"Arm {name}, seed {seed} has not begun.")
    return found, missing


def _tuned_arm(name: str, seed: int, path: Path, manifest: Mapping[str, Any]) -> TunedArm:
    return TunedArm(
        name,
        seed,
        manifest,
        _rows(path / "metrics.jsonl"),
        _json(path / "mask.json"),
        _rows(path / "rejects.jsonl"),
    )


def _tables(arms: Sequence[Arm], missing: list[str], how: Unlike | None = None) -> list[Table]:
    try:
        return read_losses(arms, unlike=how) if arms else []
    except (DataError, KeyError) as error:  # a key: arms that came after what made the others comparable
        missing.append(f"The losses cannot be shown together: {error}.")
        return []


def _is_stale(evaluated: Mapping[str, Any], arms: Sequence[TunedArm]) -> bool:
    now = {f"{arm.name}-seed{arm.seed}": arm.manifest["fingerprint"] for arm in arms}
    inputs = dict(evaluated["inputs"])
    order = inputs.pop("arms", None)
    return inputs != now or order not in (None, ", ".join(dict.fromkeys(arm.name for arm in arms)))


def _finished(folder: Path) -> dict[str, Any] | None:
    return read_manifest(folder) if (folder / "manifest.json").exists() else None


def _stage_of(folder: Path) -> str | None:
    for name in ("manifest.json", "stage.json"):
        if (folder / name).exists():
            value = _json(folder / name)
            return str(value.get("stage")) if isinstance(value, dict) else None
    return None


def _distributions(folder: Path) -> list[Distribution]:
    return [
        Distribution(**{**row, "interval": Interval(**row["interval"])})
        for row in _json(folder / "distributions.json")
    ]


def _differences(folder: Path) -> list[Difference]:
    differences = []
    for row in _json(folder / "paired.json"):
        facts = dict(row)
        at, epochs = facts.pop("at"), facts.pop("epochs", None)
        paired = Paired(
            **{**facts, "interval": Interval(**facts["interval"]), "by_seed": tuple(facts["by_seed"])}
        )
        first, second = epochs or (paired.epoch, paired.epoch)
        differences.append(Difference(paired, (first, second), at))
    return [*differences, *_last_ones(differences)]


def _last_ones(differences: Sequence[Difference]) -> list[Difference]:
    """The differences at the end, for an evaluation made before they were kept: all arms ended together."""
    if any(found.at == "last" for found in differences):
        return []
    last: dict[tuple[str, str, str], Difference] = {}
    for found in differences:
        key = (found.paired.first, found.paired.second, found.paired.set)
        if found.at == "epoch" and (key not in last or last[key].paired.epoch < found.paired.epoch):
            last[key] = found
    return [replace(found, at="last") for found in last.values()]


def _rows(path: Path) -> list[dict[str, Any]]:
    return list(read_jsonl(path)) if path.exists() else []


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise RunFolderError(
            f"{path} cannot be read: {error.strerror}; restore it, or delete {path.parent} and run again"
        ) from error
    except ValueError:
        raise RunFolderError(
            f"{path} is not JSON; it was changed by another program: restore it, or delete {path.parent} "
            "and run the same command"
        ) from None
