"""Deribit's channels: what a name means. Tables first.

A channel is ``<kind>.<instrument>.<interval>``, some with more parts:
``book.BTC-PERPETUAL.100ms``, ``book.BTC-PERPETUAL.none.20.100ms``, ``user.portfolio.btc``.

Source: the vendor's channel list (API documentation 2.1.1).
"""

from __future__ import annotations

import re

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream

__all__ = ["INTERVALS", "RESOLUTIONS", "is_private", "kind_of", "needs_login", "parse_stream"]

RESOLUTIONS: dict[str, tuple[str, int]] = {
    "1": ("1m", 60_000),
    "3": ("3m", 180_000),
    "5": ("5m", 300_000),
    "10": ("10m", 600_000),
    "15": ("15m", 900_000),
    "30": ("30m", 1_800_000),
    "60": ("1h", 3_600_000),
    "120": ("2h", 7_200_000),
    "180": ("3h", 10_800_000),
    "360": ("6h", 21_600_000),
    "720": ("12h", 43_200_000),
    "1D": ("1d", 86_400_000),
}
"""Resolutions of ``chart.trades``: what they are called elsewhere, and their length in ms."""
INTERVALS: dict[str, str] = {name: resolution for resolution, (name, _) in RESOLUTIONS.items()}

_CHANNEL = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{2,120}")
_KINDS = ("trades", "ticker", "quote", "book")
_USER_KINDS = ("orders", "trades", "changes", "portfolio")
_RAW = ".raw"
_GROUPED_PARTS = 5


def is_private(name: str) -> bool:
    """Whether it is about one's own account."""
    return name.startswith("user.")


def needs_login(name: str) -> bool:
    """Whether the venue serves it to a connection that has logged in only: private channels, and
    the public ones that are not batched."""
    return is_private(name) or name.endswith(_RAW)


def kind_of(name: str) -> str:
    """What flows in it: ``trades``, ``book``, ``book_top``, ``user.orders``…; ``other`` for what
    this package has no type for."""
    parts = name.split(".")
    if parts[0] == "user" and len(parts) > 1 and parts[1] in _USER_KINDS:
        return f"user.{parts[1]}"
    if parts[0] == "chart" and len(parts) == 4 and parts[3] in RESOLUTIONS:
        return "chart"
    if parts[0] == "book" and len(parts) == _GROUPED_PARTS:
        return "book_top"
    return parts[0] if parts[0] in _KINDS else "other"


def parse_stream(name: str, symbol: str = "") -> Stream:
    """What a channel's name means; ``symbol`` is what its events are to carry.

    Raises:
        ConfigurationError: It is no channel's name. Retry: no.
    """
    if not _CHANNEL.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no channel: write trades.BTC-PERPETUAL.100ms")
    return Stream(name, kind_of(name), symbol)
