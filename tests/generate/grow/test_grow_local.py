"""Growing with a random model in this process: held to the schema, every reply has the form, if no sense."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from llm.local_models import on_cpu, random_llama
from support.tiny_models import TEXTS
from tunewright.errors import ModelError
from tunewright.generate.config import GenerateConfig
from tunewright.generate.grow.ask import PROMPTS
from tunewright.generate.grow.stage import grow
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl
from tunewright.tune.scratch import train_bpe
from tunewright.tune.templates import TULU


def test_a_random_model_gives_tuples_of_the_form_and_all_are_counted(tmp_path: Path) -> None:
    prompts = [PROMPTS.text(name) for name in PROMPTS.names()]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe([*prompts, *TEXTS], vocabulary=1200),
        bos_token="<|bos|>",
        eos_token="<|end|>",
        chat_template=TULU,
    )
    model = random_llama(tmp_path / "model", tokenizer, context=4096)
    settings = {
        "source": "model",
        "n": 12,
        "ask": {"model": f"hf:{model}", "max_asked_again": 0},
        "grow": {
            "per_call": 1,
            "calls_per_round": 12,
            "patience_rounds": 1,
            "min_acceptance": 0.5,
            "seed_examples": 0,
            "machine_examples": 0,
            "max_tokens": 300,
            "refuse_level": "none",
        },
    }
    config = parse_config(GenerateConfig, settings, where="test")
    out = tmp_path / "grown"
    with suppress(ModelError):  # when all noise was refused; the files are kept
        grow(config, out, backend=on_cpu(model))
    rounds = list(read_jsonl(out / "metrics.jsonl"))
    num_rejects = sum(1 for _ in read_jsonl(out / "rejects.jsonl"))
    num_records = sum(1 for _ in read_jsonl(out / "records.jsonl"))
    assert sum(row["candidates"] for row in rounds) == num_records + num_rejects >= 12
    reasons = Counter(row["reason"] for row in read_jsonl(out / "rejects.jsonl"))
    assert not reasons.keys() & {"not_json", "not_asked_for", "refused"}, reasons
