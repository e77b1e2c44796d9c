"""The page as plain values for its template: which sentences, tables, figures and examples stand where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunewright.report import (
    comparison,
    comparison_grids,
    contrasts,
    data_grids,
    excerpts,
    findings,
    grids,
    panels,
)
from tunewright.report.caveats import caveats
from tunewright.report.data import Source, read_sources
from tunewright.report.gather import Run
from tunewright.report.overview import overview
from tunewright.tune.colours import COLOURS


@dataclass(frozen=True)
class Page:
    """All that the template shows, in the order of the page."""

    run: Run
    summary: str
    lead: str
    findings: Sequence[str]
    sources: Sequence[Source]
    examples: Sequence[excerpts.Example]
    masks: Sequence[excerpts.Mask]
    roles: Sequence[str]  # that occur in the masks
    keys: Sequence[tuple[str, str]]
    curves: Sequence[panels.Panel]
    objectives: Sequence[panels.Panel]
    distributions: Sequence[panels.Panel]
    forests: Sequence[panels.Panel]
    differences: Sequence[panels.PanelGroup]
    samples: Sequence[excerpts.Sample]
    caveats: Sequence[str]
    levels: Sequence[grids.Grid]
    tables: Mapping[str, grids.Grid | None]
    colours: Mapping[str, str]
    finished: str
    bleu_signature: str
    judging: str

    @property
    def has_contrasts(self) -> bool:
        """Whether tasks were run on the arms, or judges asked."""
        return any(self.tables[name] is not None for name in ("tasks", "suites", "judges"))


def build_page(run: Run) -> Page:
    """The page of a run. Same folder, same page: it holds no time of its own."""
    sources = read_sources(run)
    sentences = findings.findings(run)
    masks = excerpts.masks(run)
    signatures = [row["memorisation"]["signature"] for row in run.scores if "memorisation" in row]
    return Page(
        run=run,
        summary=findings.summary(run),
        lead=sentences[0],
        findings=sentences[1:],
        sources=sources,
        examples=excerpts.examples(run, sources),
        masks=masks,
        roles=list(
            dict.fromkeys(part.role for mask in masks for part in mask.stretches if part.role != "cut")
        ),
        keys=panels.keys(run),
        curves=panels.curves(run),
        objectives=panels.objectives(run),
        distributions=panels.distributions(run),
        forests=panels.forests(run),
        differences=panels.differences(run),
        samples=excerpts.samples(run, sources),
        caveats=caveats(run),
        levels=comparison_grids.levels(run) if comparison.judged(run) else [],
        tables=_tables(run, sources),
        colours={role.name.lower(): colour for role, colour in COLOURS.items()},
        finished=_finished(run),
        bleu_signature=signatures[0] if signatures else "",
        judging=contrasts.judging_sentence(run),
    )


def _tables(run: Run, sources: Sequence[Source]) -> dict[str, grids.Grid | None]:
    return {
        "overview": overview(run),
        "glance": grids.glance(run),
        "tasks": contrasts.tasks_grid(run),
        "suites": contrasts.suites_grid(run),
        "judges": contrasts.judges_grid(run),
        "settings": grids.settings(run),
        "shared": grids.shared(run) if run.arms else None,
        "counts": data_grids.counts(run, sources),
        "rejected": data_grids.rejected(run),
        "lengths": data_grids.lengths(sources),
        "made": data_grids.made(run),
        "models": data_grids.models(run),
        "tokens": data_grids.tokens_by_role(run),
        "saw": grids.arms_saw(run) if run.arms else None,
        "differences": grids.differences(run),
        "memorised": grids.memorised(run),
        "answered": grids.answered(run),
        "arm_costs": comparison_grids.costs(run) if len(run.arm_names()) > 1 else None,
        "cost": grids.cost(run),
        "inputs": grids.inputs(run),
        "versions": grids.versions(run),
    }


def _finished(run: Run) -> str:
    """The day the last stage ended, as its manifest says."""
    ends = [str(arm.manifest["finished"]) for arm in run.arms]
    ends += [str(m["finished"]) for m in (run.evaluated, run.generated) if m is not None]
    return max(ends)[:10] if ends else ""
