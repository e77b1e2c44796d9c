"""The model, the rows and the multiplications of one cell: what every contender is given.

A cell is a data set, an objective and a number format. Rows are tokenised once, by Tunewright, and handed to
all contenders as token ids with labels, in the order in which they are to be trained on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 8
MAX_TOKENS = 1024
VOCABULARY = 32_768
MODEL = {
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "intermediate_size": 1024,
}
DRAWN = 64  # examples of each data set, of which a run trains on the first steps
# Tokens of instruction and output that a data set of its kind typically has; rows from half to four times
# of both are drawn.
TYPICAL = {"alpaca": (26, 98), "long": (224, 15)}


@dataclass(frozen=True)
class Cell:
    """One column of the comparison. `data` is a file of rows, `precision` f32 or bf16."""

    name: str
    data: str
    objective: str
    precision: str


def make_model(files: Sequence[Path], out: Path) -> Path:
    """A Llama with random weights and a byte-level BPE trained on the files, in `out/model`.

    The tokenizer finds fewer merges than the vocabulary has room for; the head is that of 32,768 tokens.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from tunewright.records import read_records
    from tunewright.tune.scratch import BOS, END, PAD, SPECIAL_TOKENS, record_texts, train_bpe
    from tunewright.tune.templates import TUNEWRIGHT

    folder = out / "model"
    if (folder / "config.json").exists():
        return folder
    texts = (text for file in files for text in record_texts(read_records(file)))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(texts, vocabulary=VOCABULARY),
        pad_token=PAD,
        bos_token=BOS,
        eos_token=END,
        additional_special_tokens=SPECIAL_TOKENS[3:],
        chat_template=TUNEWRIGHT,
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        tie_word_embeddings=True,
        max_position_embeddings=2 * MAX_TOKENS,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **MODEL,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_rows(file: Path, model: Path, name: str, out: Path) -> dict[str, Any]:
    """Write `out/NAME.json`, rows in training order; give back what the data set is like, in words.

    64 examples are drawn and dealt out so that every step has one from each eighth by length; two steps are
    then as alike as they can be. Before them lies a warm-up step of the eight shortest rows of the file.
    """
    from transformers import AutoTokenizer

    from tunewright.records import read_records
    from tunewright.tune.conversation import Role
    from tunewright.tune.examples import make_examples
    from tunewright.tune.roles import Renderer

    renderer = Renderer(AutoTokenizer.from_pretrained(model))
    generator = np.random.default_rng(0)
    records = list(read_records(file))
    records = [records[index] for index in generator.permutation(len(records))[: 16 * DRAWN]]
    examples = make_examples(records, renderer, max_tokens=MAX_TOKENS, explanation=True).kept
    shortest = sorted(examples, key=len)[:BATCH]
    prompt, answer = (Role.INSTRUCTION, Role.INPUT), (Role.OUTPUT,)
    drawn = [
        example
        for example in examples
        if all(
            typical / 2 <= example.count(*roles) <= typical * 4
            for typical, roles in zip(TYPICAL[name], (prompt, answer), strict=True)
        )
    ][:DRAWN]
    if len(drawn) < DRAWN:
        raise SystemExit(
            f"{file}: only {len(drawn)} of {len(examples)} rows are like {name}; {DRAWN} are needed"
        )
    drawn.sort(key=len)
    eighths = [
        [drawn[i] for i in generator.permutation(np.arange(s, s + BATCH))] for s in range(0, DRAWN, BATCH)
    ]
    steps = [[eighth[step] for eighth in eighths] for step in range(DRAWN // BATCH)]
    rows = [
        {"id": example.id, "ids": example.ids.tolist(), "roles": example.roles.tolist()}
        for step in [shortest, *steps]
        for example in step
    ]
    (out / f"{name}.json").write_text(json.dumps(rows))
    return {
        "median instruction": float(np.median([example.count(*prompt) for example in drawn])),
        "median output": float(np.median([example.count(*answer) for example in drawn])),
        "mean tokens": float(np.mean([len(example) for example in drawn])),
    }


def labelled_rows(cell: Cell, num_steps: int) -> list[dict[str, list[int]]]:
    """`input_ids` and `labels` (−100 where there is no loss) of the warm-up and the measured steps."""
    from tunewright.tune.objective_names import parse_objective

    objective = parse_objective(cell.objective)
    rows = json.loads(Path(cell.data).read_text())[: BATCH * (1 + num_steps)]
    found = []
    for row in rows:
        weights = objective.token_weights(np.array(row["roles"], dtype=np.int8))
        labels = np.where(weights != 0, row["ids"], -100)
        found.append({"input_ids": row["ids"], "labels": labels.tolist()})
    return found


def multiplications(lengths: Sequence[int], num_supervised: int) -> float:
    """Floating-point operations that training on these documents cannot do without.

    Every weight of a linear layer costs 2 per token forward and 4 backward: 6·body·tokens. Causal attention
    over L tokens, all heads together H wide, needs scores and weighted values for L(L+1)/2 pairs, 2·H each,
    and twice that backward: 6·H·L(L+1) per layer. The head is needed on supervised rows alone: 6·H·V·rows.
    """
    hidden, layers = MODEL["hidden_size"], MODEL["num_hidden_layers"]
    body = layers * sum(rows * columns for rows, columns in linear_shapes())
    attention = 6 * layers * hidden * sum(length * (length + 1) for length in lengths)
    return 6.0 * body * sum(lengths) + attention + 6.0 * hidden * VOCABULARY * num_supervised


def linear_shapes() -> list[tuple[int, int]]:
    """(outputs, inputs) of the linear layers of one block."""
    hidden, mlp = MODEL["hidden_size"], MODEL["intermediate_size"]
    narrow = hidden // MODEL["num_attention_heads"] * MODEL["num_key_value_heads"]
    return [
        (hidden, hidden),
        (narrow, hidden),
        (narrow, hidden),
        (hidden, hidden),
        (mlp, hidden),
        (mlp, hidden),
        (hidden, mlp),
    ]
