"""The select stage: the records worth keeping, by score and difference, and why the others were dropped."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.rate.columns import number_at
from tunewright.rate.config import SelectConfig
from tunewright.rate.diversity import Similarity, VectorSimilarity, WordSimilarity, load_vectors
from tunewright.rate.passes import ignore
from tunewright.records.digest import DataDigest
from tunewright.records.native import native_row
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, RejectWriter, cut
from tunewright.records.write import write_records
from tunewright.run.files import file_sha256, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

_SIDES = (
    "response",
    "instruction",
    "record",
    "explanation",
)  # which one is a rating's main score, in this order


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a record was dropped: a word to count by, and the whole sentence."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The decision on each record, None for a kept one; and where the cut by number fell.

    `cut_score` is the lowest score kept by `n` or `share`; of the `num_at_cut` records that have it and were
    not dropped for another reason, `num_kept_at_cut` were kept.
    """

    drops: tuple[Drop | None, ...]
    cut_score: float | None
    num_at_cut: int
    num_kept_at_cut: int


def select(
    config: SelectConfig,
    data: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Write the records to keep into the folder `out`; gives back its manifest.

    `data` is the folder of a rating or any records with a column of numbers. Writes `records.jsonl` (kept, in
    the data's order), `rejects.jsonl` (each dropped record with its reason,
    and broken rows) and `summary.json`.
    """
    progress = progress or Progress()
    survey = _look(data, format, config)
    inputs = {"data": survey.digest}
    if config.embeddings is not None:
        if not config.embeddings.is_file():
            raise DataError(
                f"{config.embeddings}: no such file; it must be a .npy file with a row per record"
            )
        inputs["embeddings"] = file_sha256(config.embeddings)
    settings = config.settings() | {"score": survey.column}
    settings.pop("embeddings")  # what it holds, not where it lies
    with RunFolder.open(out, fingerprint=Fingerprint("select", settings, inputs), again=again) as folder:
        if not folder.is_done:
            progress.start("select", len(survey.ids), "records")
            similarity = _similarity(config, data, format, len(survey.ids))
            selection = choose(
                survey.ids,
                survey.scores,
                min_score=config.min_score,
                num_wanted=_num_wanted(config, len(survey.ids)),
                similarity=similarity,
                seed=config.seed,
                progress=progress,
            )
            _write(selection, survey, data, format, folder)
            progress.finish()
    return read_manifest(out)


def choose(
    ids: Sequence[str],
    scores: Sequence[float],
    *,
    min_score: float | None = None,
    num_wanted: int | None = None,
    similarity: Similarity | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Selection:
    """Which records are kept. NaN is a record without a score; it is dropped when scores decide.

    The best come first, equal scores in an order drawn from the seed and the ids, so that it does not depend
    on the file's order. Each is dropped when it is below `min_score`, too similar to a kept one, or when
    `num_wanted` are kept already. More wanted never drops a record that fewer wanted kept.
    """
    progress = progress or Progress()
    is_scored = min_score is not None or num_wanted is not None
    drops: list[Drop | None] = [None] * len(ids)
    num_kept = num_at_cut = num_kept_at_cut = 0
    cut_score: float | None = None
    for number in _best_first(ids, scores, seed):
        progress.advance()
        score = scores[number]
        if is_scored and math.isnan(score):
            drops[number] = Drop("no score", "it has no score")
        elif min_score is not None and score < min_score:
            drops[number] = Drop("score", f"its score {score:g} is below {min_score:g}")
        elif num_wanted is not None and num_kept == num_wanted:
            if score == cut_score:
                num_at_cut += 1
                reason = f"its score {score:g} is tied with the last one kept, and {num_wanted:,} were wanted"
            else:
                reason = f"its score {score:g} is below {cut_score:g}, the last of the {num_wanted:,} best"
            drops[number] = Drop("not among the best", reason)
        elif similarity is not None and (near := similarity.nearest_kept(number)) is not None:
            like = f"it is too much like record {ids[near.number]}, at {near.similarity:.2f}"
            drops[number] = Drop("too similar", like)
        else:
            num_kept += 1
            num_kept_at_cut = num_kept_at_cut + 1 if score == cut_score else 1
            cut_score = None if math.isnan(score) else score
            if similarity is not None:
                similarity.keep(number)
    if num_wanted is None:
        return Selection(tuple(drops), None, 0, 0)
    return Selection(tuple(drops), cut_score, num_at_cut + num_kept_at_cut, num_kept_at_cut)


def _best_first(ids: Sequence[str], scores: Sequence[float], seed: int) -> list[int]:
    """Numbers by falling score; records without one last."""

    def place(number: int) -> tuple[float, bytes]:
        drawn = hashlib.sha256(f"{seed}\0{ids[number]}".encode("utf-8", "surrogatepass")).digest()
        return (math.inf if math.isnan(scores[number]) else -scores[number], drawn)

    return sorted(range(len(ids)), key=place)


@dataclass(frozen=True)
class _Survey:
    """What one pass over the data has found. `column` is "" when nothing is selected by score."""

    column: str
    ids: list[str]
    scores: array[float]
    digest: str


def _look(data: str | Path, format: str | None, config: SelectConfig) -> _Survey:
    columns = _columns_meant(data, config)
    is_open = not columns or config.score is not None  # a rating in the records may be meant
    digest = DataDigest()
    ids: list[str] = []
    found = {column: array("d") for column in columns}
    ratings: set[str] = set()
    for record in read_records(data, format=format, on_reject=digest.reject):
        ids.append(record.id)
        digest.add(record)
        for name in record.meta:
            if is_open and name.startswith("rating_") and name not in ratings:
                ratings.add(name)
                for column in _columns_in(name, record.meta[name], config):
                    found.setdefault(column, array("d", [math.nan] * (len(ids) - 1)))
        for column, scores in found.items():
            number = number_at(record.meta, column)
            scores.append(math.nan if number is None else number)
    with_numbers = [column for column, scores in found.items() if any(not math.isnan(one) for one in scores)]
    column = _one_column(with_numbers, config, str(data), sorted(ratings))
    return _Survey(column, ids, found.get(column, array("d", [math.nan] * len(ids))), digest.hexdigest())


def _columns_meant(data: str | Path, config: SelectConfig) -> list[str]:
    """The column that is meant before any record is read: the setting, or the rating's own."""
    if config.score is not None:
        return [config.score]
    try:
        manifest = read_manifest(data)
    except (OSError, ValueError):
        return []
    if manifest["stage"] != "rate":
        return []
    return [f"{manifest['extra']['meta_key']}.{manifest['extra']['main_side']}"]


def _columns_in(name: str, value: Any, config: SelectConfig) -> list[str]:
    """The columns that a rating in the records may be meant by."""
    if config.score is not None:
        return [f"{name}.{config.score}"]
    if not isinstance(value, dict):
        return []
    return [f"{name}.{side}" for side in _SIDES if side in value][:1]


def _one_column(found: list[str], config: SelectConfig, data: str, ratings: list[str]) -> str:
    if config.score is not None and config.score in found:
        return config.score
    named = (
        [column for column in found if column.split(".")[0] in ratings] if config.score is not None else found
    )
    if len(named) == 1:
        return named[0]
    if len(named) > 1:
        raise DataError(f"{data}: several ratings could be meant; add --score with one of {', '.join(named)}")
    if config.score is not None:
        hint = f"; its ratings are {', '.join(ratings)}" if ratings else ""
        raise DataError(f"{data}: no record has a number in '{config.score}'{hint}; check the name")
    if config.min_score is not None or config.share is not None or config.n is not None:
        raise DataError(f"{data}: holds no rating; name a column of numbers with --score, or rate it first")
    return ""


def _num_wanted(config: SelectConfig, num_records: int) -> int | None:
    """`n`, or round(share · N) over all records, rated or not (CoachLM's rule for its α)."""
    if config.share is None:
        return config.n
    wanted = round(config.share * num_records)
    if wanted == 0:
        raise DataError(f"share {config.share:g} of {num_records:,} records is none; raise it")
    return wanted


def _similarity(
    config: SelectConfig, data: str | Path, format: str | None, num_records: int
) -> Similarity | None:
    if config.diversity == "ngram":
        records = read_records(data, format=format, on_reject=ignore)
        return WordSimilarity(records, max_similarity=config.similarity_limit)
    if config.embeddings is not None:
        vectors = load_vectors(config.embeddings, num_records)
        return VectorSimilarity(vectors, max_similarity=config.similarity_limit)
    return None


def _write(
    selection: Selection, survey: _Survey, data: str | Path, format: str | None, folder: RunFolder
) -> None:
    dropped = Counter(drop.kind for drop in selection.drops if drop is not None)
    num_kept = sum(drop is None for drop in selection.drops)
    if not num_kept:
        reasons = ", ".join(f"{count:,} for {kind}" for kind, count in dropped.items())
        raise DataError(f"{data}: no record is left to keep (dropped: {reasons}); lower the bar")
    with RejectWriter(folder.path / "rejects.jsonl") as rejects:
        records = read_records(data, format=format, on_reject=rejects)
        kept = _kept(records, selection, survey.column, rejects)
        write_records(kept, folder.path / "records.jsonl", format="native")
        num_broken = rejects.count - sum(dropped.values())
    write_json_atomic(
        folder.path / "summary.json",
        {
            "score": survey.column or None,
            "num_records": len(survey.ids),
            "num_kept": num_kept,
            "dropped": dict(sorted(dropped.items())),
            "num_broken_rows": num_broken,
            "cut_score": selection.cut_score,
            "num_at_cut": selection.num_at_cut,
            "num_kept_at_cut": selection.num_kept_at_cut,
            "mean_score_before": _mean(survey.scores),
            "mean_score_kept": _mean(
                score for score, drop in zip(survey.scores, selection.drops, strict=True) if drop is None
            ),
        },
    )
    folder.finish(
        versions=environment(),
        counts={"records": num_kept, "dropped": sum(dropped.values()), "broken_rows": num_broken},
        extra={"dropped": dict(sorted(dropped.items())), "score": survey.column or None},
    )


def _kept(
    records: Iterable[Record], selection: Selection, column: str, rejects: RejectWriter
) -> Iterator[Record]:
    for record, drop in zip(records, selection.drops, strict=True):
        if drop is None:
            yield record
            continue
        file, line = (record.origin.file, record.origin.line) if record.origin is not None else ("", 0)
        field = "" if drop.kind == "too similar" else column
        reject = Reject(
            file, line, field, f"record {record.id} dropped: {drop.reason}", cut(record.instruction)
        )
        rejects(reject, id=record.id, record=native_row(replace(record, origin=None), as_text=False))


def _mean(scores: Iterable[float]) -> float | None:
    """Over those that there are."""
    there = [score for score in scores if not math.isnan(score)]
    return math.fsum(there) / len(there) if there else None
