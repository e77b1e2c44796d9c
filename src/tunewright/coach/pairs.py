"""What a coach is trained on: revisions, and good records that must come back as they are."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tunewright.coach.forms import FormName, form_named
from tunewright.coach.leakage import pair_digest
from tunewright.coach.prompt import trained_prompt
from tunewright.coach.revision import Revision
from tunewright.llm.structured import Unparsable
from tunewright.records.record import Record

Kind = Literal["revision", "good"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One training example before it is text. `source` names the record it comes from: the pairs of one
    record are never parted between training and validation."""

    kind: Kind
    revision: Revision
    source: str


def training_pairs(
    revisions: Sequence[Revision], *, good: Sequence[Record] | None, good_share: float, seed: int
) -> list[Pair]:
    """The revisions, and so many good records that they make `good_share` of the whole.

    Good records are those given; without any, the revised sides of the revisions: an expert has just made
    them good. Revisions that change nothing count as good already. The choice depends on `seed` alone.
    """
    pairs = [
        Pair("revision" if revision.changed else "good", revision, revision.id) for revision in revisions
    ]
    num_changed = sum(pair.kind == "revision" for pair in pairs)
    wanted = round(num_changed * good_share / (1 - good_share)) - (len(pairs) - num_changed)
    known = {pair_digest(revision.original) for revision in revisions}
    pool: Iterable[Record] = good if good is not None else (r.revised for r in revisions if r.changed)
    fresh = [record for record in pool if pair_digest(record) not in known]
    chosen = random.Random(f"good pairs of {seed}").sample(fresh, k=min(max(wanted, 0), len(fresh)))
    return pairs + [Pair("good", Revision(record, record), record.id) for record in chosen]


def as_record(pair: Pair, form: FormName, *, number: int) -> Record:
    """The pair as a record to train on: the coach's prompt is its instruction, the reply its output.

    Raises Unparsable when the form cannot hold the pair so that it reads back as it was.
    """
    revision, writer = pair.revision, form_named(form)
    target = writer.target(revision.original, revision.revised)
    read = writer.read(revision.original, target)
    if read != replace(revision.revised, meta=read.meta, origin=read.origin):
        raise Unparsable(f"the {form} form does not give it back as it was")
    return Record(
        id=f"{number}-{pair.kind}-{revision.id}",
        instruction=trained_prompt(revision.original, form),
        output=target,
        meta={"kind": pair.kind, "of": pair.source},
    )
