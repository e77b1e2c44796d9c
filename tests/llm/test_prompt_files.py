"""Prompt files: values stay values, and no text can end the frame it stands in."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.llm.prompt_files import PromptFiles, frame_code


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PromptFiles:
    """The prompts of a package with two text files and one file that is none."""
    folder = tmp_path / "step_with_prompts" / "prompts"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "b.txt").write_text('\n{% include "a.txt" %}\nBye.\n\n', encoding="utf-8")
    (folder / "a.txt").write_text("{% if name %}\nHello, {{ name }}.\n{% endif %}\n", encoding="utf-8")
    (folder / "notes.md").write_text("not a prompt", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "step_with_prompts", raising=False)
    return PromptFiles("step_with_prompts")


def test_a_file_is_filled_in_and_may_include_another(prompts: PromptFiles) -> None:
    assert prompts.render("b.txt", name="Ada") == "Hello, Ada.\nBye."


def test_a_value_is_never_a_template(prompts: PromptFiles) -> None:
    assert prompts.render("a.txt", name="{{ 7 * 7 }}{% raw %}<b>") == "Hello, {{ 7 * 7 }}{% raw %}<b>."


def test_a_value_that_is_not_given_is_an_error(prompts: PromptFiles) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'name' is undefined"):
        prompts.render("a.txt")


def test_hashes_are_those_of_the_text_files_in_order(prompts: PromptFiles) -> None:
    assert prompts.names() == ["a.txt", "b.txt"]
    expected = hashlib.sha256(b"{% if name %}\nHello, {{ name }}.\n{% endif %}\n").hexdigest()
    assert list(prompts.hashes()) == ["a.txt", "b.txt"]
    assert prompts.hashes()["a.txt"] == expected
    assert prompts.text("a.txt").startswith("{% if name %}")


def test_the_code_of_no_texts_is_the_hash_of_its_first_attempt() -> None:
    assert frame_code([]) == hashlib.sha256(b"0\0").hexdigest()[:12] == frame_code([""])


@given(st.lists(st.text(st.characters(), max_size=20), max_size=4))
def test_a_text_that_holds_its_own_code_gets_another(texts: list[str]) -> None:
    """The code is no text's part, the same for the same texts, and twelve hexadecimal digits."""
    code = frame_code(texts)
    assert len(code) == 12
    assert int(code, 16) >= 0
    assert not any(code in text for text in texts)
    assert frame_code(list(texts)) == code
    assert frame_code([*texts, code]) != code
