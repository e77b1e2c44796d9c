"""What `tunewright evaluate winrate` says on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.cli.columns import columns, printable
from tunewright.evaluate.winrate.comparisons import PairTest
from tunewright.evaluate.winrate.page import number, p_value, percent, span
from tunewright.evaluate.winrate.summary import ModelSummary, Summary

_MOST_TESTS = 15  # six models' pairs; of more, each with the next


def said(summary: Summary) -> Iterator[str]:
    """Tables and sentences, one block each; what there is nothing of is left out."""
    if summary.models:
        yield f"Wins against {printable(summary.baseline)}, %"
        yield columns(*_rates(summary.models))
        yield "\nWhat they are made of"
        yield columns(*_counts(summary.models))
    if any(one.position.consistency.of for one in summary.models):
        yield "\nThe judge's places; half choosing the first is fair"
        yield columns(*_places(summary.models))
    if summary.tests:
        yield from _tests(summary)
    yield from _self_preference(summary)
    if summary.mean_scores:
        yield "\nSingle scores"
        yield columns(*_scores(summary))
    for note in summary.notes:
        yield f"note: {printable(note)}"


def _rates(models: Sequence[ModelSummary]) -> tuple[list[str], list[list[str]]]:
    controlled = any(one.length_controlled for one in models)
    fitted = any(one.length_controlled and one.length_controlled.interval for one in models)
    published = any(one.published for one in models)
    head = ["Model", "n", "Win rate", "95 % interval"]
    head += ["At equal length"] if controlled else []
    head += ["95 % interval"] if fitted else []
    head += ["− published"] if published else []
    head += ["the same at equal length"] if published and controlled else []
    rows = []
    for one in models:
        rates, at_equal, known = one.rates, one.length_controlled, one.published or {}
        row = [rates.generator, f"{rates.num_judged:,}"]
        row += [_with_error(rates.win_rate, rates.standard_error), span(rates.interval)]
        if controlled:
            row.append(_with_error(at_equal.win_rate, at_equal.standard_error) if at_equal else "–")
        if fitted:
            row.append(span(at_equal.interval) if at_equal else "–")
        if published:
            row.append(_difference(rates.win_rate, known.get("win_rate")))
        if published and controlled:
            rate = at_equal.win_rate if at_equal else None
            row.append(_difference(rate, known.get("length_controlled_winrate")))
        rows.append(row)
    return head, rows


def _with_error(value: float, error: float | None) -> str:
    return number(value, 2) if error is None else f"{number(value, 2)} ± {number(error, 2)}"


def _difference(value: float | None, published: float | None) -> str:
    """To a millionth of a point, which is how near a replay must come."""
    if value is None or published is None:
        return "–"
    text = number(value - published, 6)
    return text if text.startswith("−") or not float(text) else f"+{text}"


def _counts(models: Sequence[ModelSummary]) -> tuple[list[str], list[list[str]]]:
    head = ["Model", "Wins", "Ties", "Losses", "WR1", "WR2", "QS", "Unparsed", "Errors", "Missing"]
    head += ["Longer wins", "Mean length"]
    rows = []
    for one in models:
        rates = one.rates
        row = [rates.generator, f"{rates.num_wins:,}", f"{rates.num_draws:,}", f"{rates.num_losses:,}"]
        row += [number(rate, 2) for rate in (rates.wr1, rates.wr2, rates.quality_score)]
        row += [f"{count:,}" for count in (rates.num_unparsed, rates.num_errors, rates.num_missing)]
        row += [percent(one.longer), number(rates.mean_length_chars, 0)]
        rows.append(row)
    return head, rows


def _places(models: Sequence[ModelSummary]) -> tuple[list[str], list[list[str]]]:
    head = ["Model", "Both orders agree", "Chooses the first", "Unparsed verdicts", "Failed"]
    rows = []
    for one in models:
        shares = (one.position.consistency, one.position.first, one.failures.unparsed, one.failures.errors)
        rows.append([one.rates.generator, *(percent(share) for share in shares)])
    return head, rows


def _tests(summary: Summary) -> Iterator[str]:
    tests = summary.tests if len(summary.tests) <= _MOST_TESTS else tuple(summary.neighbours())
    which = "all pairs" if len(tests) == len(summary.tests) else "each model and the next"
    num_shown = sum(test.is_shown() for test in summary.tests)
    assert summary.separability is not None, "where two models are tested there are two intervals"
    yield (
        f"\nPlain win rates, paired by instruction: {which}; p corrected over {len(summary.tests):,} (Holm)"
    )
    yield columns(
        ["Model", "− against", "Points", "95 % interval", "Only one wins", "p", "p (Holm)"],
        [_test_row(test) for test in tests],
    )
    yield (
        f"{num_shown:,} of {len(summary.tests):,} pairs differ; separability {summary.separability:.2f} "
        "(pairs whose intervals do not overlap)"
    )


def _test_row(test: PairTest) -> list[str]:
    row = [test.model_a, test.model_b, number(test.difference, 2), span(test.interval)]
    return [*row, f"{test.only_a} : {test.only_b}", p_value(test.p), p_value(test.p_holm)]


def _self_preference(summary: Summary) -> Iterator[str]:
    for one in summary.self_preference:
        against = "no other judge saw these pairs"
        if one.difference is not None:
            more = "more" if one.difference >= 0 else "less"
            against = (
                f"{number(abs(one.difference))} points {more} than other judges do "
                f"({span(one.interval)}; {one.num_compared:,} pairs)"
            )
        yield printable(f"{one.annotator} gives its own {one.generator} {one.own:.1f} %: {against}")


def _scores(summary: Summary) -> tuple[list[str], list[list[str]]]:
    rows = []
    for one in summary.mean_scores:
        means = [number(mean, 2) for mean in (one.mean, one.first_turn, one.second_turn)]
        rows.append([one.model, *means, f"{one.num_scores:,}", f"{one.num_unparsed:,}"])
    return ["Model", "Mean", "First turn", "Second turn", "Scores", "Unparsed"], rows
