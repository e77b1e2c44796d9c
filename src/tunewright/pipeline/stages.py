"""`run`: the stages of a recipe in order, each in its own folder, none run twice without a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.loss_tables import Arm
from tunewright.evaluate.measured import FILE as MEASURED_FILE
from tunewright.evaluate.stage import EvaluateConfig, evaluate
from tunewright.generate.stage import generate
from tunewright.pipeline.improve import FOLDERS, improve, improved
from tunewright.pipeline.jobs import Job, tune_side_by_side
from tunewright.pipeline.measure import JUDGE, TASKS, check_measures, measure
from tunewright.pipeline.own_data import without_heldout
from tunewright.pipeline.recipe import Recipe, load_recipe
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, RejectWriter
from tunewright.records.split import holdout
from tunewright.report.gather import COMPARISON_FILE, SPLIT_FILE, split_sentence
from tunewright.report.stage import report
from tunewright.report.tokens.stage import TOKENS_FILE
from tunewright.run.config import to_yaml
from tunewright.run.files import write_json_atomic, write_text_atomic
from tunewright.run.progress import Progress
from tunewright.tune.config import TuneConfig
from tunewright.tune.stage import tune

SPLIT_SEED = 0  # which rows are held out never depends on the seed of an arm
RECIPE_FILE = "recipe.yaml"
LIFTED = ("metrics.jsonl", "paired.json")  # of an evaluation, which a comparison has at its top too
HELDOUT = "heldout"  # the set that is held out of the data itself


@dataclass(frozen=True)
class Sets:
    """The records of a run, parted once for all arms; `own` are those of arms with data of their own."""

    train: list[Record]
    heldout: dict[str, list[Record]]
    own: dict[str, list[Record]] = field(default_factory=dict)

    def of_arm(self, name: str) -> list[Record]:
        """The records that an arm is trained on."""
        return self.own.get(name, self.train)


def run(
    recipe: Recipe,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
    jobs: int = 1,
) -> Path:
    """Run the recipe into the folder `out` and give back the path of its report.

    Stages that are done with the same settings and inputs are not run again; an interrupted one goes on.
    A stage whose settings have changed stops the run with an error that names them; with `again` its old
    folder is moved aside and it is run afresh, and the others stay. With `jobs` > 1 so many arms are tuned
    at a time, each by a process with one thread (a script that asks for it needs `if __name__ ==
    "__main__":`).
    """
    out = Path(out)
    progress = progress or Progress()
    sets = prepare_run(recipe, out, progress=progress, again=again)
    arms = arms_of(recipe, out)
    if jobs > 1:
        tune_side_by_side(
            [job_of(arm, config, sets, again=again) for arm, config in arms.items()],
            sets.heldout,
            num_processes=jobs,
            progress=progress,
        )
    else:
        for arm, config in arms.items():
            train = sets.of_arm(arm.name)
            tune(config, train, arm.folder, heldout=sets.heldout, progress=progress, again=again)
    _evaluate(evaluation_config(recipe, out), list(arms), sets, out, progress=progress, again=again)
    measure(recipe, list(arms), sets.heldout, out, progress=progress, again=again)
    write_text_atomic(out / RECIPE_FILE, to_yaml(recipe))
    return report(out)


def prepare_run(recipe: Recipe, out: Path, *, progress: Progress, again: bool) -> Sets:
    """Begin the folder and do all that comes before tuning; gives back the records, parted."""
    begin(recipe, out)
    check_measures(recipe)
    if recipe.generate is not None:
        generate(recipe.generate, out / "generate", progress=progress, again=again)
    improve(recipe, out, progress=progress, again=again)
    return read_sets(recipe, out, progress=progress)


def evaluation_config(recipe: Recipe, out: Path) -> EvaluateConfig:
    """How the arms are evaluated: what a judge reads, or has read, is answered to the end."""
    if recipe.judge is None and not (out / JUDGE).exists():
        return recipe.evaluate
    return recipe.evaluate.model_copy(update={"to_the_end": True})


def evaluate_run(
    out: str | Path, config: EvaluateConfig, *, progress: Progress | None = None, again: bool = False
) -> Path:
    """Evaluate the arms of a finished run once more with other settings; gives back the folder."""
    out = Path(out)
    if not (out / RECIPE_FILE).exists():
        raise RunFolderError(f"{out} holds no {RECIPE_FILE}; give the folder of a 'tunewright run'")
    progress = progress or Progress()
    recipe = load_recipe(out / RECIPE_FILE)
    sets = read_sets(recipe, out, progress=progress)
    folder = _evaluate(config, list(arms_of(recipe, out)), sets, out, progress=progress, again=again)
    if recipe.judge is not None and (out / MEASURED_FILE).exists():
        (out / MEASURED_FILE).unlink()
        progress.note("the judges read earlier answers; the command that began the run asks them again")
    if (out / COMPARISON_FILE).exists():
        lift(out)
    write_text_atomic(out / RECIPE_FILE, to_yaml(recipe.model_copy(update={"evaluate": config})))
    return folder


def arms_of(recipe: Recipe, out: Path) -> dict[Arm, TuneConfig]:
    """Every arm with its seed, folder and settings, in the order they are tuned."""
    return {
        Arm(name, seed, out / "tune" / f"{name}-seed{seed}"): config
        for (name, seed), config in recipe.arm_configs().items()
    }


def _evaluate(
    config: EvaluateConfig, arms: list[Arm], sets: Sets, out: Path, *, progress: Progress, again: bool
) -> Path:
    folder = out / "evaluate"
    train = {arm.name: sets.of_arm(arm.name) for arm in arms}
    evaluate(config, arms, folder, train=train, heldout=sets.heldout, progress=progress, again=again)
    return folder


def job_of(arm: Arm, config: TuneConfig, sets: Sets, *, again: bool) -> Job:
    """The arm as a job for a process of its own."""
    return Job(f"{arm.name} seed {arm.seed}", config, sets.of_arm(arm.name), arm.folder, again)


def lift(out: Path) -> None:
    """Copy what answers the question from the evaluation to the top of the folder."""
    for name in LIFTED:
        write_text_atomic(out / name, (out / "evaluate" / name).read_text(encoding="utf-8"))


def read_sets(recipe: Recipe, out: Path, *, progress: Progress) -> Sets:
    """Read the data and the held-out sets; broken rows go to `out/rejects.jsonl`."""
    data = improved(recipe, out)
    with RejectWriter(out / "rejects.jsonl") as rejects:
        records = read_all(data, rejects, progress=progress, format=recipe.format)
        heldout = {name: read_all(file, rejects, progress=progress) for name, file in recipe.heldout.items()}
        own = {
            name: read_all(data, rejects, progress=progress) for name, data in recipe.data_of_arms().items()
        }
    sets = part(records, heldout, num_holdout=recipe.holdout, by=recipe.holdout_by)
    (out / SPLIT_FILE).unlink(missing_ok=True)
    if own and recipe.holdout:
        own, splits = without_heldout(own, sets.heldout[HELDOUT], by=recipe.holdout_by)
        for split in splits:
            progress.note(split_sentence(split))
        write_json_atomic(out / SPLIT_FILE, [asdict(split) for split in splits])
    return replace(sets, own=own)


def part(
    records: list[Record], heldout: Mapping[str, list[Record]], *, num_holdout: int, by: str | None
) -> Sets:
    """The training records and all held-out sets; `num_holdout` of the records become the set 'heldout'."""
    if not num_holdout:
        return Sets(records, dict(heldout))
    if HELDOUT in heldout:
        raise DataError(
            f"a set is called {HELDOUT!r} already; give that one another name, or hold out 0 rows"
        )
    rest, kept_out = holdout(records, num_holdout, seed=SPLIT_SEED, group_by=by)
    return Sets(rest, {HELDOUT: kept_out, **heldout})


def read_all(
    source: str | Path,
    on_reject: Callable[[Reject], None],
    *,
    progress: Progress,
    format: str | None = None,
) -> list[Record]:
    """All records of a source, with progress; broken rows go to `on_reject`."""
    progress.start(f"read {Path(source).name}", unit="records")
    records = []
    for record in read_records(source, format=format, on_reject=on_reject):
        records.append(record)
        progress.advance()
    progress.finish()
    return records


def begin(recipe: Recipe, out: Path) -> None:
    """Make the run folder and put the resolved recipe into it; a folder with other things in it is refused.

    A recipe that is there already stays until all stages have been run with the new one: until then the
    folder's results are the old one's.
    """
    known = {
        RECIPE_FILE,
        "generate",
        *FOLDERS,
        "tune",
        "evaluate",
        "report.html",
        TOKENS_FILE,
        "rejects.jsonl",
        *LIFTED,
        COMPARISON_FILE,
        MEASURED_FILE,
        SPLIT_FILE,
        TASKS,
        JUDGE,
    }
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out} is a file; give a folder with --out")
    if out.is_dir() and not (out / RECIPE_FILE).exists():
        strange = sorted(_strangers(out, known))
        if strange:
            raise RunFolderError(f"{out} holds {', '.join(strange[:3])}, not a run; choose an empty folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{out} cannot be made: {error.strerror}; choose another --out") from error
    if not (out / RECIPE_FILE).exists():
        write_text_atomic(out / RECIPE_FILE, to_yaml(recipe))


def _strangers(folder: Path, known: set[str]) -> Iterator[str]:
    return (entry.name for entry in folder.iterdir() if entry.name not in known and ".old-" not in entry.name)
