"""The page of tokens: from folders written by hand to the sentences and colours a reader finds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from report.test_report import Reader
from tunewright.errors import DataError, RunFolderError
from tunewright.report.tokens.findings import findings, overfits
from tunewright.report.tokens.gaps import difference, gaps
from tunewright.report.tokens.gather import best_known, gather
from tunewright.report.tokens.page import build_page
from tunewright.report.tokens.stage import tokens

HOSTILE = (
    "</span><script>alert(1)</script><img src=https://example.org/x onerror=alert(2)>\u202e\x00 {{ 7*7 }}"
)
TEXTS = ["<b>", "Name", " it", "\n", "A", " wren", "</b>"]
ROLES = ["bos", "instruction", "instruction", "header", "output", "output", "eos"]

# mean loss of every token of a group by epoch; `it` forgets what it knew of held-out outputs after epoch 1
IT = {
    ("train", "output"): (6.0, 3.0, 1.0),
    ("heldout", "output"): (6.0, 4.0, 5.0),
    ("train", "instruction"): (7.0, 7.0, 7.0),
    ("heldout", "instruction"): (7.0, 7.0, 7.0),
}
IM = {
    ("train", "output"): (6.0, 4.0, 3.0),
    ("heldout", "output"): (6.0, 4.5, 3.0),
    ("train", "instruction"): (7.0, 5.0, 3.0),
    ("heldout", "instruction"): (7.0, 6.0, 5.0),
}


def write_arm(
    folder: Path,
    means: Mapping[tuple[str, str], Sequence[float]],
    *,
    objective: str,
    seed: int = 1,
    texts: Sequence[str] = TEXTS,
    ids: Sequence[int] = (1, 2, 3, 4, 5, 6, 7),
    num: int = 24,
) -> Path:
    """A finished arm with `num` examples in each set, two of them with their tokens."""
    (folder / "tokens").mkdir(parents=True)
    (folder / "losses").mkdir()
    hardness = np.random.default_rng(seed).uniform(-0.2, 0.2, size=num)  # the same at every epoch
    for epoch in range(3):
        rows, losses = [], []
        for set_name in ("train", "heldout"):
            for number in range(num):
                name = f"{set_name}-{number}"
                level = {group: means[set_name, group][epoch] for group in ("instruction", "output")}
                level = {group: mean + hardness[number] for group, mean in level.items()}
                losses.append(
                    {
                        "set": set_name,
                        "id": name,
                        "losses": {group: [2 * mean, 2] for group, mean in level.items()},
                    }
                )
                if number < 2:
                    nll: list[float | None] = [level.get(role, 1.0) for role in ROLES]
                    nll[0] = None
                    rows.append(_row(set_name, name, texts, ids, objective, nll))
        _jsonl(folder / f"tokens/epoch-{epoch}.jsonl", rows)
        _jsonl(folder / f"losses/epoch-{epoch}.jsonl", losses)
    config = {"objective": objective, "seed": seed}
    manifest = {"stage": "tune", "config": config, "inputs": {}, "created": "2026-01-02T03:04:05+00:00"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _row(
    set_name: str, name: str, texts: Sequence[str], ids: Sequence[int], objective: str, nll: Any
) -> dict[str, Any]:
    prompt = 1.0 if objective == "im" else 0.0
    weights = [{"instruction": prompt, "output": 1.0, "eos": 1.0}.get(role, 0.0) for role in ROLES]
    return {
        "set": set_name,
        "id": name,
        "texts": list(texts),
        "ids": list(ids),
        "roles": ROLES,
        "weights": weights,
        "nll": nll,
    }


def _jsonl(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two arms of one seed each, where a run keeps them."""
    write_arm(tmp_path / "run/tune/im-seed1", IM, objective="im")
    write_arm(tmp_path / "run/tune/it-seed1", IT, objective="it")
    return tmp_path / "run"


def test_the_answer_says_where_each_arm_learns_and_which_overfits(run: Path) -> None:
    found = gather([run])
    sentences = findings(found, gaps(found))
    assert sentences[0] == (
        "Training arm it lowers the loss of new outputs by 1.00 and leaves that of new instructions with no "
        "change found; on outputs this arm overfits after epoch 1. Training arm im lowers the loss of new "
        "instructions by 2.00 and outputs by 3.00; on outputs this arm shows no overfitting that these rows "
        "could find."
    )
    assert (
        "On the output tokens of held-out rows at the end the loss of arm im is 2.00 nats/token lower than "
        "that of arm it (95\u00a0% interval −2.00 to −2.00, 24 examples)."
    ) in sentences
    assert any("not about other seeds" in sentence for sentence in sentences)


def test_a_gap_without_a_rise_is_not_called_overfitting(tmp_path: Path) -> None:
    falling = IT | {("heldout", "output"): (6.0, 5.0, 4.0)}
    write_arm(tmp_path / "it", falling, objective="it")
    found = gather([tmp_path / "it"])
    (output,) = [gap for gap in gaps(found) if gap.group == "output"]
    assert output.since_best is None
    assert output.grown.value == pytest.approx(3.0)
    assert overfits(output).startswith("fits its training rows further than new ones")


def test_few_examples_are_said_to_be_few(tmp_path: Path) -> None:
    write_arm(tmp_path / "it", IT, objective="it", num=3)
    found = gather([tmp_path / "it"])
    few = "3 examples in a set: intervals from so few are rough, as losses are skewed."
    assert few in findings(found, gaps(found))


def test_the_difference_of_two_sets_is_that_of_their_means() -> None:
    """1 and 3 against a constant 1: a standard error of 1 with one degree of freedom, so 1 ± 12.7062."""
    found = difference(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0, 1.0]]))
    assert found.value == 1.0
    assert (found.interval.low, found.interval.high) == pytest.approx((-11.7062, 13.7062), abs=1e-4)


def test_the_best_epoch_on_the_page_is_one_that_all_seeds_reached(tmp_path: Path) -> None:
    """Seed 2 stopped after epoch 1: seed 1's lower loss at epoch 2 makes that no best epoch of the arm."""
    for seed in (1, 2):
        folder = tmp_path / f"it-seed{seed}"
        write_arm(folder, IT | {("heldout", "output"): (6.0, 4.0, 2.0)}, objective="it", seed=seed)
    (tmp_path / "it-seed2/losses/epoch-2.jsonl").unlink()
    (tmp_path / "it-seed2/tokens/epoch-2.jsonl").unlink()
    found = gather([tmp_path])
    assert dict(found.states[-1].epoch_of) == {"it": 1}
    assert best_known("it", found.tables["output"], "heldout") == 1
    (output,) = [gap for gap in gaps(found) if gap.group == "output"]
    assert (output.best, output.last, output.since_best) == (1, 1, None)


def test_seeds_are_averaged_token_by_token(tmp_path: Path) -> None:
    for seed, last in ((1, 1.0), (2, 3.0)):
        means = IT | {("train", "output"): (6.0, 3.0, last)}
        write_arm(tmp_path / f"it-seed{seed}", means, objective="it", seed=seed)
    found = gather([tmp_path])
    assert found.arms == ("it",)
    assert found.seeds == {"it": (1, 2)}
    wren = next(piece for piece in found.examples[0].pieces if piece.text == " wren")
    assert found.states[-1].name == "last"
    assert wren.losses[0][-1] == pytest.approx(2.0, abs=0.2)


def test_the_best_epoch_is_a_moment_of_its_own_where_it_is_not_the_last(run: Path) -> None:
    found = gather([run])
    assert [(state.name, dict(state.epoch_of)) for state in found.states] == [
        ("before", {"it": 0, "im": 0}),
        ("best", {"it": 1, "im": 2}),
        ("last", {"it": 2, "im": 2}),
    ]
    assert build_page(found).states[1] == "best epoch (it 1, im 2)"


def test_the_bytes_of_one_character_are_one_piece_with_their_losses_added(tmp_path: Path) -> None:
    texts = ["<b>", "🙂", "", "\n", "A", " wren", "</b>"]
    write_arm(tmp_path / "it", IT, objective="it", texts=texts)
    found = gather([tmp_path / "it"])
    piece = found.examples[0].pieces[1]
    assert (piece.text, piece.ids) == ("🙂", (2, 3))
    assert piece.losses[0][0] == pytest.approx(14.0, abs=0.5)
    assert "".join(p.text for p in found.examples[0].pieces) == "<b>🙂\nA wren</b>"


def test_the_page_stands_alone_and_has_no_script(run: Path, tmp_path: Path) -> None:
    page = tokens([run], tmp_path / "tokens.html").read_text(encoding="utf-8")
    reader = Reader(page)
    assert reader.open == []
    assert not {"script", "link", "iframe"} & {tag for tag, _ in reader.tags}
    assert not re.search(r"(src|href)=[\"']?(https?:|//)|url\((?!#)|@import", page)
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert tokens([run], tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_every_switch_has_a_rule_and_one_choice_made(run: Path, tmp_path: Path) -> None:
    page = tokens([run], tmp_path / "tokens.html").read_text(encoding="utf-8")
    radios = [a for tag, a in Reader(page).tags if tag == "input" and a["type"] == "radio"]
    for name in ("mode", "arm", "other", "state"):
        mine = [radio for radio in radios if radio["name"] == name]
        assert sum("checked" in radio for radio in mine) == 1, name
        for radio in mine:
            assert f"#{radio['id']}:checked" in page, radio["id"]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    texts = ["<b>", HOSTILE, ' title="x" ', "\n", "'\"><b>", " wren", "</b>"]
    write_arm(tmp_path / "it", IT, objective="it", texts=texts)
    page = tokens([tmp_path / "it"], tmp_path / "tokens.html").read_text(encoding="utf-8")
    reader = Reader(page)
    assert not {"script", "img", "b"} & {tag for tag, _ in reader.tags}
    assert "{{ 7*7 }}" in reader.text
    assert "\x00" not in page


def test_a_token_tells_its_numbers_in_words_too(run: Path, tmp_path: Path) -> None:
    reader = Reader(tokens([run], tmp_path / "tokens.html").read_text(encoding="utf-8"))
    tips = [a["title"] for tag, a in reader.tags if tag == "span" and "title" in a]
    first, second = tips[:2]
    assert first == "bos · token 1\nit: no loss → no loss → no loss · weight 0\nim: " + (
        "no loss → no loss → no loss · weight 0"
    )
    assert re.fullmatch(
        r"instruction · token 2\n"
        r"it: (\d\.\d\d) → \1 → \1 · weight 0\n"
        r"im: \d\.\d\d → \d\.\d\d → \d\.\d\d · weight 1",
        second,
    )


def test_text_from_right_to_left_stands_in_that_direction_and_is_not_cut_into_isolates(
    tmp_path: Path,
) -> None:
    texts = ["<b>", "السلا", "م", "\n", "A", " wren", "</b>"]
    write_arm(tmp_path / "it", IT, objective="it", texts=texts)
    reader = Reader(tokens([tmp_path / "it"], tmp_path / "t.html").read_text(encoding="utf-8"))
    stretches = [a for tag, a in reader.tags if tag == "span" and a.get("class", "").startswith("s ")]
    assert [a.get("dir") for a in stretches[:4]] == [None, "rtl", None, None]
    assert not any("dir" in a for tag, a in reader.tags if a.get("class", "").split()[:1] == ["k"])


def test_a_folder_without_token_losses_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFolderError, match="no finished arm with tokens/epoch-N"):
        gather([tmp_path / "empty"])
    with pytest.raises(RunFolderError, match="is no folder"):
        gather([tmp_path / "gone"])


def test_arms_on_other_tokens_are_refused(tmp_path: Path) -> None:
    write_arm(tmp_path / "it", IT, objective="it")
    write_arm(tmp_path / "im", IM, objective="im", ids=(1, 2, 3, 4, 5, 6, 8))
    with pytest.raises(DataError, match="example train-0 has other tokens in im than in it"):
        gather([tmp_path / "it", tmp_path / "im"])


def test_one_arm_given_twice_is_refused(tmp_path: Path) -> None:
    write_arm(tmp_path / "a", IT, objective="it")
    write_arm(tmp_path / "b", IT, objective="it")
    with pytest.raises(DataError, match="are both arm it, seed 1"):
        gather([tmp_path / "a", tmp_path / "b"])


def test_the_page_goes_into_a_folder_that_exists(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="give a file in a folder that exists"):
        tokens([run], tmp_path / "gone" / "tokens.html")
