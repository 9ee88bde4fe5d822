"""WEEX as one client: tickers, books, trades, and one's own account, each as a stream of messages.

::

    async with WeexWebSocketClient(WeexConfig.from_env()) as client:
        async for message in client.stream_tickers(["BTCUSDT"]):
            print(message.timestamp, message.data["last"])

See ``docs/coming-from-the-weex-client.md``.
"""

from tickwire.weex.client import WeexWebSocketClient
from tickwire.weex.config import WeexConfig
from tickwire.weex.messages import WeexMessage
from tickwire.weex.streams import WeexStream

__all__ = ["WeexConfig", "WeexMessage", "WeexStream", "WeexWebSocketClient"]
