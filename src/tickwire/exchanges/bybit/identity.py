"""What identifies Bybit's events: a row per type.

A book's ``u`` counts its messages. A trade has a number on spot only: on futures its id is a UUID
and several share one ``seq``, so that nothing tells which of two is the later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.exchanges.finite import whole_number
from tickwire.market import BookDelta, BookSnapshot, Identity, Kline, Quote, Ticker, Trade

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.market import Event

__all__ = ["identify"]

_TOPIC_BEGINS = len('{"topic":"')


def _trade(event: Any, stream: bytes) -> Identity | None:
    number = whole_number(event.trade_id)
    return None if number is None else Identity(stream, number)


def _delta(event: Any, stream: bytes) -> Identity | None:
    return Identity(stream, event.sequence, event.first_sequence)


def _numbered(event: Any, stream: bytes) -> Identity | None:
    return Identity(stream, event.sequence)


def _ticker(event: Any, stream: bytes) -> Identity | None:
    return Identity(stream, (event.event_time, event.cross_sequence))


def _kline(event: Any, stream: bytes) -> Identity | None:
    return Identity(stream, (event.open_time, event.event_time))


_RULES: tuple[tuple[type[Event], Callable[[Any, bytes], Identity | None]], ...] = (
    (Trade, _trade),
    (BookDelta, _delta),
    (BookSnapshot, _numbered),
    (Quote, _numbered),
    (Ticker, _ticker),
    (Kline, _kline),
)
_by_type: dict[type[Event], Callable[[Any, bytes], Identity | None] | None] = {}


def identify(frame: bytes, event: Event, *, is_gapless: bool = True) -> Identity | None:
    """Which event this is, or ``None`` where the venue gives nothing to tell by.

    Args:
        frame: The frame that the event came in; it names its topic.
        event: One of its events.
        is_gapless: Whether a book's numbers are taken to have no holes.
    """
    kind = type(event)
    if kind not in _by_type:
        rules = (rule for base, rule in _RULES if issubclass(kind, base))
        _by_type[kind] = next(rules, None)
    rule = _by_type[kind]
    if rule is _delta and not is_gapless:
        rule = _numbered
    return None if rule is None else rule(event, frame[: frame.find(b'"', _TOPIC_BEGINS)])
