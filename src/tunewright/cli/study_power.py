"""`tunewright study power --gap G | --prompts N`."""

from __future__ import annotations

from typing import Annotated

import typer

USUAL_TIES = (0.0, 0.3, 0.6)


def command(
    gap: Annotated[
        float | None, typer.Option(help="The difference to find, .1 for 10 points; says how many prompts.")
    ] = None,
    prompts: Annotated[
        int | None, typer.Option(min=1, help="How many prompts there are; says which difference is found.")
    ] = None,
    ties: Annotated[
        float | None,
        typer.Option(help="Share of prompts that tie or are rated alike [default: none, .3 and .6]."),
    ] = None,
    comparisons: Annotated[
        int, typer.Option(min=1, help="Tests in all, pairs of systems times questions; corrects alpha.")
    ] = 1,
    power: Annotated[float, typer.Option(help="The chance to find a difference that is there.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="The chance of a false alarm, over all comparisons.")] = 0.05,
) -> None:
    """How many prompts show which difference, or which difference so many prompts show.

    With one rating per system and prompt. A difference is wins minus losses, or one share minus the other;
    exact, of the sign test and McNemar's. More raters per prompt do a little better.

    Example: tunewright study power --gap .1 --ties .4 --comparisons 3
    """
    from tunewright.errors import RecipeError
    from tunewright.evaluate.power import preference_gap, preference_power, preference_prompts

    if (gap is None) == (prompts is None):
        raise RecipeError("give --gap to learn how many prompts, or --prompts to learn which gap")
    each = alpha / comparisons
    for share in USUAL_TIES if ties is None else (ties,):
        where = f"with {100 * share:.0f} % ties"
        if gap is not None:
            if ties is None and abs(gap) > 1 - share:
                continue  # so many ties leave no room for it
            num = preference_prompts(gap=gap, ties=share, power=power, alpha=each)
            typer.echo(
                f"{where}: {num:,} prompts show a difference of {abs(gap):g} "
                f"in {100 * power:.0f} % of studies"
            )
            continue
        assert prompts is not None
        found = preference_gap(prompts, ties=share, power=power, alpha=each)
        seen = preference_power(prompts, gap=found, ties=share, alpha=each)
        if seen < power:
            typer.echo(
                f"{where}: too few; even if all others differ one way, {100 * seen:.0f} % of studies show it"
            )
        else:
            typer.echo(f"{where}: a difference of {found:.3f} is shown in {100 * power:.0f} % of studies")
