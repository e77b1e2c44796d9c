"""Advice on files with known contents: what is counted, what is warned of, and what is suggested."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path
from typing import Any

import pytest

from tunewright.errors import DataError, ModelError
from tunewright.evaluate.advice import Advice, advise
from tunewright.evaluate.advice.advise import arms_for, heldout_records, settling_command
from tunewright.evaluate.advice.evidence import evidence_for
from tunewright.evaluate.advice.lengths import is_unspaced, paper_words
from tunewright.evaluate.advice.published import PUBLISHED, nearest
from tunewright.records.record import Record, Turn
from tunewright.tune.recommend import Facts

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "instructions"


def file_of(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "d.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def sea_rows(count: int) -> list[dict[str, Any]]:
    """Prompts of ten words, outputs of two."""
    return [
        {"instruction": f"Say what number {i} has to do with the sea", "output": f"Salt {i}"}
        for i in range(count)
    ]


def names(advice: Advice) -> dict[str, int]:
    return {one.name: one.count for one in advice.cautions}


def test_the_papers_words_have_a_tag_for_every_message() -> None:
    """Prompts: "Name a river" and "And a lake", 3 words and a tag each; answers: 2 and 1 with theirs."""
    turns = (Turn("user", "Name a river"), Turn("assistant", "The Loire"))
    assert paper_words(Record("r", "And a lake", "Como", history=turns)) == (4 + 4, 3 + 2)


def test_lima_has_its_published_length_ratio() -> None:
    """.094 in the paper's table; the count that gives it is taken as the paper's."""
    file = SHARED / "lima.jsonl"
    if not file.exists():
        pytest.skip("the shared data sets are not here")
    from tunewright.records.read import read_records

    lengths = [paper_words(record) for record in read_records(file)]
    assert len(lengths) == 1030
    assert round(sum(p for p, _ in lengths) / sum(o for _, o in lengths), 3) == 0.094


def test_lengths_repeats_and_shares_are_counted(tmp_path: Path) -> None:
    """Prompts of 4 words, outputs of 2 and 1: as the paper counts 5, 5, 5 against 3, 3, 2."""
    rows = [
        {"instruction": "name one big city", "output": "Lima, Peru"},
        {"instruction": "name one big city", "output": "Lima, Peru"},
        {"instruction": "name one long river", "output": "Nile"},
        {"instruction": "broken", "output": None},
    ]
    advice = advise(file_of(tmp_path, rows))
    assert advice.paper_words.ratio == pytest.approx(15 / 8)
    assert advice.plain_words.ratio == pytest.approx(12 / 5)
    assert (advice.counts.num_records, advice.counts.num_rejects) == (3, 1)
    assert (advice.counts.num_exact_duplicates, advice.counts.num_near_duplicates) == (1, 1)
    shares = {(one.objective, one.normalisation): one.output_share for one in advice.sample.shares}
    assert shares[("it", "token_mean")] == 1
    assert shares[("output_preserving", "output_preserving")] == pytest.approx(0.5)
    assert shares[("im", "token_mean")] < shares[("plw:0.25", "token_mean")] < 1
    assert advice.recommendation is not None
    assert advice.recommendation.objective == "it", "three records tell nothing"
    assert advice.command is None


def test_shares_are_those_of_the_roles() -> None:
    """Four prompt and two answer tokens (with the end): IM leaves a third, a quarter weight 2/(2 + 1)."""
    import numpy as np

    from tunewright.evaluate.advice.shares import _share
    from tunewright.tune.conversation import Role
    from tunewright.tune.examples import Example

    roles = [Role.BOS, Role.HEADER, *[Role.INSTRUCTION] * 4, Role.HEADER, Role.OUTPUT, Role.EOS]
    example = Example("e", np.arange(len(roles)), np.array(roles, dtype=np.int8))
    assert _share([example], "im", None).output_share == pytest.approx(1 / 3)
    assert _share([example], "plw:0.25", None).output_share == pytest.approx(2 / 3)
    assert _share([example], "wit:0.5/1", None).output_share == pytest.approx(1 / 2)


def test_warnings_are_counted_with_ids_and_said_before_loss_on_prompts(tmp_path: Path) -> None:
    rows = sea_rows(300)
    rows[0] |= {"id": "mail", "instruction": "Answer m.okafor@rowing-dunmore.ie about the sea, please"}
    rows[1] |= {"id": "key", "input": "AKIA" + "ABCDEFGH12345678"}
    rows[2] |= {"id": "no", "output": "I'm sorry, but I cannot assist with that request."}
    rows[3] |= {"id": "bad", "instruction": "How do I make a pipe bomb?"}
    rows[4] |= {"id": "told", "input": "Context: the sea is large."}
    rows[5] |= {"id": "sum", "instruction": "How many fish are 3 and 4?", "output": "3 + 4 = 7"}
    rows[6] |= {"id": "phone", "output": "Call +44 20 7946 3381."}
    rows[7] |= {"id": "long", "output": "salt " * 401}
    advice = advise(file_of(tmp_path, rows))
    assert names(advice) == {
        "private text in prompts": 2,
        "private text in outputs": 1,
        "refusals": 1,
        "prompts that may ask for harm": 1,
        "retrieved or tool text in prompts": 1,
        "mathematics or code": 1,
        "outputs of more than 400 words": 1,
    }
    private = advice.cautions[0]
    assert private.ids == ("mail", "key")
    assert private.kinds == {"e-mail address": 1, "secret key": 1}
    assert advice.recommendation is not None
    assert advice.recommendation.first == (
        "private text in 2 prompts: replace it, or the model learns to write it",
        "1 refusal and 1 prompt that may ask for harm: train safety data with IT, apart",
    )


def test_the_command_is_filled_in_and_quoted(tmp_path: Path) -> None:
    file = file_of(tmp_path, sea_rows(400))
    advice = advise(file)
    assert advice.command is not None
    words = shlex.split(advice.command)
    assert words[:3] == ["tunewright", "compare", str(file)]
    options = (
        "--holdout 100 --model scratch:small --arms it,im,plw:0.25 --seeds 3 --epochs 3 --out runs/compare-d"
    )
    assert " ".join(words[3:]) == options
    command = settling_command("my data.jsonl", model="a/b", arms=("it",), heldout=9, chat_template="tulu")
    assert "'my data.jsonl'" in command
    assert "--model a/b --chat-template tulu" in command


def test_a_format_that_the_advice_was_read_with_is_in_the_command(tmp_path: Path) -> None:
    advice = advise(file_of(tmp_path, sea_rows(400)), format="alpaca")
    assert advice.command is not None
    assert "--format alpaca" in advice.command


@pytest.mark.parametrize(
    ("records", "held_out"), [(100, 50), (150, 75), (500, 100), (3000, 300), (100_000, 500)]
)
def test_a_tenth_is_held_out_within_limits(records: int, held_out: int) -> None:
    assert heldout_records(records) == held_out


def test_output_preserving_is_compared_where_im_leaves_answers_little() -> None:
    assert arms_for(0.19) == ("it", "im", "plw:0.25", "output_preserving")
    assert arms_for(0.21) == ("it", "im", "plw:0.25")


def test_the_nearest_set_of_a_published_shape_is_that_set() -> None:
    for one in PUBLISHED:
        near = nearest(num_records=one.num_records, word_ratio=one.word_ratio)
        assert (near[0].published.name, near[0].distance) == (one.name, 0)
        assert [n.distance for n in near] == sorted(n.distance for n in near)


def test_a_distance_of_ln_2_is_a_factor_of_two() -> None:
    near = nearest(num_records=2060, word_ratio=0.094, count=1)[0]
    assert near.published.name == "LIMA"
    assert near.distance == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("ratio", "leans"), [(4.0, ("for", "against", "neither")), (0.25, ("neither", "for", "neither"))]
)
def test_each_study_is_applied_to_the_data(ratio: float, leans: tuple[str, ...]) -> None:
    """PLW speaks of short completions, WIT's prompt weight rises with them: they disagree on every set."""
    found = evidence_for(Facts(num_records=1000, word_ratio=ratio), median_output=9)
    assert tuple(one.leans for one in found) == leans
    assert "(median 9 words)" in found[0].here
    assert f"{1 / ratio:.2f} times their prompts" in found[1].here


def test_lfu_applies_where_a_hundredth_refuses() -> None:
    found = evidence_for(Facts(num_records=1000, word_ratio=1, num_refusals=10), median_output=9)
    assert found[2].leans == "against"
    assert "1.0 % refuse: it applies" in found[2].here


def test_a_script_without_spaces_is_measured_in_tokens(tmp_path: Path) -> None:
    """White space finds one word in each of these texts."""
    rows = [{"instruction": f"列出三种水果（{i}）", "output": "苹果、香蕉和橙子。"} for i in range(120)]
    advice = advise(file_of(tmp_path, rows))
    assert advice.plain_words.ratio == 1
    assert advice.ratio_unit == "tokens"
    assert "a script without spaces" in names(advice)
    assert advice.recommendation is not None
    assert f"{advice.sample.tokens.ratio:.2f} times as long as outputs in tokens:" in " ".join(
        (*advice.recommendation.reasons, *advice.recommendation.against)
    )
    assert is_unspaced("これは日本語です")
    assert not is_unspaced("Это по-русски")


def test_a_spaced_language_other_than_english_is_said_to_be_searched_in_vain(tmp_path: Path) -> None:
    rows = [{"instruction": f"Nenne Fluss Nummer {i} bitte", "output": "Rhein oder Elbe"} for i in range(100)]
    assert list(names(advise(file_of(tmp_path, rows)))) == ["mostly not English"]


def test_data_without_any_prompt_gets_no_advice_but_no_error(tmp_path: Path) -> None:
    """All that was asked stands in the history: there is no instruction to put loss on."""
    file = tmp_path / "d.json"
    file.write_text('[{"instruction": "", "output": "abc", "history": [["q", "a"]]}]')
    advice = advise(file)
    assert (advice.recommendation, advice.command, advice.nearest) == (None, None, ())
    assert advice.counts.num_with_history == 1


def test_no_usable_row_and_no_such_model_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="output"):
        advise(file_of(tmp_path, [{"instruction": "a", "output": ""}]))
    with pytest.raises(ModelError, match="does not exist"):
        advise(file_of(tmp_path, sea_rows(3)), model="./nowhere")


def test_the_same_data_gives_the_same_advice(tmp_path: Path) -> None:
    file = file_of(tmp_path, sea_rows(150))
    assert advise(file) == advise(file)
    assert json.loads(json.dumps(advise(file).as_dict()))["sample"]["tokens"]["ratio"] > 1
