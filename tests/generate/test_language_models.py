"""The key of a language item, worked out again from the printed text alone.

Each test reads a signal in the rendered stem (a time word, a plural, "than", a comma) and says, without the
item model, what the key must look like.
"""

from __future__ import annotations

import random
import re
from functools import cache

from tunewright.generate.item import Item
from tunewright.generate.models import ALL_MODELS

MODELS = {model.name: model for model in ALL_MODELS}
GAP = "____"


@cache
def drawn(name: str) -> tuple[Item, ...]:
    return tuple(MODELS[name].draw(random.Random(f"{name} {seed}")) for seed in range(400))


def keyed(name: str, signal: str) -> list[Item]:
    """The items whose stem matches the signal; at least one, or the test tests nothing."""
    found = [item for item in drawn(name) if re.search(signal, item.stem)]
    assert found, f"no item of {name} has the signal {signal}"
    return found


def test_a_and_an_follow_the_first_sound_of_the_next_word() -> None:
    for item in drawn("articles"):
        if item.key.lower() not in ("a", "an"):
            continue
        word = item.stem.split(GAP)[1].split()[0].lower()
        vowel = word[0] in "aeiou" and not word.startswith(("uni", "use", "eu", "one"))
        assert item.key.lower() == ("an" if vowel or word.startswith("hour") else "a"), item


def test_only_the_keyed_article_is_offered_once() -> None:
    for item in drawn("articles"):
        options = [item.key.lower(), *(d.text.lower() for d in item.distractors)]
        assert len(set(options)) == 4, item


def test_days_take_on_clock_times_at_and_years_in() -> None:
    for item in keyed("prepositions", r"____ \w+day\.$"):
        assert item.key == "on"
    for item in keyed(
        "prepositions", r"^(?!The museum).*____ (seven|half|a quarter|ten fifteen|midnight)[^,]*\.$"
    ):
        assert item.key == "at"
    for item in keyed("prepositions", r"____ (19|20)\d\d\.$"):
        assert item.key == "in"


def test_now_takes_the_continuous_and_every_the_simple() -> None:
    for item in keyed("present_forms", r"^Look!|at the moment|right now|this week|but today"):
        assert re.match(r"is \w+ing\b", item.key), item
        assert not any(re.match(r"is \w+ing\b", d.text) for d in item.distractors), item
    for item in keyed("present_forms", r"\bevery\b|^\"How often"):
        assert not re.match(r"is \w+ing\b", item.key), item
        assert not any(re.match(r"is \w+ing\b", d.text) for d in item.distractors), item


PERFECT = re.compile(r"^(has|have|hasn't|haven't|Has|Have)\b")


def test_a_finished_time_never_takes_the_present_perfect() -> None:
    for item in keyed("past_or_perfect", r"yesterday|last \w+\.|\bago\.|who died in|^\"When"):
        assert not PERFECT.search(item.key), item


def test_since_and_yet_take_the_present_perfect_and_offer_no_second_one() -> None:
    for item in keyed("past_or_perfect", r"____ since \d{4}|____ yet|no plans to stop"):
        assert re.match(r"(has|hasn't) \w+", item.key), item
        subject_singular = [d for d in item.distractors if re.match(r"(has|hasn't) ", d.text)]
        assert all(d.text.split()[1] != item.key.split()[1] for d in subject_singular), item


def test_a_result_with_would_have_takes_a_past_perfect_condition() -> None:
    for item in keyed("conditionals", r"^If \w+ ____, \w+ would have"):
        assert item.key.startswith("had "), item
    for item in keyed("conditionals", r"^If .*____, (he|she|we|I) (will|won't)"):
        assert not item.key.startswith(("will", "would", "had")), item


def test_the_if_clause_never_has_will_or_would() -> None:
    for item in keyed("conditionals", r"\b(If|unless|provided that)[^,]*____"):
        assert not re.match(r"(will|would)\b", item.key), item


def test_than_takes_a_comparative_and_in_the_country_a_superlative() -> None:
    for item in keyed("comparison", r"____ than "):
        assert re.search(r"er$|^more |^less$|^worse$|^better$", item.key), item
    for item in keyed("comparison", r"the ____ \w+ (in|I have ever)"):
        assert re.search(r"est$|^most ", item.key), item


def test_after_than_no_distractor_is_a_correct_comparative() -> None:
    for item in keyed("comparison", r"____ than "):
        for distractor in item.distractors:
            assert not re.fullmatch(r"\w+[^aeiou]ier", distractor.text), item


def test_many_goes_with_plurals_and_much_with_the_rest() -> None:
    for item in keyed("quantifiers", r"^How ____ |far too ____"):
        noun = re.split(r"____ ", item.stem)[1].split()[0].strip('!"')
        plural = noun.endswith("s") or noun == "people"
        assert item.key == ("many" if plural else "much"), item


def test_each_one_and_the_number_take_a_singular_verb() -> None:
    for item in keyed("agreement", r"^(Each|One of|The number of|Every )"):
        assert item.key in ("is", "has"), item
    for item in keyed("agreement", r"^(Quite a number of|Most of the)"):
        assert item.key in ("are", "have"), item


def test_that_is_never_the_key_after_a_comma_or_preposition() -> None:
    for item in keyed("relative_clauses", r"(, |\b(with|from|about|to|on|in|of) )____"):
        assert item.key not in ("that", "what"), item


def test_a_tag_has_the_other_polarity() -> None:
    negative = re.compile(r"n't\b|\bnever\b|\bhardly\b|\bnobody\b|\bno\b", re.IGNORECASE)
    for item in keyed("replies", r", ____\?"):
        statement = item.stem.split(", ____")[0]
        if "let's" in statement:
            continue
        assert bool(negative.search(statement)) != item.key.split()[0].endswith("n't"), item


def test_the_wrong_part_stands_exactly_once_in_an_error_correction() -> None:
    for item in drawn("error_correction"):
        wrong, right = item.key.split(" → ")
        found = re.findall(rf"(?<![\w']){re.escape(wrong)}(?![\w'])", item.stem, re.IGNORECASE)
        assert len(found) == 1, item
        assert wrong != right
        assert item.why.count(right) >= 1, item


def test_a_transformation_has_as_many_words_as_it_asks_for() -> None:
    numbers = {"one": 1, "two": 2, "three": 3}
    for item in keyed("transformation", r"with (one|two|three) words?"):
        asked = re.search(r"with (one|two|three) words?", item.stem)
        assert asked is not None
        assert len(item.key.split()) == numbers[asked.group(1)], item


def test_a_formed_word_is_new_single_and_from_the_family() -> None:
    for item in drawn("word_formation"):
        base = re.search(r"\(([A-Z]+)\)$", item.stem)
        assert base is not None
        assert re.fullmatch(r"[a-z]+", item.key), item
        assert item.key != base.group(1).lower()
        # The family keeps a trace: the first two letters, possibly behind a prefix.
        assert base.group(1)[:2].lower() in item.key or item.key == "length", item


def test_the_options_of_a_word_order_item_are_the_same_words() -> None:
    for item in keyed("word_order", r"Put these words|Which sentence"):

        def bag(text: str) -> list[str]:
            return sorted(re.findall(r"[\w']+", text.lower()))

        assert all(bag(d.text) == bag(item.key) for d in item.distractors), item


def test_a_negative_beginning_takes_inversion() -> None:
    auxiliary = re.compile(r"^(had|did|should|has) [\w]+ ")
    for item in keyed("emphasis", r"^(Never|Only|Not|Little|No sooner|Under no|On no|At no)"):
        assert auxiliary.match(item.key), item


def test_the_pronoun_stands_between_verb_and_particle() -> None:
    for item in keyed("word_order", r"in a minute"):
        _, pronoun, particle = item.key.split()
        assert pronoun in ("it", "them", "him"), item
        assert particle in ("off", "up", "on", "back", "away"), item


def test_no_article_before_a_gap_gives_the_answer_away() -> None:
    """An "a ____" with an answer that begins with a vowel would exclude it, or all the others."""
    for name in ("vocabulary", "collocations", "phrasal_verbs"):
        for item in drawn(name):
            if re.search(r"\ba ____", item.stem):
                texts = [item.key, *(d.text for d in item.distractors)]
                assert not any(text[0] in "aeio" for text in texts), item
