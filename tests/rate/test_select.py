"""Selecting by score, share and difference; every dropped record has its reason."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.errors import DataError, RecipeError, RunFolderError
from tunewright.rate.columns import human_scores, number_at
from tunewright.rate.config import SelectConfig
from tunewright.rate.diversity import VectorSimilarity, WordSimilarity, words
from tunewright.rate.select import choose, select
from tunewright.records import Record, read_records
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl

NAN = math.nan
TEXTS = ["a red fox", "a red fox runs", "the blue whale", "the blue whale", "seven green lamps"]


def record(number: int, output: str = "yes", **meta: Any) -> Record:
    return Record(id=f"r{number}", instruction=f"Question {number}", output=output, meta=meta)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def scored(tmp_path: Path, scores: list[Any], texts: list[str] | None = None) -> Path:
    texts = texts or [f"Write number {number}." for number in range(len(scores))]
    rows = [
        {"id": f"r{number}", "instruction": text, "output": "Done.", "score": score}
        for number, (score, text) in enumerate(zip(scores, texts, strict=True))
    ]
    return write(tmp_path / "data.jsonl", rows)


def config(**given: Any) -> SelectConfig:
    return parse_config(SelectConfig, given, where="test")


def ids(folder: Path) -> list[str]:
    return [one.id for one in read_records(folder / "records.jsonl")]


def reasons(folder: Path) -> list[str]:
    return [json.loads(line)["reason"] for line in (folder / "rejects.jsonl").read_text().splitlines()]


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def test_a_threshold_keeps_what_reaches_it_in_the_files_order(tmp_path: Path) -> None:
    data = scored(tmp_path, [4.5, 4.4, 5, None, 4.5])
    select(config(score="score", min_score=4.5), data, tmp_path / "out")
    assert ids(tmp_path / "out") == ["r0", "r2", "r4"]
    assert reasons(tmp_path / "out") == [
        "record r1 dropped: its score 4.4 is below 4.5",
        "record r3 dropped: it has no score",
    ]
    assert summary(tmp_path / "out")["dropped"] == {"no score": 1, "score": 1}


def test_a_share_is_of_all_records_and_states_the_tie_at_the_cut(tmp_path: Path) -> None:
    """round(.5 · 6) = 3 of the four with 4 or more: one of the three fours has to go."""
    data = scored(tmp_path, [4, 4, 5, 1, 4, None])
    select(config(score="score", share=0.5), data, tmp_path / "out")
    found = summary(tmp_path / "out")
    assert found["num_kept"] == 3
    assert "r2" in ids(tmp_path / "out")
    assert (found["cut_score"], found["num_at_cut"], found["num_kept_at_cut"]) == (4, 3, 2)
    assert found["dropped"] == {"no score": 1, "not among the best": 2}
    assert sorted(reasons(tmp_path / "out"))[1].endswith("its score 1 is below 4, the last of the 3 best")
    tied = [reason for reason in reasons(tmp_path / "out") if "tied" in reason]
    assert len(tied) == 1
    assert tied[0].endswith("its score 4 is tied with the last one kept, and 3 were wanted")
    assert found["mean_score_before"] == pytest.approx(18 / 5)
    assert found["mean_score_kept"] == pytest.approx(13 / 3)


def test_which_of_equal_scores_is_kept_depends_on_the_seed_not_on_the_order() -> None:
    names = [f"r{number}" for number in range(40)]

    def kept(names: list[str], seed: int) -> set[str]:
        drops = choose(names, [4.0] * 40, num_wanted=10, seed=seed).drops
        return {name for name, drop in zip(names, drops, strict=True) if drop is None}

    assert kept(names, 1) == kept(names[::-1], 1)
    assert kept(names, 1) != kept(names, 2)


some_scores = st.lists(st.one_of(st.just(NAN), st.integers(0, 5).map(float)), min_size=1, max_size=30)


@given(some_scores, st.integers(1, 30), st.integers(1, 30))
def test_fewer_wanted_are_among_more_wanted(scores: list[float], one: int, other: int) -> None:
    names = [f"r{number}" for number in range(len(scores))]
    small, large = (choose(names, scores, num_wanted=wanted).drops for wanted in sorted((one, other)))
    assert all(large[number] is None for number, drop in enumerate(small) if drop is None)


@given(some_scores, st.integers(1, 30))
def test_the_best_are_kept_and_as_many_as_wanted(scores: list[float], wanted: int) -> None:
    drops = choose([str(number) for number in range(len(scores))], scores, num_wanted=wanted).drops
    kept = [score for score, drop in zip(scores, drops, strict=True) if drop is None]
    rated = sorted((score for score in scores if not math.isnan(score)), reverse=True)
    assert sorted(kept, reverse=True) == rated[:wanted]


sentences = st.lists(
    st.lists(st.sampled_from(["red", "blue", "fox", "whale", "runs", "sings"]), max_size=6).map(" ".join),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(sentences, st.sampled_from([0.0, 0.3, 0.5, 0.8, 0.95, 1.0]))
def test_the_word_index_decides_as_a_full_comparison_does(texts: list[str], limit: float) -> None:
    """Against a dense matrix of the same weights, every pair compared."""
    records = [Record(id=str(n), instruction=text, output=".") for n, text in enumerate(texts)]
    dense = dense_tf_idf(texts)
    names = [str(number) for number in range(len(texts))]
    found = choose(names, [NAN] * len(texts), similarity=WordSimilarity(records, max_similarity=limit)).drops
    kept = [number for number, drop in enumerate(found) if drop is None]
    products = dense @ dense.T
    for number, drop in enumerate(found):
        if drop is None:
            assert all(products[number, other] <= limit + 1e-6 for other in kept if other != number)
        else:
            assert max(products[number, other] for other in kept) > limit


def dense_tf_idf(texts: list[str]) -> np.ndarray[Any, Any]:
    documents = []
    for text in texts:
        found = text.split()
        documents.append(found + [f"{a} {b}" for a, b in pairwise(found)])
    vocabulary = sorted({feature for document in documents for feature in document})
    table = np.zeros((len(texts), max(1, len(vocabulary))))
    for row, document in enumerate(documents):
        for column, feature in enumerate(vocabulary):
            count = document.count(feature)
            frequency = sum(feature in other for other in documents)
            if count:
                idf = 1 + math.log((1 + len(texts)) / (1 + frequency))
                table[row, column] = (1 + math.log(count)) * idf
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return table / np.where(lengths > 0, lengths, 1)


def test_of_two_alike_the_better_one_is_kept(tmp_path: Path) -> None:
    data = scored(tmp_path, [3, 2, 1, 5, 4], TEXTS)
    select(config(score="score", min_score=0, diversity="ngram", max_similarity=0.9), data, tmp_path / "out")
    assert ids(tmp_path / "out") == ["r0", "r1", "r3", "r4"]
    assert reasons(tmp_path / "out") == ["record r2 dropped: it is too much like record r3, at 1.00"]


def test_words_and_vectors_have_limits_of_their_own() -> None:
    assert config(diversity="ngram").similarity_limit == 0.6
    assert config(diversity="embedding", embeddings="v.npy").similarity_limit == 0.9
    assert config(diversity="ngram", max_similarity=0).similarity_limit == 0


def test_diversity_alone_needs_no_score(tmp_path: Path) -> None:
    data = write(
        tmp_path / "data.jsonl",
        [{"id": str(n), "instruction": text, "output": "Done."} for n, text in enumerate(TEXTS)],
    )
    select(config(diversity="ngram", max_similarity=0.3), data, tmp_path / "out")
    assert len(ids(tmp_path / "out")) == 3
    assert summary(tmp_path / "out")["score"] is None


def test_the_number_wanted_is_reached_with_different_records(tmp_path: Path) -> None:
    """n counts what is kept after the look-alikes are gone."""
    data = scored(tmp_path, [5, 5, 5, 1], ["the same words"] * 3 + ["something quite different"])
    select(config(score="score", n=2, diversity="ngram"), data, tmp_path / "out")
    assert "r3" in ids(tmp_path / "out")
    assert len(ids(tmp_path / "out")) == 2


def test_vectors_that_point_the_same_way_are_alike(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.array([[1, 0], [3, 0.1], [0, 2], [0, 0]]))
    data = scored(tmp_path, [1, 5, 3, 4])
    settings = config(
        score="score", min_score=0, diversity="embedding", embeddings=str(tmp_path / "vectors.npy")
    )
    select(settings, data, tmp_path / "out")
    assert ids(tmp_path / "out") == ["r1", "r2", "r3"]
    assert reasons(tmp_path / "out") == ["record r0 dropped: it is too much like record r1, at 1.00"]


def test_a_kept_vector_is_the_nearest_one_that_is_named() -> None:
    similarity = VectorSimilarity(np.array([[1, 0], [1, 1], [1, 0.9]]), max_similarity=0.9)
    for number in (0, 1):
        assert similarity.nearest_kept(number) is None
        similarity.keep(number)
    near = similarity.nearest_kept(2)
    assert near is not None
    assert (near.number, round(near.similarity, 3)) == (1, 0.999)


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        (np.zeros((3, 2)), "has 3 rows, the data 2 usable records"),
        (np.zeros(2), r"holds float64 of shape \(2,\); it must be a matrix"),
        (np.array([[1.0], [np.nan]]), "holds NaN or infinity"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(tmp_path: Path, vectors: Any, sentence: str) -> None:
    np.save(tmp_path / "vectors.npy", vectors)
    settings = config(diversity="embedding", embeddings=str(tmp_path / "vectors.npy"))
    with pytest.raises(DataError, match=sentence):
        select(settings, scored(tmp_path, [1, 2]), tmp_path / "out")


def test_words_of_every_script() -> None:
    assert words("Écoute! 3,5 GB") == ["écoute", "3", "5", "gb"]
    assert words("猫がいる。OK") == ["猫", "が", "い", "る", "ok"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "nothing to select by: give min_score, share, n or diversity"),
        ({"n": 3, "share": 0.5}, "share and n both say how many to keep"),
        ({"diversity": "embedding"}, "go together"),
        ({"share": 1.5}, "'share' is 1.5; it must be at most 1"),
    ],
)
def test_settings_that_say_nothing_or_two_things_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        config(**given)


def test_a_column_that_no_record_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no record has a number in 'scroe'; check the name"):
        select(config(score="scroe", n=1), scored(tmp_path, [1]), tmp_path / "out")


def test_records_without_a_rating_need_a_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no rating; name a column"):
        select(config(n=1), scored(tmp_path, [1]), tmp_path / "out")


def rated(tmp_path: Path, *ratings: dict[str, Any]) -> Path:
    rows = [{"id": str(n), "instruction": "Q", "output": "A", **one} for n, one in enumerate(ratings)]
    return write(tmp_path / "rated.jsonl", rows)


def test_the_rating_in_the_records_is_found(tmp_path: Path) -> None:
    data = rated(
        tmp_path,
        {"rating_coachlm": {"instruction": 90, "response": 40, "response.safety": 40}},
        {"rating_coachlm": {"instruction": 40, "response": 90, "response.safety": 100}},
        {"rating_coachlm": {}},
    )
    select(config(n=1), data, tmp_path / "one")
    assert ids(tmp_path / "one") == ["1"]
    assert summary(tmp_path / "one")["score"] == "rating_coachlm.response"
    select(config(score="instruction", n=1), data, tmp_path / "two")
    assert ids(tmp_path / "two") == ["0"]
    select(config(score="response.safety", min_score=80), data, tmp_path / "three")
    assert ids(tmp_path / "three") == ["1"]


def test_of_several_ratings_one_must_be_named(tmp_path: Path) -> None:
    data = rated(tmp_path, {"rating_a": {"response": 1}, "rating_b": {"response": 2}})
    with pytest.raises(DataError, match=r"add --score with one of rating_a\.response, rating_b\.response"):
        select(config(n=1), data, tmp_path / "out")
    select(config(score="rating_b.response", n=1), data, tmp_path / "out")


def test_nothing_left_is_an_error_that_counts_why(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no record is left to keep \(dropped: 1 for no score, 2 for score\)"
    ):
        select(config(score="score", min_score=6), scored(tmp_path, [None, 5, 4]), tmp_path / "out")
    select(
        config(score="score", min_score=5), tmp_path / "data.jsonl", tmp_path / "out"
    )  # the folder is free


def test_broken_rows_are_rejects_and_not_counted_as_dropped(tmp_path: Path) -> None:
    data = scored(tmp_path, [5, 4])
    data.write_text(data.read_text() + '{"instruction": "no output"}\n')
    manifest = select(config(score="score", n=1), data, tmp_path / "out")
    assert manifest["counts"] == {"records": 1, "dropped": 1, "broken_rows": 1}
    assert len(reasons(tmp_path / "out")) == 2


def test_a_broken_row_more_is_other_data(tmp_path: Path) -> None:
    data = scored(tmp_path, [5, 4])
    select(config(score="score", n=1), data, tmp_path / "out")
    data.write_text(data.read_text() + '{"instruction": "no output"}\n')
    with pytest.raises(RunFolderError, match="input data has changed"):
        select(config(score="score", n=1), data, tmp_path / "out")


def test_a_second_call_with_the_same_settings_does_nothing(tmp_path: Path) -> None:
    data = scored(tmp_path, [5, 4])
    first = select(config(score="score", n=1), data, tmp_path / "out")
    assert select(config(score="score", n=1), data, tmp_path / "out") == first


def test_numbers_are_found_in_columns_and_inside_them() -> None:
    meta = {
        "a": 1,
        "b": {"c": 2.5, "c.d": 3},
        "b.c": {"d": 4},
        "t": "5.5",
        "f": True,
        "n": float("nan"),
        "x": "no",
    }
    found = {name: number_at(meta, name) for name in ("a", "b.c", "b.c.d", "t", "f", "n", "x", "gone", "a.b")}
    assert found == {
        "a": 1.0,
        "b.c": 2.5,
        "b.c.d": 4.0,
        "t": 5.5,
        "f": None,
        "n": None,
        "x": None,
        "gone": None,
        "a.b": None,
    }


def test_human_scores_come_from_a_file_or_a_column(tmp_path: Path) -> None:
    path = write(tmp_path / "human.jsonl", [{"id": "r1", "score": 4}, {"id": 2, "score": "3.5"}])
    assert human_scores(str(path), []) == {"r1": 4.0, "2": 3.5}
    assert human_scores("stars", [record(1, stars=5), record(2), record(3, stars=None)]) == {"r1": 5.0}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"id": "a", "score": 1}, {"id": "a", "score": 2}], ":2: the id 'a' has a score already"),
        ([{"id": "a"}], ':1: must hold "id" and a number "score"'),
        ([], "holds no scores"),
    ],
)
def test_mistakes_in_a_file_of_human_scores_are_named(
    tmp_path: Path, rows: list[dict[str, Any]], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        human_scores(str(write(tmp_path / "human.jsonl", rows)), [])


def test_a_column_without_numbers_is_no_human_score() -> None:
    with pytest.raises(DataError, match="neither a file nor a column with numbers"):
        human_scores("stars", [record(1)])


def test_a_dropped_record_is_kept_whole(tmp_path: Path) -> None:
    data = scored(tmp_path, [5, 4])
    select(config(score="score", n=1), data, tmp_path / "out")
    (row,) = read_jsonl(tmp_path / "out" / "rejects.jsonl")
    assert row["record"]["id"] == row["id"]
    assert row["record"]["output"]
    assert row["record"]["meta"]["score"] == 4


def test_a_similarity_without_diversity_is_refused() -> None:
    with pytest.raises(ValueError, match="needs diversity"):
        SelectConfig(n=1, max_similarity=0.5)
