"""Roles are proved by provenance, in every style of tokenizer, or the conversation is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast

from support.tiny_models import STYLES, TEXTS, sentencepiece_style
from tunewright.errors import ModelError, TemplateError
from tunewright.records.record import Record, Turn
from tunewright.tune.conversation import Message, Role, conversation
from tunewright.tune.roles import Renderer
from tunewright.tune.scratch import train_bpe
from tunewright.tune.templates import CHATML

SHARED = Path(__file__).resolve().parents[2].parent / "shared"

CHAT = [
    Message("user", ((Role.INSTRUCTION, "Name a city."),)),
    Message("assistant", ((Role.OUTPUT, "Paris"),)),
    Message("user", ((Role.INSTRUCTION, "Where is it?"), (Role.INPUT, "\n\nIn Europe?"))),
    Message("assistant", ((Role.OUTPUT, "In France."), (Role.EXPLANATION, "\n\nIt is the capital."))),
]


def runs(pieces: list[str], roles: np.ndarray) -> list[tuple[str, str]]:
    """Neighbouring tokens of one role as (role, text)."""
    joined: list[tuple[str, str]] = []
    for piece, role in zip(pieces, roles, strict=True):
        name = Role(role).name
        if joined and joined[-1][0] == name:
            joined[-1] = (name, joined[-1][1] + piece)
        else:
            joined.append((name, piece))
    return joined


def test_chatml_roles_are_these() -> None:
    roled = Renderer(STYLES["chatml"]())([Message("system", ((Role.SYSTEM, "Be brief."),)), *CHAT[:2]])
    assert runs(roled.pieces(), roled.roles) == [
        ("HEADER", "<|im_start|>system\n"),
        ("SYSTEM", "Be brief."),
        ("SEPARATOR", "<|im_end|>"),
        ("HEADER", "\n<|im_start|>user\n"),
        ("INSTRUCTION", "Name a city."),
        ("SEPARATOR", "<|im_end|>"),
        ("HEADER", "\n<|im_start|>assistant\n"),
        ("OUTPUT", "Paris"),
        ("EOS", "<|im_end|>"),
        ("SEPARATOR", "\n"),
    ]


def test_tulu_roles_over_several_turns_are_these() -> None:
    roled = Renderer(STYLES["byte_level"]())(CHAT)
    assert runs(roled.pieces(), roled.roles) == [
        ("HEADER", "<|user|>\n"),
        ("INSTRUCTION", "Name a city."),
        ("HEADER", "\n<|assistant|>\n"),
        ("OUTPUT", "Paris"),
        ("EOS", "<|end|>"),
        ("HEADER", "\n<|user|>\n"),
        ("INSTRUCTION", "Where is it?"),
        ("INPUT", "\n\nIn Europe?"),
        ("HEADER", "\n<|assistant|>\n"),
        ("OUTPUT", "In France."),
        ("EXPLANATION", "\n\nIt is the capital."),
        ("EOS", "<|end|>"),
        ("SEPARATOR", "\n"),
    ]


def test_sentencepiece_roles_train_the_space_before_the_stop_token() -> None:
    """The template writes ' </s>': what follows the answer must be learnt, or the model cannot stop."""
    roled = Renderer(sentencepiece_style())(CHAT)
    found = runs(roled.pieces(), roled.roles)
    assert found[0] == ("BOS", "<s>")
    assert ("EOS", " </s>") in found
    assert [text for role, text in found if role == "OUTPUT"] == [" Paris", "In France."]  # glued space
    assert roled.text == "".join(text for _, text in found)


def test_the_first_output_token_and_the_stop_token_follow_each_other_exactly(any_tokenizer: Any) -> None:
    renderer = Renderer(any_tokenizer)
    roled = renderer(CHAT)
    output = np.flatnonzero(roled.roles == Role.OUTPUT)
    assert roled.roles[output[0] - 1] == Role.HEADER
    assert roled.ids[np.flatnonzero(roled.roles == Role.EOS)[-1]] == renderer.stop_id


def test_segments_concatenate_to_the_ids_of_one_plain_tokenisation(any_tokenizer: Any) -> None:
    """Cutting at every change of role and joining again gives the ids of the rendered text."""
    roled = Renderer(any_tokenizer)(CHAT)
    cuts = np.flatnonzero(np.diff(roled.roles)) + 1
    joined = np.concatenate(np.split(roled.ids, cuts))
    assert joined.tolist() == any_tokenizer(roled.text, add_special_tokens=False)["input_ids"]
    assert "".join(roled.pieces()) == roled.text


HARD = [
    "plain",
    "  leading and trailing  ",
    "[[double brackets]] and {{ jinja }} {% raw %}",
    "line\nbreaks\n\nand\ttabs",
    "emoji 🙂👩‍👩‍👧 and 你好 and مرحبا",
    "<|user|>\nlooks like a header",
    "[INST] looks like a marker [/INST]",
    "x" * 3000,
]


@pytest.mark.parametrize("content", HARD)
def test_hard_content_is_proved_or_refused_never_mislabelled(any_tokenizer: Any, content: str) -> None:
    """The characters with role OUTPUT are the answer's own, up to the edges that a template trims."""
    messages = [
        Message("user", ((Role.INSTRUCTION, content),)),
        Message("assistant", ((Role.OUTPUT, content),)),
    ]
    try:
        roled = Renderer(any_tokenizer)(messages)
    except TemplateError as error:
        assert "control token" in str(error)
        return
    for role in (Role.INSTRUCTION, Role.OUTPUT):
        own = "".join(piece for piece, r in zip(roled.pieces(), roled.roles, strict=True) if r == role)
        assert own.strip() == content.strip()


plain_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Co"]), min_size=1, max_size=40
).filter(lambda text: bool(text.strip()))


@settings(deadline=None, max_examples=60)
@given(question=plain_text, answer=plain_text, style=st.sampled_from(["byte_level", "chatml"]))
def test_any_text_keeps_its_role(question: str, answer: str, style: str) -> None:
    """For any strings, the OUTPUT tokens cover exactly the answer and nothing of the question."""
    renderer = _renderer(style)
    record = Record("r", question, answer)
    try:
        roled = renderer(conversation(record))
    except TemplateError as error:
        specials = [str(token) for token in renderer.tokenizer.added_tokens_decoder.values()]
        assert "control token" in str(error)
        assert any(token in question + answer for token in specials)
        return
    covered = "".join(p for p, r in zip(roled.pieces(), roled.roles, strict=True) if r == Role.OUTPUT)
    assert covered == answer


_renderers: dict[str, Renderer] = {}


def _renderer(style: str) -> Renderer:
    if style not in _renderers:
        _renderers[style] = Renderer(STYLES[style]())
    return _renderers[style]


def test_a_template_that_drops_a_message_is_refused_by_number() -> None:
    tokenizer = STYLES["chatml"]()
    last_two = "{% for message in messages[-2:] %}<|im_start|>{{ message.content }}<|im_end|>{% endfor %}"
    with pytest.raises(TemplateError, match=r"drops message 1 \(user\)"):
        Renderer(tokenizer, chat_template=last_two)(CHAT)


def test_a_template_that_repeats_content_is_refused() -> None:
    tokenizer = STYLES["chatml"]()
    twice = (
        "{% for message in messages %}{{ message.content }}{% if message.role == 'user' %}"
        "{{ message.content }}{% endif %}<|im_end|>{% endfor %}"
    )
    with pytest.raises(TemplateError, match="more than once"):
        Renderer(tokenizer, chat_template=twice)


def test_a_template_that_changes_content_is_refused() -> None:
    tokenizer = STYLES["chatml"]()
    loud = "{% for message in messages %}{{ message.content | upper }}<|im_end|>{% endfor %}"
    with pytest.raises(TemplateError, match="changes or tests the content"):
        Renderer(tokenizer, chat_template=loud)


def test_a_refused_system_message_says_what_the_template_said() -> None:
    with pytest.raises(TemplateError, match="System role not supported"):
        Renderer(sentencepiece_style())([Message("system", ((Role.SYSTEM, "s"),)), *CHAT])


def test_a_control_token_in_content_is_refused_by_name() -> None:
    with pytest.raises(
        TemplateError, match=r"message 2 \(assistant\) contains the control token <\|im_end\|>"
    ):
        Renderer(STYLES["chatml"]())([CHAT[0], Message("assistant", ((Role.OUTPUT, "early<|im_end|>stop"),))])


def test_a_template_without_a_stop_token_gets_the_tokenizers_appended() -> None:
    tokenizer = STYLES["byte_level"]()
    bare = "{% for message in messages %}### {{ message.role }}:\n{{ message.content }}\n\n{% endfor %}"
    renderer = Renderer(tokenizer, chat_template=bare)
    roled = renderer(CHAT[:2])
    assert renderer.appends_eos
    assert runs(roled.pieces(), roled.roles)[-2] == ("OUTPUT", "Paris")
    assert roled.ids[-1] == tokenizer.eos_token_id
    assert roled.roles[-1] == Role.EOS


def test_a_tokenizer_without_a_template_says_how_to_name_one() -> None:
    tokenizer = STYLES["byte_level"]()
    tokenizer.chat_template = None
    with pytest.raises(ModelError, match="no chat template; name one with --chat-template"):
        Renderer(tokenizer)


def test_thinking_that_a_template_moves_is_refused_in_history_and_kept_at_the_end() -> None:
    """A template that strips <think>…</think> from earlier answers drops content: that must be an error."""
    tokenizer = STYLES["chatml"]()
    strips = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and not loop.last %}"
        "{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    )
    renderer = Renderer(tokenizer, chat_template=strips)
    thought = Message("assistant", ((Role.OUTPUT, "<think>hm</think>Paris"),))
    roled = renderer([CHAT[0], thought])
    assert ("OUTPUT", "<think>hm</think>Paris") in runs(roled.pieces(), roled.roles)
    with pytest.raises(TemplateError, match=r"drops a part of message 2 \(assistant\)"):
        renderer([CHAT[0], thought, *CHAT[2:]])


def test_history_is_instruction_and_output() -> None:
    record = Record("r", "And now?", "Done.", history=(Turn("user", "Start."), Turn("assistant", "Started.")))
    assert [(m.speaker, [r.name for r, _ in m.pieces]) for m in conversation(record)] == [
        ("user", ["INSTRUCTION"]),
        ("assistant", ["OUTPUT"]),
        ("user", ["INSTRUCTION"]),
        ("assistant", ["OUTPUT"]),
    ]


@pytest.mark.parametrize("folder", ["stories260K", "tinystories-instruct-3m-chat"])
@pytest.mark.parametrize("template", ["tulu", "chatml"])
def test_real_tokenizers_prove_the_roles_of_a_real_conversation(folder: str, template: str) -> None:
    path = SHARED / "models" / folder
    if not path.exists():
        pytest.skip("the shared models are not beside this checkout")
    from transformers import AutoTokenizer

    from tunewright.tune.templates import template_text

    tokenizer = AutoTokenizer.from_pretrained(path)
    roled = Renderer(tokenizer, chat_template=template_text(template))(CHAT)
    covered = "".join(p for p, r in zip(roled.pieces(), roled.roles, strict=True) if r == Role.OUTPUT)
    assert covered == "ParisIn France."


LLAMA2_WITH_SYSTEM = (
    "{% if messages[0].role == 'system' %}"
    "{% set system = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}"
    "{% for message in rest %}{% if message.role == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + message.content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + message.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_system_message_and_several_turns_keep_their_roles_in_every_style(style: str) -> None:
    """Also where the template folds the system text into the first user turn."""
    template = LLAMA2_WITH_SYSTEM if style == "sentencepiece" else None
    renderer = Renderer(STYLES[style](), chat_template=template)
    roled = renderer([Message("system", ((Role.SYSTEM, "Be brief."),)), *CHAT])

    def text_of(role: Role) -> str:
        return "".join(piece for piece, r in zip(roled.pieces(), roled.roles, strict=True) if r == role)

    assert text_of(Role.SYSTEM).strip() == "Be brief."
    assert text_of(Role.INSTRUCTION).replace(" ", "") == "Nameacity.Whereisit?"
    assert text_of(Role.OUTPUT).replace(" ", "") == "ParisInFrance."
    assert np.count_nonzero(roled.ids == renderer.stop_id) >= 2
    stops = np.flatnonzero((roled.ids == renderer.stop_id) & (roled.roles == Role.EOS))
    assert len(stops) == 2, "the end of both answers is learnt"


def test_an_end_of_turn_token_that_is_not_flagged_special_still_ends_the_turn() -> None:
    """Some tokenizers add <|im_end|> as an ordinary token; the template writes it: a control token."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(TEXTS, vocabulary=500), eos_token="<|end|>", chat_template=CHATML
    )
    tokenizer.add_tokens([AddedToken("<|im_end|>", special=False), AddedToken("    ", special=False)])
    renderer = Renderer(tokenizer)
    assert tokenizer.convert_ids_to_tokens(renderer.stop_id) == "<|im_end|>"
    assert not renderer.appends_eos
    with pytest.raises(TemplateError, match=r"control token <\|im_end\|>"):
        renderer([Message("user", ((Role.INSTRUCTION, "a <|im_end|> b"),)), CHAT[1]])
    indented = Message("user", ((Role.INSTRUCTION, "if x:\n    y"),))  # an added token, but no control token
    assert Role.INSTRUCTION in renderer([indented, CHAT[1]]).roles


def test_a_generation_prompt_unlike_the_trained_one_is_noticed() -> None:
    tokenizer = STYLES["chatml"]()
    assert Renderer(tokenizer).matches_generation_prompt
    thinks = CHATML.replace("assistant\n{% endif", "assistant\n<think>\n{% endif")
    assert thinks != CHATML
    assert not Renderer(tokenizer, chat_template=thinks).matches_generation_prompt
