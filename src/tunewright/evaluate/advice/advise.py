"""`advise`: everything that speaks for and against loss on prompts for a data set, and how to settle it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tunewright.duplicates import Tokens, near_duplicates
from tunewright.evaluate.advice.cautions import Caution, cautions
from tunewright.evaluate.advice.evidence import Evidence, evidence_for
from tunewright.evaluate.advice.lengths import LengthPair
from tunewright.evaluate.advice.published import PAPER, SEEN_HERE, Near, nearest
from tunewright.evaluate.advice.scan import MOST_PROMPTS, Scan
from tunewright.evaluate.advice.shares import OWN_MODEL, Sample, measure
from tunewright.rate.passes import advance_to
from tunewright.records.read import read_records
from tunewright.records.reject import Reject
from tunewright.run.progress import Progress
from tunewright.tune.recommend import FEW_RECORDS, PLW, SMALL_OUTPUT_SHARE, Facts, Recommendation, recommend
from tunewright.tune.templates import template_text

SAMPLE_RECORDS = 1000  # eight draws of Dolly 3k gave IM an output share of .598 to .641; all records .625
TOKENIZER_RECORDS = 5000
HELDOUT_SHARE = 0.1
HELDOUT_RECORDS = (
    100,
    500,
)  # 298 rows gave an interval of ±0.22 nats on the difference (docs/it-against-im.md)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records, by format and with what; repeats; and broken rows by reason.

    `num_near_duplicates` are prompts that are almost an earlier one (ROUGE-L F1 above 0.7, equal ones
    included), among the first `num_compared`.
    """

    num_records: int
    formats: dict[str, int]
    num_rejects: int
    reject_reasons: dict[str, int]
    num_with_history: int
    num_with_system: int
    num_with_explanation: int
    num_exact_duplicates: int
    num_near_duplicates: int
    num_compared: int


@dataclass(frozen=True, slots=True)
class Advice:
    """All that `tunewright advise` shows. `recommendation` is None where no record has a prompt.

    `ratio_unit` is what the rules' length ratio was counted in: "words", or "tokens" where words have no
    spaces. `command` is None with fewer than 100 records, where no comparison would settle anything.
    """

    data: str
    counts: Counts
    paper_words: LengthPair
    plain_words: LengthPair
    sample: Sample
    ratio_unit: str
    nearest: tuple[Near, ...]
    nearest_source: str
    seen_here: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    cautions: tuple[Caution, ...]
    recommendation: Recommendation | None
    heldout_records: int
    command: str | None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain JSON values, with the ratios spelled out."""
        row = asdict(self)
        for name in ("paper_words", "plain_words"):
            row[name]["ratio"] = getattr(self, name).ratio
        row["sample"]["tokens"]["ratio"] = self.sample.tokens.ratio
        return row


def advise(
    data: str | Path,
    *,
    model: str | None = None,
    chat_template: str | None = None,
    format: str | None = None,
    progress: Progress | None = None,
) -> Advice:
    """Advice on which objective to tune with, from one pass over the data and a sample of 1,000 records.

    Tokens and roles are those of `model` with its chat template (or `chat_template`: a built-in one's name,
    a file or its Jinja text); without a model, those of a byte-level BPE trained on up to 5,000 records, with
    our own template. The same data gives the same advice. `DataError` when no row is usable, `ModelError`
    when the model cannot be loaded.
    """
    progress = progress or Progress()
    scan = Scan(sample_records=TOKENIZER_RECORDS)
    reasons: Counter[str] = Counter()

    def rejected(reject: Reject) -> None:
        reasons[f"{reject.field}: {reject.reason}" if reject.field else reject.reason] += 1

    progress.start("read", unit="records")
    for record in read_records(data, format=format, on_reject=rejected):
        scan.add(record)
        progress.advance(1)
    progress.finish()
    progress.start("near-duplicates", len(scan.prompts), "prompts")
    twins = near_duplicates(scan.prompts, tokens=Tokens.UNICODE, on_progress=advance_to(progress))
    progress.finish()
    sample = measure(
        scan.drawn(),
        sample_records=SAMPLE_RECORDS,
        model=model,
        chat_template=None if chat_template is None else template_text(chat_template),
    )
    counts = Counts(
        num_records=scan.num_records,
        formats=dict(scan.formats),
        num_rejects=reasons.total(),
        reject_reasons=dict(reasons.most_common()),
        num_with_history=scan.num_with_history,
        num_with_system=scan.num_with_system,
        num_with_explanation=scan.num_with_explanation,
        num_exact_duplicates=scan.num_exact_duplicates,
        num_near_duplicates=sum(twin is not None for twin in twins),
        num_compared=min(scan.num_records, MOST_PROMPTS),
    )
    return _advice(str(data), scan, counts, sample, model, chat_template, format)


def _advice(
    data: str,
    scan: Scan,
    counts: Counts,
    sample: Sample,
    model: str | None,
    chat_template: str | None,
    format: str | None,
) -> Advice:
    paper, plain = scan.paper_words.pair(), scan.plain_words.pair()
    facts = _facts(scan, paper, sample)
    found = None if facts is None else recommend(facts)
    heldout = heldout_records(scan.num_records)
    command = None
    if found is not None and scan.num_records >= FEW_RECORDS:
        arms = arms_for(sample.share("im"))
        command = settling_command(
            data,
            model=model,
            arms=arms,
            heldout=heldout,
            chat_template=chat_template or sample.fallback_template,
            format=format,
        )
    median = (sample.tokens if _has_no_words(scan) else plain).output_median
    return Advice(
        data=data,
        counts=counts,
        paper_words=paper,
        plain_words=plain,
        sample=sample,
        ratio_unit="tokens" if _has_no_words(scan) else "words",
        nearest=() if facts is None else nearest(num_records=facts.num_records, word_ratio=facts.word_ratio),
        nearest_source=PAPER,
        seen_here=SEEN_HERE,
        evidence=() if facts is None else evidence_for(facts, median_output=median),
        cautions=cautions(scan, num_long=sample.num_long, num_sampled=sample.num_records),
        recommendation=found,
        heldout_records=heldout,
        command=command,
    )


def _facts(scan: Scan, paper: LengthPair, sample: Sample) -> Facts | None:
    """What the rules look at; None without any instruction or input: all that was asked is history."""
    if not scan.num_prompts or sample.tokens.prompt_mean == 0 or sample.tokens.output_mean == 0:
        return None
    return Facts(
        num_records=scan.num_records,
        word_ratio=sample.tokens.ratio if _has_no_words(scan) else paper.ratio,
        token_ratio=sample.tokens.ratio,
        output_share=sample.share("im"),
        num_private_prompts=scan.private_prompts.count,
        num_refusals=scan.refusals.count,
        num_harmful_prompts=scan.harmful.count,
        num_retrieved=scan.retrieved.count,
        num_skill=scan.skill.count,
        ratio_unit="tokens" if _has_no_words(scan) else "words",
    )


def _has_no_words(scan: Scan) -> bool:
    """Most records are in a script without spaces, and a count of whitespace words says nothing."""
    return scan.num_unspaced * 2 > scan.num_records


def heldout_records(num_records: int) -> int:
    """How many records to hold out: a tenth, at least 100 and at most 500, never above a half."""
    least, most = HELDOUT_RECORDS
    wanted = min(max(round(HELDOUT_SHARE * num_records), least), most)
    return max(min(wanted, num_records // 2), 1)


def arms_for(output_share: float) -> tuple[str, ...]:
    """What to compare: it, im and plw:0.25; and output_preserving where IM leaves the answers little."""
    arms = ("it", "im", PLW)
    return (*arms, "output_preserving") if output_share < SMALL_OUTPUT_SHARE else arms


def settling_command(
    data: str,
    *,
    model: str | None,
    arms: Sequence[str],
    heldout: int,
    chat_template: str | None = None,
    format: str | None = None,
) -> str:
    """The command that trains the arms on the same rows with three seeds, quoted for a shell."""
    stem = Path(data).name.split(".")[0] or "data"
    words = ["tunewright", "compare", data, "--holdout", str(heldout), "--model", model or OWN_MODEL]
    words += ["--format", format] if format else []
    words += ["--chat-template", chat_template] if chat_template else []
    words += ["--arms", ",".join(arms), "--seeds", "3", "--epochs", "3", "--out", f"runs/compare-{stem}"]
    return shlex.join(words)
