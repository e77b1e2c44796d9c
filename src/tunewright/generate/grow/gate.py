"""The gate: every candidate passes the same steps in the same order, and every rejection has a reason.

    tuple → plan → detectors → near-duplicate → item → level → language

There is no list of forbidden words, texts are not recased, and nothing stops at a number: such filters of
the published loop delete real assessment tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tunewright.duplicates import Pool, Tokens
from tunewright.generate.grow.candidate import Candidate, speaks_of_places
from tunewright.generate.grow.cells import LEVELS
from tunewright.generate.grow.refusals import refusal_in
from tunewright.generate.grow.tuples import Tuple
from tunewright.generate.item_rules import judge
from tunewright.generate.levels import level_of, likely_names
from tunewright.rate.check import find_all
from tunewright.rate.detectors import ALONE, CheckSettings, Severity
from tunewright.records.record import Record

RefuseLevel = Literal["none", "above", "outside"]

_LANGUAGE = "wrong-language"  # the one detector that is a step of its own
# Only warnings in other data, but a model that was asked for an item and declined has given none.
_REFUSALS = {"refusal", "assistant-self"}
_FEWEST_WORDS_OF_A_QUESTION = 6  # with its options; of fewer no level can be told


@dataclass(frozen=True, slots=True)
class Rejection:
    """The step that refused a candidate, the reason under which it is counted, and what was found."""

    step: str
    reason: str
    detail: str


@dataclass(frozen=True)
class GateSettings:
    """What the gate is told. `near_duplicate` is the ROUGE-L F1 above which a candidate is one."""

    near_duplicate: float = 0.7
    language: str = "en"
    refuse_level: RefuseLevel = "above"
    skip_detectors: tuple[str, ...] = ()
    skip_item_rules: tuple[str, ...] = ()


@dataclass
class Gate:
    """Decides about candidates in the order in which they come; what it accepts, later ones are compared
    with. `seeds` are never grown again: a candidate too much like one of them is refused."""

    settings: GateSettings
    seeds: Sequence[str] = ()

    _copies: Pool = field(init=False)
    _contents: Pool = field(init=False)
    _wholes: Pool = field(init=False)
    _seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        # every script counts, blanks count, and a tie is decided exactly
        threshold = self.settings.near_duplicate
        self._copies = Pool(threshold=threshold, tokens=Tokens.UNICODE, against=self.seeds)
        self._contents = Pool(threshold=threshold, tokens=Tokens.UNICODE)
        self._wholes = Pool(threshold=threshold, tokens=Tokens.UNICODE)  # of items with a passage
        check = CheckSettings(self.settings.language)
        skipped = {*self.settings.skip_detectors, _LANGUAGE}
        self._check = check
        self._detectors = [
            one
            for one in ALONE
            if (one.severity is Severity.ERROR or one.name in _REFUSALS) and one.name not in skipped
        ]
        self._language = [one for one in ALONE if one.name == _LANGUAGE]

    def judge(self, candidate: Candidate, given: Tuple) -> Rejection | None:
        """None for a candidate that is accepted, and from now on compared with.

        Only accepted ones are kept to compare with: a rejected one must not keep a sound twin out.
        """
        steps: tuple[Callable[[], Rejection | None], ...] = (
            lambda: self._defects(candidate.record),
            lambda: self._likeness(candidate),
            lambda: self._item(candidate, given),
            lambda: self._level(candidate),
            lambda: self._other_language(candidate.record),
        )
        for step in steps:
            refused = step()
            if refused is not None:
                return refused
        self._seen.update(candidate.identities)
        self._contents.add(candidate.content, candidate.cell)
        if candidate.whole != candidate.content:
            self._wholes.add(candidate.whole, candidate.cell)
        return None

    def _defects(self, record: Record) -> Rejection | None:
        if "refusal" not in self.settings.skip_detectors and (words := refusal_in(record)):
            return Rejection("detectors", "refusal", f"the model declined instead of writing: {words!r}")
        for found in find_all(record, self._detectors, self._check):
            return Rejection("detectors", found.detector, found.message)
        return None

    def _likeness(self, candidate: Candidate) -> Rejection | None:
        """The same item in any cell; a copy of a seed; or a near-duplicate in its own cell.

        On a passage the question with its options and the whole must both be alike. They may be like two
        different items, which errs on the side of dropping.
        """
        step = "near-duplicate"
        if not self._seen.isdisjoint(candidate.identities):
            return Rejection(step, "repeated", "an accepted item has the same texts")
        if self._copies.find(candidate.whole) is not None:
            return Rejection(step, "like_a_seed", "it is a near-duplicate of a seed")
        found = self._contents.find(candidate.content, candidate.cell)
        if found is not None and candidate.whole != candidate.content:
            found = self._wholes.find(candidate.whole, candidate.cell)
        if found is not None:
            return Rejection(step, "near_duplicate", f"ROUGE-L F1 {found.score:.3f} with an accepted item")
        return None

    def _item(self, candidate: Candidate, given: Tuple) -> Rejection | None:
        if candidate.cell.group.form == "general":
            return None
        if words := speaks_of_places(given):
            return Rejection(
                "item", "points_at_a_place", f"{words!r} in an explanation, but options are shuffled"
            )
        for hit in judge(candidate.record, skip=self.settings.skip_item_rules):
            if hit.is_hard:
                return Rejection("item", hit.rule, hit.reason)
        return None

    def _level(self, candidate: Candidate) -> Rejection | None:
        """The text's estimated band does not lie above the cell's level (or nowhere outside, if so set), and
        that of a question with its options not above it.

        The estimate was fitted to sentences and draws passages towards the middle: of the 130 seeds' texts
        it puts 36 below their level, nearly all of them C1 and C2, and 1 above. A text that is too hard
        spoils an item; one that looks easy may still hold a hard question.
        """
        level = candidate.cell.group.level
        if self.settings.refuse_level == "none" or level not in LEVELS:
            return None
        may_be_easy = self.settings.refuse_level == "above"
        texts = [("text", candidate.passage, may_be_easy)]
        if len(candidate.question.split()) >= _FEWEST_WORDS_OF_A_QUESTION:
            texts.append(("question with its options", candidate.question, True))
        for name, text, may_be_easy in texts:
            found = level_of(text, names=likely_names(text))
            if found is None or found.holds(level):
                continue
            low, high = found.band
            if not may_be_easy or LEVELS.index(high) > LEVELS.index(level):
                return Rejection("level", "outside_level_band", f"the {name} looks like {low} to {high}")
        return None

    def _other_language(self, record: Record) -> Rejection | None:
        for found in find_all(record, self._language, self._check):
            return Rejection("language", found.detector, found.message)
        return None
