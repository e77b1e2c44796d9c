"""How a token is shown: one colour a role, and line ends that can be seen."""

from __future__ import annotations

from tunewright.tune.conversation import Role

# One colour a role, the same in the terminal, on the page and in the report; distinguishable when printed.
COLOURS = {
    Role.BOS: "#8a8f98",
    Role.HEADER: "#8a8f98",
    Role.SYSTEM: "#9a6fb0",
    Role.INSTRUCTION: "#1f77b4",
    Role.INPUT: "#17889b",
    Role.OUTPUT: "#2a7d2e",
    Role.EXPLANATION: "#b7791f",
    Role.EOS: "#c0392b",
    Role.SEPARATOR: "#8a8f98",
    Role.PAD: "#cccccc",
    Role.TOOL: "#6b5b95",
}


def visible(text: str) -> str:
    """A token's text with its line ends shown, and a mark for the later bytes of a character."""
    return text.replace("\r", "␍").replace("\n", "⏎\n") or "·"
