"""One question as a QTI item in the spelling of 2.1 (`qti_names` makes 3.0 of it).

The passage stands in the item body; the explanation is feedback shown after any answer, an option's feedback
after that option; the key is the correct response; a model answer is a rubric that only scorers see.
"""

from __future__ import annotations

from lxml import etree
from lxml.etree import SubElement

from tunewright.bank.question import Gap, Question, is_right_to_left

STYLE_SHEET = "tunewright.css"
STYLE_SHEET_TEXT = """\
.text { white-space: pre-wrap; }
.rtl { direction: rtl; }
.passage { margin: 1em 0; }
"""
EXPLANATION = "explanation"


def item_of(question: Question, identifier: str) -> etree._Element:
    """The `assessmentItem`, without namespace. `identifier` is a name XML allows, the title the real id."""
    item = etree.Element("assessmentItem", identifier=identifier, title=question.id, adaptive="false")
    item.set("timeDependent", "false")
    _declare_responses(item, question)
    _declare_outcomes(item, question)
    SubElement(item, "stylesheet", href=STYLE_SHEET, type="text/css")
    body = SubElement(item, "itemBody")
    for name, text in question.parts.items():
        if name != "prompt" or question.kind in ("short_answer", "cloze"):
            _text(body, "div", text, name)
    _BODIES[question.kind](body, question)
    _process_responses(item, question)
    for option in question.options:
        if option.feedback:
            _feedback(item, "FEEDBACK", option.id, option.feedback)
    if question.explanation:
        _feedback(item, "EXPLANATION", EXPLANATION, question.explanation)
    return item


def _declare_responses(item: etree._Element, question: Question) -> None:
    if question.kind == "cloze":
        for number, gap in enumerate(question.gaps, 1):
            _declare_gap(item, _gap_name(number), gap)
        return
    if question.kind == "short_answer":
        _declare_gap(item, "RESPONSE", Gap(answers=question.answers))
        return
    declaration = SubElement(item, "responseDeclaration", identifier="RESPONSE")
    declaration.set("cardinality", "multiple" if question.kind == "multiple_response" else "single")
    declaration.set("baseType", "string" if question.kind == "essay" else "identifier")
    if question.options:
        correct = SubElement(declaration, "correctResponse")
        for identifier in question.key:
            SubElement(correct, "value").text = identifier


def _declare_gap(item: etree._Element, name: str, gap: Gap) -> None:
    declaration = SubElement(item, "responseDeclaration", identifier=name, cardinality="single")
    declaration.set("baseType", "identifier" if gap.options else "string")
    accepted = gap.answers or tuple(option.id for option in gap.options if option.correct)
    SubElement(SubElement(declaration, "correctResponse"), "value").text = accepted[0]
    mapping = SubElement(declaration, "mapping", defaultValue="0")
    for answer in accepted:
        entry = SubElement(mapping, "mapEntry", mapKey=answer, mappedValue="1")
        if gap.answers:
            entry.set("caseSensitive", "false")


def _declare_outcomes(item: etree._Element, question: Question) -> None:
    score = SubElement(item, "outcomeDeclaration", identifier="SCORE", cardinality="single", baseType="float")
    score.set("normalMaximum", str(max(len(question.gaps), 1)))
    value = SubElement(SubElement(score, "defaultValue"), "value")
    value.text = "0"
    if any(option.feedback for option in question.options):
        feedback = SubElement(item, "outcomeDeclaration", identifier="FEEDBACK", baseType="identifier")
        feedback.set("cardinality", "multiple" if question.kind == "multiple_response" else "single")
    if question.explanation:
        attributes = {"identifier": "EXPLANATION", "cardinality": "single", "baseType": "identifier"}
        SubElement(item, "outcomeDeclaration", attributes)


def _choice(body: etree._Element, question: Question) -> None:
    interaction = SubElement(body, "choiceInteraction", responseIdentifier="RESPONSE")
    interaction.set("shuffle", "true" if question.shuffle else "false")
    interaction.set("maxChoices", "0" if question.kind == "multiple_response" else "1")
    if question.prompt:
        _text(interaction, "prompt", question.prompt)
    for option in question.options:
        _text(interaction, "simpleChoice", option.text).set("identifier", option.id)


def _cloze(body: etree._Element, question: Question) -> None:
    block = SubElement(body, "div")
    _mark(block, "".join(question.pieces), "cloze")
    _append(block, question.pieces[0])
    for number, (gap, piece) in enumerate(zip(question.gaps, question.pieces[1:], strict=True), 1):
        if gap.options:
            interaction = SubElement(block, "inlineChoiceInteraction", responseIdentifier=_gap_name(number))
            interaction.set("shuffle", "false")
            for option in gap.options:
                SubElement(interaction, "inlineChoice", identifier=option.id).text = option.text
        else:
            SubElement(block, "textEntryInteraction", responseIdentifier=_gap_name(number))
        _append(block, piece)


def _short_answer(body: etree._Element, question: Question) -> None:
    SubElement(SubElement(body, "div"), "textEntryInteraction", responseIdentifier="RESPONSE")


def _essay(body: etree._Element, question: Question) -> None:
    interaction = SubElement(body, "extendedTextInteraction", responseIdentifier="RESPONSE")
    if question.prompt:
        _text(interaction, "prompt", question.prompt)
    if question.answers:
        rubric = SubElement(body, "rubricBlock", view="scorer", use="scoring")
        for answer in question.answers:
            _text(rubric, "div", answer, "model-answer")


_BODIES = {
    "choice": _choice,
    "multiple_response": _choice,
    "cloze": _cloze,
    "short_answer": _short_answer,
    "essay": _essay,
}


def _process_responses(item: etree._Element, question: Question) -> None:
    """Scores, then says which feedback is shown. Essays are scored by people."""
    processing = SubElement(item, "responseProcessing")
    if question.options:
        condition = SubElement(SubElement(processing, "responseCondition"), "responseIf")
        match = SubElement(condition, "match")
        SubElement(match, "variable", identifier="RESPONSE")
        SubElement(match, "correct", identifier="RESPONSE")
        outcome = SubElement(condition, "setOutcomeValue", identifier="SCORE")
        SubElement(outcome, "baseValue", baseType="float").text = "1"
        if any(option.feedback for option in question.options):
            outcome = SubElement(processing, "setOutcomeValue", identifier="FEEDBACK")
            SubElement(outcome, "variable", identifier="RESPONSE")
    elif question.kind != "essay":
        outcome = SubElement(processing, "setOutcomeValue", identifier="SCORE")
        total = SubElement(outcome, "sum")
        names = [_gap_name(n) for n in range(1, len(question.gaps) + 1)] or ["RESPONSE"]
        for name in names:
            SubElement(total, "mapResponse", identifier=name)
    if question.explanation:
        outcome = SubElement(processing, "setOutcomeValue", identifier="EXPLANATION")
        SubElement(outcome, "baseValue", baseType="identifier").text = EXPLANATION
    if len(processing) == 0:
        item.remove(processing)


def _feedback(item: etree._Element, outcome: str, identifier: str, text: str) -> None:
    feedback = SubElement(item, "modalFeedback", outcomeIdentifier=outcome, identifier=identifier)
    feedback.set("showHide", "show")
    _text(feedback, "div", text)


def _text(parent: etree._Element, tag: str, text: str, name: str = "") -> etree._Element:
    element = SubElement(parent, tag)
    _mark(element, text, name)
    _append(element, text)
    return element


def _mark(element: etree._Element, text: str, name: str = "") -> None:
    """Class "text" keeps white space by the style sheet; direction is said both ways."""
    right_to_left = is_right_to_left(text)
    classes = [name, "text", "rtl" if right_to_left else ""]
    element.set("class", " ".join(part for part in classes if part))
    if right_to_left:
        element.set("dir", "rtl")


def _append(element: etree._Element, text: str) -> None:
    """Text after what the element already holds, its line breaks as `<br/>`."""
    first, *rest = text.split("\n")
    last = element[-1] if len(element) else None
    if last is None:
        element.text = (element.text or "") + first
    else:
        last.tail = (last.tail or "") + first
    for line in rest:
        SubElement(element, "br").tail = line


def _gap_name(number: int) -> str:
    return f"GAP{number}"
