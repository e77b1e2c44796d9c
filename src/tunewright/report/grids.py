"""The report's tables as rows of texts, one function a table; the template only sets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from tunewright.evaluate.losses import Distribution
from tunewright.report import words
from tunewright.report.gather import Run, TunedArm

OWN = "train of "  # begins the name of an arm's own training set
MOST_CHARS = 90  # of a cell; a hash has 64
Z = 1.959964  # of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the first column heads its rows; columns in `texts` (from 0) are set flush left."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: frozenset[int] = frozenset({0})

    def cells(self) -> list[list[str]]:
        """The rows with every cell cut to what a table can bear."""
        return [[_shorten(cell) for cell in row] for row in self.rows]


def set_title(name: str) -> str:
    """A set's name at the head of a column or figure."""
    if name.startswith(OWN):
        return f"Training rows of {name.removeprefix(OWN)}"
    return {"train": "Training rows", "heldout": "Held-out rows"}.get(name, name)


def glance(run: Run) -> Grid | None:
    """Each arm's output loss on every set after its last epoch."""
    if not run.tables:
        return None
    sets = run.set_names()
    rows = []
    for arm in run.arm_names():
        found = [run.distribution(arm, name, run.last_epoch(arm)) for name in sets]
        rows.append([arm, str(run.last_epoch(arm)), str(len(run.of_arm(arm))), *map(_with_interval, found)])
    caption = (
        f"Mean output loss after the last epoch, {run.unit}, with {words.PERCENT} interval; lower is better"
    )
    return Grid(caption, ["Arm", "Epoch", "Seeds", *map(set_title, sets)], rows)


def settings(run: Run) -> Grid | None:
    """The settings beside the objective in which the arms differ."""
    if len(run.arm_names()) < 2:
        return None
    configs = {name: run.of_arm(name)[0].manifest["config"] for name in run.arm_names()}
    keys = list(next(iter(configs.values())))
    differing = [
        key
        for key in keys
        if key not in ("seed", "objective") and len({str(config.get(key)) for config in configs.values()}) > 1
    ]
    if not differing:
        return None
    rows = [[key, *(_shorten(configs[name].get(key)) for name in configs)] for key in differing]
    return Grid("Other settings in which the arms differ", ["Setting", *configs], rows)


def arms_saw(run: Run) -> Grid:
    """Weights and what follows from them, a column an arm, with whatever else differs between them."""
    arms = [run.of_arm(name)[0] for name in run.arm_names()]
    rows = [[name, *texts] for name, texts in _facts(arms).items()]
    kept = _objective_rows(arms) + [row for row in rows if len(set(row[1:])) > 1]
    return Grid("What each arm was trained on", ["", *(arm.name for arm in arms)], kept)


def shared(run: Run) -> Grid | None:
    """What is the same in every arm."""
    arms = [run.of_arm(name)[0] for name in run.arm_names()]
    rows = [[name, texts[0]] for name, texts in _facts(arms).items() if len(set(texts)) == 1]
    caption = "The same in every arm" if len(arms) > 1 else "Rows, template and layout"
    return Grid(caption, ["", "Value"], rows) if rows else None


def _objective_rows(arms: Sequence[TunedArm]) -> list[list[str]]:
    objectives = [arm.extra["objective"] for arm in arms]
    weights = [objective["weights"] for objective in objectives]
    roles = list(dict.fromkeys(role for found in weights for role in found))
    return [
        ["objective", *(str(objective["name"]) for objective in objectives)],
        *([f"weight of {role}", *(f"{found.get(role, 0):g}" for found in weights)] for role in roles),
        ["weight of all other tokens", *("0" for _ in arms)],
        ["effective output share", *(f"{100 * o['effective_output_share']:.1f} %" for o in objectives)],
        ["tokens with loss, per epoch", *(f"{o['weighted_tokens_per_epoch']:,}" for o in objectives)],
    ]


def _facts(arms: Sequence[TunedArm]) -> dict[str, list[str]]:
    return {
        "normalisation": [str(arm.extra["objective"]["normalisation"]) for arm in arms],
        "rows per epoch": [f"{arm.manifest['counts']['train']:,}" for arm in arms],
        "steps in all": [f"{arm.manifest['counts']['steps']:,}" for arm in arms],
        "dropped rows": [_dropped(arm) for arm in arms],
        "trained end of an answer": [_stop(arm) for arm in arms],
        "layout of a batch": [str(arm.extra["layout"]) for arm in arms],
        "template hash": [str(arm.extra["template_sha256"])[:12] for arm in arms],
        "tokenizer hash": [str(arm.extra["tokenizer_sha256"])[:12] for arm in arms],
    }


def differences(run: Run) -> Grid | None:
    """All paired differences, with what the figures leave out."""
    if not run.differences:
        return None
    rows = []
    for difference in run.differences:
        paired = difference.paired
        ends_together = difference.at == "last" and difference.epochs[0] == difference.epochs[1]
        if ends_together or (difference.at == "epoch" and paired.epoch == 0):
            continue
        digits = words.digits_for(paired.interval)
        moment = (
            f"{paired.epoch}"
            if difference.at == "epoch"
            else f"{difference.at} ({difference.epochs[0]}, {difference.epochs[1]})"
        )
        rows.append(
            [
                f"{paired.second} − {paired.first}",
                set_title(paired.set),
                moment,
                words.number(paired.difference, digits=digits, signed=True),
                _bounds(paired.interval.low, paired.interval.high, digits),
                ", ".join(words.number(value, digits=digits, signed=True) for value in paired.by_seed),
                f"{100 * paired.share_lower:.0f} %",
                f"{paired.num_examples:,}",
            ]
        )
    head = ["Arms", "Set", "Epoch", "Difference", f"{words.PERCENT} interval", "By seed", "Examples lower"]
    return Grid(
        f"Paired differences in output loss, {run.unit}; below zero the first-named arm has the lower loss",
        [*head, "of"],
        rows,
        frozenset({0, 1}),
    )


def memorised(run: Run) -> Grid | None:
    """BLEU against the trained outputs, mean over seeds with the range."""
    rows = []
    for name in run.arm_names():
        found = [row for row in run.scores if row["arm"] == name and "memorisation" in row]
        if found:
            bleu = [row["memorisation"]["bleu"] for row in found]
            exact = [row["memorisation"]["exact_share"] for row in found]
            num = found[0]["memorisation"]["num_prompts"]
            rows.append([name, _mean_and_range(bleu), _shares(exact, num), f"{num:,}", f"{len(found)}"])
    caption = "Greedy continuations of training prompts against the trained outputs; lower is less memorised"
    head = ["Arm", "BLEU (0–100)", "Given back exactly", "Prompts", "Seeds"]
    return Grid(caption, head, rows) if rows else None


def answered(run: Run) -> Grid | None:
    """Exact outputs and answers that end by themselves, per set and arm."""
    rows = []
    for set_name in dict.fromkeys(row["set"] for row in run.scores):
        for name in run.arm_names():
            found = [row for row in run.scores if (row["arm"], row["set"]) == (name, set_name)]
            if found:
                num = found[0]["num_answers"]
                rows.append(
                    [
                        set_title(set_name),
                        name,
                        _shares([row["exact_output_share"] for row in found], num),
                        _shares([row["stopped_share"] for row in found], num),
                        ", ".join(f"{round(row['exact_output_share'] * num)}/{num}" for row in found),
                    ]
                )
    caption = f"Greedy answers: share with {words.PERCENT} Wilson interval over prompts, averaged over seeds"
    head = ["Set", "Arm", "Exactly the expected output", "Ended by itself", "Exact, by seed"]
    return Grid(caption, head, rows, frozenset({0, 1})) if rows else None


def cost(run: Run) -> Grid | None:
    """Time and memory of every tuned model."""
    rows = []
    for arm in run.arms:
        extra = arm.extra
        seconds = float(extra["train_seconds"])
        seen = sum(step.get("num_seen", 0) for step in arm.steps)
        rows.append(
            [
                f"{arm.name}, seed {arm.seed}" + (" (resumed)" if arm.manifest.get("resumed") else ""),
                duration(seconds),
                duration(float(arm.manifest["seconds"])),
                f"{seen / seconds:,.0f}" if seconds and seen else "—",
                megabytes(extra["peak_bytes"]),
                megabytes(extra["cuda_peak_bytes"]) if extra.get("cuda_peak_bytes") else "—",
                f"{extra['num_trainable']:,} of {extra['num_parameters']:,}",
                f"{extra['dtype']}, {extra['device']}, {words.count(extra['threads'], 'thread')}",
            ]
        )
    head = [
        "Model",
        "Training",
        "With measuring",
        "Tokens/s",
        "Peak memory",
        "Peak on device",
        "Trained parameters",
    ]
    caption = "Time and memory; tokens/s are all tokens read by the model over training time"
    return Grid(caption, [*head, "Ran in"], rows, frozenset({0, 7})) if rows else None


def inputs(run: Run) -> Grid | None:
    """SHA-256 of what each stage read."""
    if not run.arms:
        return None
    first = run.arms[0].manifest["inputs"]
    rows = [[name, str(digest)] for name, digest in first.items()]
    for arm in (run.of_arm(name)[0] for name in run.arm_names()[1:]):
        mine = arm.manifest["inputs"].items()
        rows += [[f"{name} of {arm.name}", str(digest)] for name, digest in mine if first.get(name) != digest]
    digests = {arm.name: str(arm.extra["rows_digest"]) for arm in run.arms}
    alike = len(set(digests.values())) == 1
    rows += [
        ["token rows" if alike else f"token rows of {name}", digest]
        for name, digest in list(digests.items())[: 1 if alike else None]
    ]
    return Grid("SHA-256 of the inputs, as tuning read them", ["Input", "SHA-256"], rows, frozenset({0, 1}))


def versions(run: Run) -> Grid | None:
    """The machine and the libraries that can change a result."""
    found = run.environment()
    if not found:
        return None
    rows = [["tunewright", found["tunewright"]], ["Python", found["python"]]]
    rows += [[name, version] for name, version in found["libraries"].items()]
    machine = [["platform", found["platform"]], ["processor", f"{found['cpu']}, {found['num_cpus']} usable"]]
    return Grid("Versions and machine", ["What", "Version"], [*machine, *rows], frozenset({0, 1}))


def wilson(share: float, num: int) -> tuple[float, float]:
    """Wilson's score interval of a share out of `num` trials (Wilson 1927), at 95 %."""
    assert num > 0
    centre = (share + Z * Z / (2 * num)) / (1 + Z * Z / num)
    half = Z * sqrt(share * (1 - share) / num + Z * Z / (4 * num * num)) / (1 + Z * Z / num)
    return max(0.0, centre - half), min(1.0, centre + half)


def _shares(shares: Sequence[float], num: int) -> str:
    """The mean over seeds; its interval counts each prompt once, as seeds answer the same prompts."""
    mean = sum(shares) / len(shares)
    low, high = wilson(mean, num)
    return f"{100 * mean:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _mean_and_range(values: Sequence[float]) -> str:
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    return f"{mean:.1f} ({min(values):.1f} to {max(values):.1f})"


def _with_interval(found: Distribution | None) -> str:
    if found is None:
        return "—"
    digits = words.digits_for(found.interval)
    bounds = _bounds(found.interval.low, found.interval.high, digits)
    return f"{words.number(found.mean, digits=digits)} ({bounds})"


def _bounds(low: float, high: float, digits: int) -> str:
    return f"{words.number(low, digits=digits)} to {words.number(high, digits=digits)}"


def _dropped(arm: TunedArm) -> str:
    reasons: Mapping[str, int] = arm.extra["dropped"]
    return ", ".join(f"{amount:,} {reason}" for reason, amount in reasons.items()) or "none"


def _stop(arm: TunedArm) -> str:
    return f"{arm.extra['stop_token']}{' (appended)' if arm.extra['appends_eos'] else ''}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def megabytes(amount: int) -> str:
    """Bytes in MiB, or GiB from ten on."""
    return f"{amount / 2**20:,.0f} MiB" if amount < 10 * 2**30 else f"{amount / 2**30:,.1f} GiB"


def _shorten(value: Any) -> str:
    text = "—" if value is None else str(value)
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 1] + "…"
