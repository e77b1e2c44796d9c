"""What a coach is trained on: revisions, and good records that must come back as they are."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tunewright.coach.forms import FormName, form_named
from tunewright.coach.leakage import pair_digest
from tunewright.coach.prompt import trained_prompt
from tunewright.coach.revision import FIELDS, Revision
from tunewright.llm.structured import Unparsable
from tunewright.records.record import Record

Kind = Literal["revision", "good"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One training example before it is text."""

    kind: Kind
    revision: Revision


def training_pairs(
    revisions: Sequence[Revision], *, good: Sequence[Record] | None, good_share: float, seed: int
) -> list[Pair]:
    """The revisions, and so many good records that they make `good_share` of the whole.

    Good records are those given; without any, the revised sides of the revisions: an expert has just made
    them good. Revisions that change nothing count as good already. Where there are too few, all are taken.
    The choice depends on `seed` alone.
    """
    pairs = [Pair("revision" if revision.changed else "good", revision) for revision in revisions]
    num_changed = sum(pair.kind == "revision" for pair in pairs)
    wanted = round(num_changed * good_share / (1 - good_share)) - (len(pairs) - num_changed)
    # by the very texts: a revision of the explanation alone has the same digest on both sides
    known = {_texts(revision.original) for revision in revisions}
    pool: Iterable[Record] = good if good is not None else (r.revised for r in revisions if r.changed)
    fresh = [record for record in pool if _texts(record) not in known]
    chosen = random.Random(f"good pairs of {seed}").sample(fresh, k=min(max(wanted, 0), len(fresh)))
    return pairs + [Pair("good", Revision(record, record)) for record in chosen]


def families(pairs: Sequence[Pair]) -> list[str]:
    """A name for each pair, the same for pairs that share a text on either side, also by way of others.

    Pairs of one family are never parted between training and validation: what is measured on would have been
    learnt.
    """
    root: dict[bytes, bytes] = {}

    def find(digest: bytes) -> bytes:
        while (above := root.setdefault(digest, digest)) != digest:
            root[digest] = root[above]  # halves the way up each time it is gone
            digest = above
        return digest

    for pair in pairs:
        before, after = pair_digest(pair.revision.original), pair_digest(pair.revision.revised)
        root[find(before)] = find(after)
    return [find(pair_digest(pair.revision.original)).hex() for pair in pairs]


def as_record(pair: Pair, form: FormName, *, number: int, family: str = "") -> Record:
    """The pair as a record to train on: the coach's prompt is its instruction, the reply its output.

    Raises Unparsable when the form cannot hold the pair so that it reads back as it was.
    """
    revision, writer = pair.revision, form_named(form)
    if (revision.original.system, revision.original.history) != (
        revision.revised.system,
        revision.revised.history,
    ):
        raise Unparsable("its system message or earlier turns differ, which a coach does not revise")
    target = writer.target(revision.original, revision.revised)
    read = writer.read(revision.original, target)
    if read != replace(revision.revised, meta=read.meta, origin=read.origin):
        raise Unparsable(f"the {form} form does not give it back as it was")
    return Record(
        id=f"{number}-{pair.kind}-{revision.id}",
        instruction=trained_prompt(revision.original, form),
        output=target,
        meta={"kind": pair.kind, "family": family},
    )


def _texts(record: Record) -> tuple[str, ...]:
    return tuple(getattr(record, name) for name in FIELDS)
