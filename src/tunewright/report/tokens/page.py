"""The page as plain values for its template: switches, legends, tables, and the tokens of each example."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.report import words
from tunewright.report.figures import looks
from tunewright.report.grids import Grid, set_title
from tunewright.report.panels import Panel
from tunewright.report.tokens import figure
from tunewright.report.tokens.findings import findings
from tunewright.report.tokens.gaps import Estimate, Gap, gaps
from tunewright.report.tokens.gather import Piece, Shown, State, Tokens, mean_loss
from tunewright.tune.colours import COLOURS

TEMPLATE_ROLES = ("bos", "header", "separator", "pad")
STATE_TITLES = {"before": "before tuning", "best": "best epoch", "last": "last epoch", "now": "as it is"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One token as the template writes it: text, its numbers as CSS variables, and what hovering tells."""

    text: str
    style: str
    tip: str
    is_scored: bool
    breaks: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring tokens of one role; template text has no label.

    One that begins from right to left stands in lines of its own, in that direction. Tokens are never
    isolated from each other: that would set words in the wrong order and break joined letters.
    """

    role: str
    label: str
    is_rtl: bool
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Block:
    """One example."""

    title: str
    id: str
    num_tokens: int
    losses: Sequence[str]
    stretches: Sequence[Stretch]


@dataclass(frozen=True, slots=True)
class Mode:
    """What colour can show."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A style rule: when this arm and state are chosen, a token's value is this variable."""

    arm: int
    state: int
    number: int


@dataclass(frozen=True)
class TokensPage:
    """All that the template shows."""

    title: str
    noun: str
    lead: str
    findings: Sequence[str]
    table: Grid | None
    panels: Sequence[Panel]
    arms: Sequence[str]
    states: Sequence[str]
    modes: Sequence[Mode]
    rules: Sequence[Rule]
    tops: Mapping[str, float]  # nats at the end of each scale
    roles: Sequence[str]
    blocks: Sequence[Block]
    colours: Mapping[str, str]


def build_page(tokens: Tokens) -> TokensPage:
    """The page of these tokens. Same tokens, same page."""
    found = gaps(tokens)
    sentences = findings(tokens, found)
    used = dict.fromkeys(piece.role for example in tokens.examples for piece in example.pieces)
    return TokensPage(
        title=f"Where the loss goes: {', '.join(tokens.arms)}",
        noun=tokens.noun,
        lead=sentences[0],
        findings=sentences[1:],
        table=_gap_table(found) if found else _level_table(tokens),
        panels=_panels(tokens),
        arms=tokens.arms,
        states=[_state_title(state) for state in tokens.states],
        modes=_modes(tokens),
        rules=[
            Rule(arm, state, arm * len(tokens.states) + state)
            for arm in range(len(tokens.arms))
            for state in range(len(tokens.states))
        ],
        tops=_tops(tokens),
        roles=list(used),
        blocks=[_block(tokens, example) for example in tokens.examples],
        colours={role.name.lower(): colour for role, colour in COLOURS.items()},
    )


def _state_title(state: State) -> str:
    title = STATE_TITLES[state.name]
    if state.name == "now":
        return title
    epochs = sorted(set(state.epoch_of.values()))
    if len(epochs) == 1:
        return title if state.name == "before" else f"{title} ({epochs[0]})"
    return f"{title} ({', '.join(f'{arm} {epoch}' for arm, epoch in state.epoch_of.items())})"


def _modes(tokens: Tokens) -> list[Mode]:
    modes = [Mode("loss", "loss")]
    if len(tokens.states) > 1:
        modes.insert(0, Mode("change", "change of loss"))
    if len(tokens.arms) > 1:
        modes.append(Mode("against", f"difference of two {tokens.noun}s"))
    if tokens.has_weights:
        modes.append(Mode("weight", "weight"))
    return [*modes, Mode("role", "role")]


def _tops(tokens: Tokens) -> dict[str, float]:
    """Where each scale ends: 98 of 100 tokens lie within it. Both directions of a difference are as long."""
    pieces = [piece for example in tokens.examples for piece in example.pieces]
    levels, changes, differences = [0.0], [0.0], [0.0]
    for piece in pieces:
        by_arm = [[loss for loss in states if loss is not None] for states in piece.losses]
        if not all(by_arm):
            continue
        levels += [loss for states in by_arm for loss in states]
        changes += [abs(loss - states[0]) for states in by_arm for loss in states[1:]]
        differences += [abs(a[-1] - b[-1]) for a, b in itertools.combinations(by_arm, 2)]
    found = {"loss": levels, "change": changes, "against": differences}
    return {name: _round_up(float(np.percentile(values, 98))) for name, values in found.items()}


def _round_up(value: float) -> float:
    """The next of 0.5, 1, 2, 3, … so that the legend has round numbers."""
    return 0.5 if value <= 0.5 else float(np.ceil(value))


def _gap_table(found: Sequence[Gap]) -> Grid:
    heldout = {gap.heldout for gap in found}
    rows = [
        [
            f"{gap.group}",
            gap.arm,
            *([gap.heldout] if len(heldout) > 1 else []),
            _before_after(gap.train),
            _before_after(gap.held),
            _with_interval(gap.grown),
            "at its best" if gap.since_best is None else _with_interval(gap.since_best),
        ]
        for gap in found
    ]
    head = ["Tokens", "Arm", *(["Held-out set"] if len(heldout) > 1 else [])]
    head += ["Training rows", "Held-out rows", "Gap grew by", "Held-out since best epoch"]
    caption = (
        "Mean loss of all measured examples, before → after tuning, nats/token; in brackets the "
        f"{words.PERCENT} interval"
    )
    return Grid(caption, head, rows, frozenset({0, 1, 2} if len(heldout) > 1 else {0, 1}))


def _level_table(tokens: Tokens) -> Grid | None:
    """The losses at the last state where there was nothing before it."""
    last = tokens.states[-1].epoch_of
    rows = []
    for group in tokens.tables:
        for name in tokens.sets():
            tables = [tokens.table(group, arm, name, last[arm]) for arm in tokens.arms]
            cells = [
                "–" if table is None else words.number(float(table.losses_SN.mean())) for table in tables
            ]
            rows.append([group, set_title(name), *cells])
    caption = "Mean loss of the measured examples, nats/token"
    return Grid(caption, ["Tokens", "Set", *tokens.arms], rows, frozenset({0, 1})) if rows else None


def _before_after(pair: tuple[float, float]) -> str:
    return f"{words.number(pair[0])} → {words.number(pair[1])}"


def _with_interval(found: Estimate) -> str:
    low, high = words.number(found.interval.low), words.number(found.interval.high)
    return f"{words.number(found.value, signed=True)} [{low}, {high}]"


def _panels(tokens: Tokens) -> list[Panel]:
    heldout = next((name for name in tokens.sets() if name != "train"), None)
    if heldout is None or len(tokens.states) == 1:
        return []
    sets, look_of = ("train", heldout), looks(tokens.arms)
    return [
        Panel(
            f"Loss of {group} tokens",
            figure.curves(f"by-{group}", tables, look_of, sets=sets),
            figure.in_words(tables, tokens.arms, sets=sets),
        )
        for group, tables in tokens.tables.items()
        if group != "eos"
    ]


def _block(tokens: Tokens, example: Shown) -> Block:
    stretches = [
        _stretch(tokens, role, list(pieces))
        for role, pieces in itertools.groupby(example.pieces, key=lambda piece: piece.role)
    ]
    title = {"train": "Training row", "heldout": "Held-out row"}.get(example.set, f"Row of {example.set}")
    return Block(title, example.id, example.num_tokens, _example_losses(tokens, example), stretches)


def _stretch(tokens: Tokens, role: str, pieces: Sequence[Piece]) -> Stretch:
    directions = (unicodedata.bidirectional(char) for piece in pieces for char in piece.text)
    first_strong = next((direction for direction in directions if direction in ("L", "R", "AL")), "L")
    label = "" if role in TEMPLATE_ROLES else role
    return Stretch(role, label, first_strong != "L", [_cell(tokens, piece) for piece in pieces])


def _example_losses(tokens: Tokens, example: Shown) -> list[str]:
    """The example's own mean losses by group and arm, before → last."""
    lines = []
    for group in ("instruction", "output", "explanation"):
        parts = []
        for arm, states in zip(tokens.arms, example.rows, strict=True):
            ends = [
                mean_loss(row, group) for row in (states[:1] + states[-1:] if len(states) > 1 else states)
            ]
            if None not in ends:
                parts.append(f"{arm} " + " → ".join(words.number(end) for end in ends if end is not None))
        if parts:
            lines.append(f"{group}: {', '.join(parts)}")
    return lines


def _cell(tokens: Tokens, piece: Piece) -> Cell:
    losses = [loss for states in piece.losses for loss in states]
    styles = [f"--l{i}:{loss:.2f}" for i, loss in enumerate(losses) if loss is not None]
    if tokens.has_weights:
        styles += [f"--w{i}:{weight:g}" for i, weight in enumerate(piece.weights) if weight]
    text = piece.text.replace("\r", "␍").replace("\n", "⏎\n") or "·"
    return Cell(text, ";".join(styles), _tip(tokens, piece), None not in losses, breaks=text.endswith("\n"))


def _tip(tokens: Tokens, piece: Piece) -> str:
    """Role, ids and every number of a token, a line an arm."""
    ids = ", ".join(map(str, piece.ids))
    lines = [
        f"{piece.role} · token {ids}" if len(piece.ids) == 1 else f"{piece.role} · tokens {ids}, added up"
    ]
    for arm, states, weight in zip(tokens.arms, piece.losses, piece.weights, strict=True):
        told = " → ".join("no loss" if loss is None else words.number(loss) for loss in states)
        lines.append(f"{arm}: {told}" + (f" · weight {weight:g}" if tokens.has_weights else ""))
    return "\n".join(lines)
