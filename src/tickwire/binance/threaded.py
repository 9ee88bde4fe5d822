"""python-binance's threaded manager: sockets whose messages go to callbacks.

Theory of operation. The sockets live in the process's portal
(:mod:`tickwire.transport.portal`), an event loop in a daemon thread. The manager is itself a
thread, which calls the callbacks, one at a time: so one that is slow, or waits, holds up other
callbacks, and neither a connection nor its heartbeat. Per socket a task in the loop hands over what
has come and waits until it was dealt with; what comes meanwhile waits in the socket's bounded
queue.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

from tickwire.binance._start_methods import StartMethods
from tickwire.binance.client import AsyncClient, hidden_options
from tickwire.binance.enums import WEBSOCKET_DEPTH_5, WEBSOCKET_DEPTH_10, WEBSOCKET_DEPTH_20
from tickwire.binance.errors import ReadLoopClosed
from tickwire.binance.manager import KEEPALIVE_TIMEOUT, BinanceSocketManager
from tickwire.binance.messages import as_messages, error_message
from tickwire.binance.sources import MAX_RECONNECTS
from tickwire.credentials import hidden
from tickwire.errors import ConfigurationError
from tickwire.transport.portal import Portal, PortalClosed, enter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tickwire.binance.sockets import ReconnectingWebsocket

__all__ = ["ThreadedWebsocketManager"]

_log = logging.getLogger("tickwire.binance")

_SLICE_SECONDS = 0.5
"""How long to wait in one piece: nothing interrupts a waiting thread on Windows."""


class _Feed:
    """A socket and its callbacks.

    Attributes:
        socket: What is read.
        callbacks: Each gets every message.
        task: Reads it, in the loop.
        is_over: Whether no callback is to be called any more.
        has_failed: Whether the callbacks are told why it ends; it takes no more of them.
    """

    def __init__(self, socket: ReconnectingWebsocket, callback: Callable[[Any], Any]) -> None:
        self.socket = socket
        self.callbacks = [callback]
        self.task: asyncio.Task[None] | None = None
        self.is_over = False
        self.has_failed = False


class ThreadedWebsocketManager(StartMethods, threading.Thread):
    """Makes sockets whose messages go to callbacks; for programs without asyncio.

    ::

        twm = ThreadedWebsocketManager()
        twm.start()
        name = twm.start_trade_socket(callback=print, symbol="BNBBTC")
        twm.join()

    A callback gets dictionaries: messages as the venue sends them, and errors as ``{'e': 'error',
    'type': …, 'm': …}``. All callbacks are called in this thread, one after the other; coroutine
    functions run in the loop's, those of one socket one after the other. What one raises is
    logged, and told to it as an error message; the socket goes on.

    It is a daemon thread: a program that ends does not wait for it, and Ctrl-C in :meth:`join`
    ends the program.

    Args:
        api_key, api_secret, requests_params, tld, testnet, session_params, https_proxy: Of the
            :class:`~tickwire.binance.AsyncClient` that it makes.
        max_queue_size: Messages that may wait for a socket's callback. A callback that does not
            catch up ends its socket, with ``BinanceWebsocketQueueOverflow``.
        user_timeout: As of :class:`BinanceSocketManager`.
        typed: Whether callbacks get tickwire's events instead of dictionaries. Each ``start_*``
            takes it as well.
        manager: Settings of the :class:`~tickwire.WebSocketManager` of each connection.
        client: Further arguments of :class:`~tickwire.binance.AsyncClient`.
    """

    WEBSOCKET_DEPTH_5 = WEBSOCKET_DEPTH_5
    WEBSOCKET_DEPTH_10 = WEBSOCKET_DEPTH_10
    WEBSOCKET_DEPTH_20 = WEBSOCKET_DEPTH_20

    def __init__(
        self,
        api_key: Any = None,
        api_secret: Any = None,
        requests_params: Mapping[str, Any] | None = None,
        tld: str = "com",
        testnet: bool = False,
        session_params: Mapping[str, Any] | None = None,
        https_proxy: str | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        max_queue_size: int = 100,
        *,
        user_timeout: float = KEEPALIVE_TIMEOUT,
        typed: bool = False,
        manager: Mapping[str, Any] | None = None,
        **client: Any,
    ) -> None:
        # First of all: the local variables of an error's traceback are shown too.
        api_key, api_secret, client = hidden(api_key), hidden(api_secret), hidden_options(client)
        super().__init__(name="tickwire-callbacks", daemon=True)
        if loop is not None:
            raise ConfigurationError("the manager has a loop of its own: leave loop= out")
        self._client_options = {
            "api_key": api_key,
            "api_secret": api_secret,
            "requests_params": requests_params,
            "tld": tld,
            "testnet": testnet,
            "session_params": session_params,
            "https_proxy": https_proxy,
            **client,
        }
        self._options: dict[str, Any] = {
            "user_timeout": user_timeout,
            "max_queue_size": max_queue_size,
            "typed": typed,
            # A thread has nobody to raise to: the first connect is tried as often as the others.
            "manager": {"connect_attempts": MAX_RECONNECTS, **(manager or {})},
        }
        self._portal: Portal | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: AsyncClient | None = None
        self._sockets: BinanceSocketManager | None = None
        self._feeds: dict[ReconnectingWebsocket, _Feed] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._stopped = False

    # ------------------------------------------------------------------ its life

    def start(self) -> None:
        """Begin. Required before the first socket. Nothing is sent yet.

        Raises:
            ConfigurationError: An argument of the client's or the manager's is wrong. Retry: no.
            RuntimeError: It was started or stopped before.
        """
        if self._stopped:
            raise RuntimeError("the manager was stopped: make a new ThreadedWebsocketManager")
        if self._portal is not None:
            raise RuntimeError("the manager was started already")
        portal = enter(self)
        try:
            portal.run(self._make)
            super().start()
        except BaseException:
            portal.post(portal.leave, self)
            raise
        self._portal = portal

    async def _make(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = await AsyncClient.create(**self._client_options)
        self._sockets = BinanceSocketManager(self._client, **self._options)

    def run(self) -> None:
        """The thread: calls the callbacks until :meth:`stop`."""
        try:
            while (call := self._calls.get()) is not None:
                call()
        finally:
            self.stop()  # where a callback has raised SystemExit

    def stop(self) -> None:
        """Close every socket and end the thread. Idempotent; may be called in a callback.

        When it returns no callback is begun any more; one that is being called is not waited for.
        """
        if self._stopped:
            return
        self._stopped = True
        portal = self._portal
        self._calls.put(None)
        if portal is None:
            return
        if self._is_in_loop():
            self._later(self._close(portal))
            return
        try:
            portal.run(self._close, portal)
        except PortalClosed:
            _log.debug("the loop had ended before the manager")

    async def _close(self, portal: Portal) -> None:
        try:
            await self._end([*self._feeds.values()])
            if self._client is not None:
                await self._client.close_connection()
        finally:
            portal.leave(self)

    async def _end(self, feeds: list[_Feed]) -> None:
        """Close sockets; a callback that is running in the loop may be the caller."""
        tasks = []
        for feed in feeds:
            feed.is_over = True
            if feed.task is not None and feed.task is not asyncio.current_task():
                feed.task.cancel()
                tasks.append(feed.task)
        if tasks:
            await asyncio.wait(tasks)

    def _is_in_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _later(self, work: Any) -> None:
        """In the loop: run something that the caller, a coroutine callback, cannot wait for."""
        task = asyncio.get_running_loop().create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the manager was stopped. Ctrl-C gets through.

        Args:
            timeout: Seconds; ``None`` waits as long as it takes.

        Raises:
            RuntimeError: It was not started, or this is called in a callback.
        """
        if timeout is not None:
            super().join(timeout)
            return
        super().join(_SLICE_SECONDS)
        while self.is_alive():
            super().join(_SLICE_SECONDS)

    def lost(self, reason: str) -> None:
        """The loop is gone (after a fork, or by an end of its own). See
        :class:`~tickwire.transport.portal.User`."""
        self._stopped = True
        _log.error("the sockets of a ThreadedWebsocketManager are lost: %s", reason)
        self._calls.put(None)

    # ------------------------------------------------------------------ sockets

    def stop_socket(self, socket_name: str) -> None:
        """Close a socket, for all its callbacks. Does nothing where there is none of that name.

        Args:
            socket_name: What ``start_*`` gave.
        """
        portal = self._portal
        if portal is None or self._stopped:
            return
        if self._is_in_loop():
            self._later(self._end(self._named(socket_name)))
        else:
            portal.run(self._stop_socket, socket_name)

    async def _stop_socket(self, name: str) -> None:
        await self._end(self._named(name))

    def _named(self, name: str) -> list[_Feed]:
        """Those to end; from here on a socket of that name is another one."""
        feeds = [feed for feed in self._feeds.values() if feed.socket.name == name]
        for feed in feeds:
            feed.is_over = True
        return feeds

    def _check_not_stopped(self) -> None:
        if self._stopped:
            raise RuntimeError(
                "the manager was stopped: no socket can be started; make a new "
                "ThreadedWebsocketManager"
            )

    def _start(
        self,
        method: str,
        callback: Callable[[Any], Any],
        typed: bool | None,
        values: dict[str, Any],
    ) -> str:
        if not callable(callback):
            raise ConfigurationError(f"callback= is a function of one message, not {callback!r}")
        self._check_not_stopped()
        if self._portal is None:
            raise RuntimeError("call start() of the manager before its first socket")
        if self._is_in_loop():
            return self._begin(method, callback, typed, values)
        return self._portal.run(self._begin_there, method, callback, typed, values)

    async def _begin_there(
        self,
        method: str,
        callback: Callable[[Any], Any],
        typed: bool | None,
        values: dict[str, Any],
    ) -> str:
        return self._begin(method, callback, typed, values)

    def _begin(
        self,
        method: str,
        callback: Callable[[Any], Any],
        typed: bool | None,
        values: dict[str, Any],
    ) -> str:
        """In the loop. A socket that there is gets one more callback."""
        self._check_not_stopped()  # another thread may have been quicker
        assert self._sockets is not None
        socket = self._sockets.socket(method, typed, values)
        feed = self._feeds.get(socket)
        if feed is not None and not (feed.is_over or feed.has_failed):
            feed.callbacks.append(callback)
        else:
            feed = self._feeds[socket] = _Feed(socket, callback)
            feed.task = asyncio.get_running_loop().create_task(self._feed(feed))
        return socket.name

    async def _feed(self, feed: _Feed) -> None:
        """Hand over what comes, until the socket's end; nothing is raised."""
        socket = feed.socket
        try:
            async with socket:
                while not feed.is_over:
                    await self._deliver(feed, await socket.recv_batch())
        except ReadLoopClosed:
            _log.debug("%s has ended", socket.name)
        except Exception as error:
            _log.error("%s: %s (%s)", socket.name, type(error).__name__, error)
            feed.has_failed = True
            await self._deliver(feed, [error])
        finally:
            feed.is_over = True
            if self._feeds.get(socket) is feed:
                del self._feeds[socket]

    async def _deliver(self, feed: _Feed, items: list[Any]) -> None:
        """Have the callbacks called with each item, and wait until they were."""
        messages: list[Any] = []
        for item in items:
            messages += as_messages(item) if isinstance(item, Exception) else [item]
        direct = [call for call in feed.callbacks if not _is_coroutine_function(call)]
        if direct:
            for callback, promised in await self._call_in_thread(feed, direct, messages):
                await self._keep(feed, callback, promised)
        for callback in [*feed.callbacks]:
            if callback not in direct:
                for message in messages:
                    if not feed.is_over:
                        await self._await(callback, message)

    async def _call_in_thread(
        self, feed: _Feed, callbacks: list[Callable[[Any], Any]], messages: list[Any]
    ) -> list[tuple[Callable[[Any], Any], Awaitable[Any]]]:
        """Gives what callbacks have returned that is still to be waited for, such as a lambda's
        coroutines."""
        promises: list[tuple[Callable[[Any], Any], Awaitable[Any]]] = []
        done = asyncio.get_running_loop().create_future()
        portal = self._portal
        assert portal is not None

        def finish() -> None:
            if not done.done():
                done.set_result(None)

        def call() -> None:
            try:
                for message in messages:
                    for callback in callbacks:
                        if feed.is_over:
                            return
                        result = self._call(callback, message)
                        if inspect.isawaitable(result):
                            promises.append((callback, result))
            finally:
                portal.post(finish)

        self._calls.put(call)
        await done
        return promises

    def _call(self, callback: Callable[[Any], Any], message: Any) -> Any:
        try:
            return callback(message)
        except Exception as error:
            _log.exception("a callback has failed")
            try:
                callback(error_message(type(error).__name__, str(error)))
            except Exception:
                _log.exception("a callback has failed when it was told of its failure")
        return None

    async def _keep(
        self, feed: _Feed, callback: Callable[[Any], Any], promised: Awaitable[Any]
    ) -> None:
        """Run in the loop what a callback has returned."""
        if not feed.is_over:
            await self._await(callback, promised=promised)
        elif inspect.iscoroutine(promised):
            promised.close()

    async def _await(
        self,
        callback: Callable[[Any], Any],
        message: Any = None,
        *,
        promised: Awaitable[Any] | None = None,
    ) -> None:
        try:
            await (callback(message) if promised is None else promised)
        except Exception as error:
            _log.exception("a callback has failed")
            try:
                await callback(error_message(type(error).__name__, str(error)))
            except Exception:
                _log.exception("a callback has failed when it was told of its failure")


def _is_coroutine_function(callback: Callable[[Any], Any]) -> bool:
    is_one = inspect.iscoroutinefunction
    return is_one(callback) or is_one(type(callback).__call__)
