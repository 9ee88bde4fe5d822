"""One managed connection of a client, and who listens to which of its channels."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from tickwire.errors import SubscriptionError
from tickwire.exchanges.weex.codec import V3_PATHS, WeexCodec
from tickwire.exchanges.weex.names import as_product, parse_stream
from tickwire.manager import WebSocketConnectionError, WebSocketManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tickwire.transport import AsyncSession
    from tickwire.weex.config import WeexConfig

__all__ = ["CHANNELS", "Line"]

_log = logging.getLogger("tickwire.weex")
CHANNELS = 100
"""Channels that one connection may carry."""


class Line:
    """A connection, restored and replaced by the manager.

    Attributes:
        wanted: How many streams need each channel.
        is_over: Whether it takes no channels any more, as it ends or has ended.
        is_worn: Whether it takes no new ones: the venue has refused as many as it bears.
    """

    def __init__(
        self,
        config: WeexConfig,
        session: AsyncSession,
        *,
        is_private: bool,
        on_events: Callable[[Line, list[Any]], None],
        on_refusal: Callable[[Line, SubscriptionError], None],
        on_end: Callable[[Line, Exception | None], None],
    ) -> None:
        self.is_private = is_private
        self.wanted: Counter[str] = Counter()
        self.is_over = False
        self.is_worn = False
        self._product = as_product(config.product)
        self._on_events = on_events
        self._on_refusal = on_refusal
        self._on_end = on_end
        self._changing = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._manager = WebSocketManager(
            config.base_url + V3_PATHS[is_private],
            codec=partial(
                WeexCodec,
                config.product,
                numbers="decimal",
                credentials=config.credentials,
                is_private=is_private,
            ),
            session=session,
            events=True,
            **{"rotate_every": config.rotate_every, **config.connect},
        )

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._manager.is_connected

    @property
    def room(self) -> int:
        """Channels that it can take on."""
        return 0 if self.is_over or self.is_worn else CHANNELS - len(self.wanted)

    async def open(self) -> None:
        """Connect.

        Raises:
            HandshakeRejected, ConnectError, WebSocketTimeout: As :meth:`WebSocketManager.connect`.
        """
        try:
            await self._manager.connect()
        except WebSocketConnectionError as error:
            if error.__cause__ is not None:
                # One attempt was made, and this is what came of it.
                raise error.__cause__ from None
            raise
        self._reader = asyncio.create_task(self._read(), name="WEEX line")

    async def add(self, *names: str) -> bool:
        """Ask for the channels that nobody has asked for yet. False, and nothing is done, if there
        is no room for them: others may have come first."""
        async with self._changing:
            new = [name for name in dict.fromkeys(names) if not self.wanted[name]]
            if self.is_over or len(new) > self.room:
                return False
            self.wanted.update(dict.fromkeys(names, 1))
            try:
                if new:
                    await self._manager.subscribe(*(parse_stream(n, self._product) for n in new))
            except BaseException:
                self._forget(names)
                raise
            return True

    def _forget(self, names: Iterable[str]) -> list[str]:
        """One stream less for each; those that none needs any more."""
        self.wanted.subtract(dict.fromkeys(names, 1))
        over = [name for name in dict.fromkeys(names) if self.wanted[name] <= 0]
        for name in over:
            del self.wanted[name]
        return over

    async def drop(self, *names: str) -> None:
        """Let go of channels; those that nobody else needs are unsubscribed."""
        async with self._changing:
            over = self._forget(names)
            if over:
                await self._manager.unsubscribe(*(parse_stream(n, self._product) for n in over))

    async def give_up(self, *names: str) -> None:
        """Ask no more for channels that were refused, on no later connection either: the venue
        counts refusals."""
        async with self._changing:
            for name in names:
                del self.wanted[name]
            await self._manager.unsubscribe(*(parse_stream(n, self._product) for n in names))

    async def again(self, name: str) -> None:
        """Ask for a channel anew: a book begins with a snapshot then."""
        async with self._changing:
            if self.wanted[name]:
                stream = parse_stream(name, self._product)
                await self._manager.unsubscribe(stream)
                await self._manager.subscribe(stream)

    async def close(self) -> None:
        """Disconnect. Idempotent."""
        self.is_over = True
        await self._manager.close()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            try:
                self._on_events(self, await self._manager.recv_batch())
            except SubscriptionError as refusal:
                _log.warning("%s", refusal)
                self._on_refusal(self, refusal)
            except StopAsyncIteration:
                self._on_end(self, None)
                return
            except Exception as error:
                self._on_end(self, error)
                return
