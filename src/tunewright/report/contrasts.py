"""Tasks and judges: every arm against the baseline, as tables and in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.evaluate.contrasts import Contrast
from tunewright.report import words
from tunewright.report.comparison_grids import p_text
from tunewright.report.gather import Run
from tunewright.report.grids import Grid
from tunewright.report.settling import needed_text, settling_sentence


def tasks_grid(run: Run) -> Grid | None:
    """The main metric of every task, an arm a row."""
    return _grid(run.measured.tasks, f"Standard tasks, paired by document and seed{_limited(run)}")


def judges_grid(run: Run) -> Grid | None:
    """Win rates against the baseline, an arm and set a row."""
    judging = run.measured.judging
    if judging is None:
        return None
    by = words.listed([str(model) for model in judging["models"]])
    return _grid(
        run.measured.judges,
        f"Win rate against {run.baseline} by {by}, 0.5 is even",
    )


def suites_grid(run: Run) -> Grid | None:
    """The scores of whole suites, a mean over seeds; how they are put together is named."""
    rows = []
    found = run.measured.suites
    for name in dict.fromkeys(str(row["suite"]) for row in found):
        for arm in run.arm_names():
            mine = [row for row in found if (row["suite"], row["arm"]) == (name, arm)]
            values = [row["value"] for row in mine if row["value"] is not None]
            if mine:
                score = f"{sum(values) / len(values):.2f}" if len(values) == len(mine) else "—"
                missing = ", ".join(mine[0]["missing"]) or "none"
                rows.append([name, arm, score, str(mine[0]["aggregation"]), missing])
    if not rows:
        return None
    head = ["Suite", "Arm", "Score", "Put together as", "Left out"]
    return Grid(f"Suites{_limited(run)}", head, rows, frozenset({0, 1, 3, 4}))


def sentences(run: Run) -> list[str]:
    """What may be claimed of tasks and judges, and what not."""
    return [
        *_said(run, run.measured.tasks, f"on standard tasks{_limited(run)}"),
        *_said(run, run.measured.judges, "before the judges"),
    ]


def judging_sentence(run: Run) -> str:
    """What the judges were asked and what that cost; empty without judges."""
    spent = run.measured.judging
    if spent is None or not run.measured.judges:
        return ""
    tokens = ""
    if spent["prompt_tokens"]:
        tokens = f": {spent['prompt_tokens']:,} tokens read, {spent['output_tokens']:,} written"
    cost = "" if spent["cost"] is None else f", at a cost of {spent['cost']:.2f}"
    return (
        f"The judges answered {words.count(spent['num_calls'], 'question')} about these arms{tokens}{cost}. "
        "A prompt without a verdict under some seed is left out of that arm’s comparison. What an arm wrote "
        "was cut at the limit of one answer."
    )


def cell(one: Contrast) -> str:
    """`0.412 (+0.031, better)`; without a word no difference may be claimed."""
    claim = "" if one.claim == "no difference found" else f", {one.claim}"
    return f"{words.number(one.second_mean, digits=3)} ({_signed(one.difference, one)}{claim})"


def _grid(family: Sequence[Contrast], caption: str) -> Grid | None:
    if not family:
        return None
    many = words.count(len(family), "comparison")
    rows = []
    for one in family:
        low, high = _signed(one.interval.low, one), _signed(one.interval.high, one)
        rows.append(
            [
                one.measure,
                one.second,
                words.number(one.first_mean, digits=3),
                words.number(one.second_mean, digits=3),
                f"{_signed(one.difference, one)} ({low} to {high})",
                p_text(one.p_holm),
                "none found" if one.claim == "no difference found" else one.claim,
                _units(one),
                _to_settle(one),
            ]
        )
    first = family[0].first
    head = ["Measure", "Arm", first, "Arm’s", f"Arm − {first} ({words.PERCENT} interval)", "p", "", "On"]
    return Grid(f"{caption}; p by Holm for {many}", [*head, "To settle it"], rows, frozenset({0, 1, 6, 7, 8}))


def _said(run: Run, family: Sequence[Contrast], where: str) -> list[str]:
    if not family:
        return []
    num_seeds = min(one.num_seeds for one in family)
    many = " for this one seed" if num_seeds == 1 else f" over {num_seeds} seeds"
    many += f" after Holm’s correction for {len(family)} comparisons" if len(family) > 1 else ""
    said = []
    for claim in ("better", "worse"):
        mine = [one for one in family if one.claim == claim]
        if mine:
            parts = words.listed(
                [f"{one.second} in {one.measure} ({_signed(one.difference, one)})" for one in mine]
            )
            said.append(f"Claimed {where}{many}, against {run.baseline}: {claim} is {parts}.")
    none = [one for one in family if one.claim == "no difference found"]
    if none:
        start = "No other difference" if said else "No difference"
        corrected = "" if said else many
        said.append(
            f"{start} from {run.baseline} may be claimed {where}{corrected}, which is not proof that there "
            "is none."
        )
    named = {
        f"{one.second} in {one.measure}": (one.needed, one.num_seeds)
        for one in none
        if one.needed is not None and one.difference
    }
    return said + settling_sentence(named, units=family[0].units)


def _to_settle(one: Contrast) -> str:
    if one.needed is None:
        return ""
    if not one.difference:
        return "nothing to show: the means are equal"
    return needed_text(one.needed, one.num_seeds, units=one.units)


def _signed(value: float, one: Contrast) -> str:
    width = one.interval.high - one.interval.low
    return words.number(value, digits=4 if 0 < width < 0.005 else 3, signed=True)


def _units(one: Contrast) -> str:
    left_out = f", {one.num_left_out:,} without a verdict" if one.num_left_out else ""
    limited = ", limited" if one.is_limited else ""
    return f"{one.num_units:,} {one.units}, {words.count(one.num_seeds, 'seed')}{left_out}{limited}"


def _limited(run: Run) -> str:
    return " (LIMITED: for trying out, not to be reported)" if _is_limited(run) else ""


def _is_limited(run: Run) -> bool:
    return any(bool(row["is_limited"]) for row in run.measured.task_rows)
