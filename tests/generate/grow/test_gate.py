"""The gate: the steps in their order, each reason by itself, and what must not be refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tunewright.duplicates import Pool
from tunewright.generate.grow.ask import Decoding
from tunewright.generate.grow.candidate import Candidate, Provenance, candidate_of, speaks_of_places
from tunewright.generate.grow.cells import GENERAL, Cell, Group
from tunewright.generate.grow.gate import Gate, GateSettings
from tunewright.generate.grow.refusals import refusal_in
from tunewright.generate.grow.replayed import ReplayedLog, RowsDiffer
from tunewright.generate.grow.tuples import ChoiceTuple, GeneralTuple, OpenTuple, WrongOption
from tunewright.generate.render import check_record, item_of
from tunewright.records.record import Record

WHERE = Provenance(("s1",), ("m1",), "p", "openai:x", "r", Decoding(0.8, 0.95, 9), "cc0-1.0", 3, "key")
NOTICE = Cell(Group("reading", "A2", "notice", "choice"), "travel")
EDIT = Cell(Group("writing", "B1", "edit", "open"), "work")


def choice(**parts: Any) -> ChoiceTuple:
    given: dict[str, Any] = {
        "topic": "travel",
        "instruction": "Read the notice and choose the best answer.",
        "passage": "The bus to the airport leaves at six. It is free on Sundays for children.",
        "question": "When does the bus leave?",
        "answer": "at six",
        "wrong_options": [
            WrongOption(text="at nine", mistake="Nine is not in the notice"),
            WrongOption(text="on Sundays", mistake="Sunday is when it is free."),
        ],
        "explanation": "The first sentence says so.",
        "evidence": "The bus to the airport leaves at six.",
    }
    return ChoiceTuple(**given | parts)


def written(**parts: Any) -> OpenTuple:
    given = {
        "topic": "work",
        "instruction": "Correct the email.",
        "input": "Dear Sam, I has got you're letter yesterday and I am very happy for it.",
        "output": "Dear Sam, I got your letter yesterday and I am very happy about it.",
        "explanation": "The past simple goes with 'yesterday'.",
        "evidence": "",
    }
    return OpenTuple(**given | parts)


def candidate(given: ChoiceTuple | OpenTuple | GeneralTuple, cell: Cell | None = None) -> Candidate:
    return candidate_of(given, cell or (NOTICE if isinstance(given, ChoiceTuple) else EDIT), WHERE, seed=7)


def verdict(
    given: ChoiceTuple | OpenTuple | GeneralTuple, *, gate: Gate | None = None, cell: Cell | None = None
) -> str:
    one = candidate(given, cell)
    gate = gate or Gate(GateSettings())
    refused = gate.judge(one, given)
    return "accepted" if refused is None else f"{refused.step}: {refused.reason}"


def test_a_choice_item_becomes_a_record_that_the_item_checks_understand() -> None:
    record = candidate(choice()).record
    key = record.meta["key"]
    assert record.output == f"{key}) at six"
    assert record.input.startswith("The bus to the airport leaves at six. It is free")
    assert f"{key}) at six" in record.input
    assert record.explanation.startswith(f"The answer is {key}. The first sentence says so.")
    assert "at nine: Nine is not in the notice." in record.explanation
    assert record.explanation not in record.output
    assert check_record(record) == []
    assert (item_of(record).key, item_of(record).evidence) == ("at six", choice().evidence)


def test_a_record_says_where_it_came_from() -> None:
    meta = candidate(choice()).record.meta
    assert {name: meta[name] for name in ("skill", "level", "task", "topic", "mode", "form")} == {
        "skill": "reading",
        "level": "A2",
        "task": "notice",
        "topic": "travel",
        "mode": "solve",
        "form": "choice",
    }
    assert meta["grown"] == {
        "seed_ids": ("s1",),
        "example_ids": ("m1",),
        "prompt_hash": "p",
        "model": "openai:x",
        "revision": "r",
        "decoding": {"temperature": 0.8, "top_p": 0.95, "max_tokens": 9},
        "licence": "cc0-1.0",
        "round": 3,
        "call": "key",
    }


def test_options_are_shuffled_by_a_stored_seed() -> None:
    keys = {candidate(choice(question=f"When does bus {n} leave?")).record.meta["key"] for n in range(20)}
    assert keys == {"A", "B", "C"}
    one, again = candidate(choice()).record, candidate(choice()).record
    assert one == again
    assert one.meta["seed"] == again.meta["seed"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (choice(), "accepted"),
        (written(), "accepted"),
        (choice(answer="at six\x00"), "detectors: control-characters"),
        (
            written(output="I'm sorry, but as an AI language model I cannot do that."),
            "detectors: refusal",
        ),
        (written(output="As a chatbot, I like rain."), "detectors: assistant-self"),
        (choice(evidence="It leaves at six."), "item: evidence_in_passage"),
        (
            choice(wrong_options=[WrongOption(text=t, mistake="m") for t in ("at nine", "At nine.")]),
            "item: equal_options",
        ),
        (
            choice(wrong_options=[WrongOption(text=t, mistake="m") for t in ("at six.", "at nine")]),
            "item: key_is_one_option",
        ),
        (choice(wrong_options=[WrongOption(text="at nine", mistake="m")]), "item: option_count"),
        (choice(question="It is at seven thirty. When?", answer="at seven thirty"), "item: answer_in_stem"),
        (choice(explanation="Option B is wrong."), "item: points_at_a_place"),
        (written(explanation="I am very happy about it."), "item: explanation_in_output"),
    ],
)
def test_each_fault_is_refused_under_its_own_reason(given: ChoiceTuple | OpenTuple, expected: str) -> None:
    assert verdict(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        written(instruction="Draw a map of your town in words.", output="At the top of the map is a park."),
        written(
            instruction="Describe the picture: a TOEFL class in B2, 2020. Go to line 20.", output="Six sit."
        ),
        choice(question="Look at the graph in the audio: when does it leave?"),
        choice(explanation="Vitamin C and plan B have nothing to do with it."),
    ],
)
def test_words_and_numbers_that_the_published_filters_refuse_pass(given: ChoiceTuple | OpenTuple) -> None:
    assert verdict(given) == "accepted"


def test_a_text_far_above_its_level_is_refused_and_an_easy_one_is_not() -> None:
    hard = (
        "Notwithstanding the ostensibly conciliatory rhetoric, the committee's deliberations betrayed an "
        "entrenched scepticism towards the epistemological presuppositions underpinning the proposal."
    )
    cell = replace(NOTICE, group=replace(NOTICE.group, level="A1"))
    assert verdict(choice(passage=hard, evidence=""), cell=cell) == "level: outside_level_band"
    easy = replace(NOTICE, group=replace(NOTICE.group, level="C2"))
    assert verdict(choice(), cell=easy) == "accepted"
    outside = Gate(GateSettings(refuse_level="outside"))
    assert verdict(choice(), cell=easy, gate=outside) == "level: outside_level_band"
    none = Gate(GateSettings(refuse_level="none"))
    assert verdict(choice(passage=hard, evidence=""), cell=cell, gate=none) == "accepted"


def test_a_question_far_above_its_level_is_refused_whatever_its_passage() -> None:
    hard = (
        "Which epistemological presupposition underpinning the committee's ostensibly conciliatory "
        "deliberations does the notice repudiate?"
    )
    cell = replace(NOTICE, group=replace(NOTICE.group, level="A1"))
    easy = "The bus is red. It is at the door."
    asked = choice(passage=easy, evidence="", question=hard)
    refused = Gate(GateSettings()).judge(candidate(asked, cell), asked)
    assert refused is not None
    assert (refused.step, refused.reason) == ("level", "outside_level_band")
    assert refused.detail.startswith("the question with its options looks like ")
    assert verdict(choice(passage=easy, evidence=""), cell=cell) == "accepted"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but as an AI language model I cannot help with that.",
        "As an AI model trained by a firm, I cannot eat.",
        "As an AI, however, my taste is poor.",
        "As an AI, I do not eat. Here is the reply you wanted: no, thank you.",
        "Hello! I am an AI assistant and cannot travel.",
        "I'm sorry, but I can't assist with that request.",
        "I cannot comply with that.",
        "Unfortunately, I am unable to complete this task. Please try again later.",
    ],
)
@pytest.mark.parametrize("told", ["Write a polite reply to Sam.", "Rewrite it, and do not say yes."])
def test_a_refusal_is_refused_whatever_the_prompt(text: str, told: str) -> None:
    assert verdict(written(instruction=told, output=text)) == "detectors: refusal"


def test_a_machine_that_speaks_in_an_explanation_is_refused() -> None:
    text = "As an AI language model, I chose the first sentence."
    assert verdict(written(explanation=text)) == "detectors: refusal"
    assert verdict(choice(explanation=text)) == "detectors: refusal"
    kept = Gate(GateSettings(skip_detectors=("refusal", "assistant-self")))
    assert verdict(written(explanation=text), gate=kept) == "accepted"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help you on Saturday, because my sister is moving house.",
        "I cannot help you.",
        "As an AI researcher, I read a lot. I am an AI engineer.",
        "People think of it as an AI, but it only adds numbers.",
    ],
)
def test_words_that_only_look_like_a_refusal_pass(text: str) -> None:
    assert refusal_in(Record(id="r", instruction="Write a reply about AI.", output=text)) == ""


def test_another_language_is_the_last_step() -> None:
    german = (
        "Lieber Sam, ich habe gestern deinen Brief bekommen und freue mich sehr darüber, weil wir uns sehen."
    )
    gate = Gate(GateSettings(refuse_level="none"))
    given = written(input="", instruction="Write it.", output=german)
    assert verdict(given, gate=gate) == "language: wrong-language"


def test_the_same_item_is_refused_in_any_cell() -> None:
    gate = Gate(GateSettings())
    other = replace(NOTICE, topic="food")
    assert verdict(choice(), gate=gate) == "accepted"
    assert verdict(choice(explanation="Other words."), gate=gate) == "near-duplicate: repeated"
    assert verdict(choice(question="When does the BUS leave?"), gate=gate, cell=other).endswith("repeated")


def test_a_near_duplicate_counts_in_its_own_cell_only() -> None:
    gate = Gate(GateSettings())
    near = written(input=written().input.replace("yesterday", "today"))
    assert verdict(written(), gate=gate) == "accepted"
    assert verdict(near, gate=gate) == "near-duplicate: near_duplicate"
    assert verdict(near, gate=gate, cell=replace(EDIT, topic="food")) == "accepted"


def test_several_questions_on_one_passage_are_a_set() -> None:
    """The passage is most of both texts, yet what is asked is another thing."""
    gate = Gate(GateSettings())
    other = choice(
        question="Who can travel without paying at the weekend?",
        answer="children",
        wrong_options=[WrongOption(text="drivers", mistake="m"), WrongOption(text="students", mistake="m")],
        evidence="It is free on Sundays for children.",
    )
    assert [verdict(choice(), gate=gate), verdict(other, gate=gate)] == ["accepted", "accepted"]


def test_one_question_on_several_passages_is_not_one_item() -> None:
    gate = Gate(GateSettings())
    other = choice(
        passage="Trains for the coast start here. They go every hour, and the last one is at six in summer.",
        evidence="",
    )
    assert [verdict(choice(), gate=gate), verdict(other, gate=gate)] == ["accepted", "accepted"]


def test_a_copy_of_a_seed_is_refused() -> None:
    gate = Gate(GateSettings(), seeds=[f"{written().input}\n{written().output}"])
    copy = written(output=written().output.replace("very", "so"))
    assert verdict(copy, gate=gate) == "near-duplicate: like_a_seed"


def test_a_pool_can_be_asked_without_adding() -> None:
    pool = Pool(against=["Name three large animals of the desert."])
    texts = [
        "Write a poem about the sea.",
        "Write a poem about the sky.",
        "Name three animals of the desert.",
    ]
    for text in texts:
        assert pool.find(text) == pool.find(text)
        said = pool.find(text)
        assert said == pool.add(text)
    assert pool.num_added == 3
    assert pool.find(texts[0], "another cell") is None


def test_a_rejected_item_does_not_keep_its_sound_twin_out() -> None:
    gate = Gate(GateSettings())
    assert verdict(choice(evidence="Not in it."), gate=gate) == "item: evidence_in_passage"
    assert verdict(choice(), gate=gate) == "accepted"


def test_general_data_is_judged_by_the_published_rule_on_instructions() -> None:
    gate = Gate(GateSettings())
    one = GeneralTuple(
        instruction="Name a red fruit that is sweet.", input="", output="Cherry.", explanation="It is red."
    )
    near = one.model_copy(update={"instruction": "Name a red fruit that is sour.", "output": "Currant."})
    assert verdict(one, gate=gate, cell=GENERAL) == "accepted"
    assert verdict(near, gate=gate, cell=GENERAL) == "near-duplicate: near_duplicate"


@pytest.mark.parametrize(
    "text", ["Option A fits.", "The answer B is bad.", "See C) above.", "The first option is it."]
)
def test_words_that_point_at_places_are_found(text: str) -> None:
    assert speaks_of_places(choice(explanation=text))


@pytest.mark.parametrize(
    "text", ["A good answer.", "At level B1 it fits.", "An option such as this.", "Vitamin C."]
)
def test_words_that_only_look_like_places_are_not(text: str) -> None:
    assert not speaks_of_places(choice(explanation=text))


def test_a_replayed_log_passes_over_what_is_there_and_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n":0}\n{"n":1}\n{"torn')
    with ReplayedLog(path) as log:
        for n in range(3):
            log.append({"n": n})
        log.finish()
    assert path.read_bytes() == b'{"n":0}\n{"n":1}\n{"n":2}\n'


def test_a_replayed_log_refuses_another_row_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    whole = b'{"n":0}\n{"n":1}\n{"n":9}\n'
    path.write_bytes(whole)
    with ReplayedLog(path) as log:
        log.append({"n": 0})
        with pytest.raises(RowsDiffer, match=r"log\.jsonl has 3 rows, and row 2 is not what .* --again"):
            log.append({"n": 5})
    assert path.read_bytes() == whole


def test_a_replayed_log_refuses_to_end_before_the_rows_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n":0}\n{"n":1}\n')
    with ReplayedLog(path) as log:
        log.append({"n": 0})
        with pytest.raises(RowsDiffer, match="has 2 rows, and row 2"):
            log.finish()
    assert path.read_bytes() == b'{"n":0}\n{"n":1}\n'


@pytest.mark.parametrize(("first", "second"), [("Tom", "Bill"), ("Wojciech", "Przemek")])
def test_a_name_does_not_make_an_easy_text_hard(first: str, second: str) -> None:
    easy = f"{first} likes football. {second} plays in the park on Sunday."
    cell = replace(NOTICE, group=replace(NOTICE.group, level="A1"))
    assert verdict(choice(passage=easy, evidence=""), cell=cell) == "accepted"
