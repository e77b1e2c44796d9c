"""The tables of a comparison of arms: losses against the baseline per set, and what each arm cost."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.report import words
from tunewright.report.comparison import Judged, by_arm, digits_of, judged
from tunewright.report.gather import Run
from tunewright.report.grids import Grid, duration, megabytes, set_title


def levels(run: Run, *, training_too: bool = False) -> list[Grid]:
    """One table per held-out set: each arm's loss at its last and best epoch, and how it differs from the
    baseline's; on request with seeds and the loss on training rows, which the page has elsewhere."""
    family = judged(run)
    sets = run.heldout_names() or ["train"]
    return [_level(run, name, family, training_too=training_too) for name in sets]


def _level(run: Run, set_name: str, family: Sequence[Judged], *, training_too: bool) -> Grid:
    names = run.arm_names()
    found = by_arm(family, set_name)
    has_best = any("best" in of_moment for of_moment in found.values())
    rows = []
    for arm in names:
        of_moment, is_baseline = found.get(arm, {}), arm == names[0]
        last, best = run.last_epoch(arm), run.best_epoch(arm, set_name)
        row = [arm]
        if training_too:
            row += [str(len(run.of_arm(arm))), _mean(run, arm, "train", last)]
        row += [f"{_mean(run, arm, set_name, last)} ({last})", *_against(of_moment.get("last"), is_baseline)]
        if has_best:
            row.append(f"{_mean(run, arm, set_name, best)} ({best})")
            as_before = "last" in of_moment and "best" not in of_moment
            row += ["as at the last", "", ""] if as_before else _against(of_moment.get("best"), is_baseline)
        rows.append(row)
    against = [f"− {names[0]} ({words.PERCENT} interval)", "p", ""]
    head = ["Arm", *(["Seeds", "Train"] if training_too else []), "Last (epoch)", *against]
    texts = frozenset({0, len(head) - 1, len(head) + 3})
    caption = (
        f"Output loss on {set_title(set_name)}, nats/token; differences are paired by example and seed, p by "
        f"Holm for {words.count(len(family), 'comparison')}"
    )
    return Grid(caption, [*head, *(["Best (epoch)", *against] if has_best else [])], rows, texts)


def _mean(run: Run, arm: str, set_name: str, epoch: int | None) -> str:
    found = None if epoch is None else run.distribution(arm, set_name, epoch)
    return "—" if found is None else words.number(found.mean, digits=3)


def _against(one: Judged | None, is_baseline: bool) -> list[str]:
    if one is None:
        return ["baseline" if is_baseline else "—", "", ""]
    paired = one.difference.paired
    digits = digits_of(one)
    value, low, high = (
        words.number(number, digits=digits, signed=True)
        for number in (paired.difference, paired.interval.low, paired.interval.high)
    )
    claim = "none found" if one.claim is words.Verdict.NONE_FOUND else one.claim.value
    return [f"{value} ({low} to {high})", p_text(one.p), claim]


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
