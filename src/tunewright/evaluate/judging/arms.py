"""Arms before a judge: each arm's held-out answers against the baseline's, by prompt and by seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluate.contrasts import Floats, Pairing
from tunewright.evaluate.judging.config import JudgeConfig
from tunewright.evaluate.judging.results import ANNOTATIONS_FILE
from tunewright.evaluate.judging.stage import judge
from tunewright.evaluate.loss_tables import Arm
from tunewright.evaluate.outputs.answered import Answered, alpaca_eval_row, rows_as_json
from tunewright.evaluate.outputs.questions import question_of
from tunewright.llm.journal import JOURNAL_FILE, Journal
from tunewright.records.record import Record
from tunewright.run.files import write_text_atomic
from tunewright.run.progress import Progress

ANSWERS = "answers"


def judge_arms(
    config: JudgeConfig,
    arms: Sequence[Arm],
    answers: Sequence[Mapping[str, Any]],
    heldout: Mapping[str, Sequence[Record]],
    out: str | Path,
    *,
    baseline: str,
    progress: Progress | None = None,
    again: bool = False,
) -> list[Pairing]:
    """Judge what is missing of every arm against the baseline with the same seed; what is paired.

    `answers` are the rows of an evaluation (arm, seed, set, record_id, text). Values are the arm's share of
    the win of a prompt, 0.5 for the baseline: the difference is the win rate less a half. Prompts without a
    verdict under some seed are left out of that arm's pairing and counted. All judgings share one journal in
    `out`, so a budget is for all of them.
    """
    out = Path(out)
    shared = config.model_copy(
        update={
            "judges": tuple(
                one.model_copy(update={"replies": one.replies or out / JOURNAL_FILE}) for one in config.judges
            )
        }
    )
    (out / ANSWERS).mkdir(parents=True, exist_ok=True)
    records = {(name, record.id): record for name, rows in heldout.items() for record in rows}
    files = {arm: _write_answers(arm, answers, records, out / ANSWERS) for arm in arms}
    sets = [row["set"] for row in answers if _is_of(row, arms[0]) and row["set"] in heldout]
    gains: dict[str, dict[int, Floats]] = {}
    for arm in arms:
        opponent = next((one for one in arms if (one.name, one.seed) == (baseline, arm.seed)), None)
        if arm.name == baseline or opponent is None:
            continue
        folder = out / f"{arm.name}-seed{arm.seed}"
        judge(shared, files[opponent], files[arm], folder, progress=progress, again=again)
        gains.setdefault(arm.name, {})[arm.seed] = _gains(folder / ANNOTATIONS_FILE, len(sets))
    return [
        one
        for name, by_seed in gains.items()
        for set_name in dict.fromkeys(sets)
        if (one := _pairing(set_name, baseline, name, by_seed, sets)) is not None
    ]


def asked(out: str | Path) -> dict[str, int]:
    """The calls that judges were asked so far for these arms, and their tokens; all 0 before the first."""
    file = Path(out) / JOURNAL_FILE
    if not file.exists():
        return {"num_calls": 0, "prompt_tokens": 0, "output_tokens": 0}
    with Journal(file) as journal:
        spent = journal.spent()
    return {
        "num_calls": spent.num_calls,
        "prompt_tokens": spent.prompt_tokens,
        "output_tokens": spent.output_tokens,
    }


def _is_of(row: Mapping[str, Any], arm: Arm) -> bool:
    return (row["arm"], row["seed"]) == (arm.name, arm.seed)


def _write_answers(
    arm: Arm,
    answers: Sequence[Mapping[str, Any]],
    records: Mapping[tuple[str, str], Record],
    folder: Path,
) -> Path:
    """One model's held-out answers in AlpacaEval's form, in the order in which all models were asked."""
    rows = []
    for row in answers:
        if _is_of(row, arm) and (record := records.get((row["set"], row["record_id"]))) is not None:
            asked_of = question_of(record)
            rows.append(
                Answered(
                    asked_of.turns,
                    (row["text"],),
                    f"{arm.name} seed {arm.seed}",
                    dataset=row["set"],
                    before=asked_of.before,
                )
            )
    if not rows:
        raise DataError(
            f"arm {arm.name} answered no held-out prompt, so there is nothing to judge; raise "
            "heldout_answers (--heldout-answers)"
        )
    file = folder / f"{arm.name}-seed{arm.seed}.json"
    write_text_atomic(file, rows_as_json(map(alpaca_eval_row, rows)))
    return file


def _gains(file: Path, num: int) -> Floats:
    """The arm's share of the win of each prompt, in the order asked; NaN without a verdict."""
    rows = json.loads(file.read_bytes())
    assert len(rows) == num, "both models answered the same prompts"
    return np.array([np.nan if row["preference"] is None else row["preference"] - 1 for row in rows])


def _pairing(
    set_name: str, first: str, second: str, by_seed: Mapping[int, Floats], sets: Sequence[str]
) -> Pairing | None:
    of_set_N = np.array([name == set_name for name in sets])
    gains_SN = np.stack(list(by_seed.values()))[:, of_set_N]
    known_N = ~np.isnan(gains_SN).any(axis=0)
    if not known_N.any():
        return None
    return Pairing(
        measure=f"win rate on {set_name}",
        units="prompts",
        first=first,
        second=second,
        first_SN=np.full_like(gains_SN[:, known_N], 0.5),
        second_SN=gains_SN[:, known_N],
        largest=0.5,
        num_left_out=int((~known_N).sum()),
    )
