"""Kraken Spot v2: the public address.

Numbers are JSON numbers whose digits count: a book's checksum is over them. So messages are put
together from text here, not from numbers.

Source: Kraken API centre, "Spot WebSockets v2" and "Book checksum (v2)" (August 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from tickwire.simulator.candles import bucket_end
from tickwire.simulator.venues.common import (
    Quiet,
    Roster,
    Tape,
    Topics,
    Trade,
    object_of,
    text_of,
    trades_of,
    utc_us,
)
from tickwire.simulator.venues.dialect import Reply, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tickwire.simulator.book import Level
    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.venues.views import BookView, ViewChange

__all__ = ["Kraken", "checksum"]

_LIST = "/0/public/AssetPairs"
_CONNECTION = 13834774380200032777
_DEPTHS = (10, 25, 100, 500, 1000)
_CHECKED_LEVELS = 10
_SIZE_DECIMALS = 8
_INTERVALS: dict[int, str] = {
    **{count: f"{count}m" for count in (1, 5, 15, 30)},
    **{60: "1h", 240: "4h", 1440: "1d", 10080: "1w"},
}
_TRIGGERS = ("trades", "bbo")
_CHANNELS = ("book", "trade", "ticker", "ohlc", "instrument")
_OF_ALL = "instrument"
_CLOSED = 1000


class Kraken:
    """See :class:`~tickwire.simulator.venues.dialect.Dialect`.

    Args:
        model: The market.
        idle_ms: Of a client's silence, while nothing but heartbeats is sent to it, after which it
            is cut off.
        trims_zeros: Write numbers without the zeros at their end. A checksum counts them
            nevertheless, so that a client has to know the instrument's precision.
    """

    name = "kraken"
    paths = ("/v2",)

    def __init__(
        self, model: MarketModel, *, idle_ms: int = 60_000, trims_zeros: bool = False
    ) -> None:
        self.idle_ms = idle_ms
        self.trims_zeros = trims_zeros
        self.roster = Roster(model, lambda spec: (f"{spec.base}/{spec.quote}",))
        self.tape = Tape()

    def converse(self, path: str, headers: Mapping[str, str], now_ms: int) -> KrakenTalk:
        """See the protocol."""
        return KrakenTalk(self, now_ms)

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """See the protocol."""
        self.tape.note(instrument, fills, now_ms)

    def rest(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> bytes | None:
        """The pairs."""
        if path != _LIST:
            return None
        pairs = {
            instrument.spec.symbol: {
                "altname": instrument.spec.symbol,
                "wsname": self.roster.names(instrument)[0],
                "base": instrument.spec.base,
                "quote": instrument.spec.quote,
                "pair_decimals": instrument.spec.price_decimals,
                "lot_decimals": _SIZE_DECIMALS,
                "tick_size": instrument.spec.tick_size,
                "ordermin": instrument.spec.lot_step,
                "status": "online",
            }
            for instrument in self.roster.instruments
        }
        return text_of({"error": [], "result": pairs}).encode()

    def price(self, instrument: Instrument, ticks: int) -> str:
        """A price in full precision."""
        return self.roster.numbers(instrument).price(ticks)

    def size(self, instrument: Instrument, lots: int) -> str:
        """A size in full precision."""
        text = self.roster.numbers(instrument).quantity(lots)
        decimals = instrument.spec.lot_decimals
        return text + ("" if decimals else ".") + "0" * (_SIZE_DECIMALS - decimals)

    def number(self, text: str) -> str:
        """A number as it is written in a message."""
        return text.rstrip("0").rstrip(".") if self.trims_zeros and "." in text else text


def checksum(asks: Iterable[tuple[str, str]], bids: Iterable[tuple[str, str]]) -> int:
    """CRC-32 of the digits of the best levels, prices and sizes in full precision, best first."""
    texts = [text for levels in (asks, bids) for level in levels for text in level]
    return crc32("".join(text.replace(".", "").lstrip("0") for text in texts).encode())


class KrakenTalk:
    """See :class:`~tickwire.simulator.venues.dialect.Conversation`."""

    def __init__(self, dialect: Kraken, now_ms: int) -> None:
        self.books: dict[str, Shown] = {}
        self._dialect = dialect
        self._roster = dialect.roster
        self.topics = Topics()
        self._has_instruments = False
        self._quiet = Quiet(dialect.idle_ms, now_ms)
        self._has_spoken = False

    def opened(self, now_ms: int) -> Reply:
        """The state of the venue."""
        return Reply((self._status("online"),))

    def _status(self, system: str) -> str:
        state = {
            "api_version": "v2",
            "connection_id": _CONNECTION,
            "system": system,
            "version": "2.0.0",
        }
        return text_of({"channel": "status", "type": "update", "data": [state]})

    def receive(self, text: str, now_ms: int) -> Reply:
        """A request, answered symbol by symbol, or a ping."""
        self._quiet.end(now_ms)
        request = object_of(text) or {}
        method, params = request.get("method"), request.get("params")
        number = {} if request.get("req_id") is None else {"req_id": request["req_id"]}
        times = {"time_in": utc_us(now_ms), "time_out": utc_us(now_ms)}
        if method == "ping":
            return Reply((text_of({"method": "pong", **number, **times}),))
        if method not in ("subscribe", "unsubscribe") or not isinstance(params, dict):
            return _refusal("Malformed request", {"method": str(method), **number, **times})
        head = {"method": method, **number, **times}
        channel = params.get("channel")
        if channel not in _CHANNELS:
            return _refusal(f"Channel {channel} not supported", head)
        if channel == _OF_ALL:
            return self._take_instruments(method == "subscribe", params, head)
        symbols = params.get("symbol")
        if not isinstance(symbols, list) or not symbols:
            return _refusal("Symbol(s) not found", head)
        topic, own, problem = _topic(channel, params)
        if problem:
            return Reply(tuple(_refusal(problem, head, name).texts[0] for name in symbols))
        texts: list[str] = []
        for name in symbols:
            instrument = self._roster.find(name)
            if instrument is None:
                texts += _refusal(f"Currency pair not supported {name}", head, name).texts
            elif method == "subscribe":
                texts += self._join(topic, own, name, instrument, params, head, now_ms)
            else:
                texts += self._leave(topic, own, name, head)
        return Reply(tuple(texts))

    def _take_instruments(self, joins: bool, params: dict[str, Any], head: dict[str, Any]) -> Reply:
        self._has_instruments = joins
        wants = params.get("snapshot", True)
        result = {"channel": _OF_ALL} | ({"snapshot": wants} if joins else {})
        answer = text_of(head | {"success": True, "result": result})
        return Reply((answer, self._instruments()) if joins and wants else (answer,))

    def _join(
        self,
        topic: str,
        own: dict[str, Any],
        name: str,
        instrument: Instrument,
        params: dict[str, Any],
        head: dict[str, Any],
        now_ms: int,
    ) -> list[str]:
        channel = topic.partition(":")[0]
        is_taken = any(mine.partition(":")[0] == channel and of == name for mine, of in self.topics)
        # One book per symbol; candles may be had of several lengths.
        if is_taken and (channel != "ohlc" or (topic, name) in list(self.topics)):
            return list(_refusal("Already subscribed", head, name).texts)
        self.topics.add(topic, name, instrument)
        wants = params.get("snapshot", channel != "trade")
        result = {"channel": channel, "symbol": name, "snapshot": wants, **own}
        texts = [text_of(head | {"success": True, "result": result})]
        if channel == "book":
            # Levels that are pushed out of view are the client's to forget.
            self.books[name] = Shown(instrument, own["depth"], tells_departures=False)
        elif channel == "trade" and wants:
            past = self._dialect.tape.past(instrument)
            texts.append(self._trades("snapshot", name, instrument, past))
        elif channel == "ticker" and wants:
            texts.append(self._ticker("snapshot", name, instrument, now_ms))
        elif channel == "ohlc" and wants:
            candle = instrument.candles.current(_INTERVALS[own["interval"]])
            texts.append(self._candle("snapshot", topic, name, instrument, candle, now_ms))
        return texts

    def _leave(self, topic: str, own: dict[str, Any], name: str, head: dict[str, Any]) -> list[str]:
        if not self.topics.discard(topic, name):
            return list(_refusal("Subscription Not Found", head, name).texts)
        channel = topic.partition(":")[0]
        if channel == "book":
            self.books.pop(name, None)
        result = {"channel": channel, "symbol": name, **own}
        return [text_of(head | {"success": True, "result": result})]

    def on_fills(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> list[str]:
        """Trades, and tickers that follow trades."""
        trades = trades_of(fills, now_ms)
        texts = [
            self._trades("update", name, instrument, trades)
            for name in self.topics.names("trade", instrument)
        ]
        names = self.topics.names("ticker:trades", instrument)
        texts += [self._ticker("update", name, instrument, now_ms) for name in names]
        return self._spoken(texts, now_ms)

    def _trades(self, kind: str, name: str, instrument: Instrument, trades: list[Trade]) -> str:
        written, own = self._dialect.number, self._dialect
        rows = [
            f'{{"symbol":"{name}","side":"{"sell" if trade.buyer_is_maker else "buy"}",'
            f'"price":{written(own.price(instrument, trade.price))},'
            f'"qty":{written(own.size(instrument, trade.lots))},'
            f'"ord_type":"market","trade_id":{trade.number},'
            f'"timestamp":"{utc_us(trade.time_ms)}"}}'
            for trade in trades
        ]
        return f'{{"channel":"trade","type":"{kind}","data":[{",".join(rows)}]}}'

    def on_best(self, instrument: Instrument, now_ms: int) -> list[str]:
        """Tickers that follow the best bid and offer."""
        names = self.topics.names("ticker:bbo", instrument)
        texts = [self._ticker("update", name, instrument, now_ms) for name in names]
        return self._spoken(texts, now_ms)

    def _ticker(self, kind: str, name: str, instrument: Instrument, now_ms: int) -> str:
        own, book = self._dialect, instrument.book
        numbers, day = self._roster.numbers(instrument), self._roster.day(instrument, now_ms)
        (bid, bid_lots), (ask, ask_lots) = book.bids.best_level(), book.asks.best_level()
        last = instrument.candles.last_price
        fields = {
            "bid": own.price(instrument, bid),
            "bid_qty": own.size(instrument, bid_lots),
            "ask": own.price(instrument, ask),
            "ask_qty": own.size(instrument, ask_lots),
            "last": own.price(instrument, last),
            "volume": own.size(instrument, day.volume),
            "vwap": numbers.average(day.quote, day.volume),
            "low": own.price(instrument, day.low),
            "high": own.price(instrument, day.high),
            "change": own.price(instrument, last - day.open),
            "change_pct": f"{100.0 * (last - day.open) / day.open:.2f}",
        }
        inside = ",".join(f'"{key}":{own.number(text)}' for key, text in fields.items())
        return (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{name}",{inside},'
            f'"timestamp":"{utc_us(now_ms)}"}}]}}'
        )

    def on_snapshot(self, key: str, view: BookView, now_ms: int) -> list[str]:
        """The book as it is."""
        return self._spoken([self._book(key, "snapshot", *view.levels(), view, now_ms)], now_ms)

    def on_book(self, key: str, change: ViewChange, view: BookView, now_ms: int) -> list[str]:
        """A change, and the checksum of what the book is after it."""
        text = self._book(key, "update", change.bids, change.asks, view, now_ms)
        return self._spoken([text], now_ms)

    def _book(
        self,
        key: str,
        kind: str,
        bids: list[Level],
        asks: list[Level],
        view: BookView,
        now_ms: int,
    ) -> str:
        instrument, written = self.books[key].instrument, self._dialect.number

        def rows(levels: list[Level]) -> str:
            return ",".join(
                f'{{"price":{written(price)},"qty":{written(size)}}}'
                for price, size in self._exact(instrument, levels)
            )

        best = [self._exact(instrument, side[:_CHECKED_LEVELS]) for side in view.levels()]
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{key}",'
            f'"bids":[{rows(bids)}],"asks":[{rows(asks)}],'
            f'"checksum":{checksum(best[1], best[0])},"timestamp":"{utc_us(now_ms)}"}}]}}'
        )

    def _exact(self, instrument: Instrument, levels: list[Level]) -> list[tuple[str, str]]:
        own = self._dialect
        return [
            (own.price(instrument, price), own.size(instrument, lots)) for price, lots in levels
        ]

    def _instruments(self) -> str:
        currencies = {
            name
            for instrument in self._roster.instruments
            for name in (instrument.spec.base, instrument.spec.quote)
        }
        assets = [
            {
                "id": name,
                "status": "enabled",
                "precision": 10,
                "precision_display": 5,
                "borrowable": False,
                "collateral_value": 0.0,
                "margin_rate": 0.0,
            }
            for name in sorted(currencies)
        ]
        pairs = [
            {
                "symbol": self._roster.names(instrument)[0],
                "base": instrument.spec.base,
                "quote": instrument.spec.quote,
                "status": "online",
                "qty_precision": _SIZE_DECIMALS,
                "qty_increment": float(instrument.spec.lot_step),
                "price_precision": instrument.spec.price_decimals,
                "price_increment": float(instrument.spec.tick_size),
                "cost_precision": 5,
                "cost_min": "0.5",
                "qty_min": float(instrument.spec.lot_step),
                "marginable": False,
                "has_index": True,
            }
            for instrument in self._roster.instruments
        ]
        data = {"assets": assets, "pairs": pairs}
        return text_of({"channel": _OF_ALL, "type": "snapshot", "data": data})

    def on_candle(
        self, instrument: Instrument, interval: str, candle: Candle, now_ms: int
    ) -> list[str]:
        """The last state of a candle; that it has ended is told by the next one."""
        texts = [
            self._candle("update", topic, name, instrument, candle, now_ms)
            for topic in (f"ohlc:{own}" for own, found in _INTERVALS.items() if found == interval)
            for name in self.topics.names(topic, instrument)
            if candle.count
        ]
        return self._spoken(texts, now_ms)

    def _candle(
        self, kind: str, topic: str, name: str, instrument: Instrument, candle: Candle, now_ms: int
    ) -> str:
        own, numbers = self._dialect, self._roster.numbers(instrument)
        minutes = int(topic.partition(":")[2])
        prices = {
            "open": candle.open,
            "high": candle.high,
            "low": candle.low,
            "close": candle.close,
        }
        fields = {side: own.price(instrument, ticks) for side, ticks in prices.items()}
        fields["volume"] = own.size(instrument, candle.volume)
        fields["vwap"] = numbers.average(candle.quote, candle.volume)
        inside = ",".join(f'"{key}":{own.number(text)}' for key, text in fields.items())
        end_ms = bucket_end(_INTERVALS[minutes], candle.start_ms) + 1
        return (
            f'{{"channel":"ohlc","type":"{kind}","timestamp":"{utc_us(now_ms)}",'
            f'"data":[{{"symbol":"{name}",{inside},"trades":{candle.count},'
            f'"interval_begin":"{utc_us(candle.start_ms)}","interval":{minutes},'
            f'"timestamp":"{utc_us(end_ms)}"}}]}}'
        )

    def on_second(self, now_ms: int) -> Reply:
        """Running candles; a heartbeat where nothing was said; the end of silent connections."""
        texts = []
        for topic, name, instrument in self.topics.items():
            channel, _, minutes = topic.partition(":")
            if channel == "ohlc":
                candle = instrument.candles.current(_INTERVALS[int(minutes)])
                if candle.count:
                    texts.append(self._candle("update", topic, name, instrument, candle, now_ms))
        self._spoken(texts, now_ms)
        if not self._has_spoken and (len(self.topics) or self._has_instruments):
            texts.append('{"channel":"heartbeat"}')
        self._has_spoken = False
        if not self._quiet.is_too_long(now_ms):
            return Reply(tuple(texts))
        return Reply(tuple(texts), _CLOSED)

    def on_notice(self, now_ms: int) -> list[str]:
        """The venue goes into maintenance."""
        return [self._status("maintenance")]

    def _spoken(self, texts: list[str], now_ms: int) -> list[str]:
        if texts:
            self._has_spoken = True
            self._quiet.end(now_ms)
        return texts


def _topic(channel: str, params: dict[str, Any]) -> tuple[str, dict[str, Any], str]:
    """What is subscribed, the parameters that are part of it, and what is wrong with them."""
    if channel == "book":
        depth = params.get("depth", _DEPTHS[0])
        problem = "" if depth in _DEPTHS else "Subscription depth not supported"
        return f"book:{depth}", {"depth": depth}, problem
    if channel == "ticker":
        trigger = params.get("event_trigger", _TRIGGERS[0])
        problem = "" if trigger in _TRIGGERS else "Event trigger not supported"
        return f"ticker:{trigger}", {"event_trigger": trigger}, problem
    if channel == "ohlc":
        minutes = params.get("interval", 1)
        problem = "" if minutes in _INTERVALS else "Subscription ohlc interval not supported"
        return f"ohlc:{minutes}", {"interval": minutes}, problem
    return channel, {}, ""


def _refusal(words: str, head: dict[str, Any], name: str | None = None) -> Reply:
    of = {} if name is None else {"symbol": name}
    return Reply((text_of(head | {"error": words, "success": False, **of}),))
