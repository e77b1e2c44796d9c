"""Greedy answers of a tuned model, from the folder it was saved to, as any user would load it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig

from tunewright.evaluate.answer import Answer
from tunewright.records.record import Record
from tunewright.run.progress import Progress
from tunewright.tune.conversation import Role, conversation
from tunewright.tune.model import device_of_choice
from tunewright.tune.roles import Renderer

BATCH = 32
SPARE_TOKENS = 8  # beyond the longest expected answer, so that running on past the end shows


def load_tuned(folder: Path) -> tuple[Any, Renderer]:
    """The saved model in eval mode with its renderer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
    return model.eval().to(device_of_choice()), Renderer(AutoTokenizer.from_pretrained(str(folder)))


@torch.no_grad()
def greedy_answers(
    model: Any,
    renderer: Renderer,
    records: Sequence[Record],
    *,
    explanation: bool = True,
    max_new_tokens: int = 256,
    to_the_end: bool = False,
    progress: Progress | None = None,
) -> list[Answer]:
    """Greedy continuations of the records' prompts, in their order.

    The prompt is the exact token prefix that training saw before the answer, not a second rendering. The
    limit is the longest expected answer of a batch plus a little, at most `max_new_tokens`; `to_the_end` it
    is `max_new_tokens` alone.
    """
    prompts = [_prompt_and_answer(record, renderer, explanation) for record in records]
    by_length = sorted(range(len(records)), key=lambda index: len(prompts[index][0]))
    answers: dict[int, Answer] = {}
    for start in range(0, len(by_length), BATCH):
        chunk = by_length[start : start + BATCH]
        longest = max(prompts[index][1] for index in chunk) + SPARE_TOKENS
        limit = max_new_tokens if to_the_end else min(longest, max_new_tokens)
        texts = _generate(model, renderer, [prompts[index][0] for index in chunk], limit)
        for index, (text, stopped) in zip(chunk, texts, strict=True):
            expected = conversation(records[index], explanation=explanation)[-1].text
            answers[index] = Answer(records[index].id, expected, text, stopped)
        if progress is not None:
            progress.advance(len(chunk))
    return [answers[index] for index in range(len(records))]


def _prompt_and_answer(record: Record, renderer: Renderer, explanation: bool) -> tuple[list[int], int]:
    """The ids before the last answer, and how many tokens the answer has with its end."""
    roled = renderer(conversation(record, explanation=explanation))
    output = roled.roles == Role.OUTPUT
    starts = np.flatnonzero(output & ~np.concatenate([[False], output[:-1]]))
    return roled.ids[: starts[-1]].tolist(), len(roled.ids) - int(starts[-1])


def _generate(model: Any, renderer: Renderer, prompts: list[list[int]], limit: int) -> list[tuple[str, bool]]:
    width = max(len(prompt) for prompt in prompts)
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    attended = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):  # padded on the left, so that every answer starts at one place
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        attended[row, width - len(prompt) :] = 1
    limit = max(min(limit, _positions(model) - width), 1)
    stop_ids = _stop_ids(model, renderer)
    # a fresh configuration: what a model folder sets (a repetition penalty, sampling) would not be greedy
    greedy = GenerationConfig(
        max_new_tokens=limit, do_sample=False, eos_token_id=stop_ids, pad_token_id=stop_ids[0]
    )
    model.generation_config = greedy  # generate() would fill unset fields from the model's own
    out = model.generate(input_ids=ids.to(model.device), attention_mask=attended.to(model.device))
    texts = []
    for row in out[:, width:].tolist():
        stop = next((place for place, token_id in enumerate(row) if token_id in stop_ids), None)
        text = renderer.tokenizer.decode(row if stop is None else row[:stop], skip_special_tokens=True)
        texts.append((text.strip(), stop is not None))
    return texts


def _stop_ids(model: Any, renderer: Renderer) -> list[int]:
    saved = model.generation_config.eos_token_id
    others = saved if isinstance(saved, list) else [] if saved is None else [saved]
    return list(dict.fromkeys([renderer.stop_id, *others]))


def _positions(model: Any) -> int:
    return int(getattr(model.config, "max_position_embeddings", None) or 1 << 30)
