"""The managers of sockets, where python-binance has them: ``tickwire.binance.streams``."""

from __future__ import annotations

from tickwire.binance.manager import KEEPALIVE_TIMEOUT, BinanceSocketManager
from tickwire.binance.sockets import KeepAliveWebsocket, ReconnectingWebsocket
from tickwire.binance.threaded import ThreadedWebsocketManager

__all__ = [
    "KEEPALIVE_TIMEOUT",
    "BinanceSocketManager",
    "KeepAliveWebsocket",
    "ReconnectingWebsocket",
    "ThreadedWebsocketManager",
]
