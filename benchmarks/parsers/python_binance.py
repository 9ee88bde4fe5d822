"""python-binance: what its socket does with a message before it puts the dict into its queue.

Its WebSocket library gives it text; the decoding to text is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from binance.ws.reconnecting_websocket import ReconnectingWebsocket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def prepare(frames: Sequence[bytes], market: str) -> Callable[[], int]:
    texts = [frame.decode() for frame in frames]
    handle = ReconnectingWebsocket("")._handle_message

    def run() -> int:
        taken = 0
        for text in texts:
            if handle(text)["data"]:
                taken += 1
        return taken

    return run
