"""An event as a line of text: JSON, or columns for people. Pure.

Columns: arrival in UTC, kind, symbol, then what the kind has to say, in the venue's own precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from tickwire.manager import Connected, Disconnected, Dropped, Reconnected, Stale

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.manager import Record
    from tickwire.market import Event, Level

__all__ = ["columns", "json_line", "record_line"]

_DAY_NS = 86_400_000_000_000


def json_line(event: Event) -> bytes:
    """One JSON object on a line: normalised names, ``kind`` first, times in ns.

    Cost: some 3 µs for a trade; it grows with the levels of a book.
    """
    # Parts of an event (brackets, components) are structs too.
    return orjson.dumps(
        event.to_dict(), default=msgspec.structs.asdict, option=orjson.OPT_APPEND_NEWLINE
    )


def columns(event: Event) -> bytes:
    """One line for people."""
    describe = _DESCRIPTIONS.get(event.kind)
    head = f"{_clock_time(event.ts_recv_ns)}  {event.kind:<13}  {event.symbol:<10}  "
    return f"{head}{describe(event) if describe else ''}".rstrip().encode() + b"\n"


def record_line(record: Record) -> str:
    """What happened to the connection, as one line for people."""
    head = f"{_clock_time(record.ts_ns)}  connection {record.connection}"
    match record:
        case Reconnected() if record.overlap:
            return (
                f"{head} took over from {record.replaces} ({record.reason.value}): overlap "
                f"{record.overlap * 1e3:.0f} ms, {record.held} events on both sides, "
                f"{record.duplicates} left out, {record.promise}"
            )
        case Reconnected():
            why = record.reason.value
            return f"{head} replaces {record.replaces} ({why}) after {record.downtime:.2f} s"
        case Connected():
            return f"{head} is up"
        case Disconnected():
            said = f' and "{record.text}"' if record.text else ""
            return f"{head} has ended ({record.reason.value}), code {record.code}{said}"
        case Stale():
            return f"{head}: {record.stream} is silent for {record.silence:.0f} s"
        case Dropped():
            return f"{head}: {record.count} messages dropped"
    return f"{head}: {record.kind}"


def _clock_time(epoch_ns: int) -> str:
    """``12:34:56.123456``, UTC."""
    seconds, rest = divmod(epoch_ns % _DAY_NS, 1_000_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}.{rest // 1000:06}"


def _number(value: float | None) -> str:
    """Plain decimal digits, as many as the number has."""
    if value is None:
        return "–"
    text = repr(value)
    if "e" in text:
        text = f"{value:.20f}".rstrip("0")
    return text.removesuffix(".0").removesuffix(".")


def _trade(event: Any) -> str:
    return f"{event.aggressor_side or '':<4}  {_number(event.price)} x {_number(event.size)}"


def _mark_price(event: Any) -> str:
    price, index = _number(event.mark_price), _number(event.index_price)
    return f"mark {price}  index {index}  funding {_number(event.funding_rate)}"


def _liquidation(event: Any) -> str:
    return f"{event.aggressor_side or '':<4}  {_number(event.price)} x {_number(event.size)}"


def _price(event: Any) -> str:
    return _number(event.price)


def _quote(event: Any) -> str:
    bid = f"bid {_number(event.bid_price)} x {_number(event.bid_size)}"
    return f"{bid}  ask {_number(event.ask_price)} x {_number(event.ask_size)}"


def _best(name: str, levels: Sequence[Level]) -> str:
    if not levels:
        return f"no {name}s"
    return f"{name} {_number(levels[0][0])} x {_number(levels[0][1])}"


def _book_snapshot(event: Any) -> str:
    return (
        f"{_best('bid', event.bids)}  {_best('ask', event.asks)}  "
        f"{len(event.bids)}+{len(event.asks)} levels"
    )


def _book_delta(event: Any) -> str:
    return (
        f"{len(event.bids)} bids, {len(event.asks)} asks changed  "
        f"{event.first_sequence}–{event.sequence}"
    )


def _kline(event: Any) -> str:
    prices = " ".join(map(_number, (event.open, event.high, event.low, event.close)))
    state = "closed" if event.is_closed else "open"
    return f"{event.interval} {state}  ohlc {prices}  volume {_number(event.volume)}"


def _mini_ticker(event: Any) -> str:
    prices = " ".join(map(_number, (event.open, event.high, event.low, event.close)))
    return f"24h  ohlc {prices}  volume {_number(event.volume)}"


def _ticker(event: Any) -> str:
    return (
        f"{event.window}  last {_number(event.last_price)}  "
        f"{_number(event.price_change_percent)} %  volume {_number(event.volume)}"
    )


def _gap(event: Any) -> str:
    return (
        f"{event.stream}: between {event.last_sequence} and {event.first_sequence} ({event.cause})"
    )


_DESCRIPTIONS: dict[str, Callable[[Any], str]] = {
    "trade": _trade,
    "agg_trade": _trade,
    "quote": _quote,
    "book_snapshot": _book_snapshot,
    "book_delta": _book_delta,
    "kline": _kline,
    "mini_ticker": _mini_ticker,
    "ticker": _ticker,
    "mark_price": _mark_price,
    "index_price": _price,
    "average_price": _price,
    "reference_price": _price,
    "liquidation": _liquidation,
    "gap": _gap,
}
