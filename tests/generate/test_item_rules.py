"""Each rule finds what it is for, and is silent on the near misses that sound items have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import RecipeError
from tunewright.generate.hard_rules import defended_letters
from tunewright.generate.item_rates import expert_rates, measurement
from tunewright.generate.item_rules import ALL_RULES, RULES, RuleHit, Severity, judge
from tunewright.generate.item_rules_page import item_rules_page
from tunewright.generate.item_view import view_of
from tunewright.generate.items import generate_items
from tunewright.generate.seeds import load_seeds
from tunewright.records import Record

TEXTS = ("at nine", "at ten", "at noon", "at one")


def item(*texts: str, key: str = "B", **changes: Any) -> Record:
    """A sound item: `texts` are its options; `changes` go to the record's fields, others to its meta."""
    texts = texts or TEXTS
    fields = {
        name: changes.pop(name)
        for name in ("instruction", "input", "output", "explanation")
        if name in changes
    }
    options = [{"letter": letter, "text": text} for letter, text in zip("ABCDEFGH", texts, strict=False)]
    meta = {
        "options": options,
        "key": key,
        "passage": "The pool opens at nine. On Sundays it opens at ten.",
        "stem": "When does the pool open on Sundays?",
        "evidence": "On Sundays it opens at ten.",
    }
    right = next((one["text"] for one in options if one["letter"] == key), "")
    sound = Record(
        id="r",
        instruction="Read the notice and choose the answer.",
        input="(the notice)",
        output=f"{key}) {right}",
        explanation=f"The answer is {key}. The second sentence gives the time.",
        meta=meta | changes,
    )
    return replace(sound, **fields)


def hard(record: Record) -> list[str]:
    return [hit.rule for hit in judge(record) if hit.is_hard]


def warned(record: Record) -> list[str]:
    return [hit.rule for hit in judge(record) if not hit.is_hard]


def test_a_sound_item_has_no_hits() -> None:
    assert judge(item()) == []


@pytest.mark.parametrize(
    ("rule", "record"),
    [
        ("empty_field", item(instruction=" ")),
        ("empty_field", item(stem="")),
        ("empty_field", item("at nine", "at ten", "")),
        ("empty_field", item(key="", output="at ten", explanation="The second sentence says so.")),
        ("empty_field", item(options=[], answer=" ", output="x")),
        ("empty_explanation", item(explanation="\n")),
        ("option_count", item("at nine", "at ten")),
        ("option_count", item("1", "2", "3", "4", "5", "6")),
        ("equal_options", item("At nine.", "at ten", "at  nine")),
        ("equal_options", item("it’s late", "at ten", "It's late")),
        ("key_is_one_option", item("At ten", "at ten", "at nine")),
        ("key_is_one_option", item(key="E", output="at six", explanation="See the notice.")),
        ("key_is_one_option", item(output="C) at noon")),
        ("key_is_one_option", item(output="B) at noon")),
        ("key_is_one_option", item(output="(C)")),
        ("key_is_one_option", item(output="at noon")),
        ("explanation_defends_key", item(explanation="C is right: the notice says so.")),
        ("explanation_defends_key", item(explanation="The correct answer is “at noon”, as it says.")),
        ("explanation_in_output", item(output="B) at ten\nSee the notice.", explanation="See the notice.")),
        ("answer_in_stem", item("Anna", "Bernd", "Clara", stem="Bernd opens. Who opens?", key="B")),
        ("evidence_in_passage", item(evidence="On Sundays it opens at eleven.")),
        ("evidence_in_passage", item(evidence="on sundays it opens at ten.")),
    ],
)
def test_a_fault_is_found_by_its_rule_alone(rule: str, record: Record) -> None:
    assert hard(record) == [rule]


@pytest.mark.parametrize(
    "record",
    [
        item(output="B"),
        item(output="(B) at ten"),
        item(output="at ten"),
        item("An", "A", "The", output="A"),  # the option's text, not its letter
        item("10²", "102", "10"),  # not the same number
        item("He left?", "He left.", "He left!"),  # the marks are what is asked
        item("x", "True", "False", options=["True", "False"], key="A", output="A", explanation="It is."),
        item(evidence="On Sundays\nit  opens at ten."),
        item(explanation="If you think the answer is C, you have read too fast."),
        item(explanation="A learner who believes that the correct answer is A has not seen the second line."),
        item(explanation="The notice gives two times. A is correct only from Monday to Saturday."),
        item(explanation="The answer is A pool time, the one for Sundays."),
        item(stem="Does the pool open at nine or at ten on Sundays?"),  # prints two options
        item(output="B) at ten", explanation="B"),  # a letter stands in any answer
        item(output="B) at ten", explanation="at ten"),
        item("of", "to", "on", stem="It opens to all on Sundays, to the joy of ____ children."),
    ],
)
def test_a_near_miss_is_let_pass(record: Record) -> None:
    assert hard(record) == []


@pytest.mark.parametrize(
    ("rules", "record"),
    [
        (["key_longest"], item("abcdefgh", "abcdefghi", "abc")),
        (["key_longest", "key_much_longer"], item("abcd", "abcde", "bcde")),  # exactly 1.25 times
        ([], item("abcde", "abcdf", "abc")),  # a tie is not longer
        (["negative_stem"], item(stem="When does the pool NOT open?")),
        ([], item(stem="When can at least ten people swim?")),
        (["absolute_term"], item("always at six", "at ten", "at noon")),
        (["absolute_term", "all_or_none_of_the_above"], item("at nine", "at ten", "None of the above")),
        (["all_or_none_of_the_above"], item("at nine", "at ten", "both A and C")),
        ([], item("both of them", "at ten", "the above-ground pool")),
        (["article_gives_key_away"], item("teacher", "artist", "pilots", stem="She is an ____.")),
        ([], item("engineer", "artist", "pilots", stem="She is an ____.")),
    ],
)
def test_warnings_are_given_and_withheld(rules: list[str], record: Record) -> None:
    assert warned(record) == rules
    assert hard(record) == []


def test_a_record_that_is_no_item_is_judged_by_its_texts_alone() -> None:
    letter = Record(id="r", instruction="Write a letter.", output="Dear Ana, …", explanation="It greets.")
    assert judge(letter) == []
    assert hard(replace(letter, output=" ", explanation="")) == ["empty_field", "empty_explanation"]


def test_an_item_that_asks_for_all_right_options_may_have_two() -> None:
    record = item(key="", kind="multiple_response", output="A, B", explanation="Both are times.")
    assert hard(replace(record, meta={**record.meta, "key": ["A", "B"]})) == []
    assert hard(replace(record, meta={**record.meta, "key": ["A", "F"]})) == ["key_is_one_option"]


@pytest.mark.parametrize(
    "meta",
    [
        {"key": ["A", "B"]},
        {"key": "A, B"},
        {"key": "A and B"},
        {"key": "(a); (b)"},
        {"key": ["at nine", "at ten"]},
        {"key": None, "options": [{"text": text, "correct": text != "at one"} for text in TEXTS[1:]]},
    ],
)
def test_several_keys_ask_for_all_right_options_without_a_kind(meta: dict[str, Any]) -> None:
    record = item(output="Two of them.", explanation="Both are times of the notice.")
    view = view_of(replace(record, meta={**record.meta, **meta}))
    assert view.has_several_keys
    assert hard(view.record) == []


@pytest.mark.parametrize(
    "meta",
    [
        {"key": "B", "options": [{"text": text, "correct": text != "at one"} for text in TEXTS]},
        {"key": ["A", "B"], "kind": "choice"},
    ],
)
def test_one_key_beside_other_marks_stays_a_fault(meta: dict[str, Any]) -> None:
    record = item(explanation="Both are times of the notice.")
    record = replace(record, meta={**record.meta, **meta})
    assert not view_of(record).has_several_keys
    assert hard(record) == ["key_is_one_option"]


def test_evidence_may_differ_in_the_encoding_of_accents_alone() -> None:
    assert hard(item(passage="The caf\u00e9 opens.", evidence="The cafe\u0301 opens.")) == []
    assert hard(item(passage="The caf\u00e9 opens.", evidence="The cafe opens.")) == ["evidence_in_passage"]


def test_a_rule_can_be_left_out_by_name() -> None:
    record = item(explanation="")
    assert hard(record) == ["empty_explanation"]
    assert judge(record, skip=["empty_explanation"]) == []
    with pytest.raises(RecipeError, match="no item rule 'empty'"):
        judge(record, skip=["empty"])


def test_a_hit_says_rule_severity_and_reason() -> None:
    assert judge(item(output="C) at noon")) == [
        RuleHit("key_is_one_option", Severity.HARD, "the output answers C, the key is B")
    ]


@pytest.mark.parametrize(
    ("explanation", "letters"),
    [
        ("The answer is B.", ["B"]),
        ("The key of the corrected item is C: it says so.", ["C"]),
        ("So the correct option is (D).", ["D"]),
        ("B is right: it says so. The answer is C.", ["B", "C"]),
        ("It says so.\nAnswer: A", ["A"]),
        ("It is wrong to choose A. B is correct English.", []),
        ("Unless the answer is D, nothing fits.", []),
        ("The answer is I think clear.", []),
        ("", []),
    ],
)
def test_a_defended_letter_is_read_from_plain_statements(explanation: str, letters: list[str]) -> None:
    assert defended_letters(explanation) == letters


def test_seeds_and_items_of_models_have_no_hard_fault() -> None:
    for record in [*load_seeds(), *generate_items(400, seed=5)]:
        assert hard(record) == [], record.id


@given(st.permutations(TEXTS), st.sampled_from("ABCD"))
def test_the_order_of_options_and_the_place_of_the_key_do_not_matter(texts: list[str], key: str) -> None:
    """Three sound options and a key stay sound in any order; a repeated option stays a fault."""
    stem = "What does the notice say?"
    assert hard(item(*texts, key=key, stem=stem)) == []
    assert len(hard(item(*texts, texts[0], key=key, stem=stem))) == 1


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=40))
def test_no_text_makes_a_rule_fail(explanation: str, option: str, stem: str) -> None:
    record = item("at nine", "at ten", option, explanation=explanation, stem=stem, evidence=option)
    assert all(hit.reason for hit in judge(record))


def test_every_rule_is_told_in_words_and_was_measured_where_it_can_be() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names) == 15
    assert all(rule.meaning.endswith(".") and rule.example for rule in RULES)
    assert set(measurement()["rules"]) == {*names, "grammar"} == {rule.name for rule in ALL_RULES}
    assert set(names) - set(expert_rates()) == {
        "empty_explanation",  # the experts' sets have no explanations
        "explanation_defends_key",
        "explanation_in_output",
    }


def test_the_reference_page_is_what_the_rules_say() -> None:
    """Renew it with `make docs`."""
    page = Path(__file__).resolve().parents[2] / "docs/reference/item-rules.md"
    assert page.read_text(encoding="utf-8") == item_rules_page()
