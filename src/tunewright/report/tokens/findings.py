"""The page's sentences: where each arm learns, and where it overfits, as far as the intervals allow."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.evaluate.losses import Paired, paired_difference
from tunewright.report import words
from tunewright.report.tokens.gaps import Estimate, Gap
from tunewright.report.tokens.gather import Tokens

FEW = 20  # examples, below which t points help little: losses of examples are skewed
PLURAL = {"instruction": "instructions", "output": "outputs", "explanation": "explanations", "eos": "ends"}


def findings(tokens: Tokens, gaps: Sequence[Gap]) -> list[str]:
    """The answer first, in one sentence, then what stands behind it."""
    if not tokens.tables:
        return ["Only the shown examples were kept, so nothing is said of the sets."]
    sentences = []
    first_set = next((gap.heldout for gap in gaps), None)
    asked = [gap for gap in gaps if gap.heldout == first_set]
    if asked:
        answers = [answer_sentence([g for g in asked if g.arm == arm]) for arm in tokens.arms]
        sentences.append(" ".join(answer for answer in answers if answer))
        sentences += [overfit_sentence(gap) for gap in asked if gap.group == "output"]
    compared = comparisons(tokens)
    sentences += [compared_sentence(paired, group, noun=tokens.noun) for group, paired in compared]
    if not sentences:
        return [f"{words.count(len(tokens.arms), tokens.noun)}, and nothing to compare."]
    if tokens.noun == "arm":
        sentences.append(words.seeds_sentence(max(len(seeds) for seeds in tokens.seeds.values())))
    counted = tokens.tables.get("output") or [table for found in tokens.tables.values() for table in found]
    fewest = min(table.losses_SN.shape[1] for table in counted)
    if fewest < FEW:
        few = words.count(fewest, "example")
        sentences.append(f"{few} in a set: intervals from so few are rough, as losses are skewed.")
    return sentences


def answer_sentence(gaps: Sequence[Gap]) -> str:
    """Where one arm's held-out loss fell, and whether its outputs are overfitted. Empty for no gaps."""
    if not gaps:
        return ""
    arm = gaps[0].arm
    told = [gap for gap in gaps if gap.group in ("instruction", "output")]
    learnt = [gap for gap in told if gap.held_change.interval.high < 0]
    worse = [gap for gap in told if gap.held_change.interval.low > 0]
    unclear = [gap for gap in told if gap not in learnt and gap not in worse]
    parts = []
    if learnt:
        parts.append("lowers the loss of new " + _listed([_amount(gap) for gap in learnt]))
    if worse:
        parts.append("raises the loss of new " + _listed([_amount(gap) for gap in worse]))
    if unclear:
        names = _listed([PLURAL[gap.group] for gap in unclear])
        parts.append(f"leaves that of new {names} with no change found")
    output = next((gap for gap in told if gap.group == "output"), None)
    verdict = "" if output is None else f"; on outputs this arm {overfits(output)}"
    return f"Training arm {arm} {_listed(parts)}{verdict}."


def _amount(gap: Gap) -> str:
    return f"{PLURAL[gap.group]} by {words.number(abs(gap.held_change.value))}"


def overfits(gap: Gap) -> str:
    """What may be said of one arm's overfitting on one group of tokens."""
    if gap.since_best is not None and gap.since_best.interval.low > 0 and gap.grown.interval.low > 0:
        return f"overfits after epoch {gap.best}"
    if gap.grown.interval.low > 0:
        return "fits its training rows further than new ones, without a rise on new ones being found"
    return "shows no overfitting that these rows could find"


def overfit_sentence(gap: Gap) -> str:
    """The numbers behind the verdict on one arm's outputs."""
    sentence = (
        f"Arm {gap.arm}, output tokens, epoch {gap.last} against the start: training rows "
        f"{_with_interval(gap.train_change)}, {_rows_of(gap.heldout)} {_with_interval(gap.held_change)} "
        f"nats/token; the gap grew by {_with_interval(gap.grown)}."
    )
    if gap.since_best is None:
        at_end = f"{sentence} Its loss on {_rows_of(gap.heldout)} was lowest at the end."
        return at_end if gap.best == gap.last else sentence
    return (
        f"{sentence} Since its best epoch ({gap.best}) the loss of {_rows_of(gap.heldout)} changed "
        f"by {_with_interval(gap.since_best)}; that epoch was picked on these rows, which flatters it."
    )


def comparisons(tokens: Tokens) -> list[tuple[str, Paired]]:
    """Every other arm against the first, by group, on the first held-out set (else the first), at the end."""
    sets = tokens.sets()
    heldout = next((name for name in sets if name != "train"), sets[0] if sets else "")
    last = tokens.states[-1].epoch_of
    found = []
    for group in tokens.tables:
        first = tokens.table(group, tokens.arms[0], heldout, last[tokens.arms[0]])
        for arm in tokens.arms[1:]:
            second = tokens.table(group, arm, heldout, last[arm])
            comparable = first is not None and second is not None and first.seeds == second.seeds
            if group != "eos" and first is not None and second is not None and comparable:
                found.append((group, paired_difference(first, second)))
    return found


def compared_sentence(paired: Paired, group: str, *, noun: str) -> str:
    """Two arms, or models, on the same tokens of one group."""
    found = words.verdict(paired.interval)
    low, high = words.number(paired.interval.low), words.number(paired.interval.high)
    interval = f"{words.PERCENT} interval {low} to {high}, {words.count(paired.num_examples, 'example')}"
    when = " at the end" if noun == "arm" else ""
    where = f"On the {group} tokens of {_rows_of(paired.set)}{when}"
    if found is words.Verdict.NONE_FOUND:
        return (
            f"{where} no difference was found between {noun}s {paired.first} and {paired.second} "
            f"({interval})."
        )
    return (
        f"{where} the loss of {noun} {paired.second} is {words.number(abs(paired.difference))} nats/token "
        f"{found.value} than that of {noun} {paired.first} ({interval})."
    )


def _with_interval(found: Estimate) -> str:
    low, high = words.number(found.interval.low), words.number(found.interval.high)
    return f"{words.number(found.value, signed=True)} [{low}, {high}]"


def _rows_of(set_name: str) -> str:
    return {"train": "training rows", "heldout": "held-out rows"}.get(set_name, f"rows of {set_name}")


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
