"""A QTI item of any 2.x or 3.0 file as a question, or the reason why it cannot be one."""

from __future__ import annotations

from typing import Any

from lxml import etree

from tunewright.bank.html import GAP_TAG, element_pieces
from tunewright.bank.qti_names import unspelled
from tunewright.bank.question import Gap, Kind, Option, Question

_CHOICE, _ENTRY, _INLINE, _EXTENDED = (
    "choiceInteraction",
    "textEntryInteraction",
    "inlineChoiceInteraction",
    "extendedTextInteraction",
)
_MEDIA = {"img", "object", "math", "audio", "video", "picture", "mediaInteraction"}
_FEEDBACK = {"feedbackBlock", "feedbackInline", "modalFeedback"}
_PARTS = ("instruction", "passage", "prompt", "cloze")


class NotRead(ValueError):
    """Why an item of a bank cannot be read as a question."""


def question_of_item(root: etree._Element) -> Question:
    """The question an `assessmentItem` asks, with no metadata. NotRead, with the reason, when it has none.

    The id is the title when the item is one of ours, else its identifier.
    """
    item = unspelled(root)
    if item.tag != "assessmentItem":
        raise NotRead(f"is a <{item.tag}>, not an assessment item")
    body = item.find("itemBody")
    if body is None:
        raise NotRead("has no item body")
    media = sorted({str(node.tag) for node in body.iter()} & _MEDIA)
    if media:
        raise NotRead(f"shows <{media[0]}>, and a question holds text only")
    found = [node for node in body.iter() if str(node.tag).endswith("Interaction")]
    names = {str(node.tag) for node in found}
    fields = _shown(body)
    fields["explanation"] = _explanation(item)
    fields["id"] = _id(item)
    if not found:
        raise NotRead("has no interaction")
    if len(found) == 1 and names == {_CHOICE}:
        return _choice(item, found[0], fields)
    if len(found) == 1 and names == {_EXTENDED}:
        models = [div for div in body.iter("div") if "model-answer" in _classes(div)]
        return _with_prompt(found[0], fields, kind="essay", answers=tuple(_text(div) for div in models))
    if len(found) == 1 and names == {_ENTRY} and not fields.get("pieces"):
        return Question(kind="short_answer", answers=_accepted(item, found[0]), **fields)
    if names <= {_ENTRY, _INLINE}:
        gaps = tuple(_gap(item, node) for node in found)
        return Question(kind="cloze", gaps=gaps, **fields)
    raise NotRead(
        f"has {len(found)} interactions: {', '.join(sorted(names))}; one choice, text or cloze is read"
    )


def _id(item: etree._Element) -> str:
    ours = any("tunewright" in (sheet.get("href") or "") for sheet in item.iter("stylesheet"))
    return str((item.get("title") if ours else None) or item.get("identifier") or "").strip()


def _shown(body: etree._Element) -> dict[str, Any]:
    """Instruction, passage, prompt and cloze pieces; in an item that is not ours, all text is the prompt."""
    blocks = {name: div for div in body.iter("div") for name in _PARTS if name in _classes(div)}
    if blocks:
        shown: dict[str, Any] = {n: _text(div) for n, div in blocks.items() if n != "cloze"}
        if "cloze" in blocks:
            shown["pieces"] = tuple(_pieces(blocks["cloze"]))
        return shown
    pieces = _pieces(body)
    inline = len(pieces) > 2 or (len(pieces) == 2 and pieces[1].strip())
    if inline:
        return {"pieces": tuple(pieces)}
    text = "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip())
    return {"prompt": text} if text else {}


def _choice(item: etree._Element, interaction: etree._Element, fields: dict[str, Any]) -> Question:
    declaration = _declaration(item, interaction)
    correct = [(value.text or "").strip() for value in declaration.iterfind("correctResponse/value")]
    feedback = _feedback(item)
    options = tuple(
        Option(
            id=choice.get("identifier") or "",
            text=_text(choice),
            correct=choice.get("identifier") in correct,
            feedback=feedback.get(choice.get("identifier") or "", "") or _own_feedback(choice),
        )
        for choice in interaction.iterfind("simpleChoice")
    )
    lost = set(correct) - {option.id for option in options}
    if lost:
        raise NotRead(f"the key {sorted(lost)[0]!r} points at no option")
    multiple = declaration.get("cardinality") == "multiple" and interaction.get("maxChoices") != "1"
    kind: Kind = "multiple_response" if multiple else "choice"
    shuffle = interaction.get("shuffle") == "true"
    return _with_prompt(interaction, fields, kind=kind, options=options, shuffle=shuffle)


def _with_prompt(interaction: etree._Element, fields: dict[str, Any], **more: Any) -> Question:
    """The prompt inside the interaction; text before it that is not ours is then the passage."""
    prompt = interaction.find("prompt")
    if prompt is not None:
        text = _text(prompt)
        if "prompt" in fields and "passage" not in fields:
            fields["passage"] = fields["prompt"]
        fields["prompt"] = text
    return Question(**fields, **more)


def _gap(item: etree._Element, interaction: etree._Element) -> Gap:
    if interaction.tag == _ENTRY:
        return Gap(answers=_accepted(item, interaction))
    declaration = _declaration(item, interaction)
    correct = [(value.text or "").strip() for value in declaration.iterfind("correctResponse/value")]
    return Gap(
        options=tuple(
            Option(c.get("identifier") or "", "".join(map(str, c.itertext())), c.get("identifier") in correct)
            for c in interaction.iterfind("inlineChoice")
        )
    )


def _accepted(item: etree._Element, interaction: etree._Element) -> tuple[str, ...]:
    """The correct response, then every answer the mapping gives the most points."""
    declaration = _declaration(item, interaction)
    answers = [value.text or "" for value in declaration.iterfind("correctResponse/value")]
    entries = [
        (e.get("mapKey") or "", float(e.get("mappedValue") or 0)) for e in declaration.iter("mapEntry")
    ]
    best = max((points for _, points in entries), default=0.0)
    answers += [key for key, points in entries if points == best and points > 0]
    return tuple(dict.fromkeys(answers))


def _declaration(item: etree._Element, interaction: etree._Element) -> etree._Element:
    name = interaction.get("responseIdentifier")
    for declaration in item.iterfind("responseDeclaration"):
        if declaration.get("identifier") == name:
            return declaration
    raise NotRead(f"the response {name!r} is not declared")


def _feedback(item: etree._Element) -> dict[str, str]:
    blocks = item.iterfind("modalFeedback")
    return {
        b.get("identifier") or "": _text(b) for b in blocks if b.get("outcomeIdentifier") != "EXPLANATION"
    }


def _explanation(item: etree._Element) -> str:
    blocks = [b for b in item.iterfind("modalFeedback") if b.get("outcomeIdentifier") == "EXPLANATION"]
    return "\n".join(_text(block) for block in blocks)


def _own_feedback(choice: etree._Element) -> str:
    """Feedback that stands inside an option, as other programs write it."""
    return "\n".join(_text(block, keep_feedback=True) for block in choice if block.tag in _FEEDBACK)


def _classes(node: etree._Element) -> list[str]:
    return (node.get("class") or "").split()


def _text(node: etree._Element, *, keep_feedback: bool = False) -> str:
    if not keep_feedback and any(child.tag in _FEEDBACK for child in node.iterdescendants()):
        return "".join(_pieces(node))
    return "".join(element_pieces(node))


def _pieces(node: etree._Element) -> list[str]:
    """The texts between the interactions of a body; what they and rubrics contain is not text of the body."""
    copy = etree.fromstring(etree.tostring(node, with_tail=False))
    for hidden in [n for n in copy.iter() if n.tag == "rubricBlock" or n.tag in _FEEDBACK]:
        _empty(hidden, "span")
    for interaction in [n for n in copy.iter() if str(n.tag).endswith("Interaction")]:
        _empty(interaction, GAP_TAG)
    return element_pieces(copy)


def _empty(node: etree._Element, tag: str) -> None:
    tail = node.tail
    node.clear()
    node.tag, node.tail = tag, tail
