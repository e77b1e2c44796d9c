"""Item banks: every format written, read back and compared, and read by parsers that are not ours.

python benchmarks/item_banks.py [-n 2000] [--data ../shared/data]

The questions are n items of the item models and, where --data has them, all 486 of OneStopQA. Our own reader
must give every question back. Then keys are read a second way: QTI and Moodle XML with the standard library
(expat) and twenty lines below, GIFT with `pygiftparserrgmf`; and we read what `moodle_questions` writes. Both
packages are optional: pip install pygiftparserrgmf moodle_questions ply.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from tunewright.bank import BANK_FORMATS, NotAQuestion, Question, question_of, write_bank
from tunewright.bank.html import html_text
from tunewright.generate.items import generate_items
from tunewright.records import Record


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("-n", type=int, default=2000)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = options.parse_args()
    sets = {f"{given.n:,} items": list(generate_items(given.n, seed=7))}
    if (path := given.data / "elpa/onestop_qa/onestop_qa.json").is_file():
        sets["OneStopQA"] = onestop(path)
    with tempfile.TemporaryDirectory() as folder:
        for name, records in sets.items():
            measure(name, records, Path(folder))
        read_what_moodle_questions_writes(next(iter(sets.values())), Path(folder))


def onestop(path: Path) -> list[Record]:
    """Every question on its advanced paragraph; the options in an order drawn from its number."""
    records: list[Record] = []
    for article in json.loads(path.read_bytes())["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                order = random.Random(len(records)).sample(range(4), 4)
                options = [
                    {"letter": letter, "text": asked["answers"][place]}
                    for letter, place in zip("ABCD", order, strict=True)
                ]
                meta = {"skill": "reading", "passage": paragraph["Adv"]["context"], "stem": asked["question"]}
                meta |= {"options": options, "key": "ABCD"[order.index(0)]}
                name = f"onestop-{len(records)}"
                records.append(Record(id=name, instruction="", output=asked["answers"][0], meta=meta))
    return records


def measure(name: str, records: Sequence[Record], folder: Path) -> None:
    questions, num_not = [], 0
    for record in records:
        try:
            questions.append(question_of(record))
        except NotAQuestion:
            num_not += 1
    print(f"\n{name}: {len(questions):,} questions, {num_not} records are none")
    heads = f"{'written':>8} {'refused':>8} {'equal':>7} {'seconds':>8} {'bytes':>11}"
    print(f"{'format':8} {heads}   another parser")
    for bank_format in BANK_FORMATS.values():
        held = [question for question in questions if not bank_format.refused(question)]
        path = folder / f"bank{bank_format.suffix}"
        started = time.process_time()
        write_bank(held, bank_format, path)  # raises at the first difference
        seconds = time.process_time() - started
        other = OTHERS.get(bank_format.name, lambda path, questions: "")(path, held)
        refused, size = len(questions) - len(held), path.stat().st_size
        line = f"{len(held):8,} {refused:8,} {len(held):7,} {seconds:8.2f} {size:11,}   {other}"
        print(f"{bank_format.name:8} {line}")


def right_texts(question: Question) -> list[str]:
    return [option.text for option in question.options if option.correct]


def qti_keys(path: Path, questions: Sequence[Question]) -> str:
    """The key of each choice item by expat: the text of the choice that the correct response names."""
    found = []
    with zipfile.ZipFile(path) as package:
        for name in package.namelist():
            if not name.endswith(".xml") or name == "imsmanifest.xml":
                continue
            nodes = list(ElementTree.fromstring(package.read(name)).iter())
            local = [
                node.tag.rpartition("}")[2].removeprefix("qti-").replace("-", "").lower() for node in nodes
            ]
            correct = [
                value.text
                for node, tag in zip(nodes, local, strict=True)
                if tag == "correctresponse"
                for value in node
            ]
            choices = {
                n.get("identifier"): n for n, tag in zip(nodes, local, strict=True) if tag == "simplechoice"
            }
            if choices:
                found.append(["".join(choices[key or ""].itertext()) for key in correct])
    expected = [right_texts(question) for question in questions if question.options]
    return f"expat: {sum(a == b for a, b in zip(found, expected, strict=True)):,} of {len(expected):,} keys"


def moodle_keys(path: Path, questions: Sequence[Question]) -> str:
    """The key of each choice item by expat: the answers of fraction 100."""
    found = []
    for node in ElementTree.parse(path).getroot():
        if node.get("type") == "multichoice":
            full = [answer for answer in node.iter("answer") if answer.get("fraction") == "100"]
            found.append([html_text(answer.findtext("text") or "") for answer in full])
    expected = [right_texts(question) for question in questions if question.options]
    return f"expat: {sum(a == b for a, b in zip(found, expected, strict=True)):,} of {len(expected):,} keys"


def gift_keys(path: Path, questions: Sequence[Question]) -> str:
    """The right options as pygiftparser reads them, one question at a time. It knows no general feedback."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            from pygiftparser import parser
    except ImportError:
        return "pygiftparserrgmf is not installed"
    num_equal = num_essays = 0
    scratch = path.with_name("one.gift")
    for question in questions:
        if question.kind == "essay":
            num_essays += 1
            continue
        BANK_FORMATS["gift"].write([question], scratch)
        with contextlib.redirect_stdout(io.StringIO()):
            parsed = parser.parse(scratch.read_text(encoding="utf-8"))
        options = parsed.questions[-1].answer.options
        # it keeps the backslash of "\\:", which Moodle and the published fixtures take away
        right = [html_text(option.text).replace("\\:", ":") for option in options if option.prefix == "="]
        gap_answers = [answer for gap in question.gaps for answer in gap.answers]
        num_equal += right == (right_texts(question) or [*question.answers, *gap_answers])
        parsed.questions.clear()
    asked = len(questions) - num_essays
    return f"pygiftparser: {num_equal:,} of {asked:,} keys ({num_essays} essays: it knows no '####')"


OTHERS = {"qti21": qti_keys, "qti3": qti_keys, "moodle": moodle_keys, "gift": gift_keys}


def read_what_moodle_questions_writes(records: Sequence[Record], folder: Path) -> None:
    """Another package's Moodle XML, read by ours: texts and key."""
    try:
        from moodle_questions import MultipleChoiceQuestion, Quiz
    except ImportError:
        print("\nmoodle_questions is not installed")
        return
    quiz, expected = Quiz(), []
    for record in records:
        question = question_of(record)
        if question.kind != "choice":
            continue
        node = MultipleChoiceQuestion(name=question.id, question_text=question.prompt, default_mark=1)
        for option in question.options:
            node.add_answer(100 if option.correct else 0, option.text, option.feedback)
        quiz.add_question(node)
        expected.append((question.id, right_texts(question)))
    path = folder / "theirs.xml"
    quiz.save(str(path))
    found = [
        (one.id, right_texts(one)) for one in BANK_FORMATS["moodle"].read(path) if isinstance(one, Question)
    ]
    equal = sum(a == b for a, b in zip(found, expected, strict=True))
    print(f"\nmoodle_questions writes, we read: {equal:,} of {len(expected):,} keys")


if __name__ == "__main__":
    main()
