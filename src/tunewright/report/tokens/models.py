"""The same page for models that were not tuned here: their losses on some rows are measured now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluate.loss_tables import Table
from tunewright.records.record import Record
from tunewright.report.tokens.gather import GROUPS, State, Tokens, mean_loss, side_by_side
from tunewright.report.tokens.stage import write_page
from tunewright.tune.token_losses import WatchedExample

PACK_TOKENS = 4096


def tokens_of_models(
    models: Sequence[str],
    records: Mapping[str, Sequence[Record]],
    out: str | Path,
    *,
    chat_template: str | None = None,
    max_tokens: int = 2048,
) -> Path:
    """Write the page of these models (folders or Hugging Face ids) on all the records, by name of their set.

    All must make the same tokens of a record, else `DataError`. A record that is longer than `max_tokens`
    or whose roles cannot be proved is left out; none left is a `DataError`.
    """
    names = _names(models)
    rows = {
        name: [_measured(model, records, chat_template=chat_template, max_tokens=max_tokens)]
        for name, model in zip(names, models, strict=True)
    }
    found = Tokens(
        arms=tuple(names),
        seeds=dict.fromkeys(names, (0,)),
        states=(State("now", dict.fromkeys(names, 0)),),
        examples=side_by_side(rows),
        tables=_tables({name: states[0] for name, states in rows.items()}),
        has_weights=False,
    )
    return write_page(found, out)


def _names(models: Sequence[str]) -> list[str]:
    """The last part of each path or id; the whole where two would be called alike."""
    short = [Path(model).name if Path(model).name != "model" else Path(model).parent.name for model in models]
    names = [name if short.count(name) == 1 else model for name, model in zip(short, models, strict=True)]
    if len(set(names)) < len(names):
        raise DataError(f"the models {', '.join(models)} are not different ones; give each once")
    return names


def _measured(
    model: str, records: Mapping[str, Sequence[Record]], *, chat_template: str | None, max_tokens: int
) -> list[WatchedExample]:
    import torch

    from tunewright.tune.examples import make_examples
    from tunewright.tune.model import device_of_choice, load_model, load_tokenizer
    from tunewright.tune.network import Network
    from tunewright.tune.roles import Renderer
    from tunewright.tune.token_losses import token_losses, token_texts, watched, with_losses

    everything = [record for rows in records.values() for record in rows]
    tokenizer = load_tokenizer(model, everything)
    renderer = Renderer(tokenizer, chat_template=chat_template)
    loaded = load_model(model, tokenizer, seed=0).to(device_of_choice())
    network = Network.prepare(loaded, dtype=torch.float32)
    shown: list[WatchedExample] = []
    for name, rows in records.items():
        made = make_examples(rows, renderer, max_tokens=max_tokens, explanation=True)
        by_id = {record.id: record for record in rows}
        losses = token_losses(network, made.kept, pack_tokens=PACK_TOKENS)
        for example, nll in zip(made.kept, losses, strict=True):
            texts = token_texts(example, by_id.get(example.id), renderer, explanation=True)
            blank = watched(name, example, texts, np.zeros(len(example), dtype=np.float32))
            shown.append(with_losses(blank, nll))
        if not made.kept:
            drop = made.dropped[0]
            raise DataError(
                f"no row of {name} can be shown; the first, {drop.id}: {drop.reason} ({drop.detail})"
            )
    return shown


def _tables(rows: Mapping[str, Sequence[WatchedExample]]) -> dict[str, list[Table]]:
    """Mean losses of the shown examples, as tables of one seed and one epoch."""
    tables: dict[str, list[Table]] = {}
    for group in GROUPS:
        for name, mine in rows.items():
            for set_name in dict.fromkeys(row.set for row in mine):
                losses = {row.id: mean_loss(row, group) for row in mine if row.set == set_name}
                known = {key: loss for key, loss in losses.items() if loss is not None}
                if known:
                    values = np.array([list(known.values())], dtype=np.float64)
                    table = Table(name, set_name, 0, (0,), tuple(known), values)
                    tables.setdefault(group, []).append(table)
    return tables
