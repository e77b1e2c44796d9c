"""What a run may use, in tokens and in money: a hard stop that no number of calls at once can overrun.

A call reserves the most that it can cost before it begins and gives back what it did not use. Where the
reservation does not fit, the call waits for others to end; when none is under way, the run stops.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.llm.reply import Usage
from tunewright.llm.request import Request

MILLION = 1_000_000
_TOKENS_PER_MESSAGE = 16  # a template's own tokens around one message, generously


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of a million tokens read and written, in whatever money the user counts in."""

    input: float
    output: float

    def of(self, prompt_tokens: int, output_tokens: int) -> float:
        return (prompt_tokens * self.input + output_tokens * self.output) / MILLION


def most_tokens(request: Request) -> tuple[int, int]:
    """The most tokens a request can read and write: a token has at least one byte of UTF-8."""
    texts = sum(len(message.text.encode("utf-8", "surrogatepass")) for message in request.messages)
    schema = 0 if request.schema is None else len(str(request.schema))
    return texts + schema + _TOKENS_PER_MESSAGE * len(request.messages), request.max_tokens


def likely_prompt_tokens(request: Request) -> int:
    """About how many tokens a request reads, at four bytes a token, as in English: for limits, estimates."""
    return -(-most_tokens(request)[0] // 4)


class Budget:
    """Tokens and money used and reserved so far. A limit of None is no limit."""

    def __init__(
        self,
        *,
        tokens: int | None = None,
        money: float | None = None,
        prices: Prices | None = None,
        spent_prompt_tokens: int = 0,
        spent_output_tokens: int = 0,
    ) -> None:
        assert money is None or prices is not None, "a budget in money needs prices"
        self._most_tokens = tokens
        self._most_money = money
        self._prices = prices
        self.prompt_tokens = spent_prompt_tokens
        self.output_tokens = spent_output_tokens
        self._reserved = (0, 0)

    @property
    def cost(self) -> float | None:
        """What has been used so far, in money; None without prices."""
        return None if self._prices is None else self._prices.of(self.prompt_tokens, self.output_tokens)

    @property
    def is_limited(self) -> bool:
        return self._most_tokens is not None or self._most_money is not None

    def lacks(self, prompt_tokens: int, output_tokens: int) -> str:
        """Why a call of at most so many tokens may not begin now; empty when it may."""
        prompt = self.prompt_tokens + self._reserved[0] + prompt_tokens
        output = self.output_tokens + self._reserved[1] + output_tokens
        if self._most_tokens is not None and prompt + output > self._most_tokens:
            used = self.prompt_tokens + self.output_tokens
            return (
                f"the budget of {self._most_tokens:,} tokens: {used:,} are used, the next call may need "
                f"{prompt_tokens + output_tokens:,}"
            )
        prices, most = self._prices, self._most_money
        if most is not None and prices is not None and prices.of(prompt, output) > most:
            next_one = prices.of(prompt_tokens, output_tokens)
            return f"the budget of {most:g}: {self.cost:.4g} is spent, the next call may cost {next_one:.4g}"
        return ""

    def reserve(self, prompt_tokens: int, output_tokens: int) -> None:
        self._reserved = (self._reserved[0] + prompt_tokens, self._reserved[1] + output_tokens)

    def settle(self, prompt_tokens: int, output_tokens: int, usage: Usage | None) -> None:
        """Give a reservation back and count what was used; None: nothing came of the call."""
        self._reserved = (self._reserved[0] - prompt_tokens, self._reserved[1] - output_tokens)
        if usage is not None:
            self.prompt_tokens += usage.prompt_tokens
            self.output_tokens += usage.output_tokens
