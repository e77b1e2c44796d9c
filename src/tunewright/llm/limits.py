"""How many calls may run at once, and when the next may begin: arithmetic on a clock, no waiting.

The number of calls at once follows the endpoint as TCP follows a network (Chiu & Jain 1989): each round
without trouble adds a sixteenth of what was asked for, trouble halves it, and calls that were under way when
it was halved count for nothing more. Being told to wait stops everybody, not only the call that was told.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 1.0  # after a 429 without Retry-After; doubles with every further one
LONGEST_PAUSE_SECONDS = 60.0
RAMP_SECONDS = 0.002  # 64 calls at once are reached in an eighth of a second


@dataclass(frozen=True, slots=True)
class Wait:
    """Why the next call may not begin yet. `seconds` None: until a call ends, however long that takes."""

    seconds: float | None
    why: str


@dataclass(slots=True)
class Ticket:
    """A call under way: when it began, and the tokens it counts for (an estimate until it has ended)."""

    began: float
    tokens: int
    counts: bool = False  # within the window of the limits per minute


class Limits:
    """The state of one endpoint. All times are seconds of one monotonic clock, handed in as `now`."""

    def __init__(
        self,
        *,
        most_at_once: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self.most_at_once = most_at_once
        self.at_once = float(most_at_once)  # the limit now; grows by fractions
        self.num_running = 0
        self._growth = max(1.0, most_at_once / 16)  # for a round of replies
        self.paused_until = 0.0
        self.why_paused = ""
        self._requests_per_minute = requests_per_minute
        self._tokens_per_minute = tokens_per_minute
        self._recent: deque[Ticket] = deque()  # begun within the last minute
        self._recent_tokens = 0
        self._halved = float("-inf")
        self._ramp_began = -1.0
        self._num_pauses = 0  # in a row
        self._jitter = jitter or random.Random()

    def wait(self, now: float, tokens: int) -> Wait | None:
        """What a call of about so many tokens has to wait for; None when it may begin."""
        if now < self.paused_until:
            return Wait(self.paused_until - now, self.why_paused)
        if self.num_running >= max(1, int(self.at_once)):
            return Wait(None, f"{self.num_running} calls are under way")
        return self._wait_for_ramp(now) or self._wait_for_window(now, tokens)

    def begin(self, now: float, tokens: int) -> Ticket:
        ticket = Ticket(now, tokens)
        if self._ramp_began < self.paused_until <= now or self._ramp_began < 0:
            self._ramp_began = now
        self.num_running += 1
        if self._requests_per_minute is not None or self._tokens_per_minute is not None:
            ticket.counts = True
            self._recent.append(ticket)
            self._recent_tokens += tokens
        return ticket

    def end(self, ticket: Ticket, *, tokens: int | None = None) -> None:
        """The call is over; `tokens` are those it really used, None when it is not known."""
        self.num_running -= 1
        if tokens is not None:
            if ticket.counts:
                self._recent_tokens += tokens - ticket.tokens
            ticket.tokens = tokens

    def replied(self, ticket: Ticket) -> None:
        """A reply came: room for a little more."""
        if ticket.began > self._halved:
            self._num_pauses = 0
            self.at_once = min(self.most_at_once, self.at_once + self._growth / self.at_once)

    def was_slow(self, now: float, ticket: Ticket) -> None:
        """A call ran into its deadline: half as many at once."""
        self._halve(now, ticket)

    def was_busy(self, now: float, ticket: Ticket, retry_after_seconds: float | None, why: str) -> float:
        """The endpoint said "not now": everybody waits. Gives the seconds of the pause from now."""
        is_news = ticket.began > self._halved  # not merely one of many that were told so together
        self._halve(now, ticket)
        if retry_after_seconds is None:
            if is_news or now >= self.paused_until:
                seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**self._num_pauses)
                self._num_pauses += 1
                self._pause(now + seconds * self._jitter.uniform(0.75, 1.25), why)
        else:
            # a little later than asked, so that not all begin in the same instant as every other client
            self._pause(now + retry_after_seconds + self._jitter.uniform(0.0, 0.1), why)
        return max(0.0, self.paused_until - now)

    def _halve(self, now: float, ticket: Ticket) -> None:
        if ticket.began > self._halved:
            self.at_once = max(1.0, self.at_once / 2)
            self._halved = now

    def _pause(self, until: float, why: str) -> None:
        if until > self.paused_until:
            self.paused_until, self.why_paused = until, why

    def _wait_for_ramp(self, now: float) -> Wait | None:
        """At the start, and after a pause, one call more every few milliseconds.

        Calls that begin together also end together, and then wait for the client and for each other; a
        herd is what an endpoint that was busy needs least.
        """
        if now - self._ramp_began > RAMP_SECONDS * (self.most_at_once + 1):
            return None
        seconds = self._ramp_began + self.num_running * RAMP_SECONDS - now
        return Wait(seconds, "") if seconds > 0 else None

    def _wait_for_window(self, now: float, tokens: int) -> Wait | None:
        """The limits per minute hold for every window of a minute, wherever it begins."""
        while self._recent and self._recent[0].began + WINDOW_SECONDS <= now:
            gone = self._recent.popleft()
            gone.counts = False
            self._recent_tokens -= gone.tokens
        most = self._requests_per_minute
        if most is not None and len(self._recent) >= most:
            free = self._recent[len(self._recent) - most].began + WINDOW_SECONDS
            return Wait(free - now, f"{most:,} requests a minute")
        most = self._tokens_per_minute
        if most is None or not self._recent or self._recent_tokens + tokens <= most:
            return None  # a call larger than the limit goes when nothing else counts
        too_many = self._recent_tokens + tokens - most
        for ticket in self._recent:
            too_many -= ticket.tokens
            free = ticket.began + WINDOW_SECONDS
            if too_many <= 0:
                break
        return Wait(free - now, f"{most:,} tokens a minute")
