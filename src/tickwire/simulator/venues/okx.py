"""OKX v5: the public and the business address.

Every instrument of the market is there as a spot pair and as a swap, with one book for both.
Source: OKX API guide v5, "WebSocket" and "Market Data" (August 2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tickwire.simulator.venues.common import (
    Quiet,
    Roster,
    Topics,
    object_of,
    text_of,
    trades_of,
)
from tickwire.simulator.venues.dialect import Reply, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.venues.views import BookView, ViewChange

__all__ = ["Okx"]

_PUBLIC, _BUSINESS = "/ws/v5/public", "/ws/v5/business"
_LIST = "/api/v5/public/instruments"
_CONNECTION = "5a1bc0de"
_IDLE_CODE = 4004
_REQUESTS_PER_HOUR = 480
_HOUR_MS = 3_600_000
_REQUEST_BYTES = 64 * 1024
_NUMBER = re.compile(r"[A-Za-z0-9]{1,32}")
_BOOKS = {"books": 400, "books5": 5}
_GATED = ("books-l2-tbt", "books50-l2-tbt")
_PUBLIC_CHANNELS = frozenset({"trades", "tickers", "bbo-tbt", *_BOOKS, *_GATED})
_BARS: dict[str, str] = {
    "1s": "1s",
    **{f"{count}m": f"{count}m" for count in (1, 3, 5, 15, 30)},
    **{f"{count}H": f"{count}h" for count in (1, 2, 4, 6, 12)},
    **{"1D": "1d", "3D": "3d", "1W": "1w", "1M": "1M"},
    **{f"{bar}utc": bar.lower() for bar in ("6H", "12H", "1D", "3D", "1W")},
    "1Mutc": "1M",
}
"""Candles, and what the market calls them. Here all days begin at midnight UTC."""
_CANDLES = {f"candle{bar}": interval for bar, interval in _BARS.items()}
_BUSINESS_CHANNELS = frozenset({"trades-all", *_CANDLES})


class Okx:
    """See :class:`~tickwire.simulator.venues.dialect.Dialect`.

    Args:
        model: The market.
        idle_ms: Of silence, in both directions, after which a connection is ended.
        keep_alive_ms: Of a book without a change, after which an empty one is sent.
    """

    name = "okx"
    paths = (_PUBLIC, _BUSINESS)

    def __init__(
        self, model: MarketModel, *, idle_ms: int = 30_000, keep_alive_ms: int = 60_000
    ) -> None:
        self.idle_ms = idle_ms
        self.keep_alive_ms = keep_alive_ms
        self.roster = Roster(
            model, lambda spec: (f"{spec.base}-{spec.quote}", f"{spec.base}-{spec.quote}-SWAP")
        )

    def converse(self, path: str, headers: Mapping[str, str], now_ms: int) -> OkxTalk:
        """See the protocol."""
        channels = _PUBLIC_CHANNELS if path == _PUBLIC else _BUSINESS_CHANNELS
        return OkxTalk(self, channels, now_ms)

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """OKX tells nobody of the past."""

    def rest(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> bytes | None:
        """The instrument list."""
        if path != _LIST:
            return None
        kind = query.get("instType", "SPOT")
        rows = []
        for instrument in self.roster.instruments:
            spot, swap = self.roster.names(instrument)
            spec = instrument.spec
            if kind in ("SPOT", "SWAP"):
                rows.append(
                    {
                        "instType": kind,
                        "instId": spot if kind == "SPOT" else swap,
                        "baseCcy": spec.base if kind == "SPOT" else "",
                        "quoteCcy": spec.quote if kind == "SPOT" else "",
                        "tickSz": spec.tick_size,
                        "lotSz": spec.lot_step,
                        "minSz": spec.lot_step,
                        "state": "live",
                    }
                )
        return text_of({"code": "0", "msg": "", "data": rows}).encode()


class OkxTalk:
    """See :class:`~tickwire.simulator.venues.dialect.Conversation`."""

    def __init__(self, dialect: Okx, channels: frozenset[str], now_ms: int) -> None:
        self.books: dict[str, Shown] = {}
        self._roster = dialect.roster
        self._channels = channels
        self.topics = Topics()
        self._quiet = Quiet(dialect.idle_ms, now_ms)
        self._keep_alive_ms = dialect.keep_alive_ms
        # Per book: number of its last message, and when that was.
        self._told: dict[str, tuple[int, int]] = {}
        self._requests: list[int] = []

    def opened(self, now_ms: int) -> Reply:
        """OKX says nothing."""
        return Reply()

    def receive(self, text: str, now_ms: int) -> Reply:
        """A request, or ``ping``."""
        self._quiet.end(now_ms)
        if text == "ping":
            return Reply(("pong",))
        request = object_of(text)
        items = request.get("args") if request else None
        if request is None or not isinstance(items, list) or len(text) > _REQUEST_BYTES:
            return _error(None, 60012, f"Invalid request: {text[:100]}")
        number = request.get("id")
        if number is not None and not _NUMBER.fullmatch(str(number)):
            return _error(None, 60033, "Parameter id error")
        self._requests = [each for each in self._requests if each > now_ms - _HOUR_MS]
        if len(self._requests) >= _REQUESTS_PER_HOUR:
            return _error(number, 60014, "Requests too frequent.")
        self._requests.append(now_ms)
        operation = request.get("op")
        if operation == "login":
            return _error(number, 60009, "Login failed.")
        if operation not in ("subscribe", "unsubscribe"):
            return _error(number, 60012, f"Invalid request: {text[:100]}")
        answers: list[str] = []
        for item in items:
            problem = self._take(operation, item if isinstance(item, dict) else {}, now_ms)
            if problem is not None:
                code, words = problem
                return Reply((*answers, *_error(number, code, words).texts))
            said = {"event": operation, "arg": item, "connId": _CONNECTION}
            answers.append(text_of(said if number is None else {"id": number} | said))
        return Reply(tuple(answers))

    def _take(self, operation: str, item: dict[str, Any], now_ms: int) -> tuple[int, str] | None:
        channel, name = str(item.get("channel")), str(item.get("instId"))
        instrument = self._roster.find(name)
        if channel not in self._channels or instrument is None:
            return 60018, (
                f"Wrong URL or channel:{channel}, instId:{name} doesn't exist. Please use the "
                "correct URL, channel and parameters referring to API document."
            )
        if channel in _GATED:
            return 64003, "Your trading fee tier doesn't meet the requirement of this channel."
        key = f"{channel}:{name}"
        if operation == "unsubscribe":
            self.topics.discard(channel, name)
            self.books.pop(key, None)
            self._told.pop(key, None)
        elif self.topics.add(channel, name, instrument) and channel in _BOOKS:
            self.books[key] = Shown(instrument, _BOOKS[channel])
        return None

    def on_fills(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> list[str]:
        """``trades``: what one order took at one price; ``trades-all``: each trade."""
        numbers = self._roster.numbers(instrument)
        number = instrument.book.last_update_id
        texts = []
        for name in self.topics.names("trades", instrument):
            for fill in fills:
                row = _trade(name, fill.last_id, numbers.price(fill.price), fill, now_ms)
                row["sz"] = numbers.quantity(fill.lots)
                row |= {"count": str(len(fill.parts)), "seqId": number}
                texts.append(_push("trades", name, [row]))
        for name in self.topics.names("trades-all", instrument):
            for fill in fills:
                for trade in trades_of([fill], now_ms):
                    row = _trade(name, trade.number, numbers.price(trade.price), fill, now_ms)
                    row["sz"] = numbers.quantity(trade.lots)
                    texts.append(_push("trades-all", name, [row]))
        return self._pushed(texts, now_ms)

    def on_best(self, instrument: Instrument, now_ms: int) -> list[str]:
        """``bbo-tbt`` and ``tickers``."""
        bid, ask = self._roster.best(instrument)
        texts = []
        for name in self.topics.names("bbo-tbt", instrument):
            item = {
                "asks": [[*ask, "0", "1"]],
                "bids": [[*bid, "0", "1"]],
                "ts": str(now_ms),
                "seqId": instrument.book.last_update_id,
            }
            texts.append(_push("bbo-tbt", name, [item]))
        texts += [
            _push("tickers", name, [self._ticker(name, instrument, now_ms)])
            for name in self.topics.names("tickers", instrument)
        ]
        return self._pushed(texts, now_ms)

    def _ticker(self, name: str, instrument: Instrument, now_ms: int) -> dict[str, str]:
        bid, ask = self._roster.best(instrument)
        numbers, day = self._roster.numbers(instrument), self._roster.day(instrument, now_ms)
        return {
            "instType": "SWAP" if name.endswith("-SWAP") else "SPOT",
            "instId": name,
            "last": numbers.price(instrument.candles.last_price),
            "lastSz": numbers.quantity(instrument.candles.last_lots),
            "askPx": ask[0],
            "askSz": ask[1],
            "bidPx": bid[0],
            "bidSz": bid[1],
            "open24h": numbers.price(day.open),
            "high24h": numbers.price(day.high),
            "low24h": numbers.price(day.low),
            "volCcy24h": numbers.quote_volume(day.quote),
            "vol24h": numbers.quantity(day.volume),
            "sodUtc0": numbers.price(day.open),
            "sodUtc8": numbers.price(day.open),
            "ts": str(now_ms),
        }

    def on_snapshot(self, key: str, view: BookView, now_ms: int) -> list[str]:
        """The book as it is."""
        channel, _, name = key.partition(":")
        if channel == "books5":
            return self._pushed([self._five(name, view, now_ms)], now_ms)
        bids, asks = view.levels()
        self._told[key] = (view.last, now_ms)
        return self._pushed(
            [self._book(key, "snapshot", bids, asks, -1, view.last, now_ms)], now_ms
        )

    def on_book(self, key: str, change: ViewChange, view: BookView, now_ms: int) -> list[str]:
        """A change; of five levels the whole."""
        channel, _, name = key.partition(":")
        if channel == "books5":
            return self._pushed([self._five(name, view, now_ms)], now_ms)
        self._told[key] = (change.last, now_ms)
        text = self._book(
            key, "update", change.bids, change.asks, change.previous, change.last, now_ms
        )
        return self._pushed([text], now_ms)

    def _five(self, name: str, view: BookView, now_ms: int) -> str:
        item = self._levels(self.books[f"books5:{name}"].instrument, *view.levels(), now_ms)
        return _push("books5", name, [{"instId": name, **item, "seqId": view.last}])

    def _book(
        self,
        key: str,
        action: str,
        bids: list[tuple[int, int]],
        asks: list[tuple[int, int]],
        previous: int,
        last: int,
        now_ms: int,
    ) -> str:
        channel, _, name = key.partition(":")
        item = self._levels(self.books[key].instrument, bids, asks, now_ms)
        item |= {"checksum": 0, "prevSeqId": previous, "seqId": last}
        return text_of({"arg": _arg(channel, name), "action": action, "data": [item]})

    def _levels(
        self,
        instrument: Instrument,
        bids: list[tuple[int, int]],
        asks: list[tuple[int, int]],
        now_ms: int,
    ) -> dict[str, Any]:
        rows = self._roster.rows
        return {
            side: [
                [price, size, "0", "0" if size == "0" else "1"]
                for price, size in rows(instrument, levels)
            ]
            for side, levels in (("asks", asks), ("bids", bids))
        } | {"ts": str(now_ms)}

    def on_candle(
        self, instrument: Instrument, interval: str, candle: Candle, now_ms: int
    ) -> list[str]:
        """The last word on a candle."""
        return self._pushed(
            [
                self._candle(channel, name, instrument, candle, is_over=True)
                for channel, own in _CANDLES.items()
                if own == interval
                for name in self.topics.names(channel, instrument)
            ],
            now_ms,
        )

    def _candle(
        self, channel: str, name: str, instrument: Instrument, candle: Candle, *, is_over: bool
    ) -> str:
        numbers = self._roster.numbers(instrument)
        prices = (candle.open, candle.high, candle.low, candle.close)
        volume, quote = numbers.quantity(candle.volume), numbers.quote_volume(candle.quote)
        row = [str(candle.start_ms), *map(numbers.price, prices), volume, quote, quote]
        return _push(channel, name, [[*row, "1" if is_over else "0"]])

    def on_second(self, now_ms: int) -> Reply:
        """Running candles, empty updates of quiet books, and the end of silent connections."""
        texts = []
        for channel, name, instrument in self.topics.items():
            interval = _CANDLES.get(channel)
            if interval is not None:
                candle = instrument.candles.current(interval)
                texts.append(self._candle(channel, name, instrument, candle, is_over=False))
        for key, (number, told_ms) in list(self._told.items()):
            if now_ms - told_ms >= self._keep_alive_ms:
                self._told[key] = (number, now_ms)
                texts.append(self._book(key, "update", [], [], number, number, now_ms))
        self._pushed(texts, now_ms)
        if not self._quiet.is_too_long(now_ms):
            return Reply(tuple(texts))
        return Reply(tuple(texts), _IDLE_CODE)

    def on_notice(self, now_ms: int) -> list[str]:
        """Sent a minute ahead of an upgrade."""
        notice = {
            "event": "notice",
            "code": "64008",
            "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
            "connId": _CONNECTION,
        }
        return [text_of(notice)]

    def _pushed(self, texts: list[str], now_ms: int) -> list[str]:
        if texts:
            self._quiet.end(now_ms)
        return texts


def _trade(name: str, number: int, price: str, fill: Fill, now_ms: int) -> dict[str, Any]:
    return {
        "instId": name,
        "tradeId": str(number),
        "px": price,
        "sz": "",
        "side": "sell" if fill.buyer_is_maker else "buy",
        "source": "0",
        "ts": str(now_ms),
    }


def _arg(channel: str, name: str) -> dict[str, str]:
    return {"channel": channel, "instId": name}


def _push(channel: str, name: str, data: list[Any]) -> str:
    return text_of({"arg": _arg(channel, name), "data": data})


def _error(number: object, code: int, words: str) -> Reply:
    said = {"event": "error", "code": str(code), "msg": words, "connId": _CONNECTION}
    return Reply((text_of(said if number is None else {"id": number} | said),))
