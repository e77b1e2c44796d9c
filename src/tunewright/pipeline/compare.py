"""`compare`: arms on the same rows with the same seeds, trained where missing, and what may be said of them.

It is `run` with the arms as short texts (`arms.py`), and three things more: a folder can grow by arms and
seeds, an arm that fails to train does not take the others with it, and the rows that answer the question
lie at the top of the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, ModelError, RecipeError
from tunewright.evaluate.judging.config import JudgeConfig
from tunewright.evaluate.loss_tables import Arm, read_losses
from tunewright.evaluate.stage import EvaluateConfig
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.pipeline.arms import parse_arms, same_settings
from tunewright.pipeline.evaluation import evaluate_anew
from tunewright.pipeline.jobs import is_of_one_arm, named, reason_of, tune_side_by_side
from tunewright.pipeline.measure import measure
from tunewright.pipeline.recipe import Recipe
from tunewright.pipeline.stages import (
    RECIPE_FILE,
    Sets,
    arms_of,
    evaluation_config,
    job_of,
    prepare_run,
)
from tunewright.report import contrasts
from tunewright.report.comparison import as_json, sentences
from tunewright.report.gather import COMPARISON_FILE, Run, gather
from tunewright.report.stage import REPORT_FILE, report
from tunewright.report.tokens.stage import TOKENS_FILE, tokens
from tunewright.run.config import parse_config, to_yaml
from tunewright.run.files import write_json_atomic, write_text_atomic
from tunewright.run.progress import Progress
from tunewright.tune.config import TuneConfig
from tunewright.tune.stage import tune
from tunewright.tune.token_losses import FOLDER as TOKENS_FOLDER


@dataclass(frozen=True)
class Failure:
    """A model that could not be trained, and why."""

    arm: str
    seed: int
    reason: str


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison: its page, all that is on it, what may be said, and which models failed."""

    page: Path
    run: Run
    sentences: Sequence[str]
    failures: Sequence[Failure]


def compare(
    data: str,
    out: str | Path,
    *,
    arms: Sequence[str] = ("it", "im"),
    seeds: int | Sequence[int] = 3,
    heldout: Mapping[str, str] | None = None,
    holdout: int = 0,
    holdout_by: str | None = None,
    format: str | None = None,
    tune: Mapping[str, Any] | None = None,
    evaluate: EvaluateConfig | None = None,
    tasks: TasksConfig | None = None,
    judge: JudgeConfig | None = None,
    hour_price: float | None = None,
    baseline: str | None = None,
    progress: Progress | None = None,
    again: bool = False,
    jobs: int = 1,
) -> Comparison:
    """Train what is missing of every arm and seed, evaluate all on the same rows, and write it into `out`.

    Arms are texts such as `it`, `plw:.25` or `revised=im+data:new.jsonl` (see `pipeline.arms`); the first, or
    `baseline`, is what the others are compared with. `seeds` is their number or the seeds themselves; `tune`
    holds the settings that all arms share, `format` how `data` is read where its content does not tell.
    `tasks` are run on every model, `judge` compares the held-out answers with the baseline's. What `out`
    holds already is neither trained nor asked again.
    """
    recipe = comparison_recipe(
        data,
        arms=arms,
        seeds=seeds,
        heldout=heldout,
        holdout=holdout,
        holdout_by=holdout_by,
        format=format,
        tune=tune,
        evaluate=evaluate,
        tasks=tasks,
        judge=judge,
        hour_price=hour_price,
        baseline=baseline,
    )
    return compare_arms(recipe, out, progress=progress, again=again, jobs=jobs)


def comparison_recipe(
    data: str,
    *,
    arms: Sequence[str],
    seeds: int | Sequence[int],
    heldout: Mapping[str, str] | None = None,
    holdout: int = 0,
    holdout_by: str | None = None,
    format: str | None = None,
    tune: Mapping[str, Any] | None = None,
    evaluate: EvaluateConfig | None = None,
    tasks: TasksConfig | None = None,
    judge: JudgeConfig | None = None,
    hour_price: float | None = None,
    baseline: str | None = None,
) -> Recipe:
    """The recipe that a comparison is: the baseline first. `RecipeError` for arms that mean the same."""
    parsed = parse_arms(arms)
    if baseline is not None:
        parsed = _first(parsed, baseline)
    if not holdout and not heldout:
        raise RecipeError(
            "nothing is held out, so memory would win; give --heldout FILE, or --holdout N rows of the data"
        )
    wanted = {
        "name": f"{', '.join(parsed)} on {Path(data).name}",
        "question": "Which arm has the lower loss on the outputs of rows that none was trained on?",
        "data": data,
        "format": format,
        "heldout": dict(heldout or {}),
        "holdout": holdout,
        "holdout_by": holdout_by,
        "tune": dict(tune or {}),
        "arms": parsed,
        "seeds": list(range(1, seeds + 1)) if isinstance(seeds, int) else list(seeds),
        "evaluate": (evaluate or EvaluateConfig()).model_dump(mode="json"),
        "tasks": None if tasks is None else tasks.model_dump(mode="json", exclude_unset=True),
        "judge": None if judge is None else judge.model_dump(mode="json", exclude_unset=True),
        "hour_price": hour_price,
    }
    recipe = parse_config(Recipe, wanted, where="the comparison")
    configs = recipe.arm_configs(where="the comparison")
    own = recipe.data_of_arms()
    _all_differ(
        {name: config for (name, _), config in configs.items()},
        {name: own.get(name, data) for name in recipe.arms},
    )
    return recipe


def compare_arms(
    recipe: Recipe,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
    jobs: int = 1,
) -> Comparison:
    """Run a recipe's arms into `out` as `compare` does. An error is raised when no arm can be trained."""
    out = Path(out)
    progress = progress or Progress()
    sets = prepare_run(recipe, out, progress=progress, again=again)
    arms = arms_of(recipe, out)
    failures = _train(arms, sets, progress=progress, again=again, jobs=jobs)
    failed = {(failure.arm, failure.seed) for failure in failures}
    trained = [arm for arm in arms if (arm.name, arm.seed) not in failed]
    failures += _not_measurable(trained)
    failed = {(failure.arm, failure.seed) for failure in failures}
    trained = [arm for arm in trained if (arm.name, arm.seed) not in failed]
    if not trained:
        raise ModelError(f"no arm could be trained; the first: {failures[0].arm}: {failures[0].reason}")
    for page in (REPORT_FILE, TOKENS_FILE):  # killed before they are written anew, no page shows the old rows
        (out / page).unlink(missing_ok=True)
    evaluate_anew(evaluation_config(recipe, out), trained, sets, out, progress=progress, again=again)
    measure(recipe, trained, sets.heldout, out, progress=progress, again=again)
    write_text_atomic(out / RECIPE_FILE, to_yaml(recipe))
    failed_rows = {"failures": [asdict(failure) for failure in failures]}
    write_json_atomic(out / COMPARISON_FILE, failed_rows)  # what is gathered names them
    run = gather(out)
    found = [*sentences(run), *contrasts.sentences(run)]
    write_json_atomic(out / COMPARISON_FILE, as_json(run) | {"sentences": found} | failed_rows)
    # arms of an earlier version have none, and those of unlike arms cannot be laid side by side
    if all((arm.folder / TOKENS_FOLDER).is_dir() for arm in trained) and not run.has_own_rows:
        tokens([arm.folder for arm in trained], out / TOKENS_FILE)
    return Comparison(report(out, run=run), run, found, failures)


def _first(arms: Mapping[str, dict[str, Any]], baseline: str) -> dict[str, dict[str, Any]]:
    """The arms with the baseline, named as it is written or as its folder is, in front."""
    name = baseline if baseline in arms else next(iter(parse_arms([baseline])))
    if name not in arms:
        raise RecipeError(f"the baseline {baseline!r} is none of the arms {', '.join(arms)}")
    return {name: arms[name], **arms}


def _all_differ(configs: Mapping[str, TuneConfig], data: Mapping[str, str]) -> None:
    for first, second in combinations(configs, 2):
        if data[first] == data[second] and same_settings(
            configs[first].model_dump(), configs[second].model_dump()
        ):
            raise RecipeError(
                f"arms {first!r} and {second!r} mean the same settings; leave one out, or give more seeds"
            )


def _train(
    arms: Mapping[Arm, TuneConfig], sets: Sets, *, progress: Progress, again: bool, jobs: int
) -> list[Failure]:
    """Tune every arm; those whose training fails are given back with the reason."""
    if jobs > 1:
        arm_of = {f"{arm.name} seed {arm.seed}": arm for arm in arms}
        failed = tune_side_by_side(
            [job_of(arm, config, sets, again=again) for arm, config in arms.items()],
            sets.heldout,
            num_processes=jobs,
            progress=progress,
            keep_going=True,
        )
        return [Failure(arm_of[label].name, arm_of[label].seed, why) for label, why in failed.items()]
    failures = []
    for arm, config in arms.items():
        try:
            train = sets.of_arm(arm.name)
            tune(config, train, arm.folder, heldout=sets.heldout, progress=progress, again=again)
        except DataError as error:
            raise named(error, f"{arm.name} seed {arm.seed}") from error
        except Exception as error:
            if not is_of_one_arm(error):
                raise
            progress.note(f"{arm.name} seed {arm.seed} failed: {reason_of(error)}")
            failures.append(Failure(arm.name, arm.seed, reason_of(error)))
    return failures


def _not_measurable(arms: Sequence[Arm]) -> list[Failure]:
    """Models whose losses are no numbers: they trained to the end, to nothing."""
    failures: list[Failure] = []
    try:
        read_losses(arms)
        return failures
    except DataError:
        pass
    for arm in arms:
        try:
            read_losses([arm])
        except DataError as error:
            failures.append(Failure(arm.name, arm.seed, str(error)))
    return failures
