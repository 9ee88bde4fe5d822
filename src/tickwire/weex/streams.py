"""One stream as the program sees it, and the bounded buffer behind it.

The buffer belongs to the client, the stream to the program. When the program lets go of the stream,
by leaving the loop over it or otherwise, the stream's finaliser tells the client, which ends the
subscription if no other stream needs it.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, Self

    from tickwire.weex.messages import WeexMessage

__all__ = ["Buffer", "WeexStream"]


class Buffer:
    """What waits for one stream.

    Attributes:
        names: The channels that it needs.
        is_private: On which kind of connection.
        level: Levels per side, of books; else 0.
        lost: Messages that gave way since the last one that was taken.
        start: What asks for its channels, once that has begun.
    """

    def __init__(
        self, names: tuple[str, ...], size: int, *, is_private: bool = False, level: int = 0
    ) -> None:
        self.names = names
        self.is_private = is_private
        self.level = level
        self.lost = 0
        self.start: asyncio.Task[None] | None = None
        self._size = size
        self._messages: deque[WeexMessage] = deque()
        self._error: Exception | None = None
        self._ended = False
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: WeexMessage) -> None:
        """Append one; the oldest gives way where there is no room."""
        if self._ended:
            return
        if len(self._messages) >= self._size:
            self._messages.popleft()
            self.lost += 1
        self._messages.append(message)
        self._filled.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes: by ``error``, or because the program wants no more."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._filled.set()

    async def take(self) -> WeexMessage | None:
        """The next one; ``None`` at the end. A cancelled wait takes nothing."""
        while not self._messages:
            if self._ended:
                error, self._error = self._error, None
                if error is not None:
                    raise error
                return None
            self._filled.clear()
            await self._filled.wait()
        message = self._messages.popleft()
        if self.lost:
            message = replace(message, lost=self.lost)
            self.lost = 0
        return message


class WeexStream:
    """Messages, one by one: ``async for message in client.stream_tickers(["BTCUSDT"])``.

    Its channels are asked for when it is first read. It ends when the client disconnects, when
    :meth:`aclose` is called, or when the program lets go of it. Several tasks may read one stream;
    each message goes to one of them.
    """

    def __init__(
        self,
        buffer: Buffer,
        start: Callable[[Buffer], asyncio.Task[None]],
        abandon: Callable[[Buffer], None],
        release: Callable[[Buffer], Coroutine[Any, Any, None]],
    ) -> None:
        self._buffer = buffer
        self._start = start
        self._release = release
        self._is_started = False
        self._finalizer = weakref.finalize(self, abandon, buffer)
        # A process that ends closes its connections anyway.
        self._finalizer.atexit = False

    @property
    def waiting(self) -> int:
        """Messages that wait to be read."""
        return len(self._buffer)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WeexMessage:
        """The next message.

        Raises:
            SubscriptionError: The venue refused a channel of this stream. Retry: no.
            WebSocketError, WebSocketConnectionError: The connection was lost and could not be
                restored. Retry: with a new client.
            HandshakeRejected: The login was refused (private streams). Retry: no.
            ConfigurationError: The client is not connected, or has no credentials.
            StopAsyncIteration: The client was disconnected by this program.
        """
        if not self._is_started:
            await self._await_start()
        message = await self._buffer.take()
        if message is None:
            raise StopAsyncIteration
        return message

    async def _await_start(self) -> None:
        """Have the channels asked for: once, whoever of several readers gives up waiting for it;
        after a failure, anew."""
        buffer = self._buffer
        if buffer.start is None:
            buffer.start = self._start(buffer)
        start = buffer.start
        await asyncio.wait((start,))
        if start.cancelled():
            buffer.end()  # the client was disconnected
        elif (error := start.exception()) is not None:
            if buffer.start is start:
                buffer.start = None
            raise error
        self._is_started = True

    async def aclose(self) -> None:
        """End the stream, and the subscriptions that nothing else needs. Idempotent."""
        if self._finalizer.detach() is not None:
            await self._release(self._buffer)
