"""What would mark learners wrong, or be changed without a word: said in a reject or counted in the report."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tunewright.bank import BANK_FORMATS, Gap, NotAQuestion, Question, export, import_bank, question_of
from tunewright.cli import export as export_command
from tunewright.records import Record, Reject, read_records


def choice(output: str, key: Any, *texts: str) -> Record:
    options = [
        {"letter": letter, "text": text}
        for letter, text in zip("ABCD", texts or ("red", "blue", "green"), strict=False)
    ]
    return Record(
        id="q", instruction="Choose.", output=output, meta={"stem": "Which?", "options": options, "key": key}
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (choice("B) blue", "A"), "the output answers B, the key is A"),
        (choice("B", "A"), "the output answers B, the key is A"),
        (choice("(b) blue", "A"), "the output answers B, the key is A"),
        (choice("Blue.", "A"), "the output answers B, the key is A"),
        (choice("The answer is B.", "A"), "the output answers B, the key is A"),
        (choice("A) blue", "A"), "the output answers B, the key is A"),
        (choice("B) blue\nThe sky is blue.", "A"), "the output answers B, the key is A"),
        (choice("A) red\nB) blue", ["A", "C"]), "the output answers A and B, the key is A and C"),
        (choice("A, B", ["A", "C"]), "the output answers A and B, the key is A and C"),
        (choice("A) red", ["A", "C"]), "the output answers A, the key is A and C"),
        (choice("A) red\nC) green", "A"), "the output answers A and C, the key is A"),
    ],
)
def test_an_output_that_answers_another_option_than_the_key_is_rejected(record: Record, reason: str) -> None:
    with pytest.raises(NotAQuestion, match=f"^{reason}$"):
        question_of(record)


@pytest.mark.parametrize(
    "record",
    [
        choice("A) red", "A"),
        choice("A", "A"),
        choice("red", "A"),
        choice("A) Red.", "A"),
        choice("A) red\nBecause B) blue is the sky.", "A"),
        choice("C and A", ["A", "C"]),
        choice("C) green\nA) red", ["A", "C"]),
        choice("It was a red one, as the text says.", "A"),
        choice("A", "B", "an", "A", "the"),  # articles: the text, not the letter
        choice("A) one\ntwo", "A", "one\ntwo", "three"),
    ],
)
def test_an_output_that_agrees_with_the_key_or_names_no_option_is_written(record: Record) -> None:
    key = record.meta["key"]
    assert question_of(record).key == tuple(key if isinstance(key, list) else [key])


@pytest.mark.parametrize(
    "record",
    [
        Record(id="c", instruction="", input="A ____ and B ____.", output="x; y"),
        Record(id="c", instruction="", input="A ____ and B ____.", output="-", meta={"answers": ["x", "y"]}),
    ],
)
def test_answers_as_many_as_gaps_fill_them_in_order(record: Record) -> None:
    question = question_of(record)
    assert (question.kind, question.pieces) == ("cloze", ("A ", " and B ", "."))
    assert question.gaps == (Gap(answers=("x",)), Gap(answers=("y",)))


@pytest.mark.parametrize("answers", [["x"], ["x", "y", "z"], ["x; y; z"]])
def test_answers_that_cannot_be_told_to_gaps_are_rejected(answers: list[str]) -> None:
    record = Record(id="c", instruction="", input="A ____, B ____.", output="x", meta={"answers": answers})
    with pytest.raises(NotAQuestion, match="has 2 gaps, but which answer belongs to which cannot be told"):
        question_of(record)


def test_a_text_written_about_gaps_is_still_an_essay() -> None:
    record = Record(id="e", instruction="", input="Continue: ____ and ____.", output="A long story. " * 10)
    assert question_of(record).kind == "essay"


def rows(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def row(name: str, *texts: str) -> dict[str, Any]:
    options = [{"letter": letter, "text": text} for letter, text in zip("ABC", texts, strict=False)]
    return {
        "id": name,
        "instruction": f"Which of {len(texts)}?",
        "output": f"A) {texts[0]}",
        "options": options,
        "key": "A",
    }


def test_options_that_differ_in_case_or_spaces_only_are_rejected(tmp_path: Path) -> None:
    data = rows(tmp_path / "d.jsonl", row("fine", "Rome", "Paris"), row("alike", "Rome", "Paris", " rome"))
    report = export(data, "moodle", tmp_path / "b.xml")
    assert [(reject.line, reject.reason) for reject in report.rejects] == [
        (2, "alike: options A and C are equal but for case, spaces or a final stop: 'Rome', ' rome'")
    ]


def test_records_renamed_for_their_id_are_counted_and_keep_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = rows(tmp_path / "d.jsonl", row("dup", "a", "b"), row("dup", "c", "d"), row("v~2", "e", "f"))
    bank = tmp_path / "b.gift"
    report = export(data, "gift", bank)
    assert report.renamed == {"dup~2": "dup"}
    found = [one for one in BANK_FORMATS["gift"].read(bank) if isinstance(one, Question)]
    assert [(one.id, dict(one.meta)) for one in found] == [
        ("dup", {}),
        ("dup~2", {"original_id": "dup"}),
        ("v~2", {}),
    ]
    export_command.command(str(data), "gift", bank, overwrite=True)
    assert (
        "  renamed, for an earlier record has the id: 1, the first dup to dup~2; "
        "the id given is kept as 'original_id'"
    ) in capsys.readouterr().out.splitlines()


def test_an_id_that_the_file_itself_has_is_not_called_renamed(tmp_path: Path) -> None:
    data = rows(tmp_path / "d.jsonl", row("dup", "a", "b"), row("dup~2", "c", "d"))
    assert export(data, "csv", tmp_path / "b.csv").renamed == {}


@pytest.mark.parametrize(
    ("name", "text", "line", "reason"),
    [
        ("bank.gift", "Good? {=a ~b}\n\n// note\n::c::No key? {~a ~b}\n", 4, "c: no option is correct"),
        (
            "bank.xml",
            "<quiz>\n<question type='truefalse'><name><text>t</text></name><questiontext><text>Q?</text>"
            "</questiontext><answer fraction='100'><text>true</text></answer><answer fraction='0'><text>false"
            "</text></answer></question>\n\n<question type='essay'><name><text>e</text></name>"
            "<questiontext><text>Q?</text></questiontext></question></quiz>",
            4,
            "e: is an essay without a model answer, and a record needs an output",
        ),
        (
            "bank.txt",
            "One?\nA. a\nB. b\nANSWER: A\n\nTwo?\nA. a\nB. a\nANSWER: A\n",
            6,
            "aiken-2: two options",
        ),
    ],
)
def test_an_unsound_question_is_named_with_the_line_it_begins_on(
    name: str, text: str, line: int, reason: str, tmp_path: Path
) -> None:
    bank = tmp_path / name
    bank.write_text(text, encoding="utf-8")
    format = "aiken" if name == "bank.txt" else None
    (reject,) = import_bank(bank, tmp_path / "out.jsonl", format=format).rejects
    assert reject.line == line
    assert reject.reason.startswith(reason)


def test_a_question_whose_line_is_not_known_is_named_by_its_place(tmp_path: Path) -> None:
    bank = tmp_path / "b.h5p"
    export(rows(tmp_path / "d.jsonl", row("one", "a", "b"), row("two", "c", "d")), "h5p", bank)
    with zipfile.ZipFile(bank) as package:
        files = {name: package.read(name) for name in package.namelist()}
    content = json.loads(files["content/content.json"])
    content["questions"] = [content["questions"][0], {}, content["questions"][0]]
    with zipfile.ZipFile(bank, "w") as package:
        for name, data in (files | {"content/content.json": json.dumps(content).encode()}).items():
            package.writestr(name, data)
    unread, doubled = import_bank(bank, tmp_path / "out.jsonl").rejects
    assert (unread.line, unread.reason[:12]) == (0, "question 2: ")
    assert (doubled.line, doubled.reason) == (0, "question 3: one: its id is used by an earlier question")


MULTICHOICE = (
    "<quiz><question type='multichoice'><name><text>p</text></name>"
    "<questiontext><text>Q?</text></questiontext>"
    "<single>{single}</single><answer fraction='{first}'><text>a</text></answer>"
    "<answer fraction='{second}'><text>b</text></answer><answer fraction='0'><text>c</text></answer>"
    "</question></quiz>"
)


def moodle(path: Path, text: str) -> Question | Reject:
    path.write_text(text, encoding="utf-8")
    (found,) = BANK_FORMATS["moodle"].read(path)
    return found


@pytest.mark.parametrize(
    ("single", "first", "second", "noted"),
    [
        ("true", "100", "50", {"partial_credit": "b (50 %)"}),
        ("true", "100", "-50", {}),
        ("false", "50", "50", {}),
        ("false", "75", "25", {"partial_credit": "a (75 %); b (25 %)"}),
    ],
)
def test_partial_credit_of_moodle_is_noted(
    single: str, first: str, second: str, noted: dict[str, str], tmp_path: Path
) -> None:
    found = moodle(tmp_path / "b.xml", MULTICHOICE.format(single=single, first=first, second=second))
    assert isinstance(found, Question)
    assert dict(found.meta) == noted


def test_partial_credit_in_short_answers_and_gaps_is_noted(tmp_path: Path) -> None:
    short = (
        "<quiz><question type='shortanswer'><questiontext><text>Q?</text></questiontext>"
        "<answer fraction='50'>"
        "<text>half</text></answer><answer fraction='100'><text>full</text></answer></question></quiz>"
    )
    gaps = (
        "<quiz><question type='cloze'><questiontext><text>He {1:MC:=goes~%50%gone} and {1:SA:=ran~%25%run}."
        "</text></questiontext></question></quiz>"
    )
    one, two = moodle(tmp_path / "a.xml", short), moodle(tmp_path / "b.xml", gaps)
    assert isinstance(one, Question)
    assert isinstance(two, Question)
    assert (one.answers, dict(one.meta)) == (("full",), {"partial_credit": "half (50 %)"})
    assert dict(two.meta) == {"partial_credit": "gone (50 %); run (25 %)"}


@pytest.mark.parametrize("share", ["abc", "nan"])
def test_a_share_that_is_no_number_is_said_in_a_sentence(share: str, tmp_path: Path) -> None:
    found = moodle(tmp_path / "b.xml", MULTICHOICE.format(single="true", first=share, second="100"))
    assert isinstance(found, Reject)
    assert found.reason == f"the share of the marks '{share}' of an answer is not a number of per cent"


@pytest.mark.parametrize("name", ["bank.gift", "bank.xml"])
def test_true_and_false_have_letters_like_other_options(name: str, tmp_path: Path) -> None:
    bank = tmp_path / name
    bank.write_text(
        "Sky? {FALSE}\n"
        if name == "bank.gift"
        else "<quiz><question type='truefalse'><questiontext><text>Sky?</text></questiontext>"
        "<answer fraction='0'><text>true</text></answer><answer fraction='100'><text>false</text></answer>"
        "</question></quiz>",
        encoding="utf-8",
    )
    import_bank(bank, tmp_path / "out.jsonl")
    (record,) = read_records(tmp_path / "out.jsonl")
    assert (record.input, record.output, record.meta["key"]) == (
        "Sky?\n\nA) True\nB) False",
        "B) False",
        "B",
    )
