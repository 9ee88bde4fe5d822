"""The dialects that there are, by the venue's name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.simulator.market import MarketModel
    from tickwire.simulator.venues.dialect import Dialect

__all__ = ["DIALECTS", "dialect_of"]

_HERE = "tickwire.simulator.venues"
DIALECTS: dict[str, tuple[str, str]] = {
    "okx": (f"{_HERE}.okx", "Okx"),
    "bybit": (f"{_HERE}.bybit", "Bybit"),
    "coinbase": (f"{_HERE}.coinbase", "Advanced"),
    "coinbase-exchange": (f"{_HERE}.coinbase_exchange", "Exchange"),
    "kraken": (f"{_HERE}.kraken", "Kraken"),
    "deribit": (f"{_HERE}.deribit", "Deribit"),
}
"""Where the class of each dialect stands: module and name."""


def dialect_of(exchange: str, model: MarketModel, settings: dict[str, Any]) -> Dialect:
    """The dialect of ``exchange``, speaking of ``model``.

    Raises:
        ConfigurationError: There is none, or it has no such setting. Retry: no.
    """
    if exchange not in DIALECTS:
        raise ConfigurationError(
            f"the simulator does not speak {exchange!r}; it speaks {', '.join(DIALECTS)}"
        )
    module, kind = DIALECTS[exchange]
    dialect: Dialect = getattr(import_module(module), kind)(model, **settings)
    return dialect
