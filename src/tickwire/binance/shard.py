"""One of the connections over which a callback client spreads its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from tickwire.manager import WebSocketManager

__all__ = ["Shard"]


class Shard:
    """One connection that is kept, and what it carries.

    Attributes:
        up: Whether it is connected; ``None`` until it has been for the first time.
    """

    def __init__(self, url: str, manager: WebSocketManager) -> None:
        self.url = url
        self.manager = manager
        self.names: set[str] = set()
        self.up: bool | None = None
        self.reader: asyncio.Task[None] | None = None
