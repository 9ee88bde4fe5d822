"""Requests about the market, answered from the generated one. Pure.

Answers have the venue's keys; where a number is asked for that the model has no history of, the
answer holds what there is since the start.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from orjson import Fragment

from tickwire.simulator.candles import INTERVALS, bucket_end
from tickwire.simulator.exchange import Call, Method
from tickwire.simulator.options import Market
from tickwire.simulator.refusals import illegal, refuse
from tickwire.simulator.rest import depth, depth_weight, exchange_info
from tickwire.simulator.symbols import percent_change

if TYPE_CHECKING:
    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument
    from tickwire.simulator.params import Params

__all__ = ["MARKET_METHODS"]

_DEFAULT_ENTRIES, _MOST_ENTRIES = 500, 1000
_AVERAGE_MINUTES = 5
_UTC = ("0", "0:00", "+0:00", "00:00", "+00:00")
_WINDOW = re.compile(r"([1-9]|[1-5][0-9])m|([1-9]|1[0-9]|2[0-3])h|[1-7]d", re.ASCII)
_WINDOW_UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FEW_SYMBOLS, _MANY_SYMBOLS = 20, 100


def _ping(call: Call) -> Any:
    return {}


def _time(call: Call) -> Any:
    return {"serverTime": call.now_ms}


def _exchange_info(call: Call) -> Any:
    exchange = call.exchange
    return exchange_info(
        call.params.texts, exchange.source, exchange.market, call.now_ms, exchange.rate_limits()
    )


def _depth(call: Call) -> Any:
    exchange = call.exchange
    return Fragment(depth(call.params.texts, exchange.source, exchange.market, call.now_ms))


def _recent_trades(call: Call) -> Any:
    return _trades(call)[-call.params.limit(_DEFAULT_ENTRIES, _MOST_ENTRIES) :]


def _historical_trades(call: Call) -> Any:
    limit = call.params.limit(_DEFAULT_ENTRIES, _MOST_ENTRIES)
    first = call.params.optional_integer("fromId")
    trades = _trades(call)
    if first is None:
        return trades[-limit:]
    return [trade for trade in trades if trade["id"] >= first][:limit]


def _trades(call: Call) -> list[dict[str, Any]]:
    """The trades that the model remembers, oldest first."""
    instrument = call.exchange.instrument(call.params.symbol())
    text = call.exchange.text(instrument)
    extra = {"isBestMatch": True} if call.exchange.market is Market.SPOT else {}
    volume = "baseQty" if call.exchange.market is Market.COINM else "quoteQty"
    return [
        {
            "id": trade_id,
            "price": text.price(fill.price),
            "qty": text.quantity(lots),
            volume: text.turnover(text.turnover_of(fill.price, lots)),
            "time": time_ms,
            "isBuyerMaker": fill.buyer_is_maker,
            **extra,
        }
        for time_ms, fill in instrument.recent
        for trade_id, lots in enumerate(fill.parts, fill.first_id)
    ]


def _aggregate_trades(call: Call) -> Any:
    params = call.params
    instrument = call.exchange.instrument(params.symbol())
    limit = params.limit(_DEFAULT_ENTRIES, _MOST_ENTRIES)
    first, start, end = params.optional_integer("fromId"), params.time("startTime"), None
    end = params.time("endTime")
    wanted = [
        (time_ms, fill)
        for time_ms, fill in instrument.recent
        if (first is None or fill.aggregate_id >= first) and _within(time_ms, start, end)
    ]
    chosen = wanted[-limit:] if first is None and start is None else wanted[:limit]
    return [_aggregate(call, instrument, fill, time_ms) for time_ms, fill in chosen]


def _aggregate(call: Call, instrument: Instrument, fill: Fill, time_ms: int) -> dict[str, Any]:
    text = call.exchange.text(instrument)
    entry: dict[str, Any] = {
        "a": fill.aggregate_id,
        "p": text.price(fill.price),
        "q": text.quantity(fill.lots),
        "f": fill.first_id,
        "l": fill.last_id,
        "T": time_ms,
        "m": fill.buyer_is_maker,
    }
    return entry | ({"M": True} if call.exchange.market is Market.SPOT else {})


def _within(time_ms: int, start: int | None, end: int | None) -> bool:
    return (start is None or time_ms >= start) and (end is None or time_ms <= end)


def _klines(call: Call) -> Any:
    params, exchange = call.params, call.exchange
    instrument = exchange.instrument(params.symbol())
    interval = params.choice("interval", tuple(INTERVALS), "interval")
    if interval == "1s" and exchange.market is not Market.SPOT:
        raise refuse("interval")
    limit = params.limit(_DEFAULT_ENTRIES, _MOST_ENTRIES)
    start, end = params.time("startTime"), params.time("endTime")
    instrument.candles.roll(call.now_ms)
    candles = [*instrument.candles.history[interval], instrument.candles.current(interval)]
    candles = [candle for candle in candles if _within(candle.start_ms, start, end)]
    candles = candles[-limit:] if start is None else candles[:limit]
    text = exchange.text(instrument)
    return [
        [
            candle.start_ms,
            text.price(candle.open),
            text.price(candle.high),
            text.price(candle.low),
            text.price(candle.close),
            text.quantity(candle.volume),
            bucket_end(interval, candle.start_ms),
            text.turnover(candle.quote),
            candle.count,
            text.quantity(candle.buy_volume),
            text.turnover(candle.buy_quote),
            "0",
        ]
        for candle in candles
    ]


def _average_price(call: Call) -> Any:
    """The volume-weighted price of five minutes; the last price without a trade in them."""
    instrument = call.exchange.instrument(call.params.symbol())
    since = call.now_ms - _AVERAGE_MINUTES * 60_000
    recent = [(time_ms, fill) for time_ms, fill in instrument.recent if time_ms >= since]
    lots = sum(fill.lots for _, fill in recent)
    quote = sum(fill.price * fill.lots for _, fill in recent)
    text = call.exchange.text(instrument)
    price = text.average(quote, lots) if lots else text.price(instrument.candles.last_price)
    closed = recent[-1][0] if recent else call.now_ms
    return {"mins": _AVERAGE_MINUTES, "price": price, "closeTime": closed}


def _each(call: Call, render: Any) -> Any:
    """One answer for ``symbol``, a list of them for ``symbols`` or for none."""
    if "symbol" in call.params:
        return render(call, call.exchange.instrument(call.params.symbol()))
    wanted = call.params.symbols()
    chosen = (
        call.exchange.instruments()
        if wanted is None
        else [call.exchange.instrument(symbol) for symbol in wanted]
    )
    return [render(call, instrument) for instrument in chosen]


def _price_ticker(call: Call) -> Any:
    return _each(call, _price_entry)


def _price_entry(call: Call, instrument: Instrument) -> dict[str, Any]:
    price = call.exchange.text(instrument).price(instrument.candles.last_price)
    entry: dict[str, Any] = {"symbol": instrument.spec.symbol, "price": price}
    return entry | _futures_tail(call, instrument)


def _book_ticker(call: Call) -> Any:
    return _each(call, _book_entry)


def _book_entry(call: Call, instrument: Instrument) -> dict[str, Any]:
    book, text = instrument.book, call.exchange.text(instrument)
    bid, bid_lots = book.bids.best_level()
    ask, ask_lots = book.asks.best_level()
    entry: dict[str, Any] = {
        "symbol": instrument.spec.symbol,
        "bidPrice": text.price(bid),
        "bidQty": text.quantity(bid_lots),
        "askPrice": text.price(ask),
        "askQty": text.quantity(ask_lots),
    }
    if call.exchange.market is not Market.SPOT:
        entry["lastUpdateId"] = book.last_update_id
    return entry | _futures_tail(call, instrument)


def _futures_tail(call: Call, instrument: Instrument) -> dict[str, Any]:
    match call.exchange.market:
        case Market.SPOT:
            return {}
        case Market.USDM:
            return {"time": call.now_ms}
        case Market.COINM:
            return {"ps": instrument.spec.pair, "time": call.now_ms}


def _day_ticker(call: Call) -> Any:
    return _each(call, _day_entry)


def _day_entry(call: Call, instrument: Instrument) -> dict[str, Any]:
    """The last 24 hours; ``type=MINI`` leaves most out. Futures know neither quotes nor that."""
    spot = call.exchange.market is Market.SPOT
    text, book, candles = call.exchange.text(instrument), instrument.book, instrument.candles
    day, price_before = candles.rolling_day(call.now_ms)
    bid, bid_lots = book.bids.best_level()
    ask, ask_lots = book.asks.best_level()
    full: dict[str, Any] = {
        "priceChange": text.price(day.close - day.open),
        "priceChangePercent": percent_change(day.open, day.close),
        "weightedAvgPrice": text.mean_price(day.volume, day.quote),
    }
    last: dict[str, Any] = {"lastQty": text.quantity(candles.last_lots)}
    if spot:
        full["prevClosePrice"] = text.price(price_before)
        last |= {
            "bidPrice": text.price(bid),
            "bidQty": text.quantity(bid_lots),
            "askPrice": text.price(ask),
            "askQty": text.quantity(ask_lots),
        }
    mini = spot and call.params.texts.get("type") == "MINI"
    entry: dict[str, Any] = {"symbol": instrument.spec.symbol}
    if call.exchange.market is Market.COINM:
        entry["pair"] = instrument.spec.pair
    entry |= {} if mini else full
    entry["lastPrice"] = text.price(day.close)
    entry |= {} if mini else last
    return entry | _day_numbers(call, instrument, day)


def _trading_day(call: Call) -> Any:
    """Since midnight, UTC: other time zones are not known here."""
    if call.params.texts.get("timeZone", "0") not in _UTC:
        raise refuse("unsupported")
    return _each(call, _trading_day_entry)


def _trading_day_entry(call: Call, instrument: Instrument) -> dict[str, Any]:
    instrument.candles.roll(call.now_ms)
    day = instrument.candles.current("1d")
    closed = bucket_end("1d", day.start_ms)
    return _window_entry(call, instrument, day) | {"closeTime": closed}


def _window(call: Call) -> Any:
    size = call.params.texts.get("windowSize", "1d")
    if not _WINDOW.fullmatch(size):
        raise illegal("windowSize", "1m to 59m, 1h to 23h, 1d to 7d")
    length = int(size[:-1]) * _WINDOW_UNITS[size[-1]]
    return _each(call, partial(_rolling_entry, length=length))


def _rolling_entry(call: Call, instrument: Instrument, *, length: int) -> dict[str, Any]:
    window = instrument.candles.since(call.now_ms - length, call.now_ms)
    return _window_entry(call, instrument, window)


def _window_entry(call: Call, instrument: Instrument, window: Candle) -> dict[str, Any]:
    """As :func:`_day_entry`, of another stretch: without the books' and the last trade's."""
    text = call.exchange.text(instrument)
    entry: dict[str, Any] = {"symbol": instrument.spec.symbol}
    if call.params.texts.get("type") != "MINI":
        entry |= {
            "priceChange": text.price(window.close - window.open),
            "priceChangePercent": percent_change(window.open, window.close),
            "weightedAvgPrice": text.mean_price(window.volume, window.quote),
        }
    entry["lastPrice"] = text.price(window.close)
    return entry | _day_numbers(call, instrument, window)


def _reference_price(call: Call) -> Any:
    """No symbol of this market has one, which the venue tells in a result."""
    call.exchange.instrument(call.params.symbol())
    return {"code": -2043, "msg": "This symbol doesn't have a reference price."}


def _execution_rules(call: Call) -> Any:
    """No symbol of this market has any."""
    if "symbol" in call.params:
        call.exchange.instrument(call.params.symbol())
    for symbol in call.params.symbols() or ():
        call.exchange.instrument(symbol)
    return {"symbolRules": []}


def _day_numbers(call: Call, instrument: Instrument, day: Candle) -> dict[str, Any]:
    text = call.exchange.text(instrument)
    volume = "baseVolume" if call.exchange.market is Market.COINM else "quoteVolume"
    return {
        "openPrice": text.price(day.open),
        "highPrice": text.price(day.high),
        "lowPrice": text.price(day.low),
        "volume": text.quantity(day.volume),
        volume: text.turnover(day.quote),
        "openTime": day.start_ms,
        "closeTime": call.now_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.count,
    }


def _depth_weight(market: Market) -> Any:
    return lambda params: depth_weight(params.texts, market)


def _per_symbols(params: Params) -> int:
    """The weight of the 24-hour statistics: by how many symbols are asked for."""
    symbols = params.symbols()
    if symbols is not None and len(symbols) <= _FEW_SYMBOLS:
        return 2
    return 40 if symbols is not None and len(symbols) <= _MANY_SYMBOLS else 80


def _by_symbol(each: int, most: int) -> Any:
    """The weight of what costs so much a symbol."""

    def weight(params: Params) -> int:
        symbols = params.symbols()
        return min(most, each * (1 if symbols is None else len(symbols)))

    return weight


def _one_or_all(params: Params) -> int:
    return 2 if "symbol" in params else 4


def _futures(market: Market) -> dict[str, Method]:
    """What the futures' WebSocket API has; their REST has the rest of spot's too."""
    return {
        "depth": Method(_depth, _depth_weight(market)),
        "ticker.price": Method(_price_ticker, lambda params: 1 if "symbol" in params else 2),
        "ticker.book": Method(_book_ticker, lambda params: 2 if "symbol" in params else 5),
    }


MARKET_METHODS: dict[Market, dict[str, Method]] = {
    Market.SPOT: {
        "ping": Method(_ping),
        "time": Method(_time),
        "exchangeInfo": Method(_exchange_info, 20),
        "depth": Method(_depth, _depth_weight(Market.SPOT)),
        "trades.recent": Method(_recent_trades, 25),
        "trades.historical": Method(_historical_trades, 25),
        "trades.aggregate": Method(_aggregate_trades, 4),
        "klines": Method(_klines, 2),
        "uiKlines": Method(_klines, 2),
        "avgPrice": Method(_average_price, 2),
        "ticker.24hr": Method(_day_ticker, _per_symbols),
        "ticker.tradingDay": Method(_trading_day, _by_symbol(4, 200)),
        "ticker": Method(_window, _by_symbol(4, 200)),
        "referencePrice": Method(_reference_price, 2),
        "executionRules": Method(_execution_rules, _by_symbol(2, 40)),
        "ticker.price": Method(_price_ticker, _one_or_all),
        "ticker.book": Method(_book_ticker, _one_or_all),
    },
    Market.USDM: _futures(Market.USDM),
    Market.COINM: _futures(Market.COINM),
}
"""By dialect and name, as the WebSocket API has them."""
