"""Over fifty chat templates, and conversations that break masks: every rendering proved, or refused by name.

The check does not use the code under test: it renders with the tokenizer's own `apply_chat_template`, finds
each message's text in the rendering by searching for it, and compares character by character. What must be
refused is written out in `support/chat_templates/refusals.json`; a change in either direction fails. To renew
that file and the table in the docs after a change that is meant, run this file as a script and read the diff.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.tiny_models import TEMPLATES, chat_templates, chat_tokenizer
from tunewright.errors import TemplateError
from tunewright.tune.control_tokens import Policy
from tunewright.tune.conversation import Role
from tunewright.tune.roles import Renderer, RoledTokens

DOCS = Path(__file__).resolve().parents[2] / "docs" / "ideas" / "roles-by-provenance.md"
REFUSALS = TEMPLATES / "refusals.json"
NAMES = sorted(chat_templates())
ROLE_OF = {"system": Role.SYSTEM, "user": Role.INSTRUCTION, "assistant": Role.OUTPUT}

Chat = list[dict[str, Any]]


def chat(*texts: str, system: str | None = None) -> Chat:
    """Question, answer, question, answer …, after a system message if one is given."""
    turns: Chat = [{"role": "system", "content": system}] if system is not None else []
    return turns + [
        {"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(texts)
    ]


MARKERS = (
    "Zq1 [[double]] {{ jinja }} {% raw %} [INSTR] <|usr|> <<SYS> ### Respond: end",
    "Zq2 [/INSTR] {# note #} User; Assistant; </tool-call> <start-of-turn> %s ${x} end",
)
CODE = (
    'Zq1 fix {"a": "b\\n\\\\c", \'d\': [1, 2]} <b>&amp;</b> please',
    "Zq2 def f(x):\n    return \"x\\t\" + 'y'  # <i>no</i>\n\n\nprint(f(1))",
)
CONVERSATIONS: dict[str, Chat] = {
    "plain": chat("Zq1 Name a city.", "Zq2 Paris."),
    "markers": chat(*MARKERS),
    "edges": chat("  \n Zq1 indented ", "\n\n Zq2 padded \t\n"),
    "emoji": chat("Zq1 👩‍👩‍👧‍👦 e\u0301 🏳️‍🌈", "👍🏽 Zq2 naïve 你好"),
    "right to left": chat("Zq1 שלום \u202bعالم\u202c", "مرحبا Zq2 \u200fבוקר"),
    "empty system": chat("Zq1 Why?", "Zq2 Because.", system=""),
    "system": chat("Zq1 Why?", "Zq2 Because.", system="Zq0 Be brief."),
    "thirty turns": chat(*(f"Zq{n} turn number {n} ends" for n in range(100, 130))),
    "thinking": chat("Zq1 2+2?", "<think>\nZt2 add them\n</think>\n\nZq2 Four."),
    "thinking before": chat(
        "Zq1 2+2?",
        "<think>\nZt2 add them\n</think>\n\nZq2 Four.",
        "Zq3 3+3?",
        "<think>\nZt4 hm\n</think>\n\nZq4 Six.",
    ),
    "a mark alone": chat("Zq1 what closes it?", "Zq2 use </think> to close it."),
    "code and JSON": chat(*CODE),
    "equal": chat("Ж same words", "Ж same words", "Ж same words", "Ж same words"),
    "one character": chat("Ж", "Щ"),
    "white space only": chat("Zq1 say nothing", "  \n "),
    "an empty answer": chat("Zq1 say nothing", ""),
    "not in turns": [
        {"role": "user", "content": "Zq1 first"},
        {"role": "user", "content": "Zq2 second"},
        {"role": "assistant", "content": "Zq3 answer"},
    ],
    "list of parts": [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Zq1 one"}, {"type": "text", "text": " Zq1b two"}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "Zq2 done"}]},
    ],
}
CONTROL = "control token"
ALL = [*CONVERSATIONS, CONTROL]


@cache
def renderer(name: str, policy: Policy = "refuse") -> Renderer | TemplateError:
    try:
        return Renderer(chat_tokenizer(name), control_tokens=policy)
    except TemplateError as error:
        return error


def conversation_of(name: str, key: str) -> Chat:
    if key != CONTROL:
        return CONVERSATIONS[key]
    found = renderer(name)
    stop = (
        "<|im_end|>"
        if isinstance(found, TemplateError)
        else found.tokenizer.convert_ids_to_tokens(found.stop_id)
    )
    return chat(f"Zq1 what is {stop} for?", f"Zq2 it {stop}ends a turn")


def outcome(name: str, key: str, policy: Policy = "refuse") -> RoledTokens | str:
    made = renderer(name, policy)
    if isinstance(made, TemplateError):
        return str(made)
    try:
        return made(conversation_of(name, key))
    except TemplateError as error:
        return str(error)


# -- the oracle: what the rendering shows of each message, by searching for it ---------------------


def text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def plain_rendering(name: str, messages: Chat) -> str:
    """What `apply_chat_template` makes of it; templates for parts get parts, all others strings."""
    tokenizer = chat_tokenizer(name)
    if name == "parts_only":
        messages = [{**m, "content": [{"type": "text", "text": text_of(m)}]} for m in messages]
    elif name != "gemma3":
        messages = [{**m, "content": text_of(m)} for m in messages]
    return str(tokenizer.apply_chat_template(messages, tokenize=False))


def shown_forms(message: dict[str, Any]) -> list[str]:
    """All ways to show a message without loss, but for white space at its edges; longest first."""
    text = text_of(message).strip()
    forms = [text]
    if message["role"] == "assistant" and text.startswith("<think>"):
        forms += [re.sub(r"\s*</think>\s*", "\n</think>\n", text), text.split("</think>")[1].strip()]
    if isinstance(message["content"], list):
        forms.append("".join(part["text"].strip() for part in message["content"]))
    forms += [json.dumps(form, ensure_ascii=False)[1:-1] for form in forms]
    return sorted({form for form in forms if form}, key=len, reverse=True)


def owners_by_search(messages: Chat, plain: str) -> np.ndarray:
    """Per character of the rendering the message shown there, or -1."""
    owners = np.full(len(plain), -1)
    cursor = 0
    for number, message in enumerate(messages):
        forms = shown_forms(message)
        if not forms:
            continue
        from_here = 0 if message["role"] == "system" else cursor
        form = next(form for form in forms if plain.find(form, from_here) >= 0)
        start = plain.find(form, from_here)
        assert np.all(owners[start : start + len(form)] == -1)
        owners[start : start + len(form)] = number
        if message["role"] != "system":
            cursor = start + len(form)
    return owners


def check(name: str, messages: Chat, roled: RoledTokens, made: Renderer) -> None:
    """Everything that must hold of a rendering that was not refused."""
    plain = plain_rendering(name, messages)
    pieces = roled.pieces()
    assert "".join(pieces) == roled.text
    if made.appends_eos:
        assert plain.startswith(roled.text)
        assert roled.ids[-1] == made.stop_id
        assert roled.roles[-1] == Role.EOS
    else:
        assert roled.text == plain
    owners = owners_by_search(messages, plain)[: len(roled.text)]
    starts = np.concatenate([[0], roled.ends[:-1]])
    expected: list[int] = []
    for start, end in zip(starts, roled.ends, strict=True):
        own = owners[start:end][owners[start:end] >= 0]
        assert len(set(own.tolist())) <= 1, "a token covers two messages"
        expected.append(int(own[0]) if len(own) else -1)
    for number, message in enumerate(messages):
        role = ROLE_OF[message["role"]]
        covered = [place for place, owner in enumerate(expected) if owner == number]
        assert all(roled.roles[place] == role for place in covered), (
            f"a part of message {number + 1} has another role"
        )
    for place, role in enumerate(roled.roles):  # and nothing else has the role of content
        if role in ROLE_OF.values() and roled.ends[place] > starts[place] and expected[place] < 0:
            assert not pieces[place].strip(), f"{pieces[place]!r} is not content but {Role(role).name}"
    answers = [n for n, m in enumerate(messages) if m["role"] == "assistant" and n in expected]
    for number in answers:
        last = max(place for place, owner in enumerate(expected) if owner == number)
        while last + 1 < len(roled.ids) and roled.roles[last + 1] == Role.OUTPUT:
            last += 1  # the later bytes of its last character, or white space glued to it
        following = [Role(role) for role in roled.roles[last + 1 :]]
        is_stopped = bool(following) and following[0] == Role.EOS
        assert is_stopped == stops_after(name, number, len(messages)), (
            f"message {number + 1}: {following[:3]}"
        )
        if is_stopped:
            length = next((n for n, role in enumerate(following) if role != Role.EOS), len(following))
            assert roled.ids[last + length] == made.stop_id


def stops_after(name: str, number: int, num_messages: int) -> bool:
    """Whether the style writes a stop token after that answer; these do so only after the last."""
    only_last = {"baichuan", "alpaca", "amber", "falcon", "nemotron", "minicpm"}
    return number == num_messages - 1 or name not in only_last


@cache
def refusals() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = json.loads(REFUSALS.read_text(encoding="utf-8"))
    return table


@pytest.mark.parametrize("name", NAMES)
def test_every_rendering_is_proved_and_right_or_refused_as_written_down(name: str) -> None:
    """None silently wrong: the oracle agrees on all that is proved, and the rest is the table of refusals."""
    for key in ALL:
        found = outcome(name, key)
        expected = refusals().get(name, {}).get(key)
        if isinstance(found, str):
            assert found == expected, f"{name}, {key}"
            continue
        assert expected is None, f"{name}, {key}: proved, where a refusal was expected: {expected}"
        made = renderer(name)
        assert isinstance(made, Renderer)
        check(name, conversation_of(name, key), found, made)
        ids = made.tokenizer(found.text, add_special_tokens=False)["input_ids"]
        assert found.ids.tolist() == ids + [made.stop_id] * made.appends_eos


@pytest.mark.parametrize("name", NAMES)
def test_control_tokens_in_content_become_ordinary_text_when_asked(name: str) -> None:
    """No special id comes out of content, the text is whole, and the roles are right all the same."""
    made = renderer(name, "text")
    assert isinstance(made, Renderer)
    messages = conversation_of(name, CONTROL)
    found = outcome(name, CONTROL, "text")
    if name == "escaped":
        assert isinstance(found, str)
        assert "escapes it as HTML" in found
        return
    assert isinstance(found, RoledTokens)
    check(name, messages, found, made)
    special = set(made.tokenizer.all_special_ids)
    content = np.isin(found.roles, list(ROLE_OF.values()))
    assert not special & set(found.ids[content].tolist())
    spaces = made.tokenizer.decode(found.ids, clean_up_tokenization_spaces=False)
    appended = made.tokenizer.convert_ids_to_tokens(made.stop_id) * made.appends_eos
    assert re.sub(r"\s", "", spaces) == re.sub(r"\s", "", found.text + appended)


# What a template does with white space at the edges, by hand: (question, answer) of the conversation "edges".
EDGES = {
    "chatml": ("  \n Zq1 indented ", "\n\n Zq2 padded \t\n"),
    "llama3": ("Zq1 indented", "Zq2 padded"),
    "stablelm": ("Zq1 indented ", "Zq2 padded \t\n"),  # it trims on the left only
    "qwen3": ("  \n Zq1 indented ", " Zq2 padded \t\n"),  # it trims line breaks, and only of answers
}


@pytest.mark.parametrize("name", sorted(EDGES))
def test_white_space_at_the_edges_belongs_to_the_message_as_far_as_it_is_shown(name: str) -> None:
    found = outcome(name, "edges")
    assert isinstance(found, RoledTokens)
    pieces = list(zip(found.pieces(), found.roles, strict=True))
    question = "".join(piece for piece, role in pieces if role == Role.INSTRUCTION)
    answer = "".join(piece for piece, role in pieces if role == Role.OUTPUT)
    assert (question, answer) == EDGES[name]


def test_the_table_in_the_docs_is_this_one() -> None:
    """Renew it by running this file as a script."""
    assert docs_table() in DOCS.read_text(encoding="utf-8")


def docs_table() -> str:
    lines = [
        "| template | proved | refused | besides the control token, it refuses |",
        "| --- | --- | --- | --- |",
    ]
    proved = 0
    for name in NAMES:
        refused = refusals().get(name, {})
        others = "; ".join(key for key in refused if key != CONTROL)
        proved += len(ALL) - len(refused)
        lines.append(
            f"| {name} | {len(ALL) - len(refused)} | {len(refused)} | {others} |".replace("|  |", "| |")
        )
    total = len(NAMES) * len(ALL)
    lines.append(f"| all {len(NAMES)} | {proved} | {total - proved} | |")
    return "\n".join(lines)


def main() -> None:
    """Write the table of refusals and that in the docs anew, if the oracle agrees to all that is proved."""
    table: dict[str, dict[str, str]] = {}
    for name in NAMES:
        made = renderer(name)
        for key in ALL:
            found = outcome(name, key)
            if isinstance(found, str):
                table.setdefault(name, {})[key] = found
            else:
                assert isinstance(made, Renderer)
                check(name, conversation_of(name, key), found, made)
    REFUSALS.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    refusals.cache_clear()
    text = DOCS.read_text(encoding="utf-8")
    start, end = text.index("| template | proved"), text.index("\n\n", text.index("| template | proved"))
    DOCS.write_text(text[:start] + docs_table() + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
