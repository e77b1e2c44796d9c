"""A revision falls for a reason that a person would give, in any language, and never for being unchanged."""

import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.coach.after import FALLBACK_REASONS, AfterConfig, Problem, flags, invalid, verify
from tunewright.coach.after.scripts import scripts, scripts_of
from tunewright.errors import RecipeError
from tunewright.records.record import Record
from tunewright.run.config import parse_config

ANY = AfterConfig()
TEXTS = st.text(max_size=200) | st.text(alphabet='ab1 2.=/"`|\n(){}%°あ的а', max_size=200)
RECORDS = st.builds(Record, id=st.just("a"), instruction=TEXTS, input=TEXTS, output=TEXTS, explanation=TEXTS)


def record(instruction: str, output: str = "", *, input: str = "", explanation: str = "") -> Record:
    return Record(id="a", instruction=instruction, input=input, output=output, explanation=explanation)


def reason(original: Record, revised: Record, config: AfterConfig = ANY) -> str | None:
    problem = invalid(original, revised, config)
    return problem.reason if problem else None


def test_the_reasons_are_these_in_this_order() -> None:
    assert FALLBACK_REASONS == (
        "unparsable",
        "cut",
        "empty_field",
        "foreign_script",
        "repetition",
        "over_long",
        "changed_task_data",
        "dropped_constraint",
    )


@given(RECORDS, RECORDS, st.sampled_from(["any", "en", "ja", "ar", "xx"]))
@settings(max_examples=300, deadline=None)
def test_nothing_raises_whatever_the_texts_and_unchanged_is_never_blamed(
    original: Record, revised: Record, language: str
) -> None:
    config = AfterConfig(language=language)
    problem = invalid(original, revised, config)
    assert problem is None or problem.reason in FALLBACK_REASONS
    flags(original, revised)
    verify(revised)
    assert invalid(original, original, config) is None
    assert flags(original, original) == ()


def test_an_unchanged_pair_is_valid_however_bad_it_is() -> None:
    bad = record("Name three birds in one word.", "no no no no no no no no no", input="<noinput>")
    assert reason(bad, bad) is None


class TestEmptyField:
    def test_an_output_of_white_space_falls(self) -> None:
        original = record("Name a bird.", "A wren.")
        problem = invalid(original, replace(original, output=" \n"), ANY)
        assert problem == Problem("empty_field", "output", "the output is empty")

    def test_an_input_that_the_instruction_took_over_may_go(self) -> None:
        original = record("Find the sum.", "18", input="6 + 12")
        assert reason(original, record("Find the sum of 6 and 12.", "18")) is None
        assert reason(original, record("Find the sum.", "18")) == "empty_field"

    @pytest.mark.parametrize("words", ["<noinput>", "No input.", "Aucune entrée", "入力なし", "`No Input`"])
    def test_an_input_that_says_there_is_none_may_go(self, words: str) -> None:
        original = record("Describe a wren.", "A small bird.", input=words)
        assert reason(original, replace(original, input="")) is None

    def test_an_instruction_may_not_go_even_when_there_is_an_input(self) -> None:
        original = record("Translate this into French.", "Bonjour", input="Good day")
        assert reason(original, replace(original, instruction="")) == "empty_field"

    def test_an_explanation_may_not_go(self) -> None:
        original = record("Which is it?", "B", explanation="Because B is the only one with wings.")
        assert reason(original, replace(original, explanation="", output="B.")) == "empty_field"


ARABIC = record("ما هي عاصمة فرنسا؟", "باريس هي عاصمة فرنسا.")
HINDI = record("फ्रांस की राजधानी क्या है?", "फ्रांस की राजधानी पेरिस है।")
JAPANESE = record("フランスの首都はどこですか。", "フランスの首都はパリです。")
RUSSIAN = record("Назовите столицу Франции.", "Столица Франции называется Париж.")


class TestForeignScript:
    @pytest.mark.parametrize(
        ("language", "original", "output"),
        [
            ("ar", ARABIC, "باريس هي عاصمة فرنسا، وتقع على نهر السين."),
            ("hi", HINDI, "फ्रांस की राजधानी पेरिस है, जो सीन नदी पर बसा है।"),
            ("ja", JAPANESE, "フランスの首都はパリで、セーヌ川のほとりにあります。APIも使えます。"),
            ("ru", RUSSIAN, "Столица Франции — Париж (Paris), город на Сене."),
        ],
    )
    def test_text_in_the_scripts_of_the_language_stays(
        self, language: str, original: Record, output: str
    ) -> None:
        for setting in ("any", language):
            assert reason(original, replace(original, output=output), AfterConfig(language=setting)) is None

    @pytest.mark.parametrize("original", [ARABIC, HINDI, JAPANESE, RUSSIAN])
    def test_an_answer_that_turned_english_falls(self, original: Record) -> None:
        revised = replace(original, output="The capital of France is Paris, a city on the Seine.")
        assert reason(original, revised) == "foreign_script"

    def test_chinese_in_an_english_answer_falls_and_its_share_is_told(self) -> None:
        original = record("Why do bees dance?", "To show where flowers are.")
        problem = invalid(original, replace(original, output="To show where 花朵在哪里可以找到 are."), ANY)
        assert problem == Problem("foreign_script", "output", "9 of 23 letters are Han")

    @pytest.mark.parametrize(
        ("instruction", "output"),
        [
            ("Translate 'good day' to Chinese.", "您好,日安。祝您今天过得愉快"),
            ("What is Kyoto called in Kanji?", "京都は京都府の府庁所在地です"),
            ("Where is Kyoto?", "Kyoto (京都府京都市) is a city in the middle of Japan."),
            ("Name a proverb of Russia.", 'Russians say "Тише едешь, дальше будешь" to those in a hurry.'),
            ("State Euler's identity.", "e^{iπ} + 1 = 0, where π ≈ 3.14, φ ≈ 1.618 and Σ is a sum."),
            ("Cheer me up.", "You can do it! 🎉🎉🎉 ☀️ ♥ 👍👍👍👍👍👍"),
            ("Describe your café.", "Ça, c'est très élégant: naïve façade, Łódź, Žižkov, Ångström."),
        ],
    )
    def test_quoted_words_formulas_emoji_and_translations_stay(self, instruction: str, output: str) -> None:
        original = record(instruction, "I do not know.")
        for language in ("any", "en"):
            assert reason(original, replace(original, output=output), AfterConfig(language=language)) is None

    def test_a_language_set_goes_before_the_original(self) -> None:
        """An original in the wrong script may be put right."""
        original = record("Why do bees dance?", "Потому что они показывают дорогу.")
        revised = replace(original, output="To show the others the way to the flowers.")
        assert reason(original, revised, AfterConfig(language="en")) is None

    def test_scripts_are_counted_by_letters(self) -> None:
        assert scripts("ab Жд 東京タ 3 é ½ μ") == {"Latin": 3, "Cyrillic": 2, "Han": 2, "Kana": 1, "Greek": 1}
        assert scripts_of("ja") == {"Han", "Kana"}
        assert scripts_of("fr") == scripts_of("zz") == {"Latin"}


class TestRepetition:
    @pytest.mark.parametrize(
        "output",
        [
            "The sea is deep and wide and deep and wide and deep and wide and deep and wide and deep.",
            "Bees fly. " + "They look for flowers in the sun. " * 4,
            "\n".join(["1. Open the door."] * 7),
            "a" * 100,
            "海はとても広くて深いです。" * 5,
            "ทะเลลึกมาก" * 12,
            "def run():\n" + "    total = total + 1\n" * 8,
            "Here is it. " + "x 1 y 2 z 3 and q " * 30,
        ],
    )
    def test_an_answer_that_goes_round_falls(self, output: str) -> None:
        original = record("Tell me more.", "The sea is deep.")
        assert (
            reason(
                original,
                replace(original, output=output),
                AfterConfig(language="any", skip=("foreign_script",)),
            )
            == "repetition"
        )

    def test_what_the_original_repeats_the_revision_may_repeat(self) -> None:
        original = record("Tell me more.", "They look for flowers in the sun. " * 4)
        assert reason(original, replace(original, output=original.output.strip())) is None

    @pytest.mark.parametrize(
        ("instruction", "output"),
        [
            ("Write a song.", "La la la la la la la la, oh my love, la la la la la la la!"),
            ("Draw a table.", "|---|---|\n" + "| 0 | 0 |\n" * 4 + "-" * 80),
            ("Describe the sea.", "The sea is very, very, very deep; it is wide and it is deep."),
        ],
    )
    def test_verse_and_tables_stay(self, instruction: str, output: str) -> None:
        original = record(instruction, "No.")
        assert reason(original, replace(original, output=output)) is None


class TestOverLong:
    def test_both_the_length_and_its_growth_count(self) -> None:
        words = " ".join(f"word{number}" for number in range(800))  # 800 different words, 6,289 characters
        assert len(words) == 6289
        short = record("Explain.", "Because.")
        problem = invalid(short, replace(short, output=words), ANY)
        assert problem == Problem("over_long", "output", "6,289 characters, where there were 8")
        assert reason(short, replace(short, output=words[:3900])) is None
        long = record("Explain.", words[3000:4000])
        assert reason(long, replace(long, output=words)) is None
        assert reason(long, replace(long, output=words), AfterConfig(most_times_longer=6)) == "over_long"


MEADOW = "The meadow lies behind the old mill, where two brooks meet and herons wait for fish in the reeds."


class TestChangedTaskData:
    def test_another_text_to_work_on_falls(self) -> None:
        original = record("Summarise the text.", "A meadow.", input=MEADOW)
        other = "Copper is mined in open pits; trucks bring it to a plant that parts metal from rock."
        problem = invalid(original, replace(original, input=other), ANY)
        assert problem is not None
        assert (problem.reason, problem.field) == ("changed_task_data", "input")

    def test_a_text_with_its_slips_mended_stays(self) -> None:
        slips = "Teh medow leis behnd the old mil, were too broks meat and herns wate for fsh in teh reads."
        original = record("Summarise the text.", "A meadow.", input=slips)
        assert reason(original, replace(original, input=MEADOW)) is None

    def test_a_table_with_other_numbers_falls_and_one_drawn_anew_stays(self) -> None:
        original = record("Sum up.", "Sales rose.", input="Year,Sales\n2019,510\n2020,640\n2021,790")
        drawn = "| Year | Sales |\n|---|---|\n| 2019 | 510 |\n| 2020 | 640 |\n| 2021 | 790 |"
        assert reason(original, replace(original, input=drawn)) is None
        other = "Year,Sales\n1999,111\n2000,222\n2001,333"
        assert reason(original, replace(original, input=other)) == "changed_task_data"

    def test_a_sum_with_other_numbers_falls(self) -> None:
        original = record("What is 15 + 27?", "42")
        assert reason(original, record("What is 48 + 12?", "60")) == "changed_task_data"
        assert reason(original, record("Compute the sum of 15 and 27.", "The sum is 42.")) is None

    def test_a_quoted_sentence_may_go_over_to_the_input_but_not_away(self) -> None:
        original = record('Reword: "We found our way through the fog by the bell".', "The bell led us.")
        moved = record(
            "Reword the sentence.", "The bell led us.", input="We found our way through the fog by the bell."
        )
        assert reason(original, moved) is None
        gone = record('Reword: "Prices of copper rose twice last winter already".', "Copper rose.")
        assert reason(original, gone) == "changed_task_data"

    def test_japanese_input_is_compared_by_its_letters(self) -> None:
        original = record(
            "要約してください。", "図書館の話。", input="町の図書館は来月から夜九時まで開きます。"
        )
        mended = replace(original, input="町の図書館は、来月から夜9時まで開きます。")
        assert reason(original, mended) is None
        other = replace(original, input="銅の価格は冬の間に二度も上がったと新聞が伝えた。")
        assert reason(original, other) == "changed_task_data"


class TestDroppedConstraint:
    @pytest.mark.parametrize(
        ("instruction", "kept", "broken"),
        [
            ("List three rivers.", "1. Po\n2. Don\n3. Elbe", "1. Po\n2. Don"),
            ("Describe the sea in one sentence.", "It is deep.", "The sea is deep. It is wide. It is blue."),
            ("Describe the sea in one word.", "Deep", "The sea is very deep."),
            ("Give the price in JSON format.", '{"price": 3}', "price: 3"),
            ("Answer in French: how are you?", "Je vais bien.", "I am well and that is all there is."),
            ("Use the word 'anchor' in a line.", "We drop the anchor.", "We stop the ship."),
            ("Write without using the letter 'e' about fog.", "Fog is a cloud.", "Fog is made of water."),
            ("Show it in a numbered list.", "1. Po\n2. Don", "Po and Don"),
        ],
    )
    def test_what_the_original_kept_the_revision_must_keep(
        self, instruction: str, kept: str, broken: str
    ) -> None:
        original = record(instruction, kept)
        assert reason(original, replace(original, output=broken)) == "dropped_constraint"
        assert reason(original, replace(original, output=kept + " ")) is None
        assert reason(record(instruction, broken), record(instruction, broken + " ")) is None

    def test_a_constraint_gone_from_the_instruction_too_is_dropped(self) -> None:
        original = record("Describe the sea in one word.", "Deep")
        assert reason(original, record("Describe the sea.", "The sea is very deep.")) == "dropped_constraint"

    def test_another_number_in_both_is_a_change_and_no_drop(self) -> None:
        original = record("List three rivers.", "1. Po\n2. Don\n3. Elbe")
        assert reason(original, record("List two long rivers.", "1. Don\n2. Elbe")) is None

    def test_an_answer_that_is_introduced_keeps_its_constraint(self) -> None:
        told = "Translate 'He is tall' into Spanish."
        original = record(told, "Él es alto.")
        assert (
            reason(original, replace(original, output='The translation of "He is tall" is: "Él es alto".'))
            is None
        )


def test_each_rule_can_be_left_out() -> None:
    original = record("Name a bird.", "A wren.")
    revised = replace(original, output="")
    assert reason(original, revised, AfterConfig(skip=("empty_field",))) is None


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"skip": ["repetitions"]}, "did you mean 'repetition'?"),
        ({"skip": ["cut"]}, "cannot be left out"),
        ({"language": "English"}, "give a language code such as en, or any"),
    ],
)
def test_a_wrong_setting_is_told_with_what_to_write(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message.replace("?", r"\?")):
        parse_config(AfterConfig, mapping, where="recipe.yaml", table="after")


@pytest.mark.parametrize(
    "piece",
    ["word1 is 5 km ", "a", "1", "(", '"', "`", "的", "= 3 + ", "May 3 ", "List five \n", "“", "no no. "],
)
def test_long_fields_take_no_quadratic_time(piece: str) -> None:
    """Fields of 250,000 characters: a quadratic rule would take many minutes."""
    text = piece * (250_000 // len(piece))
    original = record("Sum up.", text, input=text)
    revised = replace(original, output=text[:-3] + "x", input=text[:-2] + "y")
    start = time.process_time()
    invalid(original, revised, AfterConfig(language="en"))
    flags(original, revised)
    verify(revised)
    assert time.process_time() - start < 5


def _many(piece: str, num: int, seed: int) -> str:
    """The piece again and again, each with another number in it."""
    rng = random.Random(seed)
    return " ".join(piece.format(rng.randrange(10**6)) for _ in range(num))


def _unspaced(start: int, num_signs: int) -> str:
    rng = random.Random(start)
    return "".join(chr(start + rng.randrange(num_signs)) for _ in range(100_000))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(_many("{0}", 40_000, 1), _many("{0}", 40_000, 2), id="other numbers"),
        pytest.param(_many("see {0:X} Ab{0:x}", 8_000, 1), _many("see Ab{0:x}", 8_000, 2), id="other names"),
        pytest.param(
            _many('"a b c d e f {0}"', 3_000, 1), _many('"a b c d e f {0}"', 3_000, 1) + " x", id="quotes"
        ),
        pytest.param("你好你好。", _unspaced(0x4E00, 20_000), id="Chinese without a stop"),
        pytest.param("かなかな。", _unspaced(0x3041, 80), id="Kana without a stop"),
        pytest.param("ไทย", _unspaced(0x0E01, 46), id="Thai"),
        pytest.param(_many("`x{0}`", 20_000, 1), _many("`x{0}`", 20_000, 2), id="spans of code"),
    ],
)
@pytest.mark.parametrize("field", ["instruction", "input", "output"])
def test_many_different_pieces_take_no_quadratic_time(field: str, before: str, after: str) -> None:
    """Each looked up in a list of the others, these take from twenty seconds to minutes."""
    original = replace(record("Sum up.", "Well."), **{field: before})
    revised = replace(record("Sum up.", "Well."), **{field: after})
    start = time.process_time()
    invalid(original, revised, AfterConfig(never_too_long_chars=10**9))
    flags(original, revised)
    assert time.process_time() - start < 5


def test_sentences_of_scripts_without_spaces_are_told_by_their_marks() -> None:
    said = "今天的天气真的非常好。"
    assert reason(record("写一句话。", "好。"), record("写一句话。", said * 3)) == "repetition"
    assert reason(record("写一句话。", "好。"), record("写一句话。", f"{said[:-1]}\n" * 3)) is None
