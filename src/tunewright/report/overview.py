"""One table with every measure of every arm: what a reader wants to see first."""

from __future__ import annotations

from collections.abc import Mapping

from tunewright.report import words
from tunewright.report.comparison import Judged, difference_text, judged, leaked
from tunewright.report.contrasts import cell
from tunewright.report.gather import Run
from tunewright.report.grids import Grid, duration, set_title

MOST_TASKS = 4  # with a column of their own; more are counted

Column = tuple[str, Mapping[str, str]]  # its head, and a text by arm


def overview(run: Run) -> Grid | None:
    """Losses, memorisation, tasks, judges, time and price, an arm a row; None for a single arm."""
    if len(run.arm_names()) < 2 or not run.tables:
        return None
    columns = [*_losses(run), *_memorised(run), *_tasks(run), *_judges(run), *_costs(run)]
    rows = [[arm, *(text.get(arm, "—") for _, text in columns)] for arm in run.arm_names()]
    caption = f"Every measure at a glance, losses in {run.unit}"
    if judged(run):
        caption += f"; in brackets the difference from {run.baseline}, with a word where it may be claimed"
    unfair = [name for name, by_arm in leaked(run).items() if len(set(by_arm.values())) > 1]
    if unfair:
        caption += f"; not a fair comparison on {words.listed(unfair)}, which some arms were trained on"
    return Grid(caption, ["Arm", *(head for head, _ in columns)], rows)


def _losses(run: Run) -> list[Column]:
    family = {(one.arm, one.set_name): one for one in judged(run)}
    columns: list[Column] = []
    for name in run.heldout_names() or ["train"]:
        texts = {}
        for arm in run.arm_names():
            found, one = run.distribution(arm, name, run.last_epoch(arm)), family.get((arm, name))
            if found is not None:
                difference = "" if one is None else f" ({_difference(one)})"
                texts[arm] = words.number(found.mean, digits=3) + difference
        columns.append((f"Loss, {set_title(name).lower()}", texts))
    return columns


def _difference(one: Judged) -> str:
    claim = "" if one.claim is words.Verdict.NONE_FOUND else f", {one.claim.value}"
    return difference_text(one) + claim


def _memorised(run: Run) -> list[Column]:
    bleu: dict[str, list[float]] = {}
    for row in run.scores:
        if "memorisation" in row:
            bleu.setdefault(row["arm"], []).append(row["memorisation"]["bleu"])
    texts = {arm: f"{sum(found) / len(found):.1f}" for arm, found in bleu.items()}
    return [("Memorised, BLEU", texts)] if texts else []


def _tasks(run: Run) -> list[Column]:
    family = run.measured.tasks
    measures = list(dict.fromkeys(one.measure for one in family))
    if len(measures) <= MOST_TASKS:
        return [_contrasts(run, measure) for measure in measures]
    texts = {str(run.baseline): "baseline"}
    for arm in dict.fromkeys(one.second for one in family):
        claims = [one.claim for one in family if one.second == arm]
        texts[arm] = f"{claims.count('better')} better, {claims.count('worse')} worse of {len(claims)}"
    return [("Tasks", texts)]


def _judges(run: Run) -> list[Column]:
    return [_contrasts(run, measure) for measure in dict.fromkeys(one.measure for one in run.measured.judges)]


def _contrasts(run: Run, measure: str) -> Column:
    mine = [one for one in (*run.measured.tasks, *run.measured.judges) if one.measure == measure]
    texts = {mine[0].first: words.number(mine[0].first_mean, digits=3)}
    limited = ", LIMITED" if any(one.is_limited for one in mine) else ""
    return measure[0].upper() + measure[1:] + limited, texts | {one.second: cell(one) for one in mine}


def _costs(run: Run) -> list[Column]:
    """Seconds of one seed on the mean, and their price where an hour has one."""
    tasks = run.measured.task_seconds or {}
    trained, tested = {}, {}
    for arm in run.arm_names():
        models = run.of_arm(arm)
        trained[arm] = sum(float(model.extra["train_seconds"]) for model in models) / len(models)
        tested[arm] = tasks.get(arm, 0.0) / len(models)
    total = {arm: trained[arm] + tested[arm] for arm in trained}
    head = "Training and tasks" if tasks else "Training"
    columns: list[Column] = [(head, {arm: duration(seconds) for arm, seconds in total.items()})]
    price = run.recipe.get("hour_price")
    if price is not None:
        hours = {arm: seconds / 3600 for arm, seconds in total.items()}
        columns.append(
            ("Price of a seed", {arm: _price(found * float(price)) for arm, found in hours.items()})
        )
    return columns


def _price(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 0.1 else f"{amount:.2g}"
