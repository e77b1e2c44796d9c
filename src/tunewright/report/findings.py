"""What the run found, in sentences: the answer first, then what qualifies it."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.report import comparison as family
from tunewright.report import contrasts, words
from tunewright.report.gather import Difference, Run


def summary(run: Run) -> str:
    """What was done, in a sentence."""
    names = run.arm_names()
    if not names:
        return "Nothing has been tuned yet."
    arm = run.arms[0]
    config = arm.manifest["config"]
    start = "tuned from new weights" if str(config["model"]).startswith("scratch:") else "tuned"
    seeds = sorted({arm.seed for arm in run.arms})
    plural = "each " if len(names) > 1 else ""
    return (
        f"{words.count(len(names), 'arm')} ({', '.join(names)}), {plural}{start} ({_models(run)}) with "
        f"{words.count(len(seeds), 'seed')} ({', '.join(map(str, seeds))}) for "
        f"{_epochs(run)} on {_rows(run)}: "
        f"batches of {_range(run, 'batch_size')}, peak learning rate {_range(run, 'lr')}, "
        f"{_schedules(run)} schedule."
    )


def _schedules(run: Run) -> str:
    return words.listed(list(dict.fromkeys(str(arm.manifest["config"]["schedule"]) for arm in run.arms)))


def _range(run: Run, name: str) -> str:
    """A setting that is the same in all arms, or its ends."""
    values = [float(arm.extra["lr"] if name == "lr" else arm.manifest["config"][name]) for arm in run.arms]
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _models(run: Run) -> str:
    sizes = {str(a.manifest["config"]["model"]): a.extra["num_parameters"] for a in run.arms}
    return " and ".join(f"{model}, {words.parameters(size)}" for model, size in sizes.items())


def _rows(run: Run) -> str:
    fewest, most = (which(int(arm.manifest["counts"]["train"]) for arm in run.arms) for which in (min, max))
    return words.count(most, "row") if fewest == most else f"{fewest:,} to {most:,} rows"


def _epochs(run: Run) -> str:
    fewest, most = (which(int(arm.manifest["config"]["epochs"]) for arm in run.arms) for which in (min, max))
    return words.count(most, "epoch") if fewest == most else f"{fewest} to {most} epochs"


def findings(run: Run) -> list[str]:
    """The answer first; then every other held-out set, the gaps, and how far it reaches."""
    if not run.tables:
        return ["Nothing has been measured yet, so there is no answer."]
    pairs = by_pair(run)
    sets = run.heldout_names() or ["train"]
    sentences: list[str] = []
    told = [found for (first, _), found in pairs.items() if first == run.baseline]
    claims = family.sentences(run)
    if claims and (len(told) > 1 or run.lacks_baseline):
        sentences += claims
    else:
        for name in sets:
            for found in told:
                compared = comparison([d for d in found if d.paired.set == name])
                sentences += compared if not sentences else [" ".join(compared)]
    if not pairs and len(run.arm_names()) > 1:
        sentences.append(
            "The arms are not compared yet, as the evaluation has not finished; below is where each stands."
        )
    elif not pairs:
        arm = run.arm_names()[0]
        levels = [run.distribution(arm, name, run.last_epoch(arm)) for name in [*sets, "train"]]
        sentences += [words.level_sentence(level) for level in dict.fromkeys(levels) if level is not None]
    sentences += contrasts.sentences(run)
    if run.heldout_names():
        gaps = _gaps(run, sets[0])
        if gaps:
            sentences.append(words.gap_sentence(gaps, sets[0], unit=run.unit))
    if len(told) < len(pairs):
        sentences.append("How the other arms compare with each other stands in the table of differences.")
    if pairs:
        num_seeds = next(iter(pairs.values()))[0].paired.num_seeds
        sentences.append(
            f"{words.seeds_sentence(num_seeds)} All this is about this model, this data and these settings."
        )
    return sentences


def by_pair(run: Run) -> dict[tuple[str, str], list[Difference]]:
    """The differences of every pair of arms, (first, second)."""
    pairs: dict[tuple[str, str], list[Difference]] = {}
    for difference in run.differences:
        pairs.setdefault((difference.paired.first, difference.paired.second), []).append(difference)
    return pairs


def comparison(differences: Sequence[Difference]) -> list[str]:
    """One pair on one set: at the end, and with each arm at its own best epoch."""
    ends = [d for d in differences if d.at == "last"]
    best = [d for d in differences if d.at == "best"]
    return [
        sentence
        for end in ends
        for sentence in (words.end_sentence(end), *(words.best_sentence(found, end) for found in best))
    ]


def _gaps(run: Run, set_name: str) -> dict[str, float]:
    gaps = {}
    for arm in run.arm_names():
        held, trained = (run.distribution(arm, name, run.last_epoch(arm)) for name in (set_name, "train"))
        if held is not None and trained is not None:
            gaps[arm] = held.mean - trained.mean
    return gaps
