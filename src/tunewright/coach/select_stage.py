"""The coach's first stage: read revisions, mend or refuse damaged ones, and choose those that teach most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunewright.coach.distance import num_kept
from tunewright.coach.mended import Read, read_mended, write_rejects, write_repaired
from tunewright.coach.revision import FIELDS, Revision
from tunewright.coach.select import (
    GAIN_COLUMNS,
    Ranking,
    by_distance,
    by_diversity,
    by_field,
    by_gain,
)
from tunewright.coach.select_config import By, CoachSelectConfig
from tunewright.coach.select_summary import summarise
from tunewright.coach.write_revisions import write_revisions
from tunewright.errors import DataError
from tunewright.rate.passes import advance_to
from tunewright.run.files import write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

STAGE = "coach select"
RECORDS_FILE, REJECTS_FILE, REPAIRED_FILE = "records.jsonl", "rejects.jsonl", "repaired.jsonl"
SELECTION_FILE, PAGE_FILE = "selection.json", "selection.html"
PUBLISHED_FILE = "published.json"
SELECTION = "selection"  # what a chosen revision's meta says of its place
_MOST_FOR_DIVERSITY = 5_000  # beyond, diversity is computed only when it is asked for
_NUM_EXAMPLES = 3  # on each side of the cut


def coach_select(
    config: CoachSelectConfig,
    revisions: str | Path,
    out: str | Path,
    *,
    after: str | Path | None = None,
    originals: str | Path | None = None,
    progress: Progress | None = None,
    again: bool = False,
) -> Path:
    """Choose round(α·N) revisions; give back the folder with them in `records.jsonl`, in the file's order.

    N counts every revision that could be read, damaged ones too, as in the paper; one that is chosen and
    refused for its damage is left out of the records. With `after`, `revisions` and it are two data sets,
    joined by id. `originals` are records to look up what damage has taken.

    Writes `rejects.jsonl` (rows that could not be read, `stage` "read"; refused damage, `stage` "damage"),
    `repaired.jsonl` (each mended revision, before and after), `selection.json` and the page
    `selection.html`; with `published` also `published.json`, the chosen ones in that form. Each chosen
    revision's meta gets `selection`: what it was ranked by, score and rank.

    `DataError` when nothing can be read, when α keeps none, when no revision has a rating to rank by, or
    when the published form cannot hold what is chosen.
    """
    progress = progress or Progress()
    read = read_mended(revisions, format=config.format, after=after, originals=originals, progress=progress)
    with RunFolder.open(
        out, fingerprint=Fingerprint(STAGE, config.settings(), {"revisions": read.digest}), again=again
    ) as folder:
        if not folder.is_done:
            counts = _run(folder.path, config, str(revisions), read, progress)
            folder.finish(versions=environment(), counts=counts)
    return Path(out)


def _run(
    folder: Path, config: CoachSelectConfig, name: str, read: Read, progress: Progress
) -> dict[str, int]:
    total = len(read.revisions)
    wanted = num_kept(config.alpha, total)
    if wanted == 0:
        raise DataError(f"{name}: alpha {config.alpha:g} of {total:,} revisions is none; raise it")
    rankings = _rankings(config, read.revisions, wanted, name, progress)
    ranking = rankings[config.by]
    chosen = ranking.cut(wanted).chosen
    refused = [number for number in chosen if read.is_refused(number)]
    kept = sorted(set(chosen) - set(refused))
    if not kept:
        raise DataError(
            f"{name}: all {wanted:,} chosen revisions are damaged; see what is wrong with the file"
        )
    place_of = {number: place for place, number in enumerate(ranking.order, start=1)}
    write_revisions(
        (_marked(read.revisions[n], ranking, n, place_of[n]) for n in kept), folder / RECORDS_FILE
    )
    if config.published:
        write_revisions((read.revisions[n] for n in kept), folder / PUBLISHED_FILE, format="published")
    write_rejects(folder / REJECTS_FILE, read)
    write_repaired(folder / REPAIRED_FILE, read)
    summary = summarise(config, name, read, rankings, wanted)
    write_json_atomic(folder / SELECTION_FILE, summary)
    progress.start("page")
    from tunewright.coach.select_page import write_select_page

    examples = _examples(read, ranking, wanted)
    write_select_page(
        summary, ranking, read.revisions, list(read.findings.values()), examples, folder / PAGE_FILE
    )
    progress.finish(f"{len(kept):,} of {total:,} revisions chosen")
    return {
        "revisions": total,
        "records": len(kept),
        "repaired": summary["damage"]["repaired"],
        "refused": summary["damage"]["refused"],
        "broken": len(read.broken),
    }


def _rankings(
    config: CoachSelectConfig, revisions: Sequence[Revision], wanted: int, name: str, progress: Progress
) -> dict[By, Ranking]:
    """The ranking asked for and, to set beside it, all others for which the revisions give a reason."""
    distances = by_distance(revisions)
    rankings = {By.DISTANCE: distances}
    changed = {field for revision in revisions for field in revision.changed}
    for field in FIELDS:
        if field in changed or config.by.value == field:
            rankings[By(field)] = by_field(revisions, By(field))
    gains = by_gain(revisions, config.gain_column)
    if any(not math.isnan(gain) for gain in gains.scores):
        rankings[By.RATING_GAIN] = gains
    elif config.by is By.RATING_GAIN or config.gain_column is not None:
        raise DataError(
            f"{name}: no revision has a gain in '{config.gain_column or GAIN_COLUMNS}'; name a column of the "
            "revisions or a rating of both records with --gain-column, or rate both sides first"
        )
    if config.by is By.DIVERSITY or len(revisions) <= _MOST_FOR_DIVERSITY:
        all_ranked = len(revisions) if len(revisions) <= _MOST_FOR_DIVERSITY else wanted
        progress.start("diversity", all_ranked, "revisions")
        rankings[By.DIVERSITY] = by_diversity(
            revisions, distances, num_wanted=all_ranked, on_progress=advance_to(progress)
        )
        progress.finish()
    return rankings


def _marked(revision: Revision, ranking: Ranking, number: int, place: int) -> Revision:
    score = ranking.scores[number]
    told = {"by": ranking.by.value, "score": None if math.isnan(score) else score, "rank": place}
    return replace(revision, meta={**revision.meta, SELECTION: told})


def _examples(read: Read, ranking: Ranking, wanted: int) -> dict[str, list[int]]:
    """The last that are chosen and the first that are not."""
    return {
        "chosen": [
            n for n in ranking.order[max(0, wanted - _NUM_EXAMPLES) : wanted] if not read.is_refused(n)
        ],
        "left": list(ranking.order[wanted : wanted + _NUM_EXAMPLES]),
    }
