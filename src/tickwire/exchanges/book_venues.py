"""The venues whose local books can be kept, by name: one with snapshots by REST, the others in the
stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance import BinanceBookVenue
from tickwire.exchanges.registry import VENUES
from tickwire.exchanges.stream_books import StreamBookVenue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.book_venue import BookVenue

__all__ = ["open_book_venue"]

_BY_REST: dict[str, Callable[..., BookVenue]] = {"binance": BinanceBookVenue}
# What only makes sense where snapshots are fetched, and what it is when left out.
_OF_REST: dict[str, Any] = {
    "rest_url": None,
    "levels": None,
    "speed_ms": 100,
    "time_unit": "millisecond",
    "weight_per_minute": None,
}


def open_book_venue(exchange: str, count: int, settings: dict[str, Any]) -> BookVenue:
    """The books of the venue called ``exchange``.

    Args:
        exchange: Its name.
        count: Books that are wanted.
        settings: Those of :class:`tickwire.Books` that are not left out, by their names.

    Raises:
        ConfigurationError: There is no such venue, or it has no such setting. Retry: no.
    """
    if exchange in _BY_REST:
        own = dict(settings)
        for name in own.pop("options", None) or ():
            raise ConfigurationError(f"books of {exchange} have no option {name!r}")
        return _BY_REST[exchange](count, **own)
    if exchange not in VENUES:
        raise ConfigurationError(f"no exchange {exchange!r}; there are: {', '.join(VENUES)}")
    common = dict(settings)
    for name, default in _OF_REST.items():
        if common.pop(name, default) != default:
            raise ConfigurationError(
                f"{name} is for venues whose snapshots are fetched; those of {exchange} come in "
                "the stream"
            )
    return StreamBookVenue(exchange, **common)
