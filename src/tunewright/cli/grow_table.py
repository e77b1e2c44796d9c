"""The live table of `tunewright generate` with a model: it updates in place and goes at the end.

Notes and warnings are printed above it. What stays is one line of summary; the tables of the finished run
follow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self, TextIO

from tunewright.cli.show import duration, summary
from tunewright.generate.grow.growth import Growth
from tunewright.run.progress import Event

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

MOST_REASONS = 4
_BAR_WIDTH = 22


class GrowTable:
    """A sink for the events of growing, and a callable for its numbers. Use it in a `with`: whatever ends the
    run, the terminal is given back as it was."""

    def __init__(self, stream: TextIO, *, console: Console | None = None) -> None:
        from rich.console import Console

        self.console = console or Console(file=stream)
        self._live: Live | None = None
        self._waits_for = ""

    def __call__(self, event: Event, /) -> None:
        """The events of a `Progress`. Numbers come by `show`; here it begins, says something, and ends."""
        if event.kind == "start":
            self._begin()
        elif event.kind == "note":
            self._say(f"{event.stage}: {event.message}")
        elif event.kind == "advance":
            self._waits_for = str(event.fields.get("waits for", ""))
        elif event.kind == "finish":
            self._end()
            # the tables of the run say the rest; a rate would count replies of an earlier process
            self._say(summary(replace(event, fields={}, rate=None)))

    def show(self, growth: Growth) -> None:
        """Take new numbers; the table is drawn again a few times a second."""
        if self._live is not None:
            self._live.update(table(growth, waits_for=self._waits_for))

    def _begin(self) -> None:
        from rich.live import Live

        self._end()
        self._live = Live(console=self.console, transient=True, redirect_stdout=False)
        self._live.start()

    def _end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True, emoji=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()


def table(growth: Growth, *, waits_for: str = "") -> RenderableType:
    """Accepted of wanted; rejected by reason; cells; tokens and price; time left and what it waits for."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(overflow="fold")  # on a narrow terminal it takes more lines instead of losing words
    bar = ProgressBar(total=growth.wanted, completed=growth.accepted, width=_BAR_WIDTH)
    rows.add_row("accepted", f"{growth.accepted:,}", f"of {growth.wanted:,}{_from_before(growth)}")
    rows.add_row("", "", bar)
    rows.add_row("rejected", f"{growth.rejected:,}", _share(growth))
    for name, number in _reasons(growth):
        rows.add_row("", Text(f"{number:,}", style="cyan"), Text(name, style="cyan"))
    if growth.cells > 1:
        rows.add_row("cells filled", f"{growth.cells_filled:,}", f"of {growth.cells:,}")
    cost = f"   cost {growth.cost:.4g}" if growth.cost is not None else ""
    rows.add_row("tokens in", f"{growth.prompt_tokens:,}", f"out {growth.output_tokens:,}{cost}")
    rows.add_row("time left", _time_left(growth), _pace(growth, waits_for))
    return Group(Text(""), rows)


def _from_before(growth: Growth) -> str:
    return f", {growth.from_before:,} of them from before" if growth.from_before else ""


def _share(growth: Growth) -> str:
    if not growth.candidates:
        return f"round {growth.rounds + 1:,}: waiting for the first replies"
    share = growth.rejected / growth.candidates
    return f"of {growth.candidates:,} candidates ({share:.0%}) in round {growth.rounds + 1:,}"


def _reasons(growth: Growth) -> list[tuple[str, int]]:
    """The commonest reasons, and the rest in one row; never more than `MOST_REASONS` + 1 rows."""
    shown = [(f"{step}: {reason}", number) for step, reason, number in growth.reasons[:MOST_REASONS]]
    rest = growth.reasons[MOST_REASONS:]
    if len(rest) == 1:
        step, reason, number = rest[0]
        return [*shown, (f"{step}: {reason}", number)]
    return [*shown, (f"{len(rest)} other reasons", sum(n for _, _, n in rest))] if rest else shown


def _time_left(growth: Growth) -> str:
    return duration(growth.eta_seconds) if growth.eta_seconds is not None else "–"


def _pace(growth: Growth, waits_for: str) -> str:
    parts = []
    if growth.per_second is not None:
        a_minute = growth.per_second * 60
        parts.append(f"{a_minute:,.0f} a minute" if a_minute >= 10 else f"{a_minute:.2g} a minute")
    return ", ".join([*parts, *([f"waits for {waits_for}"] if waits_for else [])])
