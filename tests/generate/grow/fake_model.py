"""A model that writes items by chance: sound ones, and a known share of every kind of broken ones.

What it says follows from the request alone, so a run can be killed and repeated. As a program it grows a set:
`python fake_model.py OUT N SEED [SECONDS]`.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from tunewright.llm.reply import Answer, Reply, Usage
from tunewright.llm.request import Request

_LISTS = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines()
WORDS, VERBS, NAMES = (line.split() for line in _LISTS)
FAULTS = (
    "empty_explanation",
    "no_key",
    "equal_options",
    "bad_evidence",
    "refusal",
    "points",
    "copy",
    "other_topic",
    "not_json",
    "repeat",
)


class FakeModel:
    """A backend. `fault_share` of the items are broken, one of `FAULTS` each; `cut_share` of replies cut."""

    batch_size = 1
    max_concurrency: int | None = None
    model = "fake:model"
    revision = "1"

    def __init__(
        self, *, fault_share: float = 0.25, cut_share: float = 0.1, seconds: float = 0.0, only: str = ""
    ) -> None:
        self.fault_share = fault_share
        self.cut_share = cut_share
        self.seconds = seconds
        self.faults = (only,) if only else FAULTS
        self.num_calls = 0

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        await asyncio.sleep(self.seconds)
        self.num_calls += len(requests)
        return [self.reply(request) for request in requests]

    async def close(self) -> None:
        """Nothing is open."""

    def reply(self, request: Request) -> Reply:
        rng = random.Random(request.key(model="", revision=""))
        texts = [self._item(request, topic, rng) for topic in topics_of(request)]
        text = '{"items": [' + ", ".join(texts) + "]}"
        finish = "stop"
        if rng.random() < self.cut_share:
            text, finish = text[: rng.randrange(20, len(text))], "length"
        return Reply(text, "length" if finish == "length" else "stop", Usage(3000, 1000), 0.0)

    def _item(self, request: Request, topic: str, rng: random.Random) -> str:
        fault = rng.choice(self.faults) if rng.random() < self.fault_share else ""
        assert request.schema is not None
        kinds = request.schema["$defs"]
        if "GeneralTuple" in kinds:
            item = general(fault, rng)
        else:
            write = next(write for name, write in WRITERS.items() if name in kinds)
            item = write(topic, fault, rng)
        if fault == "other_topic":
            item["topic"] = "a topic nobody asked for"
        if fault == "empty_explanation":
            item["explanation"] = "  "
        text = orjson.dumps(item).decode()
        return text.replace(":", ";", 1) if fault == "not_json" else text


def topics_of(request: Request) -> list[str]:
    """The topics that the prompt lists in order; as many empty ones as it asks for when it lists none."""
    text = request.messages[1].text  # the question itself, also when it is asked again
    listed = re.findall(r"^\d+\. (.+)$", text.split("Topics, one item for each")[-1].split("\n\n")[0], re.M)
    if listed and "Topics, one item for each" in text:
        return listed
    found = re.search(r"Write (\d+) new", text)
    assert found is not None
    return [""] * int(found[1])


def sentence(rng: random.Random, words: int = 9) -> str:
    chosen = rng.sample(WORDS, words)
    begin = f"{rng.choice(NAMES)} {rng.choice(VERBS)} the {chosen[0]} and the {chosen[1]}"
    return f"{begin} near the {' '.join(chosen[2:])}."


def choice(topic: str, fault: str, rng: random.Random) -> dict[str, Any]:
    sentences = [sentence(rng) for _ in range(4)]
    right, *wrong = (" ".join(["the", *rng.sample(WORDS, 3)]) for _ in range(4))
    item: dict[str, Any] = {
        "topic": topic,
        "instruction": "Read the text and choose the best answer.",
        "passage": " ".join(sentences),
        "question": f"What does {rng.choice(NAMES)} say about the {' or the '.join(rng.sample(WORDS, 4))}?",
        "answer": right,
        "wrong_options": [{"text": text, "mistake": f"Takes {text} from another line."} for text in wrong],
        "explanation": f"The text says it in this line: {sentences[1]}",
        "evidence": sentences[1],
    }
    if fault == "no_key":
        del item["answer"]
    if fault == "equal_options":
        item["wrong_options"][1]["text"] = item["wrong_options"][0]["text"].upper()
    if fault == "bad_evidence":
        item["evidence"] = sentence(rng)
    if fault == "refusal":
        item["answer"] = "I'm sorry, but as an AI language model I cannot help with that."
    if fault == "points":
        item["explanation"] = "Option B is wrong because the text says so."
    if fault in ("copy", "repeat"):
        item["passage"], item["evidence"] = "A fixed text about nothing.", ""
        item["question"], item["answer"] = "What is this fixed text about?", "nothing much at all"
    return item


def several(topic: str, fault: str, rng: random.Random) -> dict[str, Any]:
    item = choice(topic, fault, rng)
    right = [item.pop("answer", None), " ".join(["the", *rng.sample(WORDS, 3)])]
    if fault == "no_key":
        right = right[1:]
    return item | {"instruction": "Read the text and choose the two answers that fit.", "answers": right}


def cloze(topic: str, fault: str, rng: random.Random) -> dict[str, Any]:
    """One gap with options, or three gaps of which the first has two right fillings."""
    sentences = [sentence(rng) for _ in range(3)]
    words = rng.sample(WORDS, 8)
    item: dict[str, Any] = {
        "topic": topic,
        "instruction": "Fill each gap.",
        "passage": "",
        "text": f"{sentences[0]} The ____ is by the {words[4]}. {sentences[1]}",
        "gaps": [{"answer": words[0], "also_right": [], "wrong_options": words[1:4]}],
        "explanation": f"It stands in this line: {sentences[0]}",
        "evidence": "",
    }
    if rng.random() < 0.5:
        item["text"] = f"A (1) ____, a (2) ____ and the {words[5]} ____: {sentences[2]}"
        item["gaps"] = [
            {"answer": words[0], "also_right": [words[6]], "wrong_options": []},
            {"answer": words[1], "also_right": [], "wrong_options": []},
            {"answer": words[2], "also_right": [], "wrong_options": []},
        ]
    if fault == "no_key":
        item["gaps"] = item["gaps"][1:]
    if fault == "equal_options":
        item["gaps"][0] |= {"also_right": [], "wrong_options": [words[7], words[7].upper()]}
    if fault == "bad_evidence":
        item["evidence"] = sentence(rng)
    if fault == "refusal":
        item["explanation"] = "As an AI language model, I cannot help with that."
    if fault == "points":
        item["gaps"][0] |= {"also_right": [], "wrong_options": words[6:]}
        item["explanation"] = "Option B is wrong because the text says so."
    if fault in ("copy", "repeat"):
        item |= {"text": "A fixed ____ about nothing.", "passage": "", "evidence": ""}
        item["gaps"] = [{"answer": "text", "also_right": [], "wrong_options": []}]
    return item


def written(topic: str, fault: str, rng: random.Random) -> dict[str, Any]:
    sentences = [sentence(rng) for _ in range(3)]
    item: dict[str, Any] = {
        "topic": topic,
        "instruction": "Write the sentences again in your own words.",
        "input": " ".join(sentences),
        "output": " ".join(sentence(rng) for _ in range(2)),
        "explanation": f"It keeps the meaning of this line: {sentences[0]}",
        "evidence": sentences[0],
    }
    if fault == "no_key":
        del item["output"]
    if fault == "bad_evidence":
        item["evidence"] = sentence(rng)
    if fault == "refusal":
        item["output"] = "I'm sorry, but as an AI language model I cannot help with that."
    if fault in ("copy", "repeat"):
        item["input"], item["output"], item["evidence"] = "One fixed line.", "Another fixed line.", ""
    return item


WRITERS = {"ChoiceTuple": choice, "SeveralTuple": several, "ClozeTuple": cloze, "OpenTuple": written}


def general(fault: str, rng: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {
        "instruction": f"Explain how {sentence(rng)}",
        "input": "",
        "output": f"{sentence(rng)} {sentence(rng)}",
        "explanation": f"It says so here: {sentence(rng)}",
    }
    if fault == "no_key":
        del item["output"]
    if fault == "refusal":
        item["output"] = "I'm sorry, but as an AI language model I cannot help with that."
    if fault in ("copy", "repeat"):
        item["instruction"] = "Name three fixed things that are always the same in this test."
    return item


def main(out: str, n: str, seed: str, seconds: str = "0") -> None:
    from tunewright.generate.config import GenerateConfig
    from tunewright.generate.grow.stage import grow
    from tunewright.run.config import parse_config

    settings = {
        "source": "model",
        "n": int(n),
        "seed": int(seed),
        "ask": {"model": "fake:model", "concurrency": 4},
        "grow": {"refuse_level": "none", "calls_per_round": 8},
    }
    config = parse_config(GenerateConfig, settings, where="test")
    grow(config, Path(out), backend=FakeModel(seconds=float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
