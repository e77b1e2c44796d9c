"""The rules that an assessment item is judged by, in one list: hard ones refuse it, warnings ask for a look.

    for hit in judge(record):
        if hit.is_hard: ...

Rules are deterministic, look at one record and ask no model. `RULES` need nothing else; `GRAMMAR` needs the
extra `grammar`, so that only who asks for `ALL_RULES` gets it. Each has its share of alarms on items that
experts wrote (`item_rates`). How a *set* of items spreads its keys is not a rule but `set_statistics`.
"The key's words stand in the passage" is no rule: good items do that, and their distractors do as often.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tunewright.errors import RecipeError
from tunewright.generate import grammar, hard_rules, item_warnings
from tunewright.generate.item_view import ItemView, view_of
from tunewright.records.record import Record


class Severity(StrEnum):
    """`hard`: the item cannot be used; `warning`: somebody should look at it."""

    HARD = "hard"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that an item breaks, and what was found, in words."""

    rule: str
    severity: Severity
    reason: str

    @property
    def is_hard(self) -> bool:
        """Whether the item must not be used as it is."""
        return self.severity is Severity.HARD


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `meaning` says in a sentence what is refused, `example` shows it in one line.

    `find` yields a reason for every fault. `applies` tells whether the item has what the rule looks at; a
    rate is over those items alone.
    """

    name: str
    severity: Severity
    meaning: str
    example: str
    find: Callable[[ItemView], Iterable[str]]
    applies: Callable[[ItemView], bool]


def judge(
    record: Record, *, skip: Collection[str] = (), rules: Sequence[Rule] | None = None
) -> list[RuleHit]:
    """All that is wrong with an item, hard faults first, in the order of `rules`; empty when it is sound.

    The record's `meta` holds the item's parts as `item_view` describes. A record without options and answer
    (a prompt for an essay) is judged by its texts alone. `skip` names rules that are not asked; RecipeError
    when one of them does not exist.
    """
    check_names(skip)
    view = view_of(record)
    return [
        RuleHit(rule.name, rule.severity, reason)
        for rule in (RULES if rules is None else rules)
        if rule.name not in skip and rule.applies(view)
        for reason in rule.find(view)
    ]


def check_names(names: Iterable[str]) -> None:
    """RecipeError when one of the names is no rule."""
    known = [rule.name for rule in ALL_RULES]
    for name in names:
        if name not in known:
            raise RecipeError(f"there is no item rule '{name}'; choose from {', '.join(known)}")


def _any(_: ItemView) -> bool:
    return True


def _is_choice(view: ItemView) -> bool:
    return view.is_choice


def _has_options_or_gaps(view: ItemView) -> bool:
    return view.is_choice or bool(view.gaps)


def _has_key(view: ItemView) -> bool:
    return view.item is not None


def _has_one_key(view: ItemView) -> bool:
    return view.key_place is not None and len(view.options) > 1


def _has_stem_and_key(view: ItemView) -> bool:
    return view.has_stem and view.item is not None


def _has_stem(view: ItemView) -> bool:
    return view.has_stem and view.is_choice


def _has_explanation(view: ItemView) -> bool:
    return bool(view.record.explanation.strip())


def _explains_a_choice(view: ItemView) -> bool:
    return _has_one_key(view) and _has_explanation(view)


def _has_evidence(view: ItemView) -> bool:
    return bool(view.evidence.strip())


_HARD, _WARNING = Severity.HARD, Severity.WARNING

RULES: tuple[Rule, ...] = (
    Rule(
        "empty_field",
        _HARD,
        "The instruction, the answer, the stem or an option is empty.",
        "A) Rome  B)  C) Paris",
        hard_rules.empty_field,
        _any,
    ),
    Rule(
        "empty_explanation",
        _HARD,
        "Nothing says why the key is right.",
        "explanation: (nothing)",
        hard_rules.empty_explanation,
        _any,
    ),
    Rule(
        "option_count",
        _HARD,
        "A choice item has fewer than three options or more than five; two are allowed when they are a "
        "true/false pair.",
        "A) in June  B) in July",
        hard_rules.option_count,
        _is_choice,
    ),
    Rule(
        "equal_options",
        _HARD,
        "Two wrong options are the same text; case, spaces, quote shapes and a final stop do not count.",
        "A) at nine  B) At nine.  C) at ten (key)",
        hard_rules.equal_options,
        _is_choice,
    ),
    Rule(
        "key_is_one_option",
        _HARD,
        "The key is not exactly one of the options: it names none or several, is repeated by a wrong option, "
        "or the answer given is another option. An item that asks for all right options needs two of them; "
        "a cloze needs a key for every gap.",
        "A) at nine  B) at ten  C) at one; key: D",
        hard_rules.key_is_one_option,
        _has_options_or_gaps,
    ),
    Rule(
        "explanation_defends_key",
        _HARD,
        "The explanation calls another option the answer.",
        "key: B; explanation: The answer is C. …",
        hard_rules.explanation_defends_key,
        _explains_a_choice,
    ),
    Rule(
        "explanation_in_output",
        _HARD,
        "The answer contains the whole explanation, so a model would learn to write both as one.",
        "output: B) at ten. The notice says so.; explanation: The notice says so.",
        hard_rules.explanation_in_output,
        _has_explanation,
    ),
    Rule(
        "answer_in_stem",
        _HARD,
        "The stem prints the answer, and no other option.",
        "Anna left at ten. When did she leave? A) at nine  B) at ten (key)  C) at one",
        hard_rules.answer_in_stem,
        _has_stem_and_key,
    ),
    Rule(
        "evidence_in_passage",
        _HARD,
        "The evidence is not a literal span of the passage; only line breaks, runs of spaces and the "
        "encoding of accents may differ.",
        "passage: The pool opens at nine.; evidence: The pool is open from nine",
        hard_rules.evidence_in_passage,
        _has_evidence,
    ),
    Rule(
        "key_longest",
        _WARNING,
        "The key is strictly longer, in characters, than every other option.",
        "A) in June  B) in July, after the long school holidays (key)  C) in May",
        item_warnings.key_longest,
        _has_one_key,
    ),
    Rule(
        "key_much_longer",
        _WARNING,
        "The key has at least 1.25 times the characters of the next longest option.",
        "A) tea  B) some coffee (key)  C) milk",
        item_warnings.key_much_longer,
        _has_one_key,
    ),
    Rule(
        "negative_stem",
        _WARNING,
        "The stem has not, never, except or least, which readers overlook.",
        "Which of these is not sold at the market?",
        item_warnings.negative_stem,
        _has_stem,
    ),
    Rule(
        "absolute_term",
        _WARNING,
        "An option has a word such as always, never, all, every or only, which test-wise readers avoid.",
        "A) He never writes letters.",
        item_warnings.absolute_term,
        _is_choice,
    ),
    Rule(
        "all_or_none_of_the_above",
        _WARNING,
        "An option speaks of the other options.",
        "D) none of the above",
        item_warnings.all_or_none_of_the_above,
        _is_choice,
    ),
    Rule(
        "article_gives_key_away",
        _WARNING,
        "The stem ends in a or an, and the key alone begins with a sound that fits it.",
        "She is an ____. A) teacher  B) engineer (key)  C) pilot",
        item_warnings.article_gives_key_away,
        _has_stem_and_key,
    ),
)

GRAMMAR = Rule(
    "grammar",
    _WARNING,
    "The English of the stem, an option or the explanation has a fault. Not asked of items that ask for a "
    "mistake. Needs the extra `grammar`.",
    "What do the notice say? A) He go at nine",
    grammar.grammar,
    grammar.has_english,
)

ALL_RULES: tuple[Rule, ...] = (*RULES, GRAMMAR)
