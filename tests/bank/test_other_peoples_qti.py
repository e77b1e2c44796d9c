"""QTI as other programs write it: other layouts, inline feedback, things that a question does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.bank.qti import read_qti
from tunewright.bank.question import Gap, Question
from tunewright.records import Reject

CHOICE = """<?xml version="1.0"?>
<!-- made elsewhere -->
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" identifier="bus-1" title="The bus">
  <responseDeclaration identifier="R" cardinality="single" baseType="identifier">
    <correctResponse><value> late </value></correctResponse>
  </responseDeclaration>
  <itemBody>
    <p>The sign says:
       <strong>no bus</strong> after nine.</p>
    <p>It is ten.</p>
    <choiceInteraction responseIdentifier="R" shuffle="true" maxChoices="1">
      <prompt>What do you do?</prompt>
      <simpleChoice identifier="late">I walk.
        <feedbackInline outcomeIdentifier="F" identifier="late">Yes.</feedbackInline></simpleChoice>
      <simpleChoice identifier="wait"><![CDATA[I wait & sit <down>.]]></simpleChoice>
    </choiceInteraction>
  </itemBody>
</assessmentItem>
"""
CLOZE = """<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="c" title="C">
<qti-response-declaration identifier="A" cardinality="single" base-type="string">
<qti-correct-response><qti-value>is</qti-value></qti-correct-response>
<qti-mapping><qti-map-entry map-key="is" mapped-value="1"/><qti-map-entry map-key="'s" mapped-value="1"/>
<qti-map-entry map-key="be" mapped-value="0.5"/></qti-mapping></qti-response-declaration>
<qti-item-body><p>She <qti-text-entry-interaction response-identifier="A"/> here.</p></qti-item-body>
</qti-assessment-item>"""


def read(tmp_path: Path, text: str) -> Question | Reject:
    path = tmp_path / "item.xml"
    path.write_text(text, encoding="utf-8")
    (found,) = read_qti(path)
    return found


def test_a_choice_of_another_program_has_passage_prompt_key_and_feedback(tmp_path: Path) -> None:
    found = read(tmp_path, CHOICE)
    assert isinstance(found, Question)
    assert found.id == "bus-1"
    assert found.passage == "The sign says: no bus after nine.\n\nIt is ten."
    assert found.prompt == "What do you do?"
    assert [(o.text, o.correct, o.feedback) for o in found.options] == [
        ("I walk.", True, "Yes."),
        ("I wait & sit <down>.", False, ""),
    ]
    assert found.shuffle


def test_a_gap_accepts_what_the_mapping_gives_most_points(tmp_path: Path) -> None:
    found = read(tmp_path, CLOZE)
    assert isinstance(found, Question)
    assert (found.kind, found.pieces) == ("cloze", ("She ", " here."))
    assert found.gaps == (Gap(answers=("is", "'s")),)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (" late ", " never ", "the key 'never' points at no option"),
        (
            "<strong>no bus</strong>",
            '<img src="sign.png" alt=""/>',
            "shows <img>, and a question holds text only",
        ),
        ('responseIdentifier="R"', 'responseIdentifier="Q"', "the response 'Q' is not declared"),
        ("choiceInteraction", "orderInteraction", "has 1 interactions: orderInteraction"),
        ("itemBody", "body", "has no item body"),
        ("assessmentItem", "assessmentTest", "is a <assessmentTest>, not an assessment item"),
    ],
)
def test_what_cannot_be_read_is_a_reject_with_the_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    found = read(tmp_path, CHOICE.replace(old, new))
    assert isinstance(found, Reject)
    assert found.reason.startswith(reason)
