"""The tables about the data: how many rows, how long, of what kind, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tunewright.report.data import Source, own_data
from tunewright.report.gather import Run
from tunewright.report.grids import Grid, set_title


def counts(run: Run, sources: Sequence[Source]) -> Grid | None:
    """Rows of every set: read, dropped, used."""
    if not run.arms:
        if run.generated is None:
            return None
        return Grid("Records", ["Set", "Records"], [["generated", f"{run.generated['counts']['records']:,}"]])
    own = own_data(run)
    arm = next((arm for arm in run.arms if arm.name not in own), run.arms[0])
    known = arm.manifest["counts"]
    lost = Counter(row["set"] for row in arm.rejects if "set" in row)
    used = {"train": known["train"]} | {
        key.removeprefix("heldout."): amount for key, amount in known.items() if key.startswith("heldout.")
    }
    described = {source.name: source for source in sources}
    rows = []
    for name, kept in used.items():
        row = [set_title(name), f"{kept + lost[name]:,}", f"{lost[name]:,}", f"{kept:,}"]
        if not run.is_single:
            row.append(described[name].file if name in described else "held out of the training data")
        rows.append(row)
    for name, file in own.items():
        known = run.of_arm(name)[0].manifest["counts"]
        kept, dropped = known["train"], known["dropped"]
        rows.append(
            [f"Training rows of {name}", f"{kept + dropped:,}", f"{dropped:,}", f"{kept:,}", file],
        )
    head = ["Set", "Rows", "Dropped", "Used", *([] if run.is_single else ["From"])]
    alike = "" if own else "; every arm uses the same"
    return Grid(f"Rows of each set{alike}", head, rows, frozenset({0, 4}))


def rejected(run: Run) -> Grid | None:
    """Reasons for which rows were left out, with how many and an example."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in run.read_rejects:
        where = f"{row.get('file', '?')}:{row.get('line', '?')}"
        reasons.setdefault(("reading", str(row.get("reason"))), []).append(where)
    for row in run.arms[0].rejects if run.arms else []:
        if "set" in row:
            detail = f"{row.get('id')}: {row.get('detail')}"
            reasons.setdefault((str(row["set"]), str(row.get("reason"))), []).append(detail)
    if not reasons:
        return None
    rows = [
        [set_title(name), reason, f"{len(found):,}", found[0]] for (name, reason), found in reasons.items()
    ]
    return Grid(
        "Rows left out, with the reason", ["Set", "Reason", "Rows", "First"], rows, frozenset({0, 1, 3})
    )


def lengths(sources: Sequence[Source]) -> Grid | None:
    """Lengths in words of every field that occurs."""
    rows = []
    for source in sources:
        if source.summary is None:
            continue
        for name, found in source.summary.words.fields.items():
            if found.num_records:
                rows.append(
                    [
                        set_title(source.name),
                        name,
                        f"{found.num_records:,}",
                        f"{found.mean:.1f}",
                        f"{found.median:.0f}",
                        f"{found.p95:.0f}",
                        f"{found.max:,}",
                    ]
                )
    if not rows:
        return None
    head = ["Set", "Field", "Records", "Mean", "Median", "95th percentile", "Longest"]
    return Grid("Lengths in words", head, rows, frozenset({0, 1}))


def made(run: Run) -> Grid | None:
    """Generated records by skill and level."""
    if run.generated is None:
        return None
    extra = run.generated["extra"]
    rows = [
        [kind, name, f"{amount:,}"]
        for kind, key in (("skill", "by_skill"), ("level", "by_level"))
        for name, amount in extra.get(key, {}).items()
    ]
    return Grid("Generated records by kind", ["By", "Kind", "Records"], rows, frozenset({0, 1}))


def models(run: Run) -> Grid | None:
    """Generated records by item model."""
    found = run.generated["extra"].get("by_model", {}) if run.generated is not None else {}
    if not found:
        return None
    rows = [[name, f"{amount:,}"] for name, amount in found.items()]
    return Grid("Generated records by item model", ["Item model", "Records"], rows)


def tokens_by_role(run: Run) -> Grid | None:
    """What the training rows consist of in tokens, the same in every arm."""
    if not run.arms:
        return None
    arm = run.arms[0]
    found = arm.extra["tokens_by_role"]
    total, num_rows = sum(found.values()), arm.manifest["counts"]["train"]
    rows = [
        [role, f"{amount:,}", f"{amount / num_rows:.1f}", f"{100 * amount / total:.1f} %"]
        for role, amount in found.items()
    ]
    rows.append(["all", f"{total:,}", f"{total / num_rows:.1f}", "100 %"])
    return Grid("Training tokens by role", ["Role", "Tokens", "Per row", "Share"], rows)
