"""Items with several keys and cloze texts: rendered, judged, grown, and exported with the right keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pydantic
import pytest

from generate.grow.fake_model import FakeModel
from generate.grow.test_gate import WHERE, verdict
from tunewright.bank.export import export
from tunewright.bank.formats import bank_format_named
from tunewright.bank.from_record import question_of
from tunewright.bank.question import Question
from tunewright.generate.config import GenerateConfig
from tunewright.generate.grow.candidate import candidate_of
from tunewright.generate.grow.cells import Cell, Group, cell_of_meta, form_of
from tunewright.generate.grow.stage import grow
from tunewright.generate.grow.tuples import ClozeTuple, SeveralTuple, given_in, schema
from tunewright.generate.item_rules import judge
from tunewright.records import read_records
from tunewright.records.record import Record
from tunewright.run.config import parse_config

TWO = Cell(Group("reading", "A2", "choose-two", "multiple_response"), "travel")
CLOZE = Cell(Group("reading", "A2", "grammar-cloze", "cloze"), "travel")


def several(**parts: Any) -> SeveralTuple:
    given: dict[str, Any] = {
        "topic": "travel",
        "instruction": "Read the notice and choose two answers.",
        "passage": "The bus to the airport leaves at six. It is free for children and for students.",
        "question": "Who can travel without paying?",
        "answers": ["children", "students"],
        "wrong_options": [
            {"text": "drivers", "mistake": "Drivers are not in the notice"},
            {"text": "teachers", "mistake": "Teachers are not in the notice."},
        ],
        "explanation": "The second sentence names both.",
        "evidence": "It is free for children and for students.",
    }
    return SeveralTuple.model_validate(given | parts)


def gap(answer: str, *, also: tuple[str, ...] = (), wrong: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"answer": answer, "also_right": list(also), "wrong_options": list(wrong)}


def cloze(**parts: Any) -> ClozeTuple:
    given: dict[str, Any] = {
        "topic": "travel",
        "instruction": "Fill each gap with one word.",
        "passage": "",
        "text": "My sister (1) ____ to work by bus. She has ____ there since May, and she likes it.",
        "gaps": [gap("goes", also=("travels",)), gap("been", wrong=("being", "was"))],
        "explanation": "The simple present tells of a habit; 'since' goes with the present perfect.",
        "evidence": "",
    }
    return ClozeTuple.model_validate(given | parts)


def record_of(given: SeveralTuple | ClozeTuple) -> Record:
    cell = TWO if isinstance(given, SeveralTuple) else CLOZE
    return candidate_of(given, cell, WHERE, seed=7).record


def hard(record: Record) -> list[str]:
    return [hit.rule for hit in judge(record) if hit.is_hard]


def test_several_keys_are_shuffled_lettered_and_explained() -> None:
    record = record_of(several())
    options = {one["letter"]: one for one in record.meta["options"]}
    keys = record.meta["key"]
    assert sorted(options) == ["A", "B", "C", "D"]
    assert {options[key]["text"] for key in keys} == {"children", "students"}
    assert record.output == "\n".join(f"{key}) {options[key]['text']}" for key in keys)
    assert record.explanation.startswith(f"The answers are {keys[0]} and {keys[1]}. The second sentence")
    assert ") drivers: Drivers are not in the notice." in record.explanation
    letters = {"".join(record_of(several(question=f"Who rides bus {n}?")).meta["key"]) for n in range(20)}
    assert len(letters) > 3


def test_a_cloze_shows_numbered_gaps_and_the_options_of_those_that_have_some() -> None:
    record = record_of(cloze())
    text, options = record.input.split("\n\n")
    assert text == "My sister (1) ____ to work by bus. She has (2) ____ there since May, and she likes it."
    assert options.startswith("2 A) ")
    assert record.output == "1 goes (or: travels)\n2 been"
    single = record_of(cloze(text="She ____ home.", gaps=[gap("goes")]))
    assert (single.input, single.output) == ("She ____ home.", "goes")


def test_item_banks_find_every_key() -> None:
    two = question_of(record_of(several()))
    assert two.kind == "multiple_response"
    assert {option.text for option in two.options if option.correct} == {"children", "students"}
    assert two.explanation == "The second sentence names both."
    found = question_of(record_of(cloze()))
    assert found.kind == "cloze"
    assert found.pieces[1] == " to work by bus. She has "
    assert found.gaps[0].answers == ("goes", "travels")
    assert [option.text for option in found.gaps[1].options if option.correct] == ["been"]


@pytest.mark.parametrize("given", [several(), cloze(), cloze(text="She ____ home.", gaps=[gap("goes")])])
def test_sound_ones_pass_the_gate_and_say_their_cell(given: SeveralTuple | ClozeTuple) -> None:
    cell = TWO if isinstance(given, SeveralTuple) else CLOZE
    assert verdict(given, cell=cell) == "accepted"
    record = record_of(given)
    assert hard(record) == []
    assert cell_of_meta(record.meta) == cell
    assert form_of(record) == cell.group.form


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (several(answers=["children", "Children."]), "item: equal_options"),
        (several(answers=["children", "drivers"]), "item: equal_options"),
        (several(wrong_options=[]), "item: option_count"),
        (several(answers=["children", "students", "cats"], wrong_options=[]), "item: key_is_one_option"),
        (several(evidence="Children ride free."), "item: evidence_in_passage"),
        (several(explanation="Option A fits."), "item: points_at_a_place"),
        (cloze(gaps=[gap("goes"), gap("been", wrong=("was", "Was."))]), "item: key_is_one_option"),
        (cloze(gaps=[gap("goes"), gap("been", wrong=("Been", "was"))]), "item: key_is_one_option"),
        (cloze(explanation="Option A fits."), "item: points_at_a_place"),
        (cloze(evidence="She walks."), "item: evidence_in_passage"),
    ],
)
def test_each_fault_has_its_reason(given: SeveralTuple | ClozeTuple, expected: str) -> None:
    assert verdict(given, cell=TWO if isinstance(given, SeveralTuple) else CLOZE) == expected


def test_the_same_item_is_refused_the_second_time() -> None:
    from tunewright.generate.grow.gate import Gate, GateSettings

    gate = Gate(GateSettings())
    for given, cell in ((several(), TWO), (cloze(), CLOZE)):
        assert verdict(given, cell=cell, gate=gate) == "accepted"
        again = given.model_copy(update={"explanation": "In other words."})
        assert verdict(again, cell=cell, gate=gate) == "near-duplicate: repeated"


def test_keys_that_were_changed_afterwards_are_found() -> None:
    two, gapped = record_of(several()), record_of(cloze())
    only = {**two.meta, "key": two.meta["key"][:1]}
    only["options"] = [
        o | {"correct": o["letter"] in only["key"], "misconception": "m"} for o in two.meta["options"]
    ]
    wrong = next(o for o in two.meta["options"] if not o["correct"])
    for record in (
        replace(two, meta=only),
        replace(two, output=f"{wrong['letter']}) {wrong['text']}"),
        replace(gapped, output="1 went\n2 been"),
        replace(gapped, meta={**gapped.meta, "gaps": gapped.meta["gaps"][:1]}),
        replace(gapped, meta={**gapped.meta, "gaps": [{"answers": []}, gapped.meta["gaps"][1]]}),
    ):
        assert set(hard(record)) == {"key_is_one_option"}, record


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"text": "No gap here."}, r"the text has 0 gaps \(____\), but 'gaps' has 2 answers"),
        ({"gaps": [gap("goes")]}, r"the text has 2 gaps \(____\), but 'gaps' has 1 answers"),
        ({"gaps": [gap("goes"), gap("been", also=("gone",), wrong=("was",))]}, "leave also_right empty"),
    ],
)
def test_gaps_without_their_answers_are_no_tuple(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=said):
        cloze(**parts)


def test_one_right_option_is_not_several() -> None:
    (found,) = given_in(
        '{"items": [' + several().model_dump_json().replace(',"students"', "") + "]}", "multiple_response"
    )
    assert (found.reason, found.problem) == ("schema", "answers: needs two right options or more")


def test_schemas_name_the_topics() -> None:
    for form, name in (("multiple_response", "SeveralTuple"), ("cloze", "ClozeTuple")):
        found = schema(form, ["food"])["$defs"][name]["properties"]  # type: ignore[arg-type]
        assert found["topic"] == {"type": "string", "enum": ["food"]}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = [
        {"skill": "reading", "tasks": ["choose-two"], "levels": ["B1", "B2"], "topics": ["food", "travel"]},
        {"skill": "reading", "tasks": ["grammar-cloze"], "levels": ["A2"], "topics": ["food", "travel"]},
    ]
    settings = {
        "source": "model",
        "n": 32,
        "ask": {"model": "fake:model", "max_asked_again": 1},
        "grow": {"refuse_level": "none", "calls_per_round": 8, "plan": plan},
    }
    config = parse_config(GenerateConfig, settings, where="test")
    return grow(config, tmp_path_factory.mktemp("forms") / "grown", backend=FakeModel())


def keys_in(record: Record) -> list[list[str]]:
    """The right texts, one list for each place where an answer goes."""
    if record.meta["form"] == "multiple_response":
        return [sorted(one["text"] for one in record.meta["options"] if one["correct"])]
    return [
        gap.get("answers") or [one["text"] for one in gap["options"] if one["correct"]]
        for gap in record.meta["gaps"]
    ]


@pytest.mark.parametrize(
    ("to", "name"), [("qti21", "bank.zip"), ("gift", "bank.gift"), ("moodle", "bank.xml")]
)
def test_a_grown_set_reaches_item_banks_with_the_right_keys(
    grown: Path, tmp_path: Path, to: str, name: str
) -> None:
    records = {record.id: record for record in read_records(grown / "records.jsonl")}
    assert {len(keys_in(one)) for one in records.values() if one.meta["form"] == "cloze"} == {1, 3}
    report = export(grown / "records.jsonl", to, tmp_path / name)
    # GIFT has no cloze of several gaps, and says so
    held = {
        key: one
        for key, one in records.items()
        if to != "gift" or one.meta["form"] != "cloze" or len(keys_in(one)) == 1
    }
    assert report.kinds == {
        "multiple_response": 16,
        "cloze": sum(one.meta["form"] == "cloze" for one in held.values()),
    }
    assert all("GIFT holds one gap" in reject.reason for reject in report.rejects)
    found = {}
    for question in bank_format_named(to).read(tmp_path / name):
        assert isinstance(question, Question)
        places = question.gaps or (question,)
        found[question.id] = [
            list(place.answers) or sorted(option.text for option in place.options if option.correct)
            for place in places
        ]
    assert found == {key: keys_in(one) for key, one in held.items()}
