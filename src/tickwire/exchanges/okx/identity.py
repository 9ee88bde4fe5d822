"""What identifies OKX's events: a row per type.

A trade's id grows within its channel. A book's ``seqId`` is per instrument and the same for all
subscribers; it jumps, and an update says which one was before it. Candles have no time of sending
and private messages no number: there is nothing to tell them by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.market import (
    BookDelta,
    BookSnapshot,
    Identity,
    IndexPrice,
    Quote,
    Ticker,
    Trade,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.market import Event

__all__ = ["identify"]


def _trade(event: Any, stream: bytes) -> Identity | None:
    return Identity(stream, event.trade_id)


def _delta(event: Any, stream: bytes) -> Identity | None:
    if not event.sequence or event.prev_sequence is None:
        return None
    return Identity(stream, event.sequence, event.first_sequence)


def _numbered(event: Any, stream: bytes) -> Identity | None:
    return Identity(stream, event.sequence) if event.sequence else None


def _by_time(event: Any, stream: bytes) -> Identity | None:
    return Identity(stream, event.event_time) if event.event_time else None


_RULES: tuple[tuple[type[Event], Callable[[Any, bytes], Identity | None]], ...] = (
    (Trade, _trade),
    (BookDelta, _delta),
    (BookSnapshot, _numbered),
    (Quote, _numbered),
    (Ticker, _by_time),
    (IndexPrice, _by_time),
)
_by_type: dict[type[Event], Callable[[Any, bytes], Identity | None] | None] = {}


def identify(frame: bytes, event: Event) -> Identity | None:
    """Which event this is, or ``None`` where the venue gives nothing to tell by.

    Args:
        frame: The frame that the event came in; its ``arg`` names the stream.
        event: One of its events.
    """
    kind = type(event)
    if kind not in _by_type:
        rules = (rule for base, rule in _RULES if issubclass(kind, base))
        _by_type[kind] = next(rules, None)
    rule = _by_type[kind]
    return None if rule is None else rule(event, frame[: frame.find(b"}")])
