"""WEEX V3's messages, made from the market's state. Pure: state and times in, text out.

Source: the vendor's V3 channel pages; the order of keys and the types are those of recordings.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from tickwire.simulator.candles import bucket_end
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import NumberText

if TYPE_CHECKING:
    from random import Random

    from tickwire.simulator.market import Fill, Instrument

__all__ = ["DepthWindow", "Quoter"]

_RECENT_TRADES = 20
_IDS_KEPT = 100_000


class DepthWindow:
    """One depth channel: the best levels as last sent, and what changed since.

    The venue keeps a window of a fixed count of levels. What falls out of it is sent as a deletion,
    what comes in as a new level, so that a client that applies every message has the same window.
    A message begins at the version at which the one before it ended.
    """

    def __init__(self, instrument: Instrument, level: int, numbers: NumberText) -> None:
        self._instrument = instrument
        self._level = level
        self._numbers = numbers
        self._start = self.version = instrument.book.last_update_id
        self._sent: list[dict[int, int]] = self._now()

    def _now(self) -> list[dict[int, int]]:
        book = self._instrument.book
        return [dict(side.top(self._level)) for side in (book.bids, book.asks)]

    def _message(self, kind: str, state: str, sides: list[list[Any]], now_ms: int) -> bytes:
        return orjson.dumps(
            {
                "e": kind,
                "E": now_ms,
                "s": self._instrument.spec.symbol,
                "U": self._start,
                "u": self.version,
                "l": self._level,
                "d": state,
                "b": sides[0],
                "a": sides[1],
            }
        )

    def levels(self) -> list[list[tuple[str, str]]]:
        """Bids and asks as last sent, best first."""
        return [self._numbers.levels(list(side.items())) for side in self._sent]

    def snapshot(self, now_ms: int) -> bytes:
        """The window as every subscriber has it, joined by the next :meth:`change`."""
        return self._message("depthSnapshot", "SNAPSHOT", list(self.levels()), now_ms)

    def change(self, now_ms: int) -> bytes | None:
        """What changed since the last call; ``None`` if nothing did."""
        version = self._instrument.book.last_update_id
        if version == self.version:
            return None
        before, self._sent = self._sent, self._now()
        self._start, self.version = self.version, version
        price, quantity = self._numbers.price, self._numbers.quantity
        sides = []
        for old, new in zip(before, self._sent, strict=True):
            changed = [
                (ticks, new.get(ticks, 0))
                for ticks in sorted(old.keys() | new.keys(), reverse=old is before[0])
                if old.get(ticks, 0) != new.get(ticks, 0)
            ]
            sides.append([(price(t), quantity(lots) if lots else "0") for t, lots in changed])
        return self._message("depth", "CHANGED", sides, now_ms)


class Quoter:
    """All other messages of one instrument.

    Attributes:
        instrument: Which.
        numbers: The text of its numbers.
        sent_ids: Of the trades that were sent, oldest first.
    """

    def __init__(self, instrument: Instrument, random: Random, *, is_spot: bool) -> None:
        self.instrument = instrument
        self.numbers = NumberText(instrument.spec, Market.USDM)
        self._random = random
        self._is_spot = is_spot
        self._recent: list[dict[str, Any]] = []
        self._fresh: list[dict[str, Any]] = []
        self.sent_ids: deque[str] = deque(maxlen=_IDS_KEPT)

    def note(self, fills: list[Fill], now_ms: int) -> None:
        """Keep what was traded until the next :meth:`trades`."""
        for fill in fills:
            for lots in fill.parts:
                trade_id = UUID(int=self._random.getrandbits(128), version=4)
                self._fresh.append(
                    {
                        "T": now_ms,
                        "t": str(trade_id),
                        "p": self.numbers.price(fill.price),
                        "q": self.numbers.quantity(lots),
                        "v": self.numbers.quote_volume(fill.price * lots),
                        "m": fill.buyer_is_maker,
                    }
                )

    def _push(self, event: str, now_ms: int, **more: Any) -> bytes:
        return orjson.dumps({"e": event, "E": now_ms, "s": self.instrument.spec.symbol, **more})

    def trades(self, now_ms: int) -> bytes | None:
        """The trades since the last call; ``None`` without any."""
        if not self._fresh:
            return None
        fresh, self._fresh = self._fresh, []
        self.sent_ids.extend(row["t"] for row in fresh)
        self._recent = (self._recent + fresh)[-_RECENT_TRADES:]
        return self._push("trade", now_ms, d=fresh)

    def past_trades(self, now_ms: int) -> bytes:
        """The last few trades that were sent."""
        return self._push("tradeSnapshot", now_ms, d=self._recent)

    def ticker(self, now_ms: int) -> bytes:
        """The rolling day."""
        numbers = self.numbers
        day, _ = self.instrument.candles.rolling_day(now_ms)
        change = day.close - day.open
        row = {
            "p": numbers.price(change),
            "P": f"{change / day.open:.6f}",
            "w": numbers.average(day.quote, day.volume),
            "c": numbers.price(day.close),
            "o": numbers.price(day.open),
            "h": numbers.price(day.high),
            "l": numbers.price(day.low),
            "v": numbers.quantity(day.volume),
            "q": numbers.quote_volume(day.quote),
            "O": day.start_ms,
            "C": now_ms,
            "n": day.count,
        }
        if not self._is_spot:
            row |= {"m": self.mark_price(), "i": self.mark_price()}
        return self._push("ticker", now_ms, d=[row])

    def mark_price(self) -> str:
        """Half way between the best prices, on the grid."""
        book = self.instrument.book
        return self.numbers.price((book.bids.best + book.asks.best) // 2)

    def kline(self, interval: str, price_type: str, now_ms: int, *, snapshot: bool) -> bytes:
        """The running candle."""
        numbers, candles = self.numbers, self.instrument.candles
        candles.roll(now_ms)
        candle = candles.current(interval)
        row = {
            "t": candle.start_ms,
            "T": bucket_end(interval, candle.start_ms) + 1,
            "s": self.instrument.spec.symbol,
            "i": interval,
            "o": numbers.price(candle.open),
            "c": numbers.price(candle.close),
            "h": numbers.price(candle.high),
            "l": numbers.price(candle.low),
            "v": numbers.quantity(candle.volume),
            "n": candle.count,
            "q": numbers.quote_volume(candle.quote),
            "V": numbers.quantity(candle.buy_volume),
            "Q": numbers.quote_volume(candle.buy_quote),
        }
        event = "klineSnapshot" if snapshot else "kline"
        return self._push(event, now_ms, p=price_type, d=[row])

    def quote(self, now_ms: int) -> bytes:
        """Best bid and offer (spot)."""
        book, numbers = self.instrument.book, self.numbers
        (bid, bid_lots), (ask, ask_lots) = book.bids.best_level(), book.asks.best_level()
        return self._push(
            "bookTicker",
            now_ms,
            u=book.last_update_id,
            b=numbers.price(bid),
            B=numbers.quantity(bid_lots),
            a=numbers.price(ask),
            A=numbers.quantity(ask_lots),
        )
