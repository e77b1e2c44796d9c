"""The seeds a set grows from: which they are, how many, and under which terms."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tunewright.generate.seeds import load_seeds
from tunewright.records.native import native_row
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.row import encode_json

OWN_SEEDS = "elpa"
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
