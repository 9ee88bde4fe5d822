"""A WebSocket whose program decides when it reconnects, and whose data does not notice."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.transport import AsyncSession, WebSocketError, WebSocketOptions

from .backoff import ReconnectStrategy
from .config import load_options
from .controls import Controls
from .core import Core
from .directives import obey
from .errors import WebSocketTimeoutError, closed_error
from .herald import ask
from .options import NAMES
from .reasons import DisconnectReason
from .relay import Relay
from .shape import Shape
from .states import ConnectionState
from .subscriptions import frame_of, opposite
from .timing import LoopClock

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from tickwire.exchanges import Codec, CodecStats, RateLimits

    from .herald import Herald
    from .limiter import RollingLimiter
    from .stats import WebSocketStats
    from .timing import Timekeeper, Timer

__all__ = ["WebSocketManager"]

_log = logging.getLogger("tickwire.manager")
_NS = 1_000_000_000
_CONNECT_PARAMETERS = frozenset(inspect.signature(AsyncSession.ws_connect).parameters) - {
    "self",
    "url",
    "options",
    "timeout",
} | (frozenset(inspect.signature(WebSocketOptions).parameters) - {"on_message"})


class WebSocketManager:
    """A WebSocket that is kept connected, and replaced by plan before it has to be.

    ::

        async with WebSocketManager("wss://stream.example.com/ws") as ws:
            async for message in ws.stream():
                print(message)

    A planned change (``rotate_every``, ``connection_limit``, ``schedule_reconnect()``,
    ``should_disconnect`` without ``should_reconnect``, a venue's notice) opens and subscribes the
    new connection while the old one delivers, and closes the old one when the new one has
    everything that is still to come. Where messages have an identity (a codec that names it, or
    ``identity=``) nothing is lost, nothing comes twice and the order is kept; without one the
    overlap may show messages twice. A connection that is lost is restored by
    ``reconnect_strategy``; what is missing then is a :class:`~tickwire.Gap` in the stream of typed
    events, and in any stream with ``events=True``. See ``docs/manager.md``.

    Belongs to one event loop, that of :meth:`connect`; making one needs none.

    Args:
        url: ``ws://`` or ``wss://``.
        subscriptions: Messages sent on every new connection: dictionaries (sent as JSON), text or
            bytes. With a codec: streams.
        should_disconnect: Asked every ``disconnect_check_interval`` seconds whether to let the
            connection go. Sync or async, as all callbacks.
        should_reconnect: Asked, while there is none, whether to connect: a bool, or the number of
            seconds until then, which count from the first answer that gives them.
        on_connect: Called without arguments for every connection that is established.
        on_disconnect: Called with the :class:`DisconnectReason` of every one that has ended.
        on_message: Called with every message before the stream hands it over. Until the program
            asks for the stream, the manager reads it. An exception in a callback ends the manager,
            and comes out of its stream.
        raw: Bytes as they came, instead of JSON objects.
        codec: Makes a connection's codec, such as
            ``tickwire.exchanges.binance.BinanceCodec``; the stream then gives typed events.
        identity: Gives ``(stream, sequence)`` of a message as the stream hands it over,
            ``(stream, sequence, first)`` where the numbers have no holes (``first`` is the first
            number that the message covers), or ``None``. The numbers must be the venue's own, the
            same on every connection, and grow within a stream.
        events: Whether the stream carries records besides data: :class:`Connected`,
            :class:`Disconnected`, :class:`Reconnected`, :class:`~tickwire.Gap`, :class:`Stale`,
            :class:`Dropped`.
        endpoints: Where to connect instead of to ``url``: URLs, or dictionaries with ``url`` and
            parameters of ``ws_connect`` such as ``proxy`` and ``interface``. The connections of a
            redundant set spread over them, and a failed connect goes on to the next.
        session: A session to connect through; the caller closes it. The manager's own if left out.
        config: A YAML or TOML file with a ``websocket`` section; see ``docs/manager.md``.
        clock: The time. A :class:`ScriptedClock` lets a day pass in a test.
        rate_limits: The venue's limits; a codec knows its own.
        connect_limiter: A limiter of connects shared with others that the venue counts together.
        seed: Of the jitter, for tests.
        settings: Every name of :class:`ManagerOptions`, which weighs more than environment and
            file; every other parameter of :meth:`tickwire.AsyncSession.ws_connect`: ``headers``,
            ``proxy``, ``impersonate``, ``recv_queue_size``…

    Raises:
        ConfigurationError: A setting is unknown or has a bad value; the text names it. Retry: no.
    """

    def __init__(
        self,
        url: str,
        *,
        subscriptions: Iterable[Any] = (),
        should_disconnect: Callable[[], Any] | None = None,
        should_reconnect: Callable[[], Any] | None = None,
        on_connect: Callable[[], Any] | None = None,
        on_disconnect: Callable[[DisconnectReason], Any] | None = None,
        on_message: Callable[[Any], Any] | None = None,
        raw: bool = False,
        codec: Callable[[], Codec] | None = None,
        identity: Callable[[Any], Any] | None = None,
        events: bool = False,
        endpoints: Sequence[str | dict[str, Any]] = (),
        session: AsyncSession | None = None,
        config: str | os.PathLike[str] | None = None,
        clock: Timekeeper | None = None,
        rate_limits: RateLimits | None = None,
        connect_limiter: RollingLimiter | None = None,
        seed: int | None = None,
        **settings: Any,
    ) -> None:
        own = {name: settings.pop(name) for name in NAMES if name in settings}
        unknown = sorted(settings.keys() - _CONNECT_PARAMETERS)
        if unknown:
            raise ConfigurationError(
                f"there is no setting {unknown[0]!r}: see WebSocketManager and ws_connect"
            )
        _check_url("url", url)
        if codec is not None and (raw or identity is not None):
            raise ConfigurationError("a codec decodes and identifies: leave raw= and identity= out")
        if codec is not None and not callable(codec):
            raise ConfigurationError(
                "codec= makes codecs, one per connection: give the class or a function"
            )
        options = load_options(own, config=config)
        shape = Shape(raw=raw, events=events, codec=codec, identity=identity)
        if options.silence_timeout is None and shape.liveness is not None:
            options = replace(options, silence_timeout=shape.liveness.dead_after)
        if options.redundancy > 1 and not shape.identified:
            raise ConfigurationError(
                "redundancy needs to know which messages are the same: give codec= or identity="
            )
        if (
            options.reconnect_strategy is ReconnectStrategy.CALLBACK_CONTROLLED
            and should_reconnect is None
        ):
            raise ConfigurationError("CALLBACK_CONTROLLED needs should_reconnect=")
        self.url = url
        self.options = options
        self._clock: Timekeeper = clock or LoopClock()
        self._on_message = on_message
        self._should_disconnect = should_disconnect
        self._has_window = should_reconnect is not None and should_disconnect is not None
        self._has_return = should_reconnect is not None
        self._scheduled: Timer | None = None
        self._controls: Controls | None = None
        self._pump: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._leaving = 0
        self._called = 0
        self._calling: list[Any] = []
        self._call_lock = asyncio.Lock()
        self._core = Core(
            url=url,
            endpoints=[_endpoint(item) for item in endpoints or (url,)],
            options=options,
            shape=shape,
            subscriptions=list(subscriptions),
            connect={
                # What was received before the connection broke is worth having.
                "drain_on_error": True,
                "recv_queue_size": options.queue_size,
                "ping_interval": options.ping_interval,
                "ping_timeout": options.ping_timeout,
                "timeout": options.connect_timeout,
            }
            | settings,
            session=session,
            clock=self._clock,
            rate_limits=rate_limits,
            connect_limiter=connect_limiter,
            should_reconnect=should_reconnect,
            callbacks={"on_connect": on_connect, "on_disconnect": on_disconnect},
            seed=seed,
        )
        # One for all: what an iteration that was left had not come to, the next one gives.
        self._relay = Relay(self._core.fill if on_message is None else self._fill_and_call)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "_core"):  # its own __init__ was refused, and somebody shows frames
            return "<WebSocketManager not made>"
        return f"<WebSocketManager {self.state.name} connections={len(self._core.up_links())}>"

    # ------------------------------------------------------------------ state

    @property
    def state(self) -> ConnectionState:
        """Where the connection is in its life."""
        return self._core.state

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self.state is ConnectionState.CONNECTED

    @property
    def subscriptions(self) -> list[Any]:
        """What every new connection asks for."""
        return list(self._core.subscriptions)

    @property
    def stats(self) -> WebSocketStats:
        """Counts so far. Cost: some microseconds."""
        core = self._core
        up = core.up_links()
        return core.tally.snapshot(
            [link.ws for link in core.links.values()],
            self._clock.mono_ns(),
            max((link.opened_ns for link in up), default=None),
            core.merge,
        )

    @property
    def queued(self) -> int:
        """Messages received and not yet decoded, and items that nobody has taken yet."""
        core = self._core
        waiting = sum(link.ws.recv_queue_length for link in core.links.values())
        return waiting + len(core.merge.out) + len(self._relay)

    @property
    def connections(self) -> int:
        """Connections that are up."""
        return len(self._core.up_links())

    @property
    def codec_stats(self) -> CodecStats | None:
        """What the codecs of all connections so far counted; ``None`` without a codec."""
        return self._core.codec_stats

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Wait until there is a connection.

        Args:
            timeout: Seconds; ``None`` waits for ever.

        Raises:
            WebSocketTimeoutError: There was none in time. Retry: yes.
            WebSocketConnectionError, WebSocketClosedError: There will be none.
        """
        await self._in_time("wait_connected", timeout, self._until_connected())

    async def _until_connected(self, connects: int | None = None) -> None:
        """Until there is a connection, or has been one since there were so many ``connects``: a
        venue may close it before anybody has looked."""
        core = self._core
        while core.state is not ConnectionState.CONNECTED:
            if connects is not None and core.tally.connects > connects:
                return
            if core.failure is not None:
                raise core.failure
            if connects is not None and core.closing:
                raise closed_error(None, "it was closed before it was connected")
            if core.state in (ConnectionState.CLOSING, ConnectionState.CLOSED) and (
                self._scheduled is None
            ):
                raise closed_error(None)
            await core.change()

    async def _in_time(
        self, operation: str, timeout: float | None, work: Coroutine[Any, Any, None]
    ) -> None:
        if timeout is None:
            await work
            return
        task = asyncio.get_running_loop().create_task(work)
        late = asyncio.get_running_loop().create_future()
        timer = self._clock.call_later(
            timeout, lambda: None if late.done() else late.set_result(None)
        )
        try:
            await asyncio.wait((task, late), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            else:
                raise WebSocketTimeoutError(operation, timeout)
        finally:
            timer.cancel()
            late.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))

    # ------------------------------------------------------------------ connecting

    async def connect(self, timeout: float | None = None) -> None:
        """Connect and subscribe. Does nothing when that has happened.

        Args:
            timeout: Seconds for all attempts together; ``None``: as long as they take.

        Raises:
            WebSocketConnectionError: ``connect_attempts`` attempts failed (one, unless told
                otherwise), or the server's answer was final.
            WebSocketTimeoutError: Not connected in time.
        """
        core = self._core
        connects = core.tally.connects
        begins = self.state in (ConnectionState.DISCONNECTED, ConnectionState.CLOSED)
        if begins:
            self._begin(attempts=core.options.connect_attempts * len(core.endpoints))
        life = core.life
        # Of the callbacks, on_connect may be the caller.
        told = None if core.herald.is_current else core.herald
        try:
            await self._in_time("connect", timeout, self._until_told(connects, told))
        except BaseException:
            # A life that somebody else began goes on without this caller.
            if begins and core.life == life:
                if told is not None:
                    await told.stop()  # what it is late for is not to make this later still
                await self._end(DisconnectReason.USER_REQUESTED)
                await core.dispose()
            raise

    async def _until_told(self, connects: int, herald: Herald | None) -> None:
        await self._until_connected(connects)
        if herald is not None:
            await herald.done()

    def _begin(self, *, attempts: int) -> None:
        core = self._core
        core.begin(attempts=attempts)
        self._controls = Controls(
            core,
            should_disconnect=self._should_disconnect,
            has_window=self._has_window,
            has_return=self._has_return,
            leave=self.disconnect,
        )
        core.employ(self._controls.run(), self._controls.alarm)
        if self._on_message is not None and (self._pump is None or self._pump.done()):
            self._pump = asyncio.get_running_loop().create_task(self._pump_callback())

    async def disconnect(self) -> None:
        """Close now. What was received before can still be read; then the stream ends.

        A return that was scheduled stays scheduled.
        """
        await self._end(DisconnectReason.USER_REQUESTED)

    async def close(self) -> None:
        """Close, cancel what was scheduled, and let go of everything. Idempotent. A return that is
        scheduled while it closes is cancelled too."""
        self._leaving += 1
        try:
            await self._cancel_return()
            await self._end(DisconnectReason.USER_REQUESTED)
            await self._cancel_return()
        finally:
            self._leaving -= 1
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
            await asyncio.wait((self._pump,))
            self._pump = None
        await self._core.dispose()

    async def _cancel_return(self) -> None:
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        for task in list(self._background):
            if task is not asyncio.current_task():
                task.cancel()
                await asyncio.wait((task,))

    async def _end(self, reason: DisconnectReason) -> None:
        if self.state in (ConnectionState.DISCONNECTED, ConnectionState.CLOSED):
            # Nothing is up, but a failed life may have left its session.
            if self._core.slots:
                await self._core.end(reason)
            return
        await self._core.end(reason)

    def request_disconnect(self) -> None:
        """Disconnect at the next safe moment: when ``should_disconnect`` says so, or at once where
        there is no such callback. With ``should_reconnect`` it comes back as that says; else the
        stream ends."""
        if self._controls is not None:
            self._controls.requested = True
            self._controls.alarm.ring()

    def schedule_reconnect(self, delay: float = 0.0) -> None:
        """Have a new connection in ``delay`` seconds: in place of the present one, make before
        break, if there is one then; else as a first one.

        Raises:
            RuntimeError: No event loop is running.
        """
        if self._scheduled is not None:
            self._scheduled.cancel()
        self._scheduled = self._clock.call_later(delay, self._reconnect_now)
        self._core.changed()

    def _reconnect_now(self) -> None:
        self._scheduled = None
        core = self._core
        if self._leaving:
            return
        if self.state is ConnectionState.CONNECTED and not core.closing:
            for slot in core.slots:
                core.rotate(slot, DisconnectReason.SCHEDULED)
        elif self.state in (ConnectionState.DISCONNECTED, ConnectionState.CLOSED):
            self._begin_scheduled()
        elif core.closing:
            task = asyncio.get_running_loop().create_task(self._begin_after_the_end())
            self._background.add(task)
            task.add_done_callback(self._background.discard)
        else:
            for slot in core.slots:
                slot.suspended = None
                slot.hurry = True
                slot.alarm.ring()

    async def _begin_after_the_end(self) -> None:
        """Another life, when this one is over."""
        while self.state not in (ConnectionState.DISCONNECTED, ConnectionState.CLOSED):
            await self._core.change()
        self._begin_scheduled()

    def _begin_scheduled(self) -> None:
        """Nobody waits for this to be told of a failure: it tries as after a loss."""
        self._begin(attempts=self.options.max_reconnect_attempts)

    # ------------------------------------------------------------------ sending

    async def send(self, message: Any, *, timeout: float | None = None) -> None:
        """Send one message: text, bytes, or an object as JSON text.

        Of a redundant set, the oldest connection sends; during a planned change, the one that is
        not being closed. The venue's message limits are kept, which
        may take a while.

        Args:
            message: What to send.
            timeout: Seconds to wait for the connection to take it.

        Raises:
            WebSocketClosedError: There is no connection. Retry: after :meth:`wait_connected`.
            WebSocketTimeoutError: The peer took nothing in time. Retry: with care, it may have been
                sent.
        """
        links = self._core.up_links()
        if not links:
            raise closed_error(self._last_error())
        link = next((link for link in links if link.planned is None), links[0])
        try:
            await self._in_time("send", timeout, link.send(frame_of(message)))
        except WebSocketTimeoutError:
            raise
        except WebSocketError as error:
            raise closed_error(error) from error

    def _last_error(self) -> WebSocketError | None:
        failure = self._core.failure
        return failure if isinstance(failure, WebSocketError) else None

    async def subscribe(self, *subscriptions: Any) -> None:
        """Ask for something on the present connections and on every later one.

        Args:
            subscriptions: Messages as in ``subscriptions=``; with a codec, streams, which leave
                together.

        Raises:
            ConfigurationError: A codec does not know a stream, or they would be more than one
                connection carries. Nothing has changed then.
        """
        core = self._core
        new = [item for item in subscriptions if item not in core.subscriptions]
        if not new:
            return
        if core.shape.codec is not None:
            core.shape.codec().subscribe([*core.subscriptions, *new])  # raises what there is to
        for item in new:
            core.subscriptions.add(item)
            if (name := str(item)) in core.unwanted:
                core.unwanted.discard(name)
                core.merge.forget(name, getattr(item, "symbol", ""))
        for link in core.up_links():
            for frame in core.subscriptions.frames(link.codec, self._clock.wall_ns(), new):
                # One that has broken is replaced by one that asks for it; the others need to know.
                await core.send_quietly(link, frame)
            if link.codec is not None:
                obey(core, link, link.codec)  # it may refuse of itself

    async def unsubscribe(self, *subscriptions: Any, message: Any = None) -> None:
        """Take subscriptions back, now and for later connections.

        Args:
            subscriptions: As they were given.
            message: What tells the venue; left out, it is made of each subscription where that says
                ``subscribe`` in the way that most venues do.

        Raises:
            ConfigurationError: The message cannot be made up. Nothing has changed then.
        """
        core = self._core
        messages = [message]
        if core.shape.codec is None and message is None:
            messages = [opposite(item) for item in subscriptions]
        for item in subscriptions:
            core.subscriptions.discard(item)
            core.watch_no_more(item)
        for link in core.up_links():
            if link.codec is None:
                frames = [frame_of(item) for item in messages]
            else:
                left = link.codec.unsubscribe(subscriptions, self._clock.wall_ns())
                frames = [frame.decode() for frame in left]
            for frame in frames:
                await core.send_quietly(link, frame)

    async def resubscribe(self, subscription: Any) -> None:
        """Ask for a stream anew on the present connections: where a venue begins a book with a
        snapshot, that brings one. Needs a codec; does nothing while there is no connection."""
        for link in self._core.up_links():
            await self._core.resubscribe(link, str(subscription))

    # ------------------------------------------------------------------ receiving

    def stream(self) -> AsyncIterator[Any]:
        """What the connection delivers, across reconnects, until this program disconnects.

        Objects decoded from JSON (text that is no JSON as ``str``), bytes with ``raw=True``, typed
        events with a codec, and records with ``events=True``. A wait that is cancelled takes no
        message with it, and the next one goes on; so does a new iteration after one that was left.
        Several tasks may iterate; each message goes to one of them.

        Raises (out of the iteration):
            WebSocketConnectionError: It could not be restored.
            WebSocketClosedError: It was closed and is not to be restored, or never connected.
            SubscriptionError: The venue refused a stream; the iteration may go on.
        """
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        return self._relay

    async def recv_batch(self) -> list[Any]:
        """What has come, as a list of at least one item; waits for it. Not beside :meth:`stream`
        or ``on_message``.

        Raises:
            StopAsyncIteration: This program ended the connection, and nothing is left.
            WebSocketError, SubscriptionError: As the iteration of :meth:`stream`.
        """
        return await self._core.fill()

    async def _fill_and_call(self) -> list[Any]:
        """As :meth:`Core.fill`, having called ``on_message`` with each item, once."""
        assert self._on_message is not None
        async with self._call_lock:  # several tasks may iterate; each list is one's own
            if not self._calling:
                self._calling = await self._core.fill()
                self._called = 0
            while self._called < len(self._calling):
                item = self._calling[self._called]
                self._called += 1
                try:
                    await ask(self._on_message, item)
                except Exception as error:
                    self._core.fail(error)
                    raise
            items, self._calling = self._calling, []
            return items

    async def _pump_callback(self) -> None:
        """Read for ``on_message`` until the program iterates."""
        while True:
            try:
                await self._fill_and_call()
            except SubscriptionError as refusal:
                # The other streams go on, and there is nobody to raise it to.
                _log.warning("%s", refusal)
            except StopAsyncIteration:
                return
            except Exception as error:
                # A stream that is asked for later raises it.
                self._core.fail(error)
                return


def _endpoint(item: str | dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(item, str):
        _check_url("an endpoint", item)
        return item, {}
    own = dict(item)
    url = own.pop("url", None)
    unknown = sorted(own.keys() - _CONNECT_PARAMETERS - {"timeout"})
    if url is None or unknown:
        # Keys alone: a value may be a password.
        raise ConfigurationError(
            "an endpoint is a URL, or has url= and parameters of ws_connect, "
            f"not {unknown or sorted(item)}"
        )
    _check_url("an endpoint's url", url)
    return url, own


def _check_url(name: str, url: Any) -> None:
    if not isinstance(url, str) or not url.startswith(("ws://", "wss://")):
        raise ConfigurationError(f"{name} must begin with ws:// or wss://")
