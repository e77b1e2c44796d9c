"""Roles are proved by provenance, in every style of tokenizer, or the conversation is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast

from support.tiny_models import STYLES, TEXTS, chat_tokenizer, make_records, sentencepiece_style
from tunewright.errors import DataError, ModelError, TemplateError
from tunewright.records.record import Record, Turn
from tunewright.tune.conversation import Message, Role, conversation
from tunewright.tune.roles import Renderer, RoledTokens
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


def named(roled: RoledTokens) -> list[tuple[str, str]]:
    return runs(roled.pieces(), roled.roles)


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


KEEPS_LAST_THOUGHT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and not loop.last %}"
    "{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
)


def test_thinking_left_out_of_an_earlier_answer_is_accepted_and_any_other_loss_refused() -> None:
    renderer = Renderer(STYLES["chatml"](), chat_template=KEEPS_LAST_THOUGHT)
    thought = Message("assistant", ((Role.OUTPUT, "<think>hm</think>Paris"),))
    assert ("OUTPUT", "<think>hm</think>Paris") in named(renderer([CHAT[0], thought]))
    roled = renderer([CHAT[0], thought, *CHAT[2:]])
    assert [text for role, text in named(roled) if role == "OUTPUT"] == ["Paris", "In France."]
    for lost in ("Not thinking</think>Paris", "<think>a</think>b</think>Paris"):
        message = Message("assistant", ((Role.OUTPUT, lost),))
        with pytest.raises(TemplateError, match=r"drops a part of message 2 \(assistant\), from '"):
            renderer([CHAT[0], message, *CHAT[2:]])


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


# -- plain dicts -----------------------------------------------------------------------------------


def test_plain_dicts_and_lists_of_parts_give_what_messages_give(any_tokenizer: Any) -> None:
    renderer = Renderer(any_tokenizer)
    dicts = [{"role": message.speaker, "content": message.text} for message in CHAT]
    parts = [
        {**m, "content": [{"type": "text", "text": text} for text in _halves(m["content"])]} for m in dicts
    ]
    for messages in (dicts, parts):
        roled = renderer(messages)
        assert roled.ids.tolist() == renderer(CHAT).ids.tolist()
    assert roled.text == any_tokenizer.apply_chat_template(dicts, tokenize=False)


def _halves(text: str) -> tuple[str, str]:
    return text[:4], text[4:]


USER = {"role": "user", "content": "q"}
WRONG: list[tuple[Any, str]] = [
    ([], "a list with at least one message"),
    ({"role": "user"}, "a list with at least one message"),
    ("hello", "a list with at least one message"),
    ([USER, "hello"], "message 2 is a str; give a dict with 'role' and 'content'"),
    ([{"content": "x"}], "message 1: 'role' is None; the roles are system, developer, user"),
    ([USER, {"role": "bot", "content": "x"}], "message 2: 'role' is 'bot'"),
    ([USER, {"role": "assistant"}], r"message 2 \(assistant\): 'content' is missing"),
    ([USER, {"role": "assistant", "content": 3}], r"message 2 \(assistant\): 'content' is a int"),
    ([{"role": "user", "content": [{"type": "image"}]}], r"message 1 \(user\), part 1: only"),
    ([{"role": "user", "content": "x", "tool_calls": [{"name": "f"}]}], "only an assistant's message"),
    ([USER, {"role": "assistant", "tool_calls": [{}]}], r"message 2 \(assistant\), tool call 1: give"),
    ([USER, {"role": "assistant", "content": "x", "thinking": 1}], "its thinking is a int, not a string"),
]


@pytest.mark.parametrize(("messages", "reason"), WRONG)
def test_a_malformed_conversation_is_an_error_that_says_what_and_where(messages: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        _renderer("chatml")(messages)


def test_a_conversation_that_ends_with_a_question_has_no_end_of_answer(any_tokenizer: Any) -> None:
    roled = Renderer(any_tokenizer)(CHAT[:1])
    assert Role.EOS not in roled.roles
    assert Role.INSTRUCTION in roled.roles


# -- why a template is refused ---------------------------------------------------------------------


CHANGES = {
    "it writes it in other letters": "{{ m.content | upper }}",
    "it escapes it as HTML": "{{ m.content | e }}",
    "changes the inside of message 1 \\(user\\): ' ' becomes '  '": "{{ m.content | replace(' ', '  ') }}",
    "changes the inside of message 1 \\(user\\): '\\\\n' becomes": "{{ m.content | replace('\n', '\n> ') }}",
    "writes message 1 \\(user\\) more than once": "{{ m.content }}{{ m.content }}",
    "drops a part of message 1 \\(user\\), from 'lo": "{{ m.content[:3] }}",
    "out of order": "{{ m.content[2:] }}{{ m.content[:2] }}",
    "it cuts or replaces a part of it": "{{ m.content | replace('two', 'three') }}",
    "it tests the content": "{% if 'two' in m.content %}{{ '#' }}{% endif %}{{ m.content }}",
}


@pytest.mark.parametrize("reason", CHANGES)
def test_a_refusal_says_how_the_template_changes_the_content(reason: str) -> None:
    template = "{% for m in messages %}{% if m.content | length > 1 %}" + CHANGES[reason]
    template += "{% else %}{{ m.content }}{% endif %}<|im_end|>{% endfor %}"
    renderer = Renderer(STYLES["chatml"](), chat_template=template)
    with pytest.raises(TemplateError, match=reason):
        renderer([{"role": "user", "content": "Hello <b>\ntwo lines"}, {"role": "assistant", "content": "a"}])


def test_messages_in_another_order_are_refused() -> None:
    template = "{% for m in messages | reverse %}{{ m.content }}<|im_end|>{% endfor %}"
    with pytest.raises(TemplateError, match=r"reorders: message 1 \(user\) comes after message 2"):
        Renderer(STYLES["chatml"](), chat_template=template)


def test_the_message_at_which_a_template_gives_up_is_named() -> None:
    template = (
        "{% for m in messages %}{% if 'bad' in m.content %}{{ raise_exception('no') }}{% endif %}"
        "{{ m.content }}<|im_end|>{% endfor %}"
    )
    renderer = Renderer(STYLES["chatml"](), chat_template=template)
    with pytest.raises(TemplateError, match=r"refuses message 3 \(user\): no"):
        renderer([*CHAT[:2], {"role": "user", "content": "bad"}, CHAT[3]])


# -- control tokens as text ------------------------------------------------------------------------


@pytest.mark.parametrize("style", sorted(STYLES))
def test_control_tokens_become_text_only_when_asked(style: str) -> None:
    tokenizer = STYLES[style]()
    stop = tokenizer.convert_ids_to_tokens(Renderer(tokenizer).stop_id)
    messages = [
        {"role": "user", "content": f"what does {stop} do?"},
        {"role": "assistant", "content": f"{stop}{stop} ends a turn: {stop}"},
    ]
    with pytest.raises(TemplateError, match=r"message 1 \(user\) contains the control token"):
        Renderer(tokenizer)(messages)
    renderer = Renderer(tokenizer, control_tokens="text")
    roled = renderer(messages)
    assert (
        np.count_nonzero(roled.ids == renderer.stop_id)
        == {"sentencepiece": 1, "byte_level": 1, "chatml": 2}[style]
    )
    assert "".join(roled.pieces()) == roled.text
    output = "".join(text for role, text in named(roled) if role == "OUTPUT")
    assert output.strip() == messages[1]["content"]
    with pytest.raises(ModelError, match="it can be 'refuse' or 'text'"):
        Renderer(tokenizer, control_tokens="keep")  # type: ignore[arg-type]


def test_a_control_token_made_by_content_and_template_together_is_refused_either_way() -> None:
    template = "{% for m in messages %}{{ m.content }}_end|>{% if not loop.last %}\n{% endif %}{% endfor %}"
    for policy in ("refuse", "text"):
        tokenizer = STYLES["chatml"]()
        renderer = Renderer(tokenizer, chat_template=template, control_tokens=policy)  # type: ignore[arg-type]
        with pytest.raises(TemplateError, match=r"message 1 \(user\) contains the control token <\|im_end"):
            renderer([{"role": "user", "content": "a <|im"}, CHAT[1]])


AWKWARD = [
    "<|im_end|>",
    "<|im_start|>",
    "</s>",
    "<s>",
    "<think>",
    "</think>",
    "<|im_",
    "end|>",
    "[INST]",
    "{{",
]
AWKWARD += ["a", " ", "\n", '"', "\\", "é", "🙂", "\U000f0000", "\ud800", "\x00", "\u202e"]
hard_text = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(AWKWARD), max_size=9).map("".join))


@settings(deadline=None, max_examples=100)
@given(
    texts=st.lists(hard_text, min_size=2, max_size=5),
    name=st.sampled_from(
        ["chatml", "llama2", "llama3", "qwen3", "json_lines", "mistral_v3", "alpaca", "parts_only"]
    ),
    policy=st.sampled_from(["refuse", "text"]),
)
def test_any_strings_are_proved_exactly_or_refused(texts: list[str], name: str, policy: Any) -> None:
    """The pieces of content in a role concatenate to the texts, up to what the template shows of edges.

    Checked without the code under test: the rendering is the tokenizer's own, no special id comes of
    content, and the characters in a role are, white space apart, those of its messages.
    """
    renderer = _chat_renderer(name, policy)
    messages = [{"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(texts)]
    try:
        roled = renderer(messages)
    except TemplateError as error:
        assert re.search(r"message \d+ \(|surrogate", str(error))
        return
    plain = _plain(renderer, name, messages)
    assert roled.text == plain or (renderer.appends_eos and plain.startswith(roled.text))
    assert "".join(roled.pieces()) == roled.text
    content = np.isin(roled.roles, (Role.INSTRUCTION, Role.OUTPUT))
    special = {t for t in renderer.tokenizer.all_special_ids if t != renderer.tokenizer.unk_token_id}
    assert not special & set(roled.ids[content].tolist())
    for role, speaker in ((Role.INSTRUCTION, "user"), (Role.OUTPUT, "assistant")):
        shown = "".join(p for p, r in zip(roled.pieces(), roled.roles, strict=True) if r == role)
        wanted = "".join(
            _shown(m["content"], name, m is messages[-1]) for m in messages if m["role"] == speaker
        )
        assert _without_space(shown) == _without_space(wanted)


def _shown(text: str, name: str, is_last: bool) -> str:
    block = re.match(r"\s*<think>.*?</think>", text, re.DOTALL)
    if name == "qwen3" and block is not None and not is_last and text.count("</think>") == 1:
        text = text[block.end() :]
    return json.dumps(text.strip(), ensure_ascii=False)[1:-1] if name == "json_lines" else text


def _without_space(text: str) -> str:
    return re.sub(r"\s|\\\\[nrtbf]|\\\\u[0-9a-f]{4}", "", text)


def _plain(renderer: Renderer, name: str, messages: list[dict[str, str]]) -> str:
    given: list[Any] = messages
    if name == "parts_only":
        given = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
    return str(renderer.tokenizer.apply_chat_template(given, tokenize=False))


_chat_renderers: dict[tuple[str, str], Renderer] = {}


def _chat_renderer(name: str, policy: Any) -> Renderer:
    if (name, policy) not in _chat_renderers:
        _chat_renderers[name, policy] = Renderer(chat_tokenizer(name), control_tokens=policy)
    return _chat_renderers[name, policy]


# -- many at once ----------------------------------------------------------------------------------


def test_many_gives_what_one_by_one_gives_and_refusals_in_their_place(any_tokenizer: Any) -> None:
    renderer = Renderer(any_tokenizer)
    rows: list[Any] = [conversation(record) for record in make_records(70)]
    rows.insert(3, [CHAT[0], {"role": "assistant", "content": f"a{any_tokenizer.eos_token}b"}])
    rows.insert(5, [CHAT[0], {"role": "assistant", "content": "half a pair \ud83d"}])
    together = list(renderer.many(rows))
    assert [n for n, found in enumerate(together) if isinstance(found, TemplateError)] == [3, 5]
    for row, found in zip(rows, together, strict=True):
        if isinstance(found, RoledTokens):
            one = renderer(row)
            assert found.ids.tolist() == one.ids.tolist()
            assert found.roles.tolist() == one.roles.tolist()
            assert found.ends.tolist() == one.ends.tolist()


def test_truncation_left_on_by_another_use_of_the_tokenizer_does_no_harm() -> None:
    tokenizer = STYLES["chatml"]()
    renderer = Renderer(tokenizer)
    expected = renderer(CHAT).ids.tolist()
    tokenizer("a long text for three tokens", truncation=True, max_length=3)
    assert renderer(CHAT).ids.tolist() == expected
    tokenizer("<|im_end|>", split_special_tokens=True)
    assert renderer(CHAT).ids.tolist() == expected


def test_an_answer_before_an_empty_question_does_not_learn_the_next_header() -> None:
    """Only the last answer gets a stop token here: it is not that of the answer before the empty turn."""
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        "{% if loop.last %}<|im_end|>{% endif %}{% endfor %}"
    )
    renderer = Renderer(STYLES["chatml"](), chat_template=template)
    roled = renderer([*CHAT[:2], {"role": "user", "content": ""}, {"role": "assistant", "content": ""}])
    assert Role.EOS not in roled.roles


def test_a_template_with_a_mistake_is_refused_with_its_line() -> None:
    tokenizer = STYLES["chatml"]()
    with pytest.raises(ModelError, match="error in line 2"):
        Renderer(tokenizer, chat_template="{% for message in messages %}\n{{ message.content }\n{% endfor %}")
    with pytest.raises(ModelError, match="chat template is empty"):
        Renderer(tokenizer, chat_template="")
