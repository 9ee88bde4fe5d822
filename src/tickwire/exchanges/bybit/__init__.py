"""Bybit, API v5."""

from tickwire.exchanges.bybit.codec import BybitCodec
from tickwire.exchanges.bybit.venue import BybitVenue

__all__ = ["BybitCodec", "BybitVenue"]
