"""The evaluation of a comparison that grows: made anew for other arms, or for a judge who has come."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from tunewright.evaluate.arm_answers import FOLDER as ANSWERS_FOLDER
from tunewright.evaluate.loss_tables import Arm
from tunewright.evaluate.stage import EvaluateConfig, evaluate, evaluation_of
from tunewright.pipeline.stages import Sets, lift
from tunewright.run.folder import is_done, read_manifest
from tunewright.run.progress import Progress


def evaluate_anew(
    config: EvaluateConfig, arms: Sequence[Arm], sets: Sets, out: Path, *, progress: Progress, again: bool
) -> None:
    """Evaluate the arms together; an evaluation of other arms is made anew, the answers are kept unless a
    judge has come, who reads longer ones."""
    folder = out / "evaluate"
    wanted = evaluation_of(config, arms)
    if folder.exists() and not is_done(folder, wanted):
        held = read_manifest(folder)["config"] if (folder / "manifest.json").exists() else None
        if held is None or held | {"to_the_end": config.to_the_end} == wanted.config:
            shutil.rmtree(folder)
    for arm in arms:
        if config.to_the_end and not _runs_to_the_end(arm.folder / ANSWERS_FOLDER):
            shutil.rmtree(arm.folder / ANSWERS_FOLDER)
    train = {arm.name: sets.of_arm(arm.name) for arm in arms}
    evaluate(config, arms, folder, train=train, heldout=sets.heldout, progress=progress, again=again)
    lift(out)


def _runs_to_the_end(answers: Path) -> bool:
    """Whether an arm's answers, finished or begun, are as long as a judge needs them."""
    for name in ("manifest.json", "stage.json"):
        if (answers / name).exists():
            return bool(json.loads((answers / name).read_bytes())["config"].get("to_the_end"))
    return True  # there are none yet
