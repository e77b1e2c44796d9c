"""Unseen: a piece of the evaluation data is found whatever its case, punctuation, lines or script."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.generate.grow import unseen as module
from tunewright.generate.grow.unseen import unseen
from tunewright.generate.grow.word_runs import KnownWords, RunIndex, words_compared
from tunewright.generate.items import generate_items
from tunewright.records.record import Record

PASSAGE = "The old ferry crosses the harbour every morning at six with bread, letters and a sleepy dog."
# Sentences of at most six words, as at A1: no single one is long enough to tell anything.
SHORT_SENTENCES = (
    "Tom has a cat. The cat is big. It sleeps on his bed. Tom likes the cat. It eats fish at six. "
    "His sister has a dog. They play in the garden."
)
JAPANESE = "駅の北口を出てまっすぐ歩くと大きな公園があり、そこでは毎週土曜日に市場が開かれている。"
THAI = "ทุกเช้าเรือข้ามฟากลำเก่าจะข้ามท่าเรือตอนหกโมงพร้อมขนมปังและจดหมาย"


def record(name: str, instruction: str = "Read and answer.", **texts: str) -> Record:
    return Record(**{"id": name, "instruction": instruction, "output": "o"} | texts)


def is_seen(one: Record, evaluation: Record) -> bool:
    return one.id in unseen([one], [evaluation]).seen_ids


def test_a_prompt_near_an_evaluation_prompt_and_a_shared_passage_are_seen() -> None:
    evaluation = [
        record("e1", "Name three animals that live in the desert and eat only plants."),
        record("e2", "Answer.", input=f"Read this. {PASSAGE}\nWho sleeps?"),
    ]
    records = [
        record("near", "Name four animals that live in the desert and eat only plants."),
        record("shared", "What is on the ferry besides the post?", input=f"{PASSAGE} It is grey."),
        record("new", "Write to a friend about your holiday."),
        record("task", "Answer.", input="Trains run every hour. When does the last one go?"),
    ]
    found = unseen(records, evaluation)
    assert found.seen_ids.keys() == {"near", "shared"}
    assert found.seen_ids["near"].startswith("prompt like that of e1 (ROUGE-L F1 0.9")
    assert found.seen_ids["shared"] == (
        "13 words in a row in common with e2: the old ferry crosses the harbour every morning …"
    )
    assert (found.num_near, found.num_shared, found.num_evaluation) == (1, 1, 2)


@pytest.mark.parametrize(
    "changed",
    [
        PASSAGE,
        PASSAGE.upper(),
        PASSAGE.replace("dog.", "dog!"),
        PASSAGE.replace(" at six", ", at six"),
        PASSAGE.replace(" ", "\n"),
        PASSAGE.replace(" the ", "\u00a0the  "),
        PASSAGE.replace("harbour", "har\u00adbour"),
        PASSAGE[: PASSAGE.index(" with bread")],
    ],
)
def test_case_punctuation_and_lines_do_not_hide_a_sentence(changed: str) -> None:
    in_a_passage = f"It was raining. {PASSAGE} Nobody minds. Then the day begins and people go to their work."
    evaluation = record("e", "Translate this into French.", input=changed, output="x")
    assert is_seen(record("r", "Choose the right answer.", input=in_a_passage), evaluation)
    assert is_seen(record("r", "Choose the right answer.", output=in_a_passage), evaluation)


@pytest.mark.parametrize("text", [SHORT_SENTENCES, JAPANESE, THAI])
def test_a_passage_of_short_sentences_or_without_spaces_is_found(text: str) -> None:
    assert is_seen(record("r", input=f"{text}\n\n1 2 3"), record("e", "z", input=text, output="x"))
    assert is_seen(record("r", input=text), record("e", "z", input=f"9 8 7\n{text} 6 5 4", output="x"))


def test_a_sentence_of_nine_words_is_found_when_it_is_half_of_a_text() -> None:
    """Nine words have two runs of eight."""
    sentence = "My neighbour sells warm bread from a blue van"
    story = f"On Sundays I get up late. {sentence}, and I buy two loaves before lunch with my sister."
    found = unseen([record("r", input=story)], [record("e", "Translate.", input=sentence, output="x")])
    assert found.seen_ids == {"r": "100 % of the input of e is in its input"}
    found = unseen([record("r", "Translate.", input=sentence)], [record("e", input=story, output="x")])
    assert found.seen_ids == {"r": "100 % of its input is in the input of e"}
    long_story = f"{story} {'A tram goes by and the old man reads. ' * 3}"
    assert not is_seen(record("r", input=f"{sentence} {long_story[-100:]}"), record("e", input=story))


def test_short_inputs_are_compared_whole_and_very_short_ones_not() -> None:
    gap = record("e", "Complete the sentence.", input="She ____ to school by bus.", output="goes")
    assert is_seen(record("r", "Fill in a verb of motion here", input="she ___ to school by bus"), gap)
    assert not is_seen(record("r", "Fill in a verb of motion here", input="He ____ to school by bus."), gap)
    word = record("e", "Translate this into French.", input="good morning", output="bonjour")
    assert not is_seen(record("r", "When do people say this to others?", input="good morning"), word)


def test_an_instruction_that_both_have_is_the_task_and_no_item() -> None:
    task = (
        "Read the text below with care and choose the one answer that fits best according to what it says, "
        "then give your reason in one sentence."
    )
    one = record("r", task, input="A bus leaves at noon. Who takes it? " + "x y z " * 9)
    other = record("e", task, input="Snow fell on the roofs of the town. " + "k l m " * 9)
    assert not is_seen(one, other)
    assert is_seen(record("r", f"{task} {PASSAGE}"), record("e", "z", input=PASSAGE))


def test_an_output_that_many_evaluation_records_have_says_nothing() -> None:
    refusal = "I am sorry, but I am not able to help you with what you ask for here today."
    evaluation = [
        record("e1", "How?", output=refusal),
        record("e2", "Why should that be so?", output=refusal),
    ]
    mine = [record("r", "Tell me a secret about the queen.", output=refusal)]
    assert unseen(mine, evaluation).seen_ids == {}
    assert list(unseen(mine, evaluation[:1]).seen_ids) == ["r"]


def test_nothing_is_seen_in_no_evaluation_data_nor_in_empty_texts() -> None:
    assert unseen([record("r", input=PASSAGE)], []).seen_ids == {}
    assert unseen([record("r", "!", output="?")], [record("e", "…", output="")]).seen_ids == {}


def test_blocks_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    records = list(generate_items(30, seed=3))
    evaluation = [replace(one, id=f"e{n}", instruction="z") for n, one in enumerate(records[::3])]
    whole = unseen(records, evaluation).seen_ids
    assert {one.id for one in records[::3]} <= whole.keys()
    monkeypatch.setattr(module, "_BLOCK_RECORDS", 4)
    assert unseen(records, evaluation).seen_ids == whole


@given(
    st.lists(st.lists(st.sampled_from("abc駅北"), max_size=12), max_size=5),
    st.lists(st.lists(st.sampled_from("abcd駅北口"), max_size=12), max_size=5),
    st.integers(1, 4),
)
@settings(deadline=None)
def test_the_index_finds_what_comparing_all_runs_finds(
    known: list[list[str]], asked: list[list[str]], num_words: int
) -> None:
    """Written out: at each word a run goes on until its words, half ones for 駅, 北 and 口, are enough."""

    def runs(words: list[str]) -> list[tuple[str, ...]]:
        found = []
        for first in range(len(words)):
            length = 0.0
            for behind in range(first, len(words)):
                length += 1 if words[behind] in "abcd" else 0.5
                if length >= num_words:
                    found.append(tuple(words[first : behind + 1]))
                    break
        return found

    words = KnownWords(known)
    index = RunIndex(words.numbered(known), num_words)
    numbered = words.numbered(asked)
    found = {match.text: match for match in index.matches(numbered, of=numbered.half_words() >= 0)}
    for number, text in enumerate(asked):
        mine = runs(text)
        shared = [at for at, run in enumerate(mine) if any(run in runs(other) for other in known)]
        assert (list(found[number].places) if number in found else []) == shared
        if number in found:
            expected = {
                at: (
                    sum(r in runs(other) for r in mine) / len(mine),
                    len(set(mine) & set(runs(other))) / len(set(runs(other))),
                )
                for at, other in enumerate(known)
                if set(mine) & set(runs(other))
            }
            assert {at: (this, theirs) for at, this, theirs in found[number].shares()} == expected


def test_words_are_compared_without_signs_and_invisible_joints() -> None:
    assert words_compared("The\u200b har\u00adbour—at 3.5 km!") == ["the", "harbour", "at", "3.5", "km"]
