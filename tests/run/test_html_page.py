"""Pages: texts from outside stay texts, and no character makes the file ill-formed."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from tunewright.errors import RunFolderError
from tunewright.run.html_page import render_html, write_page


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "page.css").write_text("p{margin:0}\n", encoding="utf-8")
    page = '<style>\n{% include "page.css" %}\n</style>\n<p>{{ text|twice }}</p>\n<p>{{ drawn }}</p>\n'
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    return tmp_path


def rendered(templates: Path, **values: object) -> str:
    return render_html(templates, "page.html", values, filters={"twice": lambda text: text + text})


def test_a_text_is_escaped_and_markup_is_not(templates: Path) -> None:
    page = rendered(templates, text="<b>&", drawn=Markup("<svg/>"))
    assert page == ("<style>\np{margin:0}\n</style>\n<p>&lt;b&gt;&amp;&lt;b&gt;&amp;</p>\n<p><svg/></p>\n")


def test_what_no_page_may_hold_is_replaced_in_texts_and_in_markup(templates: Path) -> None:
    page = rendered(templates, text="a\x07", drawn=Markup("<i>\ud800\ufffe\x9f\n\t</i>"))
    assert "<p>a\ufffda\ufffd</p>" in page
    assert "<p><i>\ufffd\ufffd\ufffd\n\t</i></p>" in page
    page.encode("utf-8")


def test_a_value_that_is_not_given_is_an_error(templates: Path) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'drawn' is undefined"):
        rendered(templates, text="a")


def test_a_page_replaces_an_earlier_page_and_nothing_else(tmp_path: Path) -> None:
    """`--out data.jsonl` by mistake must not cost the data."""
    page, data = tmp_path / "page.html", tmp_path / "data.jsonl"
    write_page(page, "<!doctype html>\n<p>one</p>")
    write_page(page, "<!doctype html>\n<p>two</p>")
    assert "two" in page.read_text()
    data.write_text('{"instruction": "a", "output": "b"}\n')
    with pytest.raises(RunFolderError, match="is no page"):
        write_page(data, "<!doctype html>")
    assert "instruction" in data.read_text()
    with pytest.raises(RunFolderError, match="in a folder that exists"):
        write_page(tmp_path / "nowhere" / "page.html", "<!doctype html>")
