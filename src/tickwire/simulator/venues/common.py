"""What the dialects share: a market under a venue's names, and who has subscribed to what. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from orjson import JSONDecodeError, dumps, loads

from tickwire.clock import utc_text
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import NumberText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tickwire.simulator.book import Level
    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.symbols import SymbolSpec

__all__ = [
    "Quiet",
    "Roster",
    "Tape",
    "Topics",
    "Trade",
    "object_of",
    "text_of",
    "trades_of",
    "utc_us",
]

_NS_PER_MS = 1_000_000
_PAST_TRADES = 50


class Trade(NamedTuple):
    """One trade; price in ticks, size in lots."""

    number: int
    price: int
    lots: int
    buyer_is_maker: bool
    time_ms: int


def trades_of(fills: Iterable[Fill], now_ms: int) -> list[Trade]:
    """The single trades that a market order made, in order."""
    return [
        Trade(fill.first_id + offset, fill.price, lots, fill.buyer_is_maker, now_ms)
        for fill in fills
        for offset, lots in enumerate(fill.parts)
    ]


class Roster:
    """The market's instruments under a venue's names.

    Args:
        model: The market.
        names: An instrument's names, the first one being that of the instrument list.
    """

    def __init__(self, model: MarketModel, names: Callable[[SymbolSpec], Sequence[str]]) -> None:
        self.instruments = model.instruments
        self._names = [tuple(names(instrument.spec)) for instrument in model.instruments]
        self._numbers = [NumberText(each.spec, Market.USDM) for each in model.instruments]
        self._by_name = {
            name: instrument
            for instrument, own in zip(model.instruments, self._names, strict=True)
            for name in own
        }

    def find(self, name: object) -> Instrument | None:
        """The instrument called ``name``."""
        return self._by_name.get(name) if isinstance(name, str) else None

    def names(self, instrument: Instrument) -> tuple[str, ...]:
        """What it is called."""
        return self._names[instrument.index]

    def numbers(self, instrument: Instrument) -> NumberText:
        """The texts of its numbers, with the decimals of its tick and its lot."""
        return self._numbers[instrument.index]

    def rows(self, instrument: Instrument, levels: Iterable[Level]) -> list[tuple[str, str]]:
        """Prices and sizes as text; ``"0"`` for the size of a level that is gone."""
        numbers = self._numbers[instrument.index]
        return [
            (numbers.price(price), numbers.quantity(lots) if lots else "0")
            for price, lots in levels
        ]

    def best(self, instrument: Instrument) -> tuple[tuple[str, str], tuple[str, str]]:
        """Best bid and best offer."""
        book = instrument.book
        bid, ask = self.rows(instrument, (book.bids.best_level(), book.asks.best_level()))
        return bid, ask

    def day(self, instrument: Instrument, now_ms: int) -> Candle:
        """The last 24 hours."""
        return instrument.candles.rolling_day(now_ms)[0]


class Topics:
    """What a connection is subscribed to: a channel of an instrument, under the name that was used.

    In the order of subscription.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Instrument] = {}
        self._names: dict[tuple[str, int], list[str]] = {}

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(list(self._found))

    def items(self) -> Iterator[tuple[str, str, Instrument]]:
        """Channels, names and instruments."""
        for (channel, name), instrument in list(self._found.items()):
            yield channel, name, instrument

    def add(self, channel: str, name: str, instrument: Instrument) -> bool:
        """Subscribe; False if it was."""
        if (channel, name) in self._found:
            return False
        self._found[channel, name] = instrument
        self._names.setdefault((channel, instrument.index), []).append(name)
        return True

    def discard(self, channel: str, name: str) -> bool:
        """Unsubscribe; False if it was not subscribed."""
        instrument = self._found.pop((channel, name), None)
        if instrument is None:
            return False
        self._names[channel, instrument.index].remove(name)
        return True

    def names(self, channel: str, instrument: Instrument) -> Sequence[str]:
        """The names under which a channel of an instrument is subscribed."""
        return self._names.get((channel, instrument.index), ())


class Tape:
    """The latest trades of each instrument, for venues that tell new subscribers of the past."""

    def __init__(self) -> None:
        self._trades: dict[int, deque[Trade]] = {}

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """A market order traded."""
        found = self._trades.setdefault(instrument.index, deque(maxlen=_PAST_TRADES))
        found.extend(trades_of(fills, now_ms))

    def past(self, instrument: Instrument) -> list[Trade]:
        """The latest trades, oldest first."""
        return list(self._trades.get(instrument.index, ()))


class Quiet:
    """How long a connection has been silent.

    Args:
        limit_ms: From when on that is too long.
        now_ms: When it began.
    """

    def __init__(self, limit_ms: int, now_ms: int) -> None:
        self._limit_ms = limit_ms
        self._last_ms = now_ms

    def end(self, now_ms: int) -> None:
        """Something was said."""
        self._last_ms = now_ms

    def is_too_long(self, now_ms: int) -> bool:
        """Whether it has to be ended."""
        return now_ms - self._last_ms >= self._limit_ms


def object_of(text: str) -> dict[str, Any] | None:
    """The JSON object in a message; ``None`` if it is none."""
    try:
        found = loads(text)
    except JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def text_of(document: object) -> str:
    """A message."""
    return dumps(document).decode()


def utc_us(now_ms: int) -> str:
    """A time as RFC 3339 with microseconds."""
    return utc_text(now_ms * _NS_PER_MS)
