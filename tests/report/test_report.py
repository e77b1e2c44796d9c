"""The page as a whole: from folders written by hand to what a reader finds on it."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from report.folders import difference, write_arm, write_evaluation, write_run
from tunewright.errors import RunFolderError
from tunewright.records import read_records
from tunewright.records.digest import records_digest
from tunewright.report.grids import wilson
from tunewright.report.stage import report

HOSTILE = "<script>alert(1)</script><img src=https://example.org/x onerror=alert(2)>\u202e\x00 {{ 7*7 }}"


class Reader(HTMLParser):
    """Tags with their attributes, ids, and the text outside of styles."""

    VOID = frozenset({"meta", "br", "img", "path", "use", "link", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts).replace("\u00a0", " "))


def read(folder: Path) -> Reader:
    return Reader(report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a finished run, drawn once."""
    return report(write_run(tmp_path_factory.mktemp("finished") / "run"))


@pytest.fixture(scope="module")
def page(finished: Path) -> Reader:
    return Reader(finished.read_text(encoding="utf-8"))


def test_the_page_opens_with_the_answer(page: Reader) -> None:
    lead = page.text.index(
        "At the end of training (epoch 2) the held-out output loss of arm im is 0.75 nats/token"
    )
    assert page.text.index("Does it help?") < lead < page.text.index("Training rows 3 1 2")
    assert "(95 % interval 0.50 to 1.00; 300 examples, 2 seeds; higher on both seeds)." in page.text


def test_disagreement_between_end_and_best_epoch_is_on_the_page(tmp_path: Path) -> None:
    paired = [
        difference("heldout", 2, 0.75, (0.5, 1.0)),
        difference("heldout", 2, 0.01, (-0.2, 0.2), best=(1, 2)),
    ]
    page = read(write_run(tmp_path / "run", paired=paired))
    explored = "To explore, with each arm at its own best epoch on these rows (it: 1, im: 2), no difference"
    assert explored in page.text
    assert "the answer depends on when training stops" in page.text


def test_one_seed_is_a_caveat(tmp_path: Path) -> None:
    page = read(write_run(tmp_path / "run", seeds=[1]))
    assert (
        "With one seed the interval speaks about other examples of this kind, not about other seeds."
        in page.text
    )


def test_tables_hold_the_numbers_of_the_files(page: Reader) -> None:
    text = page.text
    assert "it 2 2 3.00 (2.75 to 3.25) 4.00 (3.75 to 4.25)" in text  # losses at the end
    assert "im 2 2 4.50 (4.25 to 4.75) 4.75 (4.50 to 5.00)" in text
    assert "Training rows 3 1 2" in text  # read, dropped, used
    assert "effective output share 100.0 % 25.0 %" in text
    assert "tokens with loss, per epoch 300 1,200" in text
    assert "instruction 900 450.0 75.0 %" in text  # tokens, per row, share
    assert "25.0 (20.0 to 30.0)" in text  # BLEU, mean and range over seeds
    assert "50 % (24 to 76)" in text  # 5 of 10, Wilson
    assert "10.0 s 20.0 s 30 512 MiB" in text  # two steps of 150 tokens in ten seconds


def test_the_wilson_interval_is_the_textbook_one() -> None:
    """5 of 10: centre 0.5, half-width √(0.025 + 0.0960)/1.384 · 1.96 … = 0.2634 (Newcombe 1998, method 3)."""
    low, high = wilson(0.5, 10)
    assert (round(low, 4), round(high, 4)) == (0.2366, 0.7634)
    assert wilson(0.0, 10)[0] == 0.0
    assert round(wilson(0.0, 10)[1], 4) == 0.2775


def test_the_same_folder_gives_the_same_bytes(finished: Path) -> None:
    first = finished.read_bytes()
    assert report(finished.parent).read_bytes() == first


def test_another_process_writes_the_same_bytes_and_imports_no_torch(finished: Path) -> None:
    """Neither the order of a set nor the ids of a figure may depend on Python's hash seed."""
    folder, here = finished.parent, finished.read_bytes()
    source = str(Path(sys.modules["tunewright"].__file__ or "").parents[1])
    code = (
        f"import sys; sys.path.insert(0, {source!r}); from tunewright.report.stage import report; "
        f"report({str(folder)!r}); print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == ["False", "False"]
    assert (folder / "report.html").read_bytes() == here


def test_the_page_is_well_formed_and_needs_nothing_beside_itself(page: Reader, finished: Path) -> None:
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert names.count("h1") == 1
    assert not {"script", "link", "img", "iframe", "object"} & set(names)
    for _, attributes in page.tags:
        for name in ("src", "href", "style", "clip-path", "xlink:href"):
            assert "//" not in attributes.get(name, "")
        assert not [name for name in attributes if name.startswith("on")]
    style = finished.read_text(encoding="utf-8").partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_ids_are_unique_and_every_reference_is_met(page: Reader, finished: Path) -> None:
    """All figures share one document: two clip paths of one name would cut a figure by another's frame."""
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in page.tags if a.get("href", "").startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", finished.read_text(encoding="utf-8")))
    assert wanted
    assert wanted <= set(ids)


def test_tables_have_captions_and_scopes_and_figures_say_their_finding(page: Reader) -> None:
    names = [tag for tag, _ in page.tags]
    assert names.count("table") == names.count("caption")
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in page.tags if tag == "th")
    findings = [a["aria-label"] for _, a in page.tags if a.get("role") == "img"]
    assert len(findings) == names.count("svg")
    assert any("it goes from 8.00 to 4.00; im goes from 8.00 to 4.75" in finding for finding in findings)
    assert any("0.75 nats/token higher" in finding for finding in findings)


def test_hostile_texts_are_inert_and_kept_readable(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    rows = [
        {"id": record_id, "instruction": HOSTILE, "output": "خط من اليمين " + HOSTILE}
        for record_id in ("t1", "t2")
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = write_run(
        tmp_path / "run", name=f"$x${HOSTILE}".replace("\x00", ""), data=str(data), answer=HOSTILE
    )
    tokens = [[HOSTILE, "instruction", 0.0], ["\ud800", "output", 1.0]]
    mask = folder / "tune" / "it-seed1" / "mask.json"
    mask.write_text(json.dumps([{"id": HOSTILE, "tokens": tokens}]), encoding="utf-8")
    page = read(folder)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.open == []
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "\x00" not in page.text
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]


def test_a_set_with_a_hostile_name_is_drawn(tmp_path: Path) -> None:
    """Set names stand in the figures' own text too: no mathematics, no markup, any script."""
    folder = write_run(tmp_path / "run")
    evil = "$\\frac{<script>文"
    for file in [*folder.glob("tune/*/losses/*.jsonl"), *folder.glob("evaluate/*.json*")]:
        file.write_text(
            file.read_text(encoding="utf-8").replace('"heldout"', json.dumps(evil)), encoding="utf-8"
        )
    page = read(folder)
    assert "script" not in {tag for tag, _ in page.tags}
    assert evil in page.text


def test_a_huge_text_is_cut_and_the_rest_counted(tmp_path: Path) -> None:
    path = report(write_run(tmp_path / "run", answer="x" * 100_000))
    text = Reader(path.read_text(encoding="utf-8")).text
    assert "[98,000 more characters are not shown]" in text
    assert "x" * 2001 not in text


def test_prompts_and_lengths_come_from_the_data_when_it_is_there(tmp_path: Path) -> None:
    data, held = tmp_path / "train.jsonl", tmp_path / "held.jsonl"
    for file, ids, words in ((data, ("t1", "t2"), "Name a bird"), (held, ("h1", "h2"), "Name a tree please")):
        rows = [
            {"id": record_id, "instruction": f"{words} {record_id}", "output": "A wren"} for record_id in ids
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    more = {"heldout": {"heldout": str(held)}}
    folder = write_run(tmp_path / "run", data=str(data), recipe_more=more, answer="A wren")
    tuned_on(folder, data, ("t1", "t2"))
    text = read(folder).text
    assert "Name a tree please h1" in text
    assert "Training rows instruction 2 4.0 4 4 4" in text  # records, mean, median, 95th, longest
    assert "the prompt is 2.0 times as long as the output" in text
    assert text.count("✓ exact") == 4  # two prompts, two arms


def tuned_on(folder: Path, data: Path, ids: tuple[str, ...]) -> None:
    """Let the arms' manifests say that they were tuned on these records of the file."""
    digest = records_digest(record for record in read_records(data) if record.id in ids)
    for file in folder.glob("tune/*/manifest.json"):
        manifest = json.loads(file.read_text(encoding="utf-8"))
        manifest["inputs"]["data"] = digest
        file.write_text(json.dumps(manifest), encoding="utf-8")


def test_a_row_added_to_the_data_after_the_run_is_noticed(tmp_path: Path) -> None:
    """The lengths of another file than the one tuned on would be printed as the run's."""
    data = tmp_path / "train.jsonl"
    rows = [{"id": key, "instruction": "Name a bird", "output": "A wren"} for key in ("t1", "t2")]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = write_run(tmp_path / "run", data=str(data))
    tuned_on(folder, data, ("t1",))
    assert "train.jsonl is not what the models were tuned on any more" in read(folder).text


def test_data_that_is_gone_or_changed_is_said_to_be(tmp_path: Path) -> None:
    changed = tmp_path / "changed.jsonl"
    changed.write_text('{"id": "other", "instruction": "Name a fish", "output": "Pike"}\n', encoding="utf-8")
    text = read(write_run(tmp_path / "run", data=str(changed))).text
    assert "changed.jsonl has changed since the run" in text
    assert "also-gone.jsonl is not there any more" in text
    assert "Name a fish" not in text
    assert "Name a bird" in text  # the training example kept with the mask


def test_a_generated_run_shows_skills_and_levels(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", recipe_more={"data": None, "generate": {"n": 40}})
    (folder / "generate").mkdir()
    counts = {"by_skill": {"reading": 30, "writing": 10}, "by_level": {"A2": 40}, "by_model": {"cloze": 40}}
    done = {
        "stage": "generate",
        "config": {},
        "inputs": {},
        "created": "x",
        "finished": "2026-01-01T00:00:00",
    }
    manifest = {**done, "versions": {}, "counts": {"records": 40}, "extra": counts}
    (folder / "generate" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    text = read(folder).text
    assert "skill reading 30" in text
    assert "level A2 40" in text
    assert "The data is made from item models (templates)" in text


def test_rows_held_out_of_the_data_are_not_shown_as_training_rows(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    rows = [
        {"id": key, "instruction": f"Name bird {key}", "output": "A wren"} for key in ("h1", "t1", "h2", "t2")
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    more = {"heldout": {}, "holdout": 2}
    folder = write_run(tmp_path / "run", data=str(data), recipe_more=more)
    tuned_on(folder, data, ("t1", "t2"))
    text = read(folder).text
    assert "Training rows instruction 2 3.0 3 3 3" in text
    assert "Held-out rows instruction 2 3.0 3 3 3" in text
    examples = text[text.index("Examples") : text.index("What each arm was trained on")]
    assert "Name bird t1" in examples
    assert "Name bird t2" in examples
    assert "Name bird h" not in examples
    assert "prompt Name bird h1" in text


def test_a_run_without_evaluation_shows_its_curves_and_says_what_is_missing(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    (folder / "evaluate" / "manifest.json").unlink()
    (folder / "tune" / "im-seed2" / "manifest.json").unlink()
    (folder / "tune" / "im-seed2" / "stage.json").write_text("{}", encoding="utf-8")
    page = read(folder)
    assert "This run is not complete." in page.text
    assert "Arm im, seed 2 is not finished (2 epochs so far)." in page.text
    assert "paired differences, memorisation and answers are missing" in page.text
    assert "The arms are not compared yet" in page.text
    assert "it 2 2 3.000 (3.000 to 3.000) 4.000 (4.000 to 4.000)" in page.text
    assert "im 2 1 4.500" in page.text  # one of its two seeds
    assert "0.75" not in page.text  # nothing from the unfinished evaluation


def test_a_run_that_has_only_a_recipe_has_a_page(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", arms=["it"], seeds=[1])
    for part in (
        "evaluate/manifest.json",
        "tune/it-seed1/manifest.json",
        "tune/it-seed1/losses/epoch-0.jsonl",
    ):
        (folder / part).unlink()
    page = read(folder)
    assert "Arm it, seed 1 has not begun." in page.text
    assert "Nothing has been measured yet, so there is no answer." in page.text


def test_an_evaluation_of_earlier_models_is_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    write_evaluation(folder / "evaluate", ["it"], [1], [difference("heldout", 2, 9.99, (9.0, 11.0))])
    page = read(folder)
    assert "The evaluation is of an earlier tuning and is left out" in page.text
    assert "9.99" not in page.text


def test_a_single_tuned_model_has_a_page(tmp_path: Path) -> None:
    page = read(write_arm(tmp_path / "it-only", "it", 1))
    assert "One tuned model: it-only" in page.text
    assert "After epoch 2 the held-out output loss of arm it is 4.000 nats/token" in page.text
    assert "One arm was tuned, so nothing is compared." in page.text
    assert "A tiny model of 1.0 million parameters" in page.text


def test_without_a_held_out_set_nothing_is_claimed_about_new_rows(tmp_path: Path) -> None:
    page = read(write_arm(tmp_path / "it-only", "it", 1, sets=["train"]))
    assert "No held-out set was measured" in page.text
    assert "held-out output loss of" not in page.text


def test_three_arms_are_compared_with_the_first_and_in_the_table_in_pairs(tmp_path: Path) -> None:
    rows = [difference("heldout", 2, 0.75, (0.5, 1.0)), difference("heldout", 2, -0.2, (-0.3, -0.1))]
    rows[1] |= {"first": "im", "second": "plw"}
    page = read(write_run(tmp_path / "run", paired=rows))
    assert "im against it" in page.text
    assert "plw against im" not in page.text  # drawn is what the first arm is compared with
    assert "How the other arms compare with each other stands in the table of differences." in page.text
    assert "plw − im Held-out rows 2 −0.20 −0.30 to −0.10" in page.text


@pytest.mark.parametrize("case", ["missing", "file", "empty", "other stage", "unfinished", "broken"])
def test_any_other_folder_is_refused_with_what_to_give_instead(tmp_path: Path, case: str) -> None:
    folder = tmp_path / "place"
    said = {
        "missing": "does not exist; give the folder of",
        "file": "is a file; give the folder of",
        "empty": "holds no recipe.yaml and no manifest.json",
        "other stage": "holds a 'evaluate' stage",
        "unfinished": "holds a 'tune' run that is not finished",
        "broken": "is not JSON",
    }[case]
    if case == "file":
        folder.write_text("text", encoding="utf-8")
    elif case != "missing":
        folder.mkdir()
    if case == "other stage":
        write_evaluation(folder, ["it"], [1], [])
    if case == "unfinished":
        (folder / "stage.json").write_text(
            '{"stage": "tune", "config": {}, "inputs": {}, "created": ""}', encoding="utf-8"
        )
    if case == "broken":
        (folder / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunFolderError, match=re.escape(said)):
        report(folder)
    assert not (folder / "report.html").exists() if folder.is_dir() else True


def test_the_recipe_on_the_page_is_the_one_in_the_folder(tmp_path: Path) -> None:
    path = report(write_run(tmp_path / "run"))
    recipe = (tmp_path / "run" / "recipe.yaml").read_text(encoding="utf-8")
    shown = (
        path.read_text(encoding="utf-8").partition('as YAML" dir="auto"><code>')[2].partition("</code>")[0]
    )
    assert html.unescape(shown).rstrip() == recipe.rstrip()
