"""One pass over the records: lengths, repeats, signs, and a sample for what needs a tokenizer."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field

from tunewright.evaluate.advice import signs
from tunewright.evaluate.advice.lengths import LengthTally, is_unspaced, paper_words, plain_words
from tunewright.rate.detectors import CheckSettings, Detector
from tunewright.rate.detectors.detector import prompt, texts
from tunewright.rate.detectors.personal import CARD_NUMBER, EMAIL_ADDRESS, IBAN, IP_ADDRESS, PHONE_NUMBER
from tunewright.rate.detectors.refusals import REFUSAL
from tunewright.records.digest import prompt_digest
from tunewright.records.record import Record

PRIVATE: tuple[Detector, ...] = (EMAIL_ADDRESS, PHONE_NUMBER, IBAN, CARD_NUMBER, IP_ADDRESS)
ANSWER_FIELDS = ("output", "explanation")
SHOWN_IDS = 3
LONG_OUTPUT_WORDS = (
    400  # about LIMA's mean (442), the one published set where IM gained nothing on AlpacaEval 1
)
MOST_PROMPTS = 100_000  # kept for near-duplicates, about 20 MB of short prompts; later ones are not compared
_SETTINGS = CheckSettings()
_SEED = 0


@dataclass(slots=True)
class Sign:
    """How many records show something, and the ids of the first few."""

    count: int = 0
    ids: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record, *kinds: str) -> None:
        """One more record, counted once under each of `kinds`."""
        self.count += 1
        self.kinds.update(kinds)
        if len(self.ids) < SHOWN_IDS:
            self.ids.append(record.id)


class Scan:
    """What one pass gathers. Memory: prompts up to `MOST_PROMPTS`, the sample, some bytes a record."""

    def __init__(self, *, sample_records: int) -> None:
        self.num_records = 0
        self.paper_words, self.plain_words = LengthTally(), LengthTally()
        self.num_with_history = self.num_with_system = self.num_with_explanation = 0
        self.num_exact_duplicates = self.num_unspaced = self.num_english = self.num_prompts = 0
        self.formats: Counter[str] = Counter()
        self.prompts: list[str] = []
        self.sample: list[Record] = []
        self.refusals, self.private_prompts, self.private_outputs = Sign(), Sign(), Sign()
        self.harmful, self.retrieved, self.skill, self.long_outputs = Sign(), Sign(), Sign(), Sign()
        self._sample_records = sample_records
        self._random = random.Random(_SEED)
        self._seen: set[bytes] = set()

    def add(self, record: Record) -> None:
        """Count one record, and maybe keep it in the sample (Algorithm R: each is as likely to be kept)."""
        self._keep(record)
        self.num_records += 1
        self.formats[record.origin.format if record.origin else "unknown"] += 1
        self.num_with_history += bool(record.history)
        self.num_with_system += bool(record.system)
        self.num_with_explanation += bool(record.explanation)
        self.paper_words.add(paper_words(record))
        words = plain_words(record)
        self.plain_words.add(words)
        self.num_prompts += words[0] > 0
        asked = prompt(record)
        if len(self.prompts) < MOST_PROMPTS:
            self.prompts.append(asked)
        self.num_unspaced += is_unspaced(asked or record.output)
        self.num_english += signs.looks_english(asked) or signs.looks_english(record.output)
        self._repeat(record)
        self._look(record, output_words=words[1])

    def drawn(self) -> list[Record]:
        """The sample in random order, the same each time: its beginning is a sample of the whole too."""
        return random.Random(_SEED).sample(self.sample, len(self.sample))

    def _keep(self, record: Record) -> None:
        if len(self.sample) < self._sample_records:
            self.sample.append(record)
        else:
            place = self._random.randrange(self.num_records + 1)
            if place < self._sample_records:
                self.sample[place] = record

    def _repeat(self, record: Record) -> None:
        key = prompt_digest(record) + record.output.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(key, digest_size=8).digest()
        self.num_exact_duplicates += digest in self._seen
        self._seen.add(digest)

    def _look(self, record: Record, *, output_words: int) -> None:
        if any(True for _ in REFUSAL.find(record, _SETTINGS)):
            self.refusals.add(record)
        in_prompt, in_output = _private(record)
        if in_prompt:
            self.private_prompts.add(record, *in_prompt)
        if in_output:
            self.private_outputs.add(record, *in_output)
        if signs.asks_for_harm(record):
            self.harmful.add(record)
        if kind := signs.retrieved_text(record):
            self.retrieved.add(record, kind)
        if kind := signs.skill(record):
            self.skill.add(record, kind)
        if output_words > LONG_OUTPUT_WORDS:
            self.long_outputs.add(record)


def _private(record: Record) -> tuple[set[str], set[str]]:
    """What kinds of private text stand in what was asked, and what in what is answered."""
    in_prompt: set[str] = set()
    in_output: set[str] = set()
    places = [(found.detector, found.field) for one in PRIVATE for found in one.find(record, _SETTINGS)]
    places += [("key", name) for name, text in texts(record) if signs.holds_secret(text)]
    for kind, name in places:
        (in_output if name in ANSWER_FIELDS or _is_answer_turn(record, name) else in_prompt).add(kind)
    return in_prompt, in_output


def _is_answer_turn(record: Record, name: str) -> bool:
    """Whether `history[i]` is a turn of the assistant."""
    number = name.removeprefix("history[").removesuffix("]")
    return number.isdigit() and record.history[int(number)].speaker == "assistant"
