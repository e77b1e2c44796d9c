"""Arms with records of their own: what is held out of the shared data is never among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunewright.errors import DataError
from tunewright.records.digest import prompt_digest
from tunewright.records.record import Record
from tunewright.report.gather import Split


def without_heldout(
    own: Mapping[str, Sequence[Record]], held: Sequence[Record], *, by: str | None
) -> tuple[dict[str, list[Record]], list[Split]]:
    """Each arm's records without the held-out ones: those with the same id or prompt, or in the same group.

    `DataError` for an arm that keeps none. A held-out record of which an arm has neither is counted as
    unmatched: where the arm's records are revisions with new ids and new prompts, the revision of it may be
    trained on.
    """
    ids = {record.id for record in held}
    prompts = {prompt_digest(record) for record in held}
    groups = {repr(record.meta.get(by)) for record in held} if by is not None else set()
    kept: dict[str, list[Record]] = {}
    splits = []
    for arm, records in own.items():
        left_out = [
            record
            for record in records
            if record.id in ids
            or prompt_digest(record) in prompts
            or (by is not None and repr(record.meta.get(by)) in groups)
        ]
        if records and len(left_out) == len(records):
            raise DataError(
                f"all {len(records):,} records of arm {arm} are held out of the shared data, so none is left "
                "to train it on; give it other data, or hold out fewer rows"
            )
        gone = {record.id for record in left_out}
        kept[arm] = [record for record in records if record.id not in gone]
        seen = {prompt_digest(record) for record in left_out}
        unmatched = sum(record.id not in gone and prompt_digest(record) not in seen for record in held)
        splits.append(Split(arm, len(records), len(left_out), unmatched if by is None else 0))
    return kept, splits
