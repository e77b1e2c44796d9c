"""The loss of every single token, and the file that keeps it for a few examples to be looked at.

Means per role say how much was learnt; only the tokens of an example say where. The examples watched are
chosen by a hash of their ids, so every arm and seed on the same data keeps the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tunewright.errors import RunFolderError
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl, write_text_atomic
from tunewright.tune.conversation import Role, conversation

if TYPE_CHECKING:  # the report reads these files, and must not wait for torch or transformers
    from tunewright.tune.examples import Example
    from tunewright.tune.network import Network
    from tunewright.tune.objective import Objective
    from tunewright.tune.roles import Renderer

WATCHED = 8  # examples of each set
LONGEST = 400  # tokens; longer examples are left out where the program chooses
FOLDER = "tokens"  # within the folder of an arm


@dataclass(frozen=True, slots=True)
class WatchedExample:
    """The tokens of one example under one model; all lists have one length.

    `texts` concatenate to the rendering (bytes of one character: all on the first). `weights` are those of
    the arm's objective times the record's own; `nll` is in nats, None at position 0, which nothing predicts.
    """

    set: str
    id: str
    texts: list[str]
    ids: list[int]
    roles: list[str]
    weights: list[float]
    nll: list[float | None]


def token_losses(
    network: Network,
    examples: Sequence[Example],
    *,
    pack_tokens: int,
    score: Sequence[NDArray[np.bool_]] | None = None,
) -> list[NDArray[np.float32]]:
    """The nll in nats of each token of each example, float32 of the example's length, in the order given.

    `score` names the tokens whose loss is wanted, by default all, template tokens too; the others are NaN,
    and so is position 0. In eval mode and without gradient; training mode is restored. The same for any
    `pack_tokens`, up to rounding.
    """
    import torch

    from tunewright.tune.batches import micro_batches

    wanted = [np.ones(len(e), dtype=bool) for e in examples] if score is None else [s.copy() for s in score]
    for mask in wanted:
        mask[:1] = False
    found = [np.full(len(example), np.nan, dtype=np.float32) for example in examples]
    zeros = [np.zeros(len(example), dtype=np.float32) for example in examples]
    was_training = network.model.training
    network.model.eval()
    try:
        with torch.no_grad():
            for micro in micro_batches(
                examples, zeros, pack_tokens=pack_tokens, packed=network.packed, score=wanted
            ):
                nll_N = network.loss(micro).nll_N.float().cpu().numpy()
                for number, index in enumerate(micro.documents):
                    found[index][wanted[index]] = nll_N[micro.row_document_N == number]
    finally:
        network.model.train(was_training)
    return found


def choose(examples: Sequence[Example], num: int = WATCHED, *, longest: int = LONGEST) -> list[Example]:
    """`num` examples of at most `longest` tokens by the hash of their ids: the same whatever their order."""
    short = (example for example in examples if len(example) <= longest)
    return sorted(short, key=lambda example: hashlib.sha256(example.id.encode()).digest())[:num]


def token_texts(
    example: Example, record: Record | None, renderer: Renderer, *, explanation: bool
) -> list[str]:
    """The text of each token as it stands in the rendering, which is rendered again for it.

    Without the record, or where it no longer gives these ids, each token is decoded by itself.
    """
    if record is not None:
        roled = renderer(conversation(record, explanation=explanation))
        length = len(example)  # shorter where the example was cut
        if np.array_equal(roled.ids[:length], example.ids):
            pieces = roled.pieces()[:length]
            if renderer.appends_eos and length == len(roled.ids):
                pieces[-1] = str(renderer.tokenizer.convert_ids_to_tokens(int(roled.ids[-1])))
            return pieces
    return [str(renderer.tokenizer.decode([int(token)])) for token in example.ids]


class TokenWatch:
    """The chosen examples of every measured set, their texts ready, to be measured after each epoch."""

    def __init__(
        self,
        measured: Mapping[str, Sequence[Example]],
        records: Mapping[str, Sequence[Record]],
        renderer: Renderer,
        objective: Objective,
        folder: Path,
        *,
        explanation: bool,
        pack_tokens: int,
    ) -> None:
        self._folder = folder
        self._pack_tokens = pack_tokens
        self._rows: list[tuple[Example, WatchedExample]] = []
        for name, examples in measured.items():
            by_id = {record.id: record for record in records.get(name, ())}
            for example in choose(examples):
                texts = token_texts(example, by_id.get(example.id), renderer, explanation=explanation)
                weights = objective.token_weights(example.roles) * np.float32(example.weight)
                self._rows.append((example, watched(name, example, texts, weights)))

    def measure(self, network: Network, epoch: int) -> None:
        """Write `tokens/epoch-N.jsonl`, whole or not at all; a file that is there stays."""
        file = self._folder / FOLDER / f"epoch-{epoch}.jsonl"
        world = network.world
        if world.from_first(file.exists):
            return
        examples = [example for example, _ in self._rows]
        losses = token_losses(network, examples, pack_tokens=self._pack_tokens)
        rows = [with_losses(row, nll) for (_, row), nll in zip(self._rows, losses, strict=True)]
        world.from_first(lambda: write_token_losses(file, rows))


def watched(
    set_name: str, example: Example, texts: list[str], weights: NDArray[np.float32]
) -> WatchedExample:
    """The example with its texts and weights, and no losses yet."""
    assert len(texts) == len(example) == len(weights)
    return WatchedExample(
        set=set_name,
        id=example.id,
        texts=texts,
        ids=example.ids.tolist(),
        roles=[Role(role).name.lower() for role in example.roles],
        weights=weights.tolist(),
        nll=[None] * len(example),
    )


def with_losses(row: WatchedExample, nll: NDArray[np.float32]) -> WatchedExample:
    """The row with these losses; NaN becomes None."""
    losses = [None if np.isnan(value) else round(float(value), 4) for value in nll]
    return WatchedExample(row.set, row.id, row.texts, row.ids, row.roles, row.weights, losses)


def write_token_losses(file: Path, rows: Sequence[WatchedExample]) -> None:
    """One JSON object a line, written whole; the folder is made."""
    file.parent.mkdir(exist_ok=True)
    write_text_atomic(file, "".join(orjson.dumps(asdict(row)).decode() + "\n" for row in rows))


def read_token_losses(file: Path) -> list[WatchedExample]:
    """What `write_token_losses` wrote. A file that is not that is a `RunFolderError` with the line."""
    rows = []
    for number, fields in enumerate(read_jsonl(file), start=1):
        row = _row_of(fields)
        if row is None:
            raise RunFolderError(f"{file}:{number}: not the tokens of an example; delete it and tune again")
        rows.append(row)
    return rows


def _row_of(fields: Mapping[str, Any]) -> WatchedExample | None:
    try:
        row = WatchedExample(**fields)
    except TypeError:
        return None
    lists = (row.texts, row.ids, row.roles, row.weights, row.nll)
    if not all(isinstance(values, list) and len(values) == len(row.texts) for values in lists):
        return None
    return row
