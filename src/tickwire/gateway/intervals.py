"""Lengths of candles in one spelling for every exchange: ``1m``, ``1h``, ``1d``, ``1w``, ``1M``.

Exchanges take this spelling, and some of them name their candles in another one, in which their
events come back: ``60`` and ``D``, or ``1H`` and ``1D``. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from tickwire.errors import ConfigurationError
from tickwire.exchanges.venue import Channel, Want

if TYPE_CHECKING:
    from tickwire.exchanges.venue import Venue

__all__ = ["common_interval", "offered_intervals"]

_MINUTES_PER_HOUR = 60
_WRITTEN = re.compile(r"(?P<count>[0-9]*)(?P<unit>[smhdwMHDW]?)", re.ASCII)

_KNOWN = (
    *("1s", "1m", "3m", "5m", "10m", "15m", "30m"),
    *("1h", "2h", "3h", "4h", "6h", "8h", "12h"),
    *("1d", "2d", "3d", "5d", "1w", "15d", "1M", "3M"),
)
"""What there is at any exchange, shortest first."""


@lru_cache(maxsize=512)
def common_interval(written: str) -> str:
    """``60``, ``1H`` and ``1h`` are ``1h``, ``D`` is ``1d``; what is none of these stays as it is.

    A number alone is minutes, a letter alone is one of it. ``1m`` is a minute and ``1M`` a month.
    """
    found = _WRITTEN.fullmatch(written)
    if found is None or not written:
        return written
    count, unit = int(found["count"] or 1), found["unit"] or "m"
    if not found["unit"] and count % _MINUTES_PER_HOUR == 0:
        count, unit = count // _MINUTES_PER_HOUR, "h"
    return f"{count}{unit if unit == 'M' else unit.lower()}"


def offered_intervals(venue: Venue, symbol: str) -> list[str]:
    """The candles that an exchange has, shortest first; none where it has none.

    Args:
        venue: The exchange.
        symbol: One of its symbols, since what there is may depend on the kind.
    """
    if Channel.KLINES not in venue.channels:
        return []
    found = []
    for interval in _KNOWN:
        try:
            venue.plan([Want(Channel.KLINES, symbol, interval)])
        except ConfigurationError:
            continue
        found.append(interval)
    return found
