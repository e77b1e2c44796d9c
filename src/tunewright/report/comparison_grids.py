"""The tables of a comparison of arms: losses against the baseline per set, and what each arm cost."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.evaluate.losses import Paired
from tunewright.report import words
from tunewright.report.comparison import Judged, digits_of, judged
from tunewright.report.gather import Difference, Run
from tunewright.report.grids import Grid, duration, megabytes, set_title
from tunewright.report.settling import needed_text


def levels(run: Run, *, training_too: bool = False) -> list[Grid]:
    """One table per held-out set: each arm's loss at its last and best epoch, and how it differs from the
    baseline's; on request with seeds and the loss on training rows, which the page has elsewhere.

    Best epochs are there to be looked at: no p, no claim.
    """
    family = judged(run)
    sets = run.heldout_names() or ["train"]
    return [_level(run, name, family, training_too=training_too) for name in sets]


def _level(run: Run, set_name: str, family: Sequence[Judged], *, training_too: bool) -> Grid:
    found = {one.arm: one for one in family if one.set_name == set_name}
    best_of = _at_best(run, set_name) if found else {}
    has_best = any(
        best.epochs != found[arm].difference.epochs for arm, best in best_of.items() if arm in found
    )
    is_open = any(one.needed is not None for one in found.values())
    rows = []
    for arm in run.arm_names():
        is_baseline = arm == run.baseline
        last, best = run.last_epoch(arm), run.best_epoch(arm, set_name)
        row = [arm]
        if training_too:
            row += [str(len(run.of_arm(arm))), _mean(run, arm, "train", last)]
        one = found.get(arm)
        row += [f"{_mean(run, arm, set_name, last)} ({last})", *_against(one, is_baseline)]
        if has_best:
            row += [f"{_mean(run, arm, set_name, best)} ({best})"]
            row.append(_explored(best_of.get(arm), one, is_baseline))
        if is_open:
            row.append(_to_settle(one))
        rows.append(row)
    minus = f"− {run.baseline} ({words.PERCENT} interval)"
    head = ["Arm", *(["Seeds", "Train"] if training_too else []), "Last (epoch)", minus, "p", ""]
    texts = frozenset({0, len(head) - 1})
    caption = f"Output loss on {set_title(set_name)}, {run.unit}"
    if family:
        caption += (
            "; differences are paired by example and seed, p by Holm for "
            f"{words.count(len(family), 'comparison')}"
        )
    if has_best:
        head += ["Best (epoch)", f"exploratory: {minus}"]
        caption += "; best epochs are picked on these rows, which flatters them"
    if is_open:
        texts |= {len(head)}
        head += ["To settle it"]
    return Grid(caption, head, rows, texts)


def _to_settle(one: Judged | None) -> str:
    if one is None or one.needed is None:
        return ""
    if not one.difference.paired.difference:
        return "nothing to show: the means are equal"
    return needed_text(one.needed, one.difference.paired.num_seeds, units="examples")


def _at_best(run: Run, set_name: str) -> dict[str, Difference]:
    return {
        d.paired.second: d
        for d in run.differences
        if d.at == "best" and (d.paired.first, d.paired.set) == (run.baseline, set_name)
    }


def _mean(run: Run, arm: str, set_name: str, epoch: int | None) -> str:
    found = None if epoch is None else run.distribution(arm, set_name, epoch)
    return "—" if found is None else words.number(found.mean, digits=3)


def _against(one: Judged | None, is_baseline: bool) -> list[str]:
    if one is None:
        return ["baseline" if is_baseline else "—", "", ""]
    claim = "none found" if one.claim is words.Verdict.NONE_FOUND else one.claim.value
    return [_with_interval(one.difference.paired), p_text(one.p), claim]


def _explored(best: Difference | None, last: Judged | None, is_baseline: bool) -> str:
    if best is None:
        return "baseline" if is_baseline else "—"
    if last is not None and best.epochs == last.difference.epochs:
        return "as at the last"
    return _with_interval(best.paired)


def _with_interval(paired: Paired) -> str:
    value, low, high = (
        words.number(number, digits=digits_of(paired.interval), signed=True)
        for number in (paired.difference, paired.interval.low, paired.interval.high)
    )
    return f"{value} ({low} to {high})"


def p_text(p: float) -> str:
    """A p-value to three decimals."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def costs(run: Run) -> Grid:
    """Memorisation, tokens, seconds and memory, one row an arm; means over its seeds, memory the largest."""
    rows = []
    for arm in run.arm_names():
        models = run.of_arm(arm)
        weighted = sum(step["num_tokens"] for model in models for step in model.steps) / len(models)
        real = sum(step["num_seen"] for model in models for step in model.steps) / len(models)
        seconds = sum(float(model.extra["train_seconds"]) for model in models) / len(models)
        peak = max(model.extra.get("cuda_peak_bytes") or model.extra["peak_bytes"] for model in models)
        known = [s["memorisation"] for s in run.scores if s["arm"] == arm and "memorisation" in s]
        bleu = [found["bleu"] for found in known]
        exact = [100 * found["exact_share"] for found in known]
        rows.append(
            [
                arm,
                f"{sum(bleu) / len(bleu):.1f}" if bleu else "—",
                f"{sum(exact) / len(exact):.1f} %" if exact else "—",
                f"{weighted:,.0f}",
                f"{real:,.0f}",
                f"{100 * float(models[0].extra['objective']['effective_output_share']):.1f} %",
                duration(seconds),
                f"{real / seconds:,.0f}" if seconds else "—",
                megabytes(peak),
            ]
        )
    head = ["Arm", "BLEU", "Given back", "Tokens with loss", "Tokens read", "Output share", "Training"]
    caption = (
        "Memorisation of training outputs, and what each arm cost; means over its seeds, the largest memory"
    )
    return Grid(caption, [*head, "Tokens/s", "Peak memory"], rows)
