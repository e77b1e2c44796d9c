"""Records out to every format and back: what is written, what is left out and why, what is lost."""

from __future__ import annotations

import csv
import json
import random
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from tunewright.bank import (
    BANK_FORMATS,
    RECORD_FORMATS,
    Gap,
    NotAQuestion,
    Question,
    export,
    export_records,
    import_bank,
    question_of,
)
from tunewright.cli import export as export_command
from tunewright.cli import import_ as import_command
from tunewright.errors import DataError
from tunewright.generate.items import generate_items
from tunewright.generate.seeds import load_seeds
from tunewright.records import Record, Turn, read_records, write_records

ONESTOP = Path(__file__).resolve().parents[2].parent / "shared/data/elpa/onestop_qa/onestop_qa.json"
ITEMS = list(generate_items(200, seed=7))


def item(**changes: Any) -> Record:
    """A choice item as item models make it."""
    meta = {
        "skill": "reading",
        "level": "B1",
        "passage": "It rained.",
        "stem": "What fell?",
        "key": "B",
        "options": [
            {"letter": "A", "text": "snow", "correct": False, "misconception": "takes rain for snow"},
            {"letter": "B", "text": "rain", "correct": True, "misconception": ""},
        ],
        "why": "The text says so.",
    }
    record = Record(
        id="r1",
        instruction="Read and choose.",
        input="It rained.\n\nWhat fell?\n\nA) snow\nB) rain",
        output="B) rain",
        explanation="The answer is B. The text says so.\nWhy the other options are wrong:\n"
        "A) snow: takes rain for snow.",
        meta=meta | changes.pop("meta", {}),
    )
    return replace(record, **changes)


def test_an_item_of_a_model_becomes_a_choice_whose_texts_name_no_letters() -> None:
    question = question_of(item())
    assert (question.kind, question.key, question.shuffle) == ("choice", ("B",), True)
    assert (question.instruction, question.passage, question.prompt) == (
        "Read and choose.",
        "It rained.",
        "What fell?",
    )
    assert question.explanation == "The text says so."
    assert [option.feedback for option in question.options] == ["takes rain for snow", ""]
    assert question.meta == {"skill": "reading", "level": "B1"}


def test_options_stay_in_their_order_where_the_explanation_names_letters() -> None:
    """An edited explanation no longer holds `why`, so it goes out whole and the letters must stay true."""
    question = question_of(item(explanation="The answer is B: rain fell."))
    assert question.explanation == "The answer is B: rain fell."
    assert question.shuffle is False


def test_the_input_of_a_seed_is_split_into_passage_and_prompt() -> None:
    seed = next(seed for seed in load_seeds() if seed.id == "elpa-001")
    question = question_of(seed)
    assert question.passage.startswith("RIVERSIDE LIBRARY\n")
    assert question.prompt.startswith("Question: On which day")
    assert question.prompt.endswith("afternoon?")
    assert question.key == ("B",)


def test_several_keys_make_a_multiple_response() -> None:
    options = [{"letter": letter, "text": letter * 2} for letter in "ABC"]
    question = question_of(item(output="A) AA\nC) CC", meta={"options": options, "key": ["A", "C"]}))
    assert (question.kind, question.key) == ("multiple_response", ("A", "C"))


def test_gaps_with_numbered_answers_make_a_cloze() -> None:
    question = question_of(
        Record(
            id="c",
            instruction="Fill in.",
            input="I (1) ____ here when (2) ____ came.",
            output="1 was (or: stood)\n2 he",
        )
    )
    assert question.pieces == ("I ", " here when ", " came.")
    assert question.gaps == (Gap(answers=("was", "stood")), Gap(answers=("he",)))


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (Record(id="s", instruction="Capital of France?", output="Paris"), "short_answer"),
        (Record(id="s", instruction="Name it.", output="x" * 60), "short_answer"),
        (Record(id="e", instruction="Name it.", output="x" * 61), "essay"),
        (Record(id="e", instruction="Say two things.", output="one\ntwo"), "essay"),
        (Record(id="g", instruction="Fill in.", input="He ____ home.", output="goes"), "cloze"),
        (
            Record(id="g", instruction="Fill in.", input="He ____ home and ____.", output="goes; sleeps"),
            "cloze",
        ),
    ],
)
def test_plain_records_become_questions_by_length_and_gaps(record: Record, kind: str) -> None:
    assert question_of(record).kind == kind


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (item(meta={"key": "D"}), "the key names 'D', but the options are A, B"),
        (item(meta={"key": "A"}), r"the key says A, the options marked correct are \['B'\]"),
        (item(meta={"options": ["snow", "rain"]}), "'options' is not a list of objects"),
        (item(meta={"mode": "author"}), "a task for an author"),
        (item(history=(Turn("user", "hi"),)), "a conversation of several turns"),
        (Record(id="n", instruction="Say.", output=" "), "has no answer"),
    ],
)
def test_a_record_that_asks_no_question_says_why(record: Record, reason: str) -> None:
    with pytest.raises(NotAQuestion, match=reason):
        question_of(record)


@pytest.mark.parametrize("name", BANK_FORMATS)
def test_items_of_models_go_out_and_come_back_with_key_and_texts(name: str, tmp_path: Path) -> None:
    bank_format = BANK_FORMATS[name]
    path = tmp_path / f"items{bank_format.suffix}"
    report = export_records(ITEMS, bank_format, path)
    expected = [question for question in map(question_of, ITEMS) if not bank_format.refused(question)]
    found = list(bank_format.read(path))
    assert report.num_written == len(expected) == len(found)
    assert len(expected) == (
        200 if name != "aiken" else sum(bool(record.meta["options"]) for record in ITEMS)
    )
    for question, other in zip(expected, found, strict=True):
        assert isinstance(other, Question)
        keyed = [option.text.replace("\n", " ") for option in question.options if option.correct]
        assert [option.text for option in other.options if option.correct] == keyed
        if name != "aiken":
            assert other.parts == question.parts
            assert other.explanation == question.explanation


@pytest.mark.parametrize("name", BANK_FORMATS)
def test_the_same_records_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        export_records(ITEMS[:20], BANK_FORMATS[name], path)
    assert one.read_bytes() == two.read_bytes()


def test_the_seeds_become_questions_or_rejects_with_a_reason(tmp_path: Path) -> None:
    """67 of the 130 seeds ask to write an item; the others are questions."""
    report = export_records(load_seeds(), BANK_FORMATS["qti3"], tmp_path / "seeds.zip")
    assert report.num_written == 63
    assert report.kinds == {"choice": 24, "cloze": 7, "essay": 30, "short_answer": 2}
    assert {reject.reason.split(": ", 1)[1] for reject in report.rejects} == {
        "is a task for an author of items, not a question for learners"
    }


def onestop() -> list[Record]:
    """Every question on the advanced paragraph, its options in an order drawn from the question's number."""
    records = []
    for article in orjson.loads(ONESTOP.read_bytes())["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                order = list(range(4))
                random.Random(len(records)).shuffle(order)
                options = [{"letter": "ABCD"[n], "text": question["answers"][o]} for n, o in enumerate(order)]
                meta = {
                    "skill": "reading",
                    "level": "C1",
                    "passage": paragraph["Adv"]["context"],
                    "stem": question["question"],
                    "options": options,
                    "key": "ABCD"[order.index(0)],
                }
                name = f"onestop-{len(records)}"
                records.append(Record(id=name, instruction="", output=question["answers"][0], meta=meta))
    return records


@pytest.mark.skipif(not ONESTOP.is_file(), reason=f"no OneStopQA at {ONESTOP}")
@pytest.mark.parametrize("name", BANK_FORMATS)
def test_all_of_onestopqa_reads_back_with_its_key(name: str, tmp_path: Path) -> None:
    records = onestop()
    assert len(records) == 486
    report = export_records(records, BANK_FORMATS[name], tmp_path / "bank")
    assert report.rejects == ()
    found = [one for one in BANK_FORMATS[name].read(tmp_path / "bank") if isinstance(one, Question)]
    assert [one.key for one in found] == [(record.meta["key"],) for record in records]
    keyed = [next(option.text for option in one.options if option.correct) for one in found]
    assert keyed == [" ".join(record.output.split(" ")) for record in records]


@pytest.mark.parametrize("to", RECORD_FORMATS)
def test_training_formats_are_written_by_records(to: str, tmp_path: Path) -> None:
    data, out = tmp_path / "items.jsonl", tmp_path / ("out" if to == "hf" else "out.jsonl")
    write_records(ITEMS[:20], data, format="native")
    report = export(data, to, out)
    assert (report.num_written, report.rejects) == (20, ())
    assert [record.output for record in read_records(out)] == [record.output for record in ITEMS[:20]]


def test_what_is_left_out_stands_beside_the_file_with_the_reason(tmp_path: Path) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "bank.txt"
    essay = Record(id="r2", instruction="Write a letter.", output="Dear Ann, " * 10)
    write_records([item(), essay, item(id="r3", meta={"key": "D"})], data, format="native")
    report = export(data, "aiken", out)
    assert (
        out.read_text(encoding="utf-8")
        == "Read and choose. It rained. What fell?\nA. snow\nB. rain\nANSWER: B\n"
    )
    rejects = [json.loads(line) for line in (tmp_path / "bank.txt.rejects.jsonl").read_text().splitlines()]
    assert [(row["line"], row["reason"]) for row in rejects] == [
        (2, "r2: Aiken holds single choice only, not essay"),
        (3, "r3: the key names 'D', but the options are A, B"),
    ]
    assert report.lost == {
        "explanation": 1,
        "id": 1,
        "meta level": 1,
        "meta skill": 1,
        "option feedback": 1,
        "shuffle": 1,
        "text": 1,
    }
    write_records([item()], data, format="native")
    export(data, "aiken", out, overwrite=True)
    assert not (tmp_path / "bank.txt.rejects.jsonl").exists()


def test_what_aiken_does_not_hold_is_said_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.jsonl"
    write_records([item()], data, format="native")
    export_command.command(str(data), "aiken", tmp_path / "bank.txt")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("1 of 1 records written (1 choice), read back and found the same, except:")
    assert lines[1:8] == [
        "  not held by aiken: explanation, of 1",
        "  not held by aiken: the record's id, of 1",
        "  not held by aiken: level, of 1",
        "  not held by aiken: skill, of 1",
        "  not held by aiken: what is said about each option when it is chosen, of 1",
        "  not held by aiken: whether the options may be shown in any order, of 1",
        "  not held by aiken: line breaks, and where instruction, passage and question begin, of 1",
    ]


def test_rows_that_cannot_be_read_count_among_the_records(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records([item()], data, format="native")
    with data.open("a", encoding="utf-8") as stream:
        stream.write("{broken\n")
    report = export(data, "csv", tmp_path / "bank.csv")
    assert (report.num_written, report.num_records, len(report.rejects)) == (1, 2, 1)


def test_options_of_a_file_with_windows_line_ends_are_shown_once() -> None:
    """The options are lettered in the input with the same line ends as in `options`."""
    options = [
        {"letter": "A", "text": "snow\r\nand ice", "correct": False},
        {"letter": "B", "text": "rain", "correct": True},
    ]
    record = item(
        input="It rained.\r\n\r\nWhat fell?\r\n\r\nA) snow\r\nand ice\r\nB) rain", meta={"options": options}
    )
    meta = {name: value for name, value in record.meta.items() if name not in ("passage", "stem")}
    question = question_of(replace(record, meta=meta))
    assert (question.passage, question.prompt) == ("It rained.", "What fell?")
    assert [option.text for option in question.options] == ["snow\nand ice", "rain"]


def test_a_package_of_qti_3_is_reported_as_such(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records([item()], data, format="native")
    for name in ("qti3", "qti21"):
        bank = tmp_path / f"{name}.zip"
        export(data, name, bank)
        assert import_bank(bank, tmp_path / f"{name}.jsonl").format == name
        with zipfile.ZipFile(bank) as package:
            (tmp_path / f"{name}.xml").write_bytes(package.read("r1.xml"))
        report = import_bank(tmp_path / f"{name}.xml", tmp_path / f"{name}-item.jsonl", format="qti21")
        assert report.format == name


def test_an_export_that_would_hold_nothing_is_an_error(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records([Record(id="e", instruction="Write.", output="long " * 30)], data, format="native")
    with pytest.raises(DataError, match="none of 1 records can be written as aiken; the first: "):
        export(data, "aiken", tmp_path / "bank.txt")
    with pytest.raises(DataError, match="no export format 'word'; choose one of: qti21, qti3, gift"):
        export(data, "word", tmp_path / "bank.doc")
    with pytest.raises(DataError, match="is the data itself"):
        export(data, "csv", data)
    assert data.stat().st_size > 0


def test_an_item_in_qti_21_has_the_elements_of_the_specification_in_their_order(tmp_path: Path) -> None:
    export_records([item()], BANK_FORMATS["qti21"], tmp_path / "bank.zip")
    with zipfile.ZipFile(tmp_path / "bank.zip") as package:
        assert package.namelist() == ["imsmanifest.xml", "tunewright.css", "r1.xml"]
        root = etree.fromstring(package.read("r1.xml"))
        manifest = package.read("imsmanifest.xml").decode()
    namespace = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
    assert [child.tag.removeprefix(namespace) for child in root] == [
        "responseDeclaration",
        "outcomeDeclaration",
        "outcomeDeclaration",
        "outcomeDeclaration",
        "stylesheet",
        "itemBody",
        "responseProcessing",
        "modalFeedback",
        "modalFeedback",
    ]
    assert [value.text for value in root.iterfind(f".//{namespace}correctResponse/{namespace}value")] == ["B"]
    assert "<imsmd:string>level: B1</imsmd:string>" in manifest


def test_ids_that_look_alike_as_xml_names_stay_apart(tmp_path: Path) -> None:
    ids = ["a b", "a_b", "A_B", "7", "item_7", "é/è", "../x"]
    records = [item(id=name) for name in ids]
    export_records(records, BANK_FORMATS["qti21"], tmp_path / "bank.zip")
    with zipfile.ZipFile(tmp_path / "bank.zip") as package:
        assert package.namelist()[2:] == [
            "a_b.xml",
            "a_b-2.xml",
            "A_B-3.xml",
            "item_7.xml",
            "item_7-2.xml",
            "___.xml",
            "item_.._x.xml",
        ]
    found = [one.id for one in BANK_FORMATS["qti21"].read(tmp_path / "bank.zip") if isinstance(one, Question)]
    assert found == ids


def test_right_to_left_text_says_so(tmp_path: Path) -> None:
    record = Record(id="h", instruction="", input="מה השעה?", output="שמונה")
    for name, sign in (("qti21", b'class="prompt text rtl"'), ("qti3", b'dir="rtl"')):
        export_records([record], BANK_FORMATS[name], tmp_path / "bank.zip")
        with zipfile.ZipFile(tmp_path / "bank.zip") as package:
            assert sign in package.read("h.xml")
            assert (b"dir=" in package.read("h.xml")) == (name == "qti3")
    export_records([record], BANK_FORMATS["gift"], tmp_path / "bank.gift")
    assert '<div class\\="prompt" dir\\="rtl"' in (tmp_path / "bank.gift").read_text(encoding="utf-8")


def test_a_gift_file_is_what_a_person_would_write(tmp_path: Path) -> None:
    """Checked by hand against the documentation of the format."""
    record = item(meta={"stem": "2 = {x}~?\n# a:b"})
    export_records([record], BANK_FORMATS["gift"], tmp_path / "bank.gift")
    style = ' style\\="white-space\\: pre-wrap"'
    assert (tmp_path / "bank.gift").read_text(encoding="utf-8") == (
        "// [id:r1] [tag:skill:reading] [tag:level:B1]\n"
        f'::r1::[html]<div class\\="instruction"{style}>Read and choose.</div>'
        f'<div class\\="passage"{style}>It rained.</div>'
        f'<div class\\="prompt"{style}>2 \\= \\{{x\\}}\\~?<br/>\\# a\\:b</div>{{\n'
        "\t~snow#takes rain for snow\n"
        "\t=rain\n"
        "\t####The text says so.\n"
        "}\n"
    )


def test_a_csv_table_has_a_column_for_each_thing_a_person_looks_for(tmp_path: Path) -> None:
    export_records([item()], BANK_FORMATS["csv"], tmp_path / "bank.csv")
    with (tmp_path / "bank.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["key"], row["option_1"], row["option_2"], row["meta_level"]) == ("B", "snow", "rain", "B1")


def test_imported_questions_are_seeds_with_skill_and_level(tmp_path: Path) -> None:
    bank, out = tmp_path / "bank.gift", tmp_path / "seeds.jsonl"
    bank.write_text(
        "// [tag:level:B2]\nCapital? {=Paris ~Rome}\n\n::t::Name?{=Bo}\n\nEssay?{}\n\nA list{=a->b =c->d}\n",
        encoding="utf-8",
    )
    report = import_bank(bank, out, skill="reading", level="A1")
    first, second = read_records(out)
    assert (first.meta["skill"], first.meta["level"], first.meta["key"]) == ("reading", "B2", "A")
    assert (first.instruction, first.input, first.output) == (
        "Choose the correct answer.",
        "Capital?\n\nA) Paris\nB) Rome",
        "A) Paris",
    )
    assert (second.id, second.meta["level"], second.output) == ("t", "A1", "Bo")
    assert report.without == {"skill": 0, "level": 0, "task": 2}
    assert [reject.reason for reject in report.rejects] == [
        "is a GIFT item of type matching, which no kind of question holds",
        "gift-3: is an essay without a model answer, and a record needs an output",
    ]


def test_two_titles_that_are_equal_are_two_questions(tmp_path: Path) -> None:
    bank = tmp_path / "bank.gift"
    bank.write_text("::t::One?{T}\n\n::t::Two?{F}\n", encoding="utf-8")
    import_bank(bank, tmp_path / "seeds.jsonl")
    assert [record.id for record in read_records(tmp_path / "seeds.jsonl")] == ["t", "t-2"]


def test_a_name_that_does_not_say_the_format_asks_for_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give --format, one of: qti21, qti3, gift"):
        import_bank(tmp_path / "bank.doc", tmp_path / "seeds.jsonl")


def test_the_commands_say_what_was_written_lost_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, bank = tmp_path / "data.jsonl", tmp_path / "bank.gift"
    essay = Record(id="r2", instruction="Write a letter.", output="Dear Ann, " * 10)
    write_records([item(), essay, item(id="r3", meta={"key": "D"})], data, format="native")
    export_command.command(str(data), "gift", bank)
    assert capsys.readouterr().out.splitlines() == [
        "2 of 3 records written (1 choice, 1 essay); 1 essay goes without a model answer and cannot be "
        "imported again; all else was read back and is the same, except:",
        "  not held by gift: model answers of essays (all, or all after the first), of 1",
        "  not held by gift: whether the options may be shown in any order, of 1",
        f"file: {bank}",
        f"left out: 1, see {bank}.rejects.jsonl",
        f"  the first: {data}:3: r3: the key names 'D', but the options are A, B",
    ]
    import_command.command(bank, tmp_path / "seeds.jsonl")
    assert capsys.readouterr().out.splitlines()[:2] == [
        "1 questions read as gift (1 choice)",
        "  1 have no task; give --task if they share one",
    ]
