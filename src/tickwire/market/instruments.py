"""What a venue trades: its instrument list, under names that are the same everywhere. Pure."""

from __future__ import annotations

import msgspec

__all__ = ["Instrument"]


class Instrument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One instrument.

    Attributes:
        symbol: The name that is the same everywhere: ``BTC-USDT``.
        venue_symbol: The venue's own: ``BTCUSDT``, ``BTC/USDT``, ``XBTUSD``.
        base: What is traded, in the venue's spelling.
        quote: What it is paid in.
        kind: ``spot``, ``perpetual``, ``future`` or ``option``.
        price_tick: Smallest step of the price, as the venue writes it; empty where it does not say.
        size_step: Smallest step of the size, likewise.
        is_trading: Whether orders are taken now.
    """

    symbol: str
    venue_symbol: str
    base: str
    quote: str
    kind: str = "spot"
    price_tick: str = ""
    size_step: str = ""
    is_trading: bool = True
