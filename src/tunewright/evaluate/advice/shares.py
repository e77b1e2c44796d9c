"""How much of the loss each objective puts on the answers, from proved roles on a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.advice.lengths import LengthPair, LengthTally
from tunewright.records.record import Record
from tunewright.tune.conversation import Role
from tunewright.tune.examples import Example, make_examples
from tunewright.tune.objective_names import parse_objective
from tunewright.tune.roles import Renderer
from tunewright.tune.templates import TULU

OWN_MODEL = "scratch:small"  # whose tokenizer is trained on the data when no model is named
TRAINED_TOKENS = 1024  # `tune` drops longer examples unless told otherwise
MEASURED_TOKENS = 8192  # longer examples are left out here
# (objective, normalisation; None is the objective's own)
OBJECTIVES = (
    ("it", None),
    ("im", None),
    ("im", "example_mean"),
    ("plw:0.25", None),
    ("wit:0.5/1", None),
    ("output_preserving", None),
    ("it_example_weighted", None),
)
PROMPT_ROLES = (Role.INSTRUCTION, Role.INPUT)


@dataclass(frozen=True, slots=True)
class LossShare:
    """The share of the loss's weight on answers (output, explanation, end of the answer), from 0 to 1."""

    objective: str
    normalisation: str
    output_share: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What a tokenizer tells: shares by objective and lengths in tokens, over `num_records` drawn records.

    `left_out` counts the records without proved roles or too long to measure, by reason; `num_long` the
    measured ones that `tune` would drop at 1,024 tokens. `fallback_template` names the template taken
    because the model carries none.
    """

    tokenizer: str
    num_records: int
    left_out: dict[str, int]
    num_long: int
    tokens: LengthPair
    shares: tuple[LossShare, ...]
    fallback_template: str | None = None

    def share(self, objective: str) -> float:
        """The first share of that objective, under its own normalisation."""
        return next(one.output_share for one in self.shares if one.objective == objective)


def measure(
    records: Sequence[Record], *, sample_records: int, model: str | None, chat_template: str | None
) -> Sample:
    """Shares and lengths on the first `sample_records` records; all train a tokenizer if none is named.

    `DataError` when no record's roles can be proved; `ModelError` when the model or template cannot be used.
    """
    tokenizer, name = _tokenizer(records, model)
    fallback = None
    if chat_template is None and not tokenizer.chat_template:
        chat_template, fallback = TULU, "tulu"
        name += ", in the Tulu layout, as it carries no chat template"
    renderer = Renderer(tokenizer, chat_template=chat_template)
    measured = records[:sample_records]
    examples = make_examples(measured, renderer, max_tokens=MEASURED_TOKENS, explanation=True)
    if not examples.kept:
        raise DataError(
            f"the roles of none of {len(measured):,} sampled records can be proved with this template; the "
            f"first: record {examples.dropped[0].id}: {examples.dropped[0].detail}"
        )
    return Sample(
        tokenizer=name,
        num_records=len(examples.kept),
        left_out=dict(Counter(drop.reason for drop in examples.dropped)),
        num_long=sum(len(example) > TRAINED_TOKENS for example in examples.kept),
        tokens=_tokens(examples.kept),
        shares=tuple(_share(examples.kept, *objective) for objective in OBJECTIVES),
        fallback_template=fallback,
    )


def _tokenizer(records: Sequence[Record], model: str | None) -> tuple[Any, str]:
    if model is not None:
        from tunewright.tune.model import load_tokenizer

        return load_tokenizer(model, records), model
    from tunewright.tune.scratch import scratch_tokenizer

    tokenizer = scratch_tokenizer(OWN_MODEL.partition(":")[2], records)
    return tokenizer, f"a byte-level BPE of {len(tokenizer):,} tokens trained on this data"


def _tokens(examples: Sequence[Example]) -> LengthPair:
    tally = LengthTally()
    for example in examples:
        tally.add((example.count(*PROMPT_ROLES), example.count(Role.OUTPUT)))
    return tally.pair()


def _share(examples: Sequence[Example], name: str, normalisation: str | None) -> LossShare:
    objective = parse_objective(name, normalisation=normalisation)
    share = objective.effective_output_share([example.roles for example in examples])
    return LossShare(name, str(objective.normalisation), share)
