"""Lock, then look: nothing changes after the lock, and who is who is told only after it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import RunFolderError
from tunewright.evaluate.study.folder import Key, StudyFolder, now
from tunewright.evaluate.study.ratings import Rating, counting_ratings, progress_of
from tunewright.run.files import write_json_atomic, write_text_atomic

# what a spreadsheet may take for the beginning of a formula, also in the wide forms of East Asian keyboards
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def lock_study(folder: StudyFolder, *, allow_missing: bool = False) -> dict[str, Any]:
    """Lock the study: hash everything raters saw and said. Back comes the lock.

    RunFolderError when it is locked already, or when ratings are missing and `allow_missing` is not given:
    what is missing then is missing for good, and is shown as missing.
    """
    with folder.alone():  # a rating that arrives meanwhile is refused, not left outside the hashes
        if folder.is_locked:
            raise RunFolderError(f"{folder.path}: locked already; a lock is never renewed")
        progress = progress_of(folder)
        missing = {
            one.rater: one.num_assigned - one.num_done for one in progress if one.num_done < one.num_assigned
        }
        if missing and not allow_missing:
            said = ", ".join(f"{rater} {count:,}" for rater, count in missing.items())
            raise RunFolderError(
                f"{folder.path}: items not rated yet: {said}; wait for them, or lock with --allow-missing"
            )
        lock = {
            "time": now(),
            "num_ratings": len(counting_ratings(folder)),
            "missing_items": missing,
            "key_sha256": folder.design["key_sha256"],
            "opened_before": len(folder.times_opened()),
            "files": folder.locked_files(),
        }
        write_json_atomic(folder.lock_path, lock)
    return lock


def unblind(folder: StudyFolder) -> Path:
    """Write `unblinded.jsonl`, the ratings with systems and prompts by name; only of a locked study."""
    folder.verify_lock()
    path = folder.path / "unblinded.jsonl"
    rows = named_rows(folder, folder.open_key("unblind"))
    write_text_atomic(path, "".join(orjson.dumps(row).decode() + "\n" for row in rows))
    return path


def named_rows(folder: StudyFolder, key: Key) -> Iterator[dict[str, Any]]:
    """Every rating that counts, with the system's name, the prompt's id and the item's kind."""
    for rating in counting_ratings(folder):
        entry = key.items[rating.item]
        value = rating.value
        if isinstance(value, str) and value in entry["answers"]:
            value = entry["answers"][value]
        yield {
            **rating.row(),
            "blind_system": rating.system,
            "system": entry["answers"].get(rating.system, ""),
            "systems": sorted(entry["answers"].values()),
            "prompt": entry.get("prompt", ""),
            "kind": entry["kind"],
            "value": value,
        }


def export_blind(folder: StudyFolder, *, form: str) -> str:
    """All ratings that count, still blind, as the text of a `jsonl` or `csv` file."""
    ratings = counting_ratings(folder)
    if form == "jsonl":
        return "".join(orjson.dumps(rating.row()).decode() + "\n" for rating in ratings)
    stream = io.StringIO()
    names = list(Rating.__dataclass_fields__)
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    for rating in ratings:
        writer.writerow({name: _inert(value) for name, value in rating.row().items()})
    return stream.getvalue()


def _inert(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, made plain by an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
