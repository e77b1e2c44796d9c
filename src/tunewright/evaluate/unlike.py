"""Arms that differ in more than their objective: what then is measured alike, and in which unit.

Arms with other training rows, another model or another template are still compared on the same held-out
records. Where all have one tokenizer that is nats per output token, on the examples whose outputs are the
same tokens in every arm. Under different tokenizers a token is not the same thing: there it is nats per
UTF-8 byte of the output, whose text is the same (lm-evaluation-harness's bits_per_byte, in nats). The end
token is no text, and in neither unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import DataError
from tunewright.records.record import Record
from tunewright.run.files import write_text_atomic
from tunewright.tune.conversation import Role, conversation

TRAIN = "train"
FILE = "unlike.json"  # in an evaluation's folder, where its arms are unlike
PER_TOKEN, PER_BYTE = "nats/token", "nats/byte"
# what decides which rows there are, and how they are tokenised and weighed
ROW_SETTINGS = ("max_tokens", "too_long", "explanation", "chat_template", "record_weight")


@dataclass(frozen=True, slots=True)
class Unlike:
    """What makes unlike arms comparable: the bytes of every output by record id, of each arm's training rows
    and of each held-out set. None where all arms have one tokenizer, and tokens compare."""

    trained_bytes: Mapping[str, Mapping[str, int]] | None = None  # by arm
    heldout_bytes: Mapping[str, Mapping[str, int]] | None = None  # by set

    @property
    def unit(self) -> str:
        return PER_TOKEN if self.heldout_bytes is None else PER_BYTE

    def lengths(self, arm: str, set_name: str) -> Mapping[str, int] | None:
        """The bytes of the outputs of an arm's set; None where tokens are counted."""
        if self.trained_bytes is None or self.heldout_bytes is None:
            return None
        return self.trained_bytes[arm] if set_name == TRAIN else self.heldout_bytes[set_name]

    def write(self, folder: Path) -> None:
        write_text_atomic(folder / FILE, orjson.dumps(asdict(self)).decode())


def read_unlike(folder: Path) -> Unlike | None:
    """What an evaluation found of its arms; None where all train on the same token rows."""
    if not (folder / FILE).exists():
        return None
    return Unlike(**orjson.loads((folder / FILE).read_bytes()))


def unlike(
    manifests: Mapping[str, Mapping[str, Any]],
    train: Mapping[str, Sequence[Record]],
    heldout: Mapping[str, Sequence[Record]],
) -> Unlike | None:
    """How these models (manifests by folder) compare; None where all train on the same token rows.

    `train` is by arm. `DataError` where models of one setting have other rows (another run's folder), were
    measured on other held-out records, or cut long rows under different tokenizers: what is left of a cut
    output has no length in bytes.
    """
    first_of: dict[Any, tuple[str, str]] = {}
    for folder, manifest in manifests.items():
        digest = str(manifest["extra"]["rows_digest"])
        known, other = first_of.setdefault(_rows_of(manifest), (digest, folder))
        if known != digest:
            raise DataError(
                f"{other} and {folder} were not trained on the same token rows; compare arms with the same "
                "data, template and max_tokens"
            )
    _same_heldout(manifests, heldout)
    if len(first_of) == 1:
        return None
    if len({manifest["extra"]["tokenizer_sha256"] for manifest in manifests.values()}) == 1:
        return Unlike()
    cutting = [folder for folder, manifest in manifests.items() if manifest["config"]["too_long"] == "cut"]
    if cutting:
        raise DataError(
            f"{cutting[0]} cuts long rows, and the arms have different tokenizers: what is left of a cut "
            "output cannot be measured per byte; leave out too_long: cut"
        )
    return Unlike(_bytes(train), _bytes(heldout))


def _bytes(sets: Mapping[str, Sequence[Record]]) -> dict[str, dict[str, int]]:
    return {name: {record.id: _output_bytes(record) for record in records} for name, records in sets.items()}


def _output_bytes(record: Record) -> int:
    """The bytes of all that is scored as output: the answer, and the earlier answers of a conversation."""
    return sum(
        len(text.encode("utf-8", "surrogatepass"))
        for message in conversation(record)
        for role, text in message.pieces
        if role is Role.OUTPUT
    )


def _rows_of(manifest: Mapping[str, Any]) -> Any:
    """All that decides a model's token rows."""
    settings = tuple(str(manifest["config"].get(name)) for name in ROW_SETTINGS)
    extra = manifest["extra"]
    return (
        manifest["inputs"].get("data"),
        extra.get("template_sha256"),
        extra.get("tokenizer_sha256"),
        *settings,
    )


def _same_heldout(
    manifests: Mapping[str, Mapping[str, Any]], heldout: Mapping[str, Sequence[Record]]
) -> None:
    for name in heldout:
        by_digest = {str(manifest["inputs"].get(name)): folder for folder, manifest in manifests.items()}
        if len(by_digest) > 1:
            first, second = list(by_digest.values())[:2]
            raise DataError(
                f"{first} and {second} were not measured on the same records of {name}; tune both again with "
                "the same held-out sets"
            )
