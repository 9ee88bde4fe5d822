"""How long to wait before the next attempt: one row per strategy. Pure.

The exponential strategy has full jitter: the delay is drawn evenly between nothing and the bound,
so that clients that lost the same server do not come back together. The bound doubles with every
attempt and returns to its start only after a connection has *held* for a while: one that is
accepted and dropped at once is no success.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["Backoff", "ReconnectStrategy"]


class ReconnectStrategy(StrEnum):
    """When to try again after a connection was lost."""

    IMMEDIATE = "immediate"
    """At once, as far as the connect limits allow."""
    FIXED_DELAY = "fixed_delay"
    """Always after ``reconnect_delay``."""
    EXPONENTIAL_BACKOFF = "exponential_backoff"
    """Between 0 and a bound that doubles from ``reconnect_delay`` to ``reconnect_delay_max``."""
    CALLBACK_CONTROLLED = "callback_controlled"
    """When ``should_reconnect()`` says so."""


_DOUBLINGS = 62
"""More would not change a capped bound, and 2**1024 is no float."""


def _immediate(backoff: Backoff) -> float:
    return 0.0


def _fixed(backoff: Backoff) -> float:
    return backoff.delay


def _full_jitter(backoff: Backoff) -> float:
    return backoff.random.uniform(0.0, backoff.bound)


_DELAYS: dict[ReconnectStrategy, Callable[[Backoff], float]] = {
    ReconnectStrategy.IMMEDIATE: _immediate,
    ReconnectStrategy.FIXED_DELAY: _fixed,
    ReconnectStrategy.EXPONENTIAL_BACKOFF: _full_jitter,
    # The callback is asked by the manager, which knows the time; nothing is added here.
    ReconnectStrategy.CALLBACK_CONTROLLED: _immediate,
}


class Backoff:
    """The delays of one connection's attempts.

    Args:
        strategy: The row.
        delay: ``reconnect_delay`` in seconds.
        delay_max: ``reconnect_delay_max`` in seconds.
        stable: Seconds that a connection must hold for the delays to begin anew.
        random: Draws the jitter.

    Attributes:
        attempts: Delays given out since a connection held.
    """

    __slots__ = ("attempts", "delay", "delay_max", "random", "stable", "strategy")

    def __init__(
        self,
        strategy: ReconnectStrategy,
        *,
        delay: float,
        delay_max: float,
        stable: float,
        random: Random,
    ) -> None:
        self.strategy = strategy
        self.delay = delay
        self.delay_max = delay_max
        self.stable = stable
        self.random = random
        self.attempts = 0

    @property
    def bound(self) -> float:
        """The longest that the next exponential delay can be, in seconds."""
        return min(self.delay_max, self.delay * 2.0 ** min(self.attempts, _DOUBLINGS))

    def next_delay(self) -> float:
        """Seconds to wait before the next attempt, which this counts."""
        seconds = _DELAYS[self.strategy](self)
        self.attempts += 1
        return seconds

    def held(self, seconds: float) -> None:
        """Take in how long a connection was up."""
        if seconds >= self.stable:
            self.attempts = 0
