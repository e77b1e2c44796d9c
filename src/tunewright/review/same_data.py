"""Whether data that are brought in again are those of the queue that is there, record by record.

What was not given again is not compared: the queue of `import X --drafts D` is also that of `X` alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.review.exchange.result import same_texts
from tunewright.review.model import Queue
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.imported import Written, as_written, value_of, written_items
from tunewright.review.store.queues import NewItem, seed_of, source_of


@dataclass(frozen=True, slots=True)
class Options:
    """How a queue is to be made; None where nothing was said."""

    drafts: str | None = None
    findings: tuple[str, ...] = ()
    overlap: int | None = None
    experiment: bool | None = None
    criteria: tuple[str, ...] | None = None
    seed: int | None = None

    def source(self, data: str) -> dict[str, Any]:
        """Where the items come from, for the queue to keep."""
        overlap = 1 if self.overlap is None else self.overlap
        return {"data": data, "drafts": self.drafts, "findings": list(self.findings), "overlap": overlap}


@dataclass(frozen=True, slots=True)
class Differences:
    """Keys of records that differ, in order, and the settings that were asked for and are others there."""

    changed: Sequence[str]
    added: Sequence[str]
    missing: Sequence[str]
    other_drafts: Sequence[str]
    other_findings: Sequence[str]
    settings: Sequence[str]

    def words(self) -> str:
        """What differs, for people; "" where nothing does."""
        counted = (
            (self.changed, "changed"),
            (self.added, "new"),
            (self.missing, "no longer in the data"),
            (self.other_drafts, "with other --drafts"),
            (self.other_findings, "with other --findings"),
        )
        return "; ".join([_some(keys, words) for keys, words in counted if keys] + list(self.settings))

    def is_of_options(self) -> bool:
        """Whether the data are the same, and only what was asked for beside them differs."""
        return not (self.changed or self.added or self.missing)


def differences(db: Database, queue: Queue, items: Iterable[NewItem], options: Options) -> Differences:
    """How `items`, made with `options`, differ from those of a revise queue. Order does not matter, nor in
    which file or folder a record lies."""
    new = {item.key: item for item in items}
    same = _Same(db, options, source_of(db, queue))
    changed: list[str] = []
    missing: list[str] = []
    other_drafts: list[str] = []
    other_findings: list[str] = []
    for old in written_items(db, queue.id):
        if old.key not in new:
            missing.append(old.key)
            continue
        item = as_written(db, new.pop(old.key))
        if not same.record(old, item):
            changed.append(old.key)
        elif not same.draft(old, item):
            (other_drafts if options.drafts else changed).append(old.key)
        elif not same.findings(old, item):
            (other_findings if options.findings else changed).append(old.key)
    return Differences(
        changed, list(new), missing, other_drafts, other_findings, _settings(db, queue, options)
    )


class _Same:
    """What of two items is compared, by what was given then (None: not known, an older queue) and now."""

    def __init__(self, db: Database, now: Options, then: Mapping[str, Any] | None) -> None:
        drafts_then = then is None or bool(then.get("drafts"))
        findings_then = then is None or bool(then.get("findings"))
        self._db = db
        self._is_old = then is None
        self._all_drafts = bool(now.drafts) or not drafts_then
        self._all_findings = (bool(now.findings) or not findings_then) and self._all_drafts

    def record(self, old: Written, new: Written) -> bool:
        return (
            self._texts(old.original, new.original)
            and old.history == new.history
            and (old.meta == new.meta or self._sorted(old.meta) == self._sorted(new.meta))
        )

    def draft(self, old: Written, new: Written) -> bool:
        if not self._all_drafts and not (self._is_old and (new.draft is not None or new.draft_reason)):
            return True
        return self._texts(old.draft, new.draft) and old.draft_reason == new.draft_reason

    def findings(self, old: Written, new: Written) -> bool:
        """Of what was found with options that were not given again nothing can be told: more is no change."""
        if old.findings == new.findings:
            return True
        there = value_of(old.findings, self._db)
        return not self._all_findings and all(one in there for one in value_of(new.findings, self._db))

    def _texts(self, old: str | None, new: str | None) -> bool:
        if old == new or old is None or new is None:
            return old == new
        return same_texts(value_of(old, self._db), value_of(new, self._db))  # an absent text is ""

    def _sorted(self, written: str) -> str:
        return json.dumps(_plain(value_of(written, self._db)), sort_keys=True)


def _plain(value: Any) -> Any:
    """The value as any format has it: some know no whole numbers, and some give each row every column."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _settings(db: Database, queue: Queue, options: Options) -> list[str]:
    asked = {
        "--overlap": (options.overlap, _overlap_there(db, queue, options.overlap)),
        "--experiment": (options.experiment, queue.experiment),
        "--criteria": (options.criteria, queue.criteria),
        "--seed": (options.seed, seed_of(db, queue) if queue.experiment else options.seed),
    }
    return [
        f"{name} {_shown(there)}, not {_shown(now)}"
        for name, (now, there) in asked.items()
        if now is not None and now != there
    ]


def _overlap_there(db: Database, queue: Queue, asked: int | None) -> int:
    """What `asked` is compared with: how many people revise each pair, or did before the lead raised it. The
    command that made the queue stays good; of an older queue, which did not keep its first number, any
    smaller one is."""
    told = [event for event in events(db, subject=f"queue:{queue.id}") if event.action == "raise overlap"]
    if asked is None or not told:
        return queue.overlap
    first = (source_of(db, queue) or {}).get("overlap")
    raised = [event.detail["to"] for event in told]
    was_so = asked in (first, *raised) or (first is None and asked < min(raised))
    return asked if was_so else queue.overlap


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _some(keys: Sequence[str], words: str) -> str:
    if len(keys) == 1:
        return f"1 record {words} ({keys[0]!r})"
    return f"{len(keys):,} records {words} (the first {keys[0]!r})"
