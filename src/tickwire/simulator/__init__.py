"""A Binance-speaking server on this machine, for tests, demonstrations and measurements.

``async with Simulator(symbols=["BTCUSDT"], rate=1000) as sim`` inside a program,
``python -m tickwire.simulator`` as a process of its own.
"""

try:
    import aiohttp as _aiohttp  # noqa: F401
    import cryptography as _cryptography  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in ("aiohttp", "cryptography"):
        raise
    raise ImportError(
        f"the simulator needs {error.name}: run  pip install 'tickwire[simulator]'",
        name=error.name,
    ) from None

from tickwire.simulator.accounts import MARGIN, Account, Accounts, isolated
from tickwire.simulator.capture import CaptureError
from tickwire.simulator.hub import CloseReason, Stats
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Faults, Limits, Market, ReplayStart
from tickwire.simulator.server import Simulator
from tickwire.simulator.symbols import SymbolSpec

__all__ = [
    "MARGIN",
    "Account",
    "Accounts",
    "CaptureError",
    "CloseReason",
    "Faults",
    "Limits",
    "Market",
    "MarketModel",
    "ReplayStart",
    "Simulator",
    "Stats",
    "SymbolSpec",
    "isolated",
]
