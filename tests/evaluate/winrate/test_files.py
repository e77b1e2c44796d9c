"""AlpacaEval's and MT-Bench's files are read and written, and nothing unreadable becomes a tie."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest

from tunewright.errors import DataError
from tunewright.evaluate.winrate.files import read_annotations, write_annotations
from tunewright.evaluate.winrate.human_labels import agreement, majority, read_labelled_pairs
from tunewright.evaluate.winrate.length_controlled import LengthControlled, Weights
from tunewright.evaluate.winrate.mt_bench import (
    mean_scores,
    read_pairs,
    read_scores,
    scores_as_pairs,
    write_pairs,
    write_scores,
)
from tunewright.evaluate.winrate.preference import Annotation, MergeRule
from tunewright.evaluate.winrate.rates import rates
from tunewright.evaluate.winrate.summary import read_judgements
from tunewright.evaluate.winrate.tables import (
    read_difficulties,
    read_leaderboard,
    read_weights,
    write_leaderboard,
)

ROW = {
    "instruction": "Name a river.",
    "output_1": "The Rhine.",
    "generator_1": "base",
    "output_2": "The Rhône, in Switzerland and France.",
    "generator_2": "m",
    "annotator": "judge",
    "preference": 1.75,
}
SCORE = {"question_id": 81, "model": "m", "judge": ["j", "single-v1"], "score": 7, "turn": 1, "tstamp": 1.5}
PAIR = {
    "question_id": 81,
    "model_1": "base",
    "model_2": "m",
    "g1_winner": "model_2",
    "g2_winner": "model_2",
    "judge": ["j", "pair-v2"],
    "turn": 1,
    "tstamp": 1.5,
}


def put(path: Path, rows: list[dict[str, object]]) -> Path:
    lines = path.suffix == ".jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows))
    return path


def test_annotations_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        ROW | {"price_per_example": 0.01, "question_id": "q1", "turn": 2},
        ROW | {"preference": 1.5, "verdict_ab": "b", "verdict_ba": "a"},
        ROW | {"preference": None, "verdict": "unparsed", "verdict_ab": "unparsed", "verdict_ba": "b"},
        ROW | {"preference": None, "verdict": "error"},
        ROW | {"preference": None},
        ROW | {"preference": None, "raw_completion": "I cannot say."},
    ]
    found = read_annotations(put(tmp_path / "a.json", rows))
    assert [one.status for one in found] == ["judged", "judged", "unparsed", "error", "missing", "unparsed"]
    # answer 2 was preferred where answer 1 was first (shown second: b), and answer 1 where 2 was first (b)
    assert found[1].verdicts == ("b", "b")
    assert found[2].verdicts == ("unparsed", "a")
    assert (found[0].len_1, found[0].len_2, found[0].unit) == (10, 37, "q1")
    assert found[0].more == {"price_per_example": 0.01}
    write_annotations(found, tmp_path / "b.json")
    assert read_annotations(tmp_path / "b.json") == found
    written = json.loads((tmp_path / "b.json").read_text())
    assert (written[1]["verdict_ab"], written[1]["verdict_ba"], written[1]["verdict"]) == ("b", "a", "tie")


def test_tables_of_numbers_are_read_gzipped_too(tmp_path: Path) -> None:
    text = "model,row,instruction_index,len_1,len_2,preference\nm,0,3,100,50,1.25\nm,1,4,100,50,\n"
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    first, second = read_annotations(path)
    assert (first.index, first.instruction, first.len_2, first.preference) == (3, "#3", 50, 1.25)
    assert (second.preference, second.status) == (None, "missing")
    write_annotations([first, second], tmp_path / "b.json")
    back = read_annotations(tmp_path / "b.json")
    assert [(one.unit, one.len_1, one.preference) for one in back] == [("#3", 100, 1.25), ("#4", 100, None)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"instruction": "x"}], "row 1 has no column 'preference'"),
        ([ROW, ROW | {"preference": 7}], "row 2: the preference is 7"),
        ([{**ROW, "generator_2": None}], "row 1 names no model"),
        ([{"preference": 1, "generator_2": "m"}], "what was answered"),
        ([ROW | {"verdict_ba": "model_1"}], "row 1: 'verdict_ba' is 'model_1'"),
        ([ROW | {"verdict_ba": ["a"]}], r"row 1: 'verdict_ba' is \['a'\]"),
        ([ROW, ROW | {"len_1": math.inf}], "row 2: inf is no number"),
        ([ROW | {"len_1": 3.7}], "row 1: 3.7 is no whole number"),
        ([ROW | {"len_2": -5}], "row 1: -5 is no whole number from 0"),
        ([ROW | {"generator_2": {"a": 1}}], "row 1: 'generator_2' is {'a': 1}; it must be a name"),
        ([ROW | {"output_1": "\ud800"}], "row 1: 'output_1' holds .*half of a surrogate pair"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(tmp_path: Path, rows: list[dict[str, object]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_annotations(put(tmp_path / "a.json", rows))


def test_what_is_no_json_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(ROW) + "\n{broken\n")
    with pytest.raises(DataError, match=r"a\.jsonl:2: not a JSON object"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.json", b"[" * 100_000, "not JSON that can be read"),
        ("a.json", b'[{"len_1": ' + b"9" * 5000 + b"}]", "not JSON that can be read"),
        ("a.jsonl", b'{"a": 1}\n{"len_1": ' + b"9" * 5000 + b"}\n", "a.jsonl:2: not a JSON object that"),
        ("a.json.gz", b"\x1f\x8b\x08\x00" + b"junk" * 5, "cannot be read: Error -3"),
        ("a.csv", b"instruction,model,preference\nq,m,2,7\n", "row 1 has more cells than the head"),
        ("a.json", b"\xff\xfe", "it must be UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, raw: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(DataError, match=said):
        read_annotations(tmp_path / name)


def test_a_table_may_hold_long_answers_gaps_and_whole_numbers_as_floats(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    answer = "x" * 200_000
    path.write_text(f"instruction,model,output_2,len_1,preference\nq,m,{answer},2104.0,2\nr,m,,nan,1\n")
    first, second = read_annotations(path)
    assert (first.len_1, first.len_2) == (2104, 200_000)
    assert second.len_1 is None


def test_the_folder_of_a_judging_stands_for_its_annotations(tmp_path: Path) -> None:
    put(tmp_path / "annotations.json", [ROW])
    assert read_annotations(tmp_path) == read_annotations(tmp_path / "annotations.json")
    (tmp_path / "annotations.json").unlink()
    with pytest.raises(DataError, match=r"is a folder without annotations\.json"):
        read_annotations(tmp_path)
    with pytest.raises(DataError, match=r"no\.json cannot be read: No such file"):
        read_annotations(tmp_path / "no.json")


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    for name, text in (("a.json", "[]"), ("b.jsonl", ""), ("c.csv", "instruction,preference\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=f"{name}: holds no row"):
            read_judgements([tmp_path / name])


def test_reviews_in_two_orders_are_merged_as_asked(tmp_path: Path) -> None:
    """Answer 1 wins one order and draws the other: a tie, or a win where a win and a tie are one."""
    review = {"prompt": "q", "Answer1": "x", "Answer2": "y", "scores": "[8, 6]", "scores_reverse": "[7, 7]"}
    path = tmp_path / "reviews.json"
    path.write_text(json.dumps({"Meta_Info": {}, "data": [review]}))
    (tied,), _ = read_judgements([path])
    assert tied.preference == 1.5
    (won,), _ = read_judgements([path], baseline="Answer2", rule=MergeRule.MAJORITY)
    assert (won.generator_2, won.preference) == ("Answer1", 2)


@pytest.mark.parametrize("turn", ["x", 1.5, [1]])
def test_a_turn_that_is_no_number_is_said_with_its_row(tmp_path: Path, turn: object) -> None:
    with pytest.raises(DataError, match=r"row 2: .* is no "):
        read_pairs(put(tmp_path / "p.jsonl", [PAIR, PAIR | {"turn": turn}]))
    with pytest.raises(DataError, match=r"row 1: .* is no "):
        read_scores(put(tmp_path / "s.jsonl", [SCORE | {"turn": turn}]))


def test_a_missing_turn_is_the_first(tmp_path: Path) -> None:
    assert read_scores(put(tmp_path / "s.jsonl", [SCORE | {"turn": None}]))[0].turn == 1


def test_a_leaderboard_comes_back_best_first(tmp_path: Path) -> None:
    rows = []
    for name, preferences, controlled in (("low", (1, 2), 20.0), ("high", (2, 2), 60.0)):
        its = [
            Annotation(instruction=str(n), generator_1="b", generator_2=name, preference=p, len_2=9 + n)
            for n, p in enumerate(preferences)
        ]
        rows.append((rates(its), LengthControlled(controlled, 1.5, Weights(0, 0, 0))))
    write_leaderboard(rows, tmp_path / "lb.csv")
    found = read_leaderboard(tmp_path / "lb.csv")
    assert list(found) == ["high", "low"]
    assert found["low"] == {
        "win_rate": 50,
        "standard_error": 50,
        "n_wins": 1,
        "n_wins_base": 1,
        "n_draws": 0,
        "n_total": 2,
        "discrete_win_rate": 50,
        "mode": "community",
        "avg_length": 9,  # of 9 and 10: cut, as published
        "length_controlled_winrate": 20,
        "lc_standard_error": 1.5,
    }


def test_difficulties_and_weights_need_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("index,instruction_difficulty\n0,0.5\n0,0.7\n")
    with pytest.raises(DataError, match="instruction 0 stands here twice"):
        read_difficulties(path)
    path.write_text(",np.tanh(std_delta_len),instruction_difficulty\nm,1,2\n")
    with pytest.raises(DataError, match="row 1 needs a model and"):
        read_weights(path)


def test_single_scores_have_a_mean_per_turn_and_minus_one_is_none(tmp_path: Path) -> None:
    rows = [
        SCORE,
        SCORE | {"turn": 2, "score": 4},
        SCORE | {"question_id": 82, "score": -1},
        SCORE | {"model": "base", "score": 7},
        SCORE | {"model": "base", "turn": 2, "score": 6.5},
        SCORE | {"model": "base", "question_id": 82, "score": 3},
    ]
    scores = read_scores(put(tmp_path / "s.jsonl", rows))
    m, base = mean_scores(scores)  # of equal means the first in the file
    assert (base.model, base.mean, base.first_turn, base.second_turn) == ("base", 5.5, 5, 6.5)
    assert (m.mean, m.num_scores, m.num_unparsed) == (5.5, 2, 1)
    pairs = scores_as_pairs(scores, "base")
    assert [(one.unit, one.turn, one.preference, one.status) for one in pairs] == [
        ("81", 1, 1.5, "judged"),
        ("81", 2, 1.0, "judged"),
        ("82", 1, None, "unparsed"),
    ]
    write_scores(scores, tmp_path / "t.jsonl")
    assert [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()] == rows
    with pytest.raises(DataError, match="none of 1 replies has a score"):
        mean_scores([one for one in scores if one.score is None])
    with pytest.raises(DataError, match="scored twice"):
        scores_as_pairs([*scores, scores[0]], "base")


def test_pairs_are_merged_and_an_error_is_no_tie(tmp_path: Path) -> None:
    rows = [
        PAIR,
        PAIR | {"turn": 2, "g2_winner": "tie"},
        PAIR | {"question_id": 82, "g1_winner": "model_1", "g2_winner": "model_1"},
        PAIR | {"question_id": 83, "g1_winner": "model_1"},
        PAIR | {"question_id": 84, "g1_winner": "error", "g2_winner": "error"},
    ]
    path = put(tmp_path / "p.jsonl", rows)
    found = read_pairs(path)
    assert [(one.preference, one.status) for one in found] == [
        (2, "judged"),
        (1.5, "judged"),
        (1, "judged"),
        (1.5, "judged"),
        (None, "unparsed"),
    ]
    assert [one.verdicts for one in found[:4]] == [("b", "a"), ("b", "tie"), ("a", "b"), ("a", "a")]
    write_pairs(found, tmp_path / "q.jsonl")
    assert [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()] == rows
    annotations, means = read_judgements([path], baseline="m")
    assert [one.preference for one in annotations] == [1, 1.5, 2, 1.5, None]
    assert means == []


def test_pairs_of_one_order_cannot_be_mt_benchs(tmp_path: Path) -> None:
    one = Annotation(instruction="81", generator_1="a", generator_2="b", preference=2, verdicts=("b", None))
    with pytest.raises(DataError, match="was not asked in both orders"):
        write_pairs([one], tmp_path / "p.jsonl")


def test_an_answer_that_is_jsons_true_is_a_text(tmp_path: Path) -> None:
    row = {"idx": 3, "cmp_key": "x_y", "response1": True, "response2": "True."}
    labels = {"annotator1": 1, "annotator2": 0, "annotator3": 1}
    [found] = read_labelled_pairs(put(tmp_path / "t.json", [row | labels]))
    assert (found.response_1, found.response_2, found.generator_2) == ("true", "True.", "y")
    assert majority(found.labels) == 1


def test_no_majority_is_none_and_agreement_is_by_hand() -> None:
    """Right: a once, b once of 4. F1: a 2·1/(2+1), b 2·1/(2+2), c 2·0/(0+1)."""
    assert majority([0, 1, 2]) is None
    found = agreement(["a", "a", "b", "b"], ["a", "b", "b", "c"])
    assert (found.accuracy, found.macro_f1) == (0.5, pytest.approx((2 / 3 + 1 / 2 + 0) / 3))
    with pytest.raises(DataError, match="no pair"):
        agreement([], [])
