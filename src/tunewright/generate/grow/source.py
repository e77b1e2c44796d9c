"""The seeds a set grows from: which they are, how many, and under which terms."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tunewright.errors import DataError
from tunewright.generate.item_rules import judge
from tunewright.generate.seeds import load_seeds
from tunewright.generate.validity import normalised
from tunewright.records.native import native_row
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.row import encode_json

OWN_SEEDS = "elpa"
_MOST_NAMED = 5  # faulty seeds in a message
# Asked of what a model writes, but sound in an item bank: no explanation, or two options for true and false.
_OF_MACHINES = ("empty_explanation", "option_count")
_LICENCE_COLUMNS = ("licence", "license")


@dataclass(frozen=True)
class SeedSource:
    """Seeds with what the card says of them. `sha256` is over all that the records say, in their order."""

    name: str
    records: Sequence[Record]
    sha256: str
    licence: str

    @property
    def is_own(self) -> bool:
        return self.name == OWN_SEEDS

    def sentence(self) -> str:
        """Name, number, hash and terms, for a card."""
        number = f"{len(self.records):,} record{'s' if len(self.records) != 1 else ''}"
        return (
            f"Seeds: `{self.name}`, {number}, SHA-256 `{self.sha256}` over what they say. Their licence: "
            f"{self.licence}"
        )


def seed_source(seeds: str) -> SeedSource:
    """The seeds that a config names. Raises what reading a file of records does."""
    records = load_seeds() if seeds == OWN_SEEDS else list(read_records(seeds))
    digest = hashlib.sha256()
    for record in records:
        digest.update(encode_json(native_row(record, as_text=False)) + b"\n")
    if seeds == OWN_SEEDS:
        return SeedSource(OWN_SEEDS, records, digest.hexdigest(), _own_licence())
    return SeedSource(Path(seeds).name, records, digest.hexdigest(), _licence_in(records))


def check_seeds(source: SeedSource, *, skip_rules: Collection[str] | None) -> tuple[str, ...]:
    """Sentences on seeds that are there twice. DataError for seeds with hard faults: what is grown would be
    like them. `skip_rules` are item rules not to ask; None for general data, at which none looks."""
    if skip_rules is not None and not source.is_own:
        skip = {*skip_rules, *_OF_MACHINES}
        faults = []
        for seed in source.records:
            if hard := [hit for hit in judge(seed, skip=skip) if hit.is_hard]:
                faults.append(f"{seed.id}: {hard[0].rule}, {hard[0].reason}")
        if faults:
            more = f"\n  and {len(faults) - _MOST_NAMED:,} more" if len(faults) > _MOST_NAMED else ""
            named = "\n  ".join(faults[:_MOST_NAMED])
            raise DataError(
                f"{source.name}: {_seeds(len(faults))} of {len(source.records):,} cannot be used, and what "
                f"is grown from a faulty seed is like it:\n  {named}{more}\n"
                "Mend them or take them out; 'tunewright check-items' names every fault"
            )
    first: dict[tuple[str, ...], str] = {}
    twice = []
    for seed in source.records:
        texts = tuple(map(normalised, (seed.instruction, seed.input, seed.output)))
        if (other := first.get(texts)) is None:
            first[texts] = seed.id
        else:
            twice.append(f"{seed.id} = {other}" if seed.id != other else f"{seed.id} twice")
    if not twice:
        return ()
    named = ", ".join(twice[:_MOST_NAMED]) + (" …" if len(twice) > _MOST_NAMED else "")
    verb = "repeats" if len(twice) == 1 else "repeat"
    return (f"{_seeds(len(twice))} {verb} another ({named}); prompts will show such a pair",)


def _seeds(number: int) -> str:
    return f"{number:,} seed{'' if number == 1 else 's'}"


def _own_licence() -> str:
    """What our seeds' datasheet says under "Licence"."""
    text = (resources.files("tunewright.generate.seeds") / "DATASHEET.md").read_text(encoding="utf-8")
    section = text.partition("\n## Licence\n")[2].partition("\n## ")[0]
    assert section.strip(), "the datasheet of the seeds has a section on their licence"
    return " ".join(section.split())


def _licence_in(records: Sequence[Record]) -> str:
    """The values of a column `licence` or `license`, each with its number."""
    found = Counter(
        next((str(r.meta[name]).strip() for name in _LICENCE_COLUMNS if r.meta.get(name)), "")
        for r in records
    )
    none = found.pop("", 0)
    if not found:
        return "the file states none; whoever publishes this set must know it."
    named = [f"{name} ({number:,})" for name, number in sorted(found.items())]
    return ", ".join([*named, *([f"none stated ({none:,})"] if none else [])]) + "."
