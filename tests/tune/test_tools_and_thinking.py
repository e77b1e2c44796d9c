"""What an assistant writes itself to call a tool or to think is OUTPUT; what a tool answers is TOOL."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from support.tiny_models import chat_templates, chat_tokenizer
from tunewright.errors import TemplateError
from tunewright.tune import parse_objective
from tunewright.tune.conversation import Role
from tunewright.tune.roles import Renderer, RoledTokens

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
ARGUMENTS = {"city": 'Par"is', "days": 2, "units": ["mm", "in"]}
CALL = {"id": "abc123def", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
CHAT: list[dict[str, Any]] = [
    {"role": "user", "content": "Is it wet?"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "content": '{"rain": "yes"}', "tool_call_id": "abc123def"},
    {"role": "assistant", "content": "Yes, bring a coat."},
]
THOUGHTS: list[dict[str, Any]] = [
    {"role": "user", "content": "2+2?"},
    {"role": "assistant", "reasoning_content": "Add\nthem.", "content": "Four"},
    {"role": "user", "content": "3+3?"},
    {"role": "assistant", "reasoning_content": "Hm.", "content": "Six"},
]
JSON = '{"city": "Par\\"is", "days": 2, "units": ["mm", "in"]}'


@cache
def renderer(name: str) -> Renderer:
    return Renderer(chat_tokenizer(name))


def texts(roled: RoledTokens, role: Role) -> list[str]:
    """The text of each run of tokens with the role."""
    found: list[str] = []
    before = None
    for piece, own in zip(roled.pieces(), roled.roles, strict=True):
        if own == role:
            found = [*found[:-1], found[-1] + piece] if before == role else [*found, piece]
        before = own
    return found


# style: (what the assistant writes for the call, the tool's answer, the stop token), by hand from the layout
CALLS = {
    "qwen25": (
        '<tool_call>\n{"name": "weather", "arguments": ' + JSON + "}\n</tool_call>",
        '{"rain": "yes"}',
        "<|im_end|>",
    ),
    "qwen3": (
        '<tool_call>\n{"name": "weather", "arguments": ' + JSON + "}\n</tool_call>",
        '{"rain": "yes"}',
        "<|im_end|>",
    ),
    "hermes": (
        '<tool_call>\n{"arguments": ' + JSON + ', "name": "weather"}\n</tool_call>',
        '{"rain": "yes"}',
        "<|im_end|>",
    ),
    "llama31": (
        '{"name": "weather", "parameters": ' + JSON + "}",
        '{\\"rain\\": \\"yes\\"}',
        "<|eot_id|>",
    ),
    "mistral_v3": (
        '[TOOL_CALLS] [{"name": "weather", "arguments": ' + JSON + ', "id": "abc123def"}]',
        '{\\"rain\\": \\"yes\\"}',
        "</s>",
    ),
    "deepseek_v3": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n"
        + JSON
        + "\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        '{"rain": "yes"}',
        "<｜end▁of▁sentence｜>",
    ),
}


def test_every_style_that_knows_tools_is_here() -> None:
    assert sorted(CALLS) == sorted(name for name, tokens in chat_templates().items() if tokens.get("tools"))


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_whole_call_is_output_and_the_tools_answer_is_tool(name: str) -> None:
    """Tags and JSON too: the assistant must write them. The tools' description is template text."""
    call, answer, stop = CALLS[name]
    roled = renderer(name)(CHAT, tools=TOOLS)
    assert texts(roled, Role.OUTPUT) == [call, "Yes, bring a coat."]
    assert texts(roled, Role.TOOL) == [answer]
    assert texts(roled, Role.EOS) == [stop, stop]
    assert texts(roled, Role.INSTRUCTION) == ["Is it wet?"]
    assert roled.text == chat_tokenizer(name).apply_chat_template(CHAT, tools=TOOLS, tokenize=False)
    weights = parse_objective("im").token_weights(roled.roles)
    assert not weights[roled.roles == Role.TOOL].any()


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_that_ends_the_conversation_ends_with_the_stop_token(name: str) -> None:
    roled = renderer(name)(CHAT[:2], tools=TOOLS)
    assert texts(roled, Role.OUTPUT)[-1].endswith(CALLS[name][0])
    assert texts(roled, Role.EOS) == [CALLS[name][2]]


def test_arguments_given_as_a_json_string_are_the_assistants_too() -> None:
    call = {"type": "function", "function": {"name": "weather", "arguments": JSON}}
    roled = renderer("qwen3")([CHAT[0], {"role": "assistant", "tool_calls": [call]}, *CHAT[2:]])
    assert texts(roled, Role.OUTPUT)[0] == CALLS["qwen3"][0]


def test_words_before_a_call_and_two_calls_are_one_stretch_of_output() -> None:
    called = {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL, CALL]}
    roled = renderer("qwen25")([CHAT[0], called], tools=TOOLS)
    written = CALLS["qwen25"][0]
    assert texts(roled, Role.OUTPUT) == [f"Let me look.\n{written}\n{written}"]


REFUSED = {
    "chatml": r"drops a tool call of message 2 \(assistant\)",
    "alpaca": r"drops a tool call of message 2 \(assistant\)",
    "deepseek_r1": r"own text begins in message 2 \(assistant\) cannot be proved: the generation prompt",
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_call_whose_place_cannot_be_proved_is_refused(name: str) -> None:
    called = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    with pytest.raises(TemplateError, match=REFUSED[name]):
        renderer(name)([CHAT[0], called])


def test_a_number_that_a_template_drops_from_a_call_is_refused() -> None:
    """Numbers cannot be marked as strings are, so they are looked for."""
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
        "{{ c.function.name }}({{ c.function.arguments.city }}){% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    drops = Renderer(chat_tokenizer("chatml"), chat_template=template)

    def call(**arguments: Any) -> list[dict[str, Any]]:
        function = {"name": "weather", "arguments": arguments}
        return [CHAT[0], {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}]

    with pytest.raises(TemplateError, match=r"drops city from a tool call of message 2 \(assistant\)"):
        drops(call(city="Rome"))
    template = template.replace(".city", " | tojson")
    shows = Renderer(chat_tokenizer("chatml"), chat_template=template)
    assert texts(shows(call(city="Rome", days=3)), Role.OUTPUT) == ['weather({"city": "Rome", "days": 3})']
    endless = Renderer(chat_tokenizer("chatml"), chat_template=template.replace("<|im_end|>", ""))
    with pytest.raises(TemplateError, match=r"message 2 \(assistant\) calls a tool, and the chat template"):
        endless(call(city="Rome", days=3))


def test_thinking_beside_the_content_is_output_with_its_marks() -> None:
    """And it is left out of the earlier answer, as the template has it."""
    roled = renderer("qwen3")(THOUGHTS)
    assert texts(roled, Role.OUTPUT) == ["Four", "<think>\nHm.\n</think>\n\nSix"]
    assert texts(renderer("qwen3")(THOUGHTS[:2]), Role.OUTPUT) == ["<think>\nAdd\nthem.\n</think>\n\nFour"]


def test_thinking_inside_the_content_is_output_with_its_marks() -> None:
    inside = {"role": "assistant", "content": "<think>Hm.</think>Six"}
    roled = renderer("qwen3")([*THOUGHTS[:3], inside])
    assert texts(roled, Role.OUTPUT) == ["Four", "<think>\nHm.\n</think>\n\nSix"]


def test_a_template_that_knows_no_thinking_refuses_it_in_the_last_answer() -> None:
    with pytest.raises(TemplateError, match=r"drops the thinking of message 4 \(assistant\)"):
        renderer("chatml")(THOUGHTS)


def test_an_empty_thinking_block_that_the_template_adds_is_template_text() -> None:
    """A chat call may bring it with the prompt (`enable_thinking`), so it is no one's answer."""
    roled = renderer("qwen3")([THOUGHTS[0], {"role": "assistant", "content": "Four"}])
    assert texts(roled, Role.OUTPUT) == ["Four"]
    assert texts(roled, Role.HEADER)[-1] == "\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    assert not renderer("qwen3").matches_generation_prompt
    without = Renderer(chat_tokenizer("qwen3"), settings={"enable_thinking": False})
    assert without.matches_generation_prompt
    with pytest.raises(TemplateError, match=r"own text begins in message 4 \(assistant\) cannot be proved"):
        without(THOUGHTS)
