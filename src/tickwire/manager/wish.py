"""When the program wants its connection back, from what ``should_reconnect`` answers. Pure."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

from tickwire.errors import ConfigurationError

__all__ = ["Wish"]

_NS = 1_000_000_000


class Wish:
    """The answers of one pause.

    A number of seconds counts from the answer that gave it: one that is asked again and says the
    same does not begin anew. A smaller rest brings the instant forward; a false answer takes it
    back, and a true one means now.
    """

    __slots__ = ("_due_ns",)

    def __init__(self) -> None:
        self._due_ns: int | None = None

    def hear(self, answer: Any, now_ns: int) -> float | None:
        """Seconds from now until it is wanted, 0 for now; ``None``: the program has not said.

        Args:
            answer: A truth value, numpy's too, or a number of seconds.
            now_ns: The monotonic clock.

        Raises:
            ConfigurationError: It is neither. Retry: no.
        """
        seconds = _seconds(answer)
        if seconds is None or math.isinf(seconds):
            self._due_ns = None
            return None
        due_ns = now_ns + round(max(0.0, seconds) * _NS)
        if self._due_ns is None or due_ns < self._due_ns:
            self._due_ns = due_ns
        return max(0.0, (self._due_ns - now_ns) / _NS)


def _seconds(answer: Any) -> float | None:
    if answer is None:
        return None
    if isinstance(answer, bool):
        return 0.0 if answer else None
    if isinstance(answer, Number):
        seconds = float(answer)  # type: ignore[arg-type]  # complex ones raise what there is to
        if not math.isnan(seconds):
            return seconds
    elif answer in (True, False):  # a truth value of another library's
        return 0.0 if answer else None
    raise ConfigurationError(
        "should_reconnect gives a bool or a number of seconds, "
        f"not {answer!r} ({type(answer).__module__}.{type(answer).__qualname__})"
    )
