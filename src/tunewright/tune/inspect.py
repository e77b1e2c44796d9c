"""What is in a data file, as a person about to tune on it wants to know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from tunewright.records.describe import CountTokens, Summary, describe
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.tune.scratch import record_texts, train_bpe

OWN_VOCABULARY = 8192
TOKENIZER_RECORDS = 5000  # enough for stable lengths; a tokenizer from more would differ little
SHOWN_REJECTS = 5
PIECE_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Inspection:
    """`tokenizer` says whose tokens were counted; `first_rejects` are the first few broken rows."""

    summary: Summary
    formats: dict[str, int]
    tokenizer: str
    num_rejects: int
    reject_reasons: dict[str, int]
    first_rejects: tuple[Reject, ...]


def inspect(
    data: str,
    *,
    model: str | None = None,
    format: str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Inspection:
    """Counts, lengths, duplicates and broken rows, in two passes over the data.

    Tokens are those of `model`, or of a byte-level BPE trained on the file's first 5,000 records, which
    needs no download and gives lengths close to those of common tokenizers on their own languages.
    `DataError` when no row is usable.
    """
    counter, name = _token_counter(data, model, format)
    rejects: list[Reject] = []
    reasons: Counter[str] = Counter()
    formats: Counter[str] = Counter()

    def rejected(reject: Reject) -> None:
        reasons[f"{reject.field}: {reject.reason}" if reject.field else reject.reason] += 1
        if len(rejects) < SHOWN_REJECTS:
            rejects.append(reject)

    def records() -> Iterator[Record]:
        for record in read_records(data, format=format, on_reject=rejected):
            formats[record.origin.format if record.origin else "unknown"] += 1
            if on_progress is not None:
                on_progress(1)
            yield record

    summary = describe(records(), count_tokens=counter)
    assert summary.tokens is not None
    return Inspection(
        summary=summary,
        formats=dict(formats),
        tokenizer=name,
        num_rejects=reasons.total(),
        reject_reasons=dict(reasons.most_common()),
        first_rejects=tuple(rejects),
    )


def _token_counter(data: str, model: str | None, format: str | None) -> tuple[CountTokens, str]:
    if model is not None and not model.startswith("scratch:"):
        from tunewright.tune.model import load_tokenizer

        tokenizer = load_tokenizer(model, [])

        def count_own(texts: list[str]) -> list[int]:
            return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]

        return _in_pieces(count_own), model
    first = islice(read_records(data, format=format, on_reject=lambda reject: None), TOKENIZER_RECORDS)
    bpe = train_bpe(record_texts(first), vocabulary=OWN_VOCABULARY)

    def count_bpe(texts: list[str]) -> list[int]:
        return [len(encoding.ids) for encoding in bpe.encode_batch(texts, add_special_tokens=False)]

    name = f"a byte-level BPE of {bpe.get_vocab_size():,} tokens trained on this data"
    return _in_pieces(count_bpe), name


def _in_pieces(count: CountTokens) -> CountTokens:
    """The same count in bounded memory: a huge text is counted in pieces, at most a token off at each cut."""

    def count_in_pieces(texts: list[str]) -> list[int]:
        lengths = []
        for text in texts:
            cuts = range(0, max(len(text), 1), PIECE_CHARS)
            lengths.append(sum(count([text[cut : cut + PIECE_CHARS]])[0] for cut in cuts))
        return lengths

    def count_all(texts: list[str]) -> list[int]:
        if all(len(text) <= PIECE_CHARS for text in texts):
            return count(texts)
        return count_in_pieces(texts)

    return count_all
