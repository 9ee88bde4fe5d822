"""An account's own events: orders, balances, positions, as bytes, dictionaries or typed events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.endpoints import LIMITS
from tickwire.exchanges.binance.user_data import UserDataCodec
from tickwire.exchanges.binance.user_keys import ACCOUNTS, KEEPALIVE_SECONDS, check_account
from tickwire.manager import LoopClock
from tickwire.market import Event, Gap

from .errors import BinanceRegionException, ReadLoopClosed
from .user_inbox import Arrival, Inbox
from .user_ways import ListenKeyWay, SubscriptionWay

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from tickwire.exchanges.binance.routes import Numbers
    from tickwire.exchanges.binance.user_data import UserDataStats
    from tickwire.exchanges.binance.user_keys import Account
    from tickwire.manager import Timekeeper

    from .client import AsyncClient
    from .user_inbox import News

__all__ = ["UserData"]

_ROTATION_MARGIN_SECONDS = 300.0


class UserData:
    """What happens to one account, as one stream that is kept open.

    ::

        async with UserData(client) as events:
            async for event in events:
                ...

    Spot and margin accounts of binance.com are subscribed on the client's WebSocket API; margin
    with a listenToken that is renewed before it ends. Binance.US and futures have a listenKey, kept
    alive every 30 minutes, and a connection of its own that is replaced before the venue's 24 hours
    are over. Renewals are planned: the new source is there before the old one ends, and an event
    that both bring is given once. Where events may have been missed after all (a lost connection, a
    key that the venue let expire) a :class:`~tickwire.Gap` stands at that place: ask over REST for
    open orders and balances then.

    Iteration gives typed events. :meth:`recv` gives the venue's bytes, :meth:`recv_json` the
    dictionary, without the envelopes of either way. All of them take from the same queue. A wait
    that is cancelled takes no event with it. Belongs to one event loop.

    Args:
        client: With an API key. It stays the caller's.
        account: ``"spot"``, ``"margin"``, ``"isolated_margin"``, ``"usdm"`` or ``"coinm"``.
        symbol: Of an isolated margin account.
        numbers: Of typed events: ``"decimal"`` for exact ones, or ``"float"``.
        queue_size: Events that may wait for the program. One more ends the stream with
            :class:`BinanceWebsocketQueueOverflow`: none is ever left out silently.
        rotate_every: Seconds after which a listenKey's connection is replaced; left out, five
            minutes before the venue's limit.
        keepalive_every: Seconds between the keepalives of a listenKey, whose life is an hour.
        records: Keep news of connections for :meth:`recv_with_news`.
        clock: The time. A :class:`~tickwire.ScriptedClock` lets a day pass in a test.

    Raises:
        ConfigurationError: No such account, or the client has no API key. Retry: no.
        BinanceRegionException: The client's domain has no such account. Retry: no.
    """

    def __init__(
        self,
        client: AsyncClient,
        account: Account = "spot",
        symbol: str | None = None,
        *,
        numbers: Numbers = "decimal",
        queue_size: int = 10_000,
        rotate_every: float | None = None,
        keepalive_every: float = KEEPALIVE_SECONDS,
        records: bool = False,
        clock: Timekeeper | None = None,
    ) -> None:
        self.account = check_account(account, symbol)
        product = ACCOUNTS[self.account]
        if client.credentials is None:
            raise ConfigurationError("user data needs an API key; make the client with api_key=")
        if queue_size < 1:
            raise ConfigurationError(f"queue_size is 1 or more events, not {queue_size!r}")
        by_key = client.has_listen_keys(product)
        if by_key and self.account in ("margin", "isolated_margin"):
            raise BinanceRegionException("com", client.tld, f"user data of {self.account}")
        self._inbox = Inbox(queue_size, records=records)
        self._codec = UserDataCodec(numbers=numbers)
        clock = clock or LoopClock()
        self._way: ListenKeyWay | SubscriptionWay
        if by_key:
            limit = LIMITS[product].connection_seconds - _ROTATION_MARGIN_SECONDS
            self._way = ListenKeyWay(
                client,
                self.account,
                self._inbox,
                clock,
                rotate_every=limit if rotate_every is None else rotate_every,
                keepalive_every=keepalive_every,
            )
        else:
            self._way = SubscriptionWay(client, self.account, self._inbox, clock, symbol=symbol)
        self._is_open = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Subscribe, or get a key and connect. Once per object.

        Raises:
            BinanceAPIException: The venue refused. Retry: as the error says.
            BinanceRequestException, WebSocketError: No answer, or no connection. Retry: yes.
        """
        if self._is_open or self._inbox.has_ended:
            raise ConfigurationError("user data is opened once; make a new one")
        self._is_open = True
        try:
            await self._way.open()
        except BaseException:
            self._is_open = False
            raise

    async def close(self) -> None:
        """End the stream. What has come can still be read. Idempotent.

        A listenKey is left to expire, because the venue gives the same one to every program of the
        account.
        """
        self._inbox.end()
        await self._way.close()

    @property
    def queued(self) -> int:
        """Events that wait for the program."""
        return len(self._inbox)

    @property
    def gaps(self) -> int:
        """Places so far where events may be missing."""
        return self._inbox.gaps

    @property
    def rotations(self) -> int:
        """Keys, tokens and connections replaced so far."""
        return self._way.rotations

    @property
    def stats(self) -> UserDataStats:
        """What was decoded by :meth:`recv_event` and iteration: events by type, news, oddities."""
        return self._codec.stats

    async def recv(self) -> bytes:
        """The next event as the venue wrote it, without its envelope. Holes are counted in
        :attr:`gaps`.

        Raises:
            ReadLoopClosed: The program closed the stream, and nothing is left. Retry: no.
            BinanceWebsocketQueueOverflow: ``queue_size`` events waited. Retry: with a new object.
            BinanceAPIException: The venue ended the access and refuses another. Retry: no.
        """
        while True:
            item = await self.recv_item()
            if isinstance(item, bytes):
                return item

    async def recv_item(self) -> bytes | Gap:
        """As :meth:`recv`, with a :class:`~tickwire.Gap` where events may be missing."""
        while True:
            item = await self.recv_with_news(typed=False)
            if isinstance(item, (bytes, Gap)):
                return item

    async def recv_with_news(self, *, typed: bool) -> bytes | Event | News:
        """What comes next, and with ``records=True`` what is known of connections: a
        :class:`~tickwire.manager.Disconnected` where one was lost, and an error, as an item, for
        each five attempts in a row that have not restored it.

        Args:
            typed: Events as :meth:`recv_event` gives them, or as :meth:`recv_item` does.

        Raises: as :meth:`recv`.
        """
        self._check_open()
        events: list[Event] = []
        while not events:
            item = await self._inbox.take()
            if not isinstance(item, Arrival):
                return item
            if not typed:
                return item.payload
            self._codec.receive(item.payload, item.recv_ns, events)
        return events[0]

    async def recv_batch(self) -> list[bytes]:
        """As :meth:`recv`: all events that wait, at least one."""
        first = await self.recv()
        rest = self._inbox.take_ready()
        return [first, *(item.payload for item in rest if isinstance(item, Arrival))]

    async def recv_json(self) -> dict[str, Any]:
        """As :meth:`recv`: the decoded message, numbers as the texts that the venue sends."""
        message: dict[str, Any] = orjson.loads(await self.recv())
        return message

    async def recv_event(self) -> Event:
        """The next typed event of :data:`tickwire.exchanges.binance.account.USER_EVENTS`, or a
        :class:`~tickwire.Gap`. Messages of unknown types are passed over and counted in
        :attr:`stats`.

        Raises: as :meth:`recv`.
        """
        while True:
            item = await self.recv_with_news(typed=True)
            if isinstance(item, Event):
                return item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """As :meth:`recv_event`; the program's own :meth:`close` ends the iteration."""
        try:
            return await self.recv_event()
        except ReadLoopClosed:
            raise StopAsyncIteration from None

    def _check_open(self) -> None:
        if not self._is_open and not self._inbox.has_ended:
            raise ConfigurationError("user data is not open: use `async with UserData(...)`")
