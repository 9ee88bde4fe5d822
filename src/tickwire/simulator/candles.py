"""Candles and rolling statistics of one instrument, folded from its fills.

A fill touches one candle only, that of the running second. When the second is over it is merged
into the running candle of every longer interval, and a finished minute joins the minutes from which
the rolling 24 hours are summed. So all intervals agree with the fills, and with one another,
exactly, and the cost per fill does not grow with the number of intervals.

Time comes as an argument, in milliseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tickwire.clock import utc_date

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["INTERVALS", "Candle", "Candles", "bucket_end", "bucket_start"]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_MONTH = 0
HISTORY = 1000
"""Ended candles that are kept of each interval: as many as the venue tells at once."""
_FIRST_MONDAY = 4 * DAY
"""1970-01-05: the epoch was a Thursday, and weekly candles open on Mondays."""

INTERVALS: dict[str, int] = {
    "1s": SECOND,
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": 7 * DAY,
    "1M": _MONTH,
}
"""Kline intervals of spot and their lengths in ms; a month has none. Futures have no ``1s``."""


def bucket_start(interval: str, now_ms: int) -> int:
    """Open time of the candle of ``interval`` that contains ``now_ms``."""
    if interval == "1M":
        day_of_month = int(utc_date(now_ms * 1_000_000)[-2:])
        return now_ms - now_ms % DAY - (day_of_month - 1) * DAY
    offset = _FIRST_MONDAY if interval == "1w" else 0
    return now_ms - (now_ms - offset) % INTERVALS[interval]


def bucket_end(interval: str, start_ms: int) -> int:
    """Last millisecond of the candle that opens at ``start_ms``, which belongs to it."""
    if interval == "1M":
        return bucket_start("1M", start_ms + 32 * DAY) - 1
    return start_ms + INTERVALS[interval] - 1


class Candle:
    """Open, high, low and close in ticks; volumes in lots, ``quote`` and ``buy_quote`` in the units
    in which :class:`Candles` counts what trades are worth.

    Without a trade (``count`` is zero) all four prices are the last price before it and the trade
    ids are -1.
    """

    __slots__ = (
        "buy_quote",
        "buy_volume",
        "close",
        "count",
        "first_id",
        "high",
        "last_id",
        "low",
        "open",
        "quote",
        "start_ms",
        "volume",
    )

    def __init__(self, start_ms: int, price: int) -> None:
        self.start_ms = start_ms
        self.open = self.high = self.low = self.close = price
        self.first_id = self.last_id = -1
        self.count = 0
        self.volume = self.quote = self.buy_volume = self.buy_quote = 0

    def add(
        self,
        price: int,
        lots: int,
        first_id: int,
        last_id: int,
        *,
        taker_buys: bool,
        quote: int | None = None,
    ) -> None:
        """Fold in trades at one price; their ids run from ``first_id`` to ``last_id``.

        ``quote`` is what they were worth; left out, price times lots.
        """
        if not self.count:
            self.open = self.high = self.low = price
            self.first_id = first_id
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.last_id = last_id
        self.count += last_id - first_id + 1
        quote = price * lots if quote is None else quote
        self.volume += lots
        self.quote += quote
        if taker_buys:
            self.buy_volume += lots
            self.buy_quote += quote

    def merge(self, later: Candle) -> None:
        """Fold in a candle that follows this one."""
        if not later.count:
            return
        if not self.count:
            self.open, self.high, self.low = later.open, later.high, later.low
            self.first_id = later.first_id
        else:
            self.high = max(self.high, later.high)
            self.low = min(self.low, later.low)
        self.close = later.close
        self.last_id = later.last_id
        self.count += later.count
        self.volume += later.volume
        self.quote += later.quote
        self.buy_volume += later.buy_volume
        self.buy_quote += later.buy_quote

    def copy(self) -> Candle:
        twin = Candle(self.start_ms, self.open)
        twin.merge(self)
        return twin


class Candles:
    """The running candles of all intervals, those that ended lately, and the last 24 hours.

    Args:
        price: The last price before the opening, in ticks.
        now_ms: Time of the opening.
        turnover: What a trade of so many ticks and lots is worth; left out, ticks times lots.

    Attributes:
        second_end_ms: From this time on :meth:`roll` has work to do.
        closed: Interval and candle of every candle that ended and was not taken yet, oldest first.
            The owner empties it.
        history: The candles that have ended, by interval, oldest first, the latest
            ``HISTORY`` of them.
        last_price, last_lots: Of the latest fill; the start price and zero before the first.
    """

    __slots__ = (
        "_longer",
        "_minutes",
        "_price_before",
        "_second",
        "_turnover",
        "closed",
        "history",
        "last_lots",
        "last_price",
        "second_end_ms",
    )

    def __init__(
        self, price: int, now_ms: int, turnover: Callable[[int, int], int] | None = None
    ) -> None:
        self._turnover = turnover
        self.history: dict[str, deque[Candle]] = {
            interval: deque(maxlen=HISTORY) for interval in INTERVALS
        }
        self.last_price = price
        self.last_lots = 0
        self.closed: list[tuple[str, Candle]] = []
        self._price_before = price
        self._minutes: deque[Candle] = deque()
        self._longer = {
            interval: Candle(bucket_start(interval, now_ms), price)
            for interval in INTERVALS
            if interval != "1s"
        }
        self._second = Candle(bucket_start("1s", now_ms), price)
        self.second_end_ms = self._second.start_ms + SECOND

    def add(
        self, price: int, lots: int, first_id: int, last_id: int, *, taker_buys: bool, now_ms: int
    ) -> None:
        """Fold in trades at one price, done at ``now_ms``."""
        if now_ms >= self.second_end_ms:
            self.roll(now_ms)
        self.last_price = price
        self.last_lots = lots
        quote = None if self._turnover is None else self._turnover(price, lots)
        self._second.add(price, lots, first_id, last_id, taker_buys=taker_buys, quote=quote)

    def roll(self, now_ms: int) -> None:
        """End what has ended by ``now_ms``.

        Where time jumped over whole candles, those in between are left out: nothing happened in
        them.
        """
        if now_ms < self.second_end_ms:
            return
        done, price = self._second, self.last_price
        self._close("1s", done)
        for interval, candle in self._longer.items():
            candle.merge(done)
            start = bucket_start(interval, now_ms)
            if start != candle.start_ms:
                self._close(interval, candle)
                self._longer[interval] = Candle(start, price)
                if interval == "1m" and candle.count:
                    self._minutes.append(candle)
                    self._forget(now_ms)
        self._second = Candle(bucket_start("1s", now_ms), price)
        self.second_end_ms = self._second.start_ms + SECOND

    def _close(self, interval: str, candle: Candle) -> None:
        self.closed.append((interval, candle))
        self.history[interval].append(candle)

    def current(self, interval: str) -> Candle:
        """A copy of the running candle of an interval."""
        if interval == "1s":
            return self._second.copy()
        candle = self._longer[interval].copy()
        candle.merge(self._second)
        return candle

    def _forget(self, now_ms: int) -> None:
        """Let go of the minutes that began more than a day before ``now_ms``."""
        while self._minutes and self._minutes[0].start_ms < now_ms - DAY:
            self._price_before = self._minutes.popleft().close

    def rolling_day(self, now_ms: int) -> tuple[Candle, int]:
        """The last 24 hours up to ``now_ms``, to the minute, and the last price before them.

        Cost: one merge per minute with trades, 1440 at most.
        """
        self._forget(now_ms)
        running = self.current("1m")
        start = self._minutes[0].start_ms if self._minutes else running.start_ms
        day = Candle(start, self._price_before)
        for minute in self._minutes:
            day.merge(minute)
        day.merge(running)
        return day, self._price_before

    def since(self, start_ms: int, now_ms: int) -> Candle:
        """From the minute of ``start_ms`` on; of more than a day, the last 24 hours."""
        self.roll(now_ms)
        self._forget(now_ms)
        start_ms -= start_ms % INTERVALS["1m"]
        price, chosen = self._price_before, []
        for minute in (*self._minutes, self.current("1m")):
            if minute.start_ms >= start_ms:
                chosen.append(minute)
            else:
                price = minute.close
        window = Candle(start_ms, price)
        for minute in chosen:
            window.merge(minute)
        return window
