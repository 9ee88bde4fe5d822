"""Binance the way its users know it: clients, socket managers, errors, constants.

Names are those of python-binance, so that ``from tickwire.binance import AsyncClient`` and the like
take the place of ``from binance import AsyncClient``. Each is loaded when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import enums
from .enums import *  # noqa: F403 - here too, as in python-binance

if TYPE_CHECKING:
    from tickwire.credentials import Credentials

    from .callback import BinanceWebSocket
    from .client import AsyncClient
    from .errors import (
        BinanceAPIException,
        BinanceOrderException,
        BinanceOrderInactiveSymbolException,
        BinanceOrderMinAmountException,
        BinanceOrderMinPriceException,
        BinanceOrderMinTotalException,
        BinanceOrderUnknownSymbolException,
        BinanceRateLimited,
        BinanceRegionException,
        BinanceRequestException,
        BinanceRequestLost,
        BinanceRequestTimeout,
        BinanceWebsocketClosed,
        BinanceWebsocketQueueOverflow,
        BinanceWebsocketUnableToConnect,
        NotImplementedException,
        ReadLoopClosed,
        UnknownDateFormat,
    )
    from .manager import BinanceSocketManager
    from .sockets import KeepAliveWebsocket, ReconnectingWebsocket
    from .sync import Client
    from .threaded import ThreadedWebsocketManager
    from .user_data import UserData

__all__ = [
    "AsyncClient",
    "BinanceAPIException",
    "BinanceOrderException",
    "BinanceOrderInactiveSymbolException",
    "BinanceOrderMinAmountException",
    "BinanceOrderMinPriceException",
    "BinanceOrderMinTotalException",
    "BinanceOrderUnknownSymbolException",
    "BinanceRateLimited",
    "BinanceRegionException",
    "BinanceRequestException",
    "BinanceRequestLost",
    "BinanceRequestTimeout",
    "BinanceSocketManager",
    "BinanceWebSocket",
    "BinanceWebsocketClosed",
    "BinanceWebsocketQueueOverflow",
    "BinanceWebsocketUnableToConnect",
    "Client",
    "Credentials",
    "KeepAliveWebsocket",
    "NotImplementedException",
    "ReadLoopClosed",
    "ReconnectingWebsocket",
    "ThreadedWebsocketManager",
    "UnknownDateFormat",
    "UserData",
]
__all__ += enums.__all__

_LAZY = {
    "AsyncClient": "tickwire.binance.client",
    "BinanceSocketManager": "tickwire.binance.manager",
    "KeepAliveWebsocket": "tickwire.binance.sockets",
    "ReconnectingWebsocket": "tickwire.binance.sockets",
    "ThreadedWebsocketManager": "tickwire.binance.threaded",
    "BinanceWebSocket": "tickwire.binance.callback",
    "Client": "tickwire.binance.sync",
    "Credentials": "tickwire.credentials",
    "UserData": "tickwire.binance.user_data",
} | dict.fromkeys(
    (
        "BinanceAPIException",
        "BinanceOrderException",
        "BinanceOrderInactiveSymbolException",
        "BinanceOrderMinAmountException",
        "BinanceOrderMinPriceException",
        "BinanceOrderMinTotalException",
        "BinanceOrderUnknownSymbolException",
        "BinanceRateLimited",
        "BinanceRegionException",
        "BinanceRequestException",
        "BinanceRequestLost",
        "BinanceRequestTimeout",
        "BinanceWebsocketClosed",
        "BinanceWebsocketQueueOverflow",
        "BinanceWebsocketUnableToConnect",
        "NotImplementedException",
        "ReadLoopClosed",
        "UnknownDateFormat",
    ),
    "tickwire.binance.errors",
)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
