"""Candles of venues that never say that one is finished: it is, once a later one is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from tickwire.market import Kline

__all__ = ["Candles"]


class Candles:
    """The last candle of each stream, kept so that it can be told again when it is over.

    What is told last is what was seen last: a trade that the venue reports with no candle after it
    is not in it.
    """

    def __init__(self) -> None:
        self._growing: dict[Hashable, Kline] = {}

    def take(self, stream: Hashable, candles: Iterable[Kline]) -> list[Kline]:
        """What to deliver for candles of ``stream`` that came together, in order of time.

        A candle that is older than one that was seen is delivered as closed.
        """
        found: list[Kline] = []
        growing = self._growing.get(stream)
        for candle in sorted(candles, key=_begin):
            if growing is not None and candle.open_time > growing.open_time:
                final: Kline = growing.__copy__()  # type: ignore[attr-defined]  # of every Struct
                final.is_closed = True
                final.ts_recv_ns = candle.ts_recv_ns
                found.append(final)
            elif growing is not None and candle.open_time < growing.open_time:
                candle.is_closed = True
                found.append(candle)
                continue
            growing = candle
            found.append(candle)
        if growing is not None:
            # A copy: what is delivered belongs to the consumer.
            self._growing[stream] = growing.__copy__()  # type: ignore[attr-defined]
        return found

    def forget(self, stream: Hashable) -> None:
        """A subscription begins anew."""
        self._growing.pop(stream, None)

    def clear(self) -> None:
        """A connection begins anew."""
        self._growing.clear()


def _begin(candle: Kline) -> int:
    return candle.open_time
