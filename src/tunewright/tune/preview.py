"""One example as training sees it: every token with its role and weight, to be read before training.

The table form is what the terminal colours; the page form is a file to keep or to send.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.records.record import Record
from tunewright.tune.colours import COLOURS, visible
from tunewright.tune.conversation import Role, conversation
from tunewright.tune.objective import Objective
from tunewright.tune.roles import Renderer


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text in the rendering, id, role and weight as a target."""

    text: str
    id: int
    role: Role
    weight: float


@dataclass(frozen=True, slots=True)
class Preview:
    """The tokens of one record under one objective. `stop_token` is what ends a trained answer."""

    record_id: str
    objective: Objective
    tokens: tuple[Token, ...]
    stop_token: str
    appends_eos: bool

    @property
    def num_weighted(self) -> int:
        """How many tokens carry loss."""
        return sum(token.weight != 0 for token in self.tokens)

    def role_table(self) -> list[tuple[Role, int, float]]:
        """(role, tokens, summed weight) for every role that occurs, in the order of `Role`."""
        return [
            (role, len(weights), sum(weights))
            for role in Role
            if (weights := [token.weight for token in self.tokens if token.role == role])
        ]


def mask(record: Record, renderer: Renderer, objective: Objective, *, explanation: bool = True) -> Preview:
    """The preview of one record. Raises `TemplateError` where training would drop it for that reason."""
    roled = renderer(conversation(record, explanation=explanation))
    weights = objective.token_weights(roled.roles)
    pieces = roled.pieces()
    if renderer.appends_eos:
        pieces[-1] = renderer.tokenizer.convert_ids_to_tokens(int(roled.ids[-1]))
    tokens = tuple(
        Token(text, int(token_id), Role(role), float(weight))
        for text, token_id, role, weight in zip(pieces, roled.ids, roled.roles, weights, strict=True)
    )
    stop = renderer.tokenizer.convert_ids_to_tokens(renderer.stop_id)
    return Preview(record.id, objective, tokens, stop, renderer.appends_eos)


def mask_html(previews: Sequence[Preview]) -> str:
    """A self-contained page with one block per preview."""
    blocks = "\n".join(_block(preview) for preview in previews)
    return _PAGE.replace("{legend}", _legend()).replace("{blocks}", blocks)


def _legend() -> str:
    return " ".join(
        f'<span class="key" style="--c:{colour}">{role.name.lower()}</span>'
        for role, colour in COLOURS.items()
        if role not in (Role.PAD, Role.BOS)
    )


def _block(preview: Preview) -> str:
    rows = "".join(
        f"<tr><td>{role.name.lower()}</td><td>{count}</td><td>{weight:g}</td></tr>"
        for role, count, weight in preview.role_table()
    )
    tokens = "".join(_span(token) for token in preview.tokens)
    return (
        f"<section><h2>Record {html.escape(preview.record_id)}: {html.escape(preview.objective.name)}, "
        f"{preview.objective.normalisation}</h2>"
        f"<p>{preview.num_weighted} of {len(preview.tokens)} tokens carry loss. "
        f"A trained answer ends with <code>{html.escape(preview.stop_token)}</code>.</p>"
        f'<div class="text">{tokens}</div>'
        f"<table><tr><th>role</th><th>tokens</th><th>weight</th></tr>{rows}</table></section>"
    )


def _span(token: Token) -> str:
    shown = html.escape(visible(token.text)).replace("\n", "<br>")
    title = f"{token.role.name.lower()} · weight {token.weight:g} · id {token.id}"
    kind = "on" if token.weight else "off"
    opacity = f";--w:{min(token.weight, 1.0):.2f}" if token.weight else ""
    return f'<span class="{kind}" style="--c:{COLOURS[token.role]}{opacity}" title="{title}">{shown}</span>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Where the loss goes</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1c2430;background:#fff}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .3rem}
.text{font:14px/2 ui-monospace,monospace;border:1px solid #d8dde4;border-radius:6px;padding:.8rem 1rem;
overflow-wrap:anywhere}
.text span{border-radius:3px;padding:2px 0;margin-right:1px}
.on{background:color-mix(in srgb,var(--c) calc(var(--w)*32%),white);
border-bottom:2px solid var(--c)}
.off{color:color-mix(in srgb,var(--c) 75%,#333);border-bottom:1px dotted #b8bec7}
.key{border-left:.8em solid var(--c);padding:0 .6em 0 .35em;white-space:nowrap;line-height:1.9}
table{border-collapse:collapse;margin:.8rem 0}
td,th{padding:.15rem .9rem .15rem 0;text-align:left;font-weight:400}
td:nth-child(n+2){text-align:right;font-variant-numeric:tabular-nums}th{color:#667}
@media print{.text{border-color:#999}}
</style></head><body>
<h1>Where the loss goes</h1>
<p>Filled tokens carry loss, the stronger the fill the more; dotted ones do not. {legend}</p>
{blocks}
</body></html>
"""
