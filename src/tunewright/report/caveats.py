"""What a reader must keep in mind, drawn from the facts of the run rather than from a fixed list."""

from __future__ import annotations

from collections import Counter

from tunewright.report import words
from tunewright.report.comparison import judged, leaks
from tunewright.report.gather import Run, split_sentence

TINY_PARAMETERS = 50_000_000


def caveats(run: Run) -> list[str]:
    """Sentences in the order of their weight."""
    if not run.arms:
        return ["Nothing has been tuned yet, so there is nothing to conclude."]
    found = [_size(run), *_seeds(run), *_training_length(run), *_budgets(run), *_data(run)]
    if len(run.arm_names()) > 1:
        found.append(
            "Every arm has one learning rate and one schedule. Objectives can prefer different ones, so a "
            "difference here is one at these settings."
        )
    if judged(run):
        found.append(
            "Every interval is that of one comparison; p is corrected for all comparisons with "
            f"{run.baseline} at the last epoch. Best and other epochs and other pairs are description."
        )
    elif run.differences and len(run.differences) > 1:
        found.append(
            "Several sets and epochs are compared and the intervals are not widened for that: take the "
            "question asked beforehand as the result and the rest as description."
        )
    return [
        *found,
        *_answers(run),
        "Peak memory is that of the whole process: data, tokenizer, libraries, and what earlier models left.",
    ]


def _size(run: Run) -> str:
    parameters = max(arm.extra["num_parameters"] for arm in run.arms)
    if parameters >= TINY_PARAMETERS:
        return (
            f"One model of {words.parameters(parameters)} was tuned; the numbers are about this "
            "model on this data and say nothing about others."
        )
    return (
        f"A tiny model of {words.parameters(parameters)}: its losses and their differences mean "
        "something, its answers outside the data’s world do not. Nothing here is a claim about larger models "
        "or other data."
    )


def _seeds(run: Run) -> list[str]:
    num_seeds = min(len(run.of_arm(name)) for name in run.arm_names())
    return [words.seeds_sentence(num_seeds)] if num_seeds < 5 else []


def _training_length(run: Run) -> list[str]:
    sentences = []
    for set_name in run.heldout_names()[:1]:
        best = {arm: run.best_epoch(arm, set_name) for arm in run.arm_names()}
        falling = [arm for arm, epoch in best.items() if epoch == run.last_epoch(arm)]
        past = {
            arm: epoch for arm, epoch in best.items() if epoch is not None and epoch < run.last_epoch(arm)
        }
        if falling:
            sentences.append(words.still_falling_sentence(falling, set_name))
        if past:
            sentences.append(words.past_best_sentence(past, set_name))
    return sentences


def _budgets(run: Run) -> list[str]:
    tokens = {arm.name: arm.extra["objective"]["weighted_tokens_per_epoch"] for arm in run.arms}
    if len(set(tokens.values())) < 2:
        return []
    parts = ", ".join(f"{name} {amount:,}" for name, amount in tokens.items())
    budgets = {tuple(arm.manifest["counts"].get(of) for of in ("train", "steps")) for arm in run.arms}
    start = (
        "The arms get equal rows and steps, not"
        if len(budgets) == 1
        else "The arms do not get equal rows and steps, nor"
    )
    return [f"{start} equal weighted tokens: per epoch the loss falls on {parts} tokens."]


def _data(run: Run) -> list[str]:
    sentences = [*map(split_sentence, run.splits), *_unlike(run)]
    if not run.heldout_names():
        sentences.append(
            "No held-out set was measured, so nothing can be said about rows that were not trained on."
        )
    if run.generated is not None:
        sentences.append(
            "The data is made from item models (templates): held-out items share their forms with the "
            "training items, so held-out means new items, not a new kind of item."
        )
    elif run.recipe.get("holdout"):
        sentences.append(
            "The held-out rows come from the same data as the training rows: this measures new rows of one "
            "source, not a change of source."
        )
    sentences += leaks(run)
    if len({arm.extra["dtype"] for arm in run.arms}) > 1:
        sentences.append("The arms ran in different number formats, which alone can make small differences.")
    if not all(arm.extra.get("matches_generation_prompt", True) for arm in run.arms):
        sentences.append(
            "The chat template's generation prompt differs from what stood before the answers in training: "
            "the answers here follow the trained prompt, a chat call may fare worse."
        )
    return sentences + _dropped(run)


def _dropped(run: Run) -> list[str]:
    lost = {arm.name: sum(arm.extra["dropped"].values()) for arm in run.arms}
    if not any(lost.values()):
        return []
    if len(set(lost.values())) > 1:
        parts = words.listed([f"{num:,} of {name}" for name, num in lost.items()])
        return [f"Training rows were dropped: {parts} (see the data); the results are about those kept."]
    num = next(iter(lost.values()))
    return [
        f"{words.count(num, 'training row')} {'was' if num == 1 else 'were'} dropped in every arm (see the "
        "data); the results are about those kept."
    ]


def _unlike(run: Run) -> list[str]:
    """Where the arms differ in more than their objective."""
    if not run.has_own_rows:
        return []
    return [
        "The arms were not all trained on the same token rows: their losses on training rows are each arm's "
        "own and are not compared, nor is memorisation, which is of each arm's own rows.",
        *_other_outputs(run),
    ] + [
        f"{words.count(num, 'row')} of {name} {'was' if num == 1 else 'were'} not measured alike by every "
        "arm (dropped, or other tokens) and left out of the comparison."
        for name, num in _left_out(run).items()
        if num
    ]


def _other_outputs(run: Run) -> list[str]:
    """Arms with records of their own are measured on outputs of another source than theirs."""
    arms = run.recipe.get("arms") or {}
    own = [name for name in run.arm_names() if "data" in (arms.get(name) or {})]
    if not own:
        return []
    named = f"arm {own[0]} has" if len(own) == 1 else f"arms {words.listed(own)} have"
    return [
        f"The held-out outputs are not of the records that {named} alone. A higher loss there says that such "
        "an arm expects these outputs less, not that its answers are worse: that is for judges and tasks."
    ]


def _left_out(run: Run) -> dict[str, int]:
    """How many rows of each held-out set the arms do not share."""
    shared = {table.set: len(table.ids) for table in run.tables}
    return {
        name: max(int(arm.manifest["counts"].get(f"heldout.{name}", 0)) for arm in run.arms) - shared[name]
        for name in run.heldout_names()
    }


def _answers(run: Run) -> list[str]:
    """Where the answers say less than their scores seem to."""
    sentences = []
    silent = Counter(row["arm"] for row in run.scores if row["stopped_share"] < 0.5)
    of_arm = Counter(row["arm"] for row in run.scores)
    mute = [arm for arm, num in silent.items() if num == of_arm[arm]]
    if mute:
        sentences.append(
            f"Most answers of {words.listed(mute)} ran into the length limit without an end token: read "
            "their exact matches as “has not learnt to answer yet”, not as wrong answers."
        )
    bleu = [row["memorisation"]["bleu"] for row in run.scores if "memorisation" in row]
    if bleu and max(bleu) < 1:
        sentences.append(
            "BLEU against the training outputs is below 1 in every arm, a floor where no difference in "
            "memorisation could show. Corpus BLEU needs outputs of four words and more."
        )
    return sentences
