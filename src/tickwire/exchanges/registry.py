"""The venues that there are, by name; each is loaded when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.exchanges.venue import Venue, VenueSettings

__all__ = ["VENUES", "open_venue"]

VENUES: dict[str, tuple[str, str]] = {
    "binance": ("tickwire.exchanges.binance.venue", "BinanceVenue"),
    "deribit": ("tickwire.exchanges.deribit.venue", "DeribitVenue"),
    "weex": ("tickwire.exchanges.weex.venue", "WeexVenue"),
    "bybit": ("tickwire.exchanges.bybit.venue", "BybitVenue"),
    "okx": ("tickwire.exchanges.okx.venue", "OkxVenue"),
    "coinbase": ("tickwire.exchanges.coinbase.venue", "CoinbaseVenue"),
    "kraken": ("tickwire.exchanges.kraken.venue", "KrakenVenue"),
}
"""Where the class of each venue stands: module and name."""


def open_venue(name: str, settings: VenueSettings) -> Venue:
    """The venue called ``name``, as ``settings`` want it.

    Raises:
        ConfigurationError: There is none of that name, or it cannot be as the settings want it; the
            text says what there is. Retry: no.
    """
    if name not in VENUES:
        raise ConfigurationError(f"no exchange {name!r}; there are: {', '.join(VENUES)}")
    module, kind = VENUES[name]
    venue: Venue = getattr(import_module(module), kind)(settings)
    return venue
