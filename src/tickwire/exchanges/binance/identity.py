"""What identifies Binance's events: a row per type.

Sources, as of August 2026: trade ids and aggregate trade ids count up by one per symbol; a spot
depth update covers the update ids ``U`` to ``u`` and the next begins at ``u + 1``; a USD-M one
names the ``u`` before it in ``pu``; book tickers and partial books carry update ids with holes.
Candles and tickers have no number: there it is the venue's time of sending, which each update of a
stream has for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.market import (
    AggTrade,
    BookDelta,
    BookSnapshot,
    Identity,
    Kline,
    MiniTicker,
    Quote,
    Ticker,
    Trade,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from tickwire.market import Event

__all__ = ["identify"]

_NAME_BEGINS = len('{"stream":"')


def _trade(event: Any, stream: Hashable) -> Identity | None:
    number = event.trade_id
    return Identity(stream, number, number)


def _book_delta(event: Any, stream: Hashable) -> Identity | None:
    previous = event.prev_sequence
    first = event.first_sequence if previous is None else previous + 1
    return Identity(stream, event.sequence, first)


def _updates(event: Any, stream: Hashable) -> Identity | None:
    return Identity(stream, event.sequence) if event.sequence else None


def _kline(event: Any, stream: Hashable) -> Identity | None:
    return Identity(stream, (event.open_time, event.event_time))


def _by_time(event: Any, stream: Hashable) -> Identity | None:
    return Identity(stream, event.event_time) if event.event_time else None


_RULES: tuple[tuple[type[Event], Callable[[Any, Hashable], Identity | None]], ...] = (
    (AggTrade, _trade),
    (Trade, _trade),
    (BookDelta, _book_delta),
    (BookSnapshot, _updates),
    (Quote, _updates),
    (Kline, _kline),
    (Ticker, _by_time),
    (MiniTicker, _by_time),
)

_by_type: dict[type[Event], Callable[[Any, Hashable], Identity | None]] = {}


def _rule_for(kind: type[Event]) -> Callable[[Any, Hashable], Identity | None]:
    """The first row that fits; a venue's struct is a subclass of the event that it is."""
    for base, rule in _RULES:
        if issubclass(kind, base):
            return rule
    return lambda event, stream: None


def identify(frame: bytes, event: Event, *, combined: bool) -> Identity | None:
    """Which event this is, or ``None`` where the venue gives nothing to tell by.

    Args:
        frame: The frame that the event came in.
        event: One of its events.
        combined: Whether frames name their stream. On a raw connection kind and symbol stand for
            it; a codec refuses streams that this would confuse.

    Cost: well under a microsecond.
    """
    kind = type(event)
    rule = _by_type.get(kind)
    if rule is None:
        rule = _by_type[kind] = _rule_for(kind)
    stream: Hashable
    if combined:
        stream = frame[_NAME_BEGINS : frame.find(b'"', _NAME_BEGINS)]
        if stream.endswith(b"@arr"):
            stream = (stream, event.symbol)
    else:
        stream = (event.kind, event.symbol, getattr(event, "interval", ""))
    return rule(event, stream)
