"""What a sync WebSocket and its connection in the portal's loop share.

Receiving. A round trip between two threads costs more than hundreds of messages, so they come over
in groups: the loop waits for a message and hands it over together with all that is queued behind
it, flags included. It goes on to wait for the next while little lies there untaken; otherwise
whoever finds nothing has to ask. A message is always either in the connection's own queue or among
those handed over, never in the hands of a call, so that a call that times out or is interrupted
loses none. Where an overflow policy may drop messages, one is handed over, and only to a call that
waits: those still queued may yet be replaced by newer ones.

Sending. A message is carried over, and its sender waits until the loop has sent or queued it, with
one exception: under ``coalesce_frames`` messages are left for the loop to fetch, and the sender
waits only when ``send_queue_size`` of them lie there.

The end. When the connection is gone, what it still holds is handed over, and the channel leaves the
portal, whether or not the program goes on to read.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from curl_cffi import CurlECode

from ..clock import mono
from ..wire import CloseCode
from .errors import WebSocketClosed, WebSocketError, WebSocketTimeout
from .options import WebSocketOptions
from .portal import LOOP_ENDED, PortalClosed, enter, held_lock, wait
from .session import AsyncSession

if TYPE_CHECKING:
    import threading
    from collections.abc import Awaitable, Callable

    import curl_cffi

    from .connector import Connector
    from .websocket import AsyncWebSocket

__all__ = ["Channel", "closed_while_connecting"]

P = ParamSpec("P")
T = TypeVar("T")

_LOSSLESS = ("block", "fail")

_OWN = {"_closed", "_open", "_websockets"}
"""What a session does not share: its end, and what it has opened."""

_SMALL_GROUP_BYTES = 64 * 1024
"""After more than that the loop does not wait for the next unasked: memory is the bound then."""


class Channel:
    """One connection, seen from both sides.

    It does not know the sync WebSocket: one that its program forgets can be collected, and its
    finaliser calls :meth:`abandon`.

    Args:
        options: Those of ``ws_connect``.

    Attributes:
        end: Makes the error that says why no more will be handed over; ``None`` until then.
        ended_cleanly: Whether that is a closing handshake.
        coalesces: Whether messages may be left with :meth:`leave_for_sending`.
        ws: The connection, once :meth:`open` has returned.
    """

    ws: AsyncWebSocket

    def __init__(self, options: dict[str, Any]) -> None:
        self.end: Callable[[], WebSocketError] | None = None
        self.ended_cleanly = False
        self.coalesces = bool(options.get("coalesce_frames"))
        self._options = options
        self._grouped = options.get("overflow", "block") in _LOSSLESS
        self._queue_limit = options.get("recv_queue_size", WebSocketOptions().recv_queue_size)
        self._queue: deque[tuple[bytes, int]] = deque()
        self._begun = False
        self._abandoned = False
        self._opening: asyncio.Task[Any] | None = None
        self._waiters: list[threading.Lock] = []
        self._taking: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._left: deque[tuple[bytes, int]] = deque()
        self._left_limit = options.get("send_queue_size", WebSocketOptions().send_queue_size)
        self._sending: asyncio.Task[None] | None = None
        self._unsent: WebSocketError | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self.portal = enter(self)

    # ------------------------------------------------------------------ in any thread

    @property
    def is_empty(self) -> bool:
        """Whether nothing that was handed over waits to be taken."""
        return not self._queue

    @property
    def is_exhausted(self) -> bool:
        """Whether everything was taken and nothing will come."""
        # In this order: the end is set after the last message was handed over.
        return self.end is not None and not self._queue

    def take(self) -> tuple[bytes, int] | None:
        """The oldest message that was handed over, and its flags; ``None`` if there is none.

        By subscripts and not with ``popleft()``: after a call the interpreter may run a signal
        handler or another thread, between a subscript and the return to the caller it does not. So
        no message is lost to a ``KeyboardInterrupt``.
        """
        queue = self._queue
        try:
            message = queue[0]
            del queue[0]
        except IndexError:
            return None
        return message

    def run(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function in the loop, and wait for what it gives.

        Raises:
            WebSocketError: The connection's end, if the loop is over.
        """
        try:
            return self.portal.run(function, *args, **kwargs)
        except PortalClosed:
            raise self._lost_here() from None
        except WebSocketError:
            self.portal.wait_for_exit()
            raise

    def wait(self, timeout: float | None) -> bool:
        """Wait until there may be a message or the end; ``False`` if there is none in time.

        Args:
            timeout: Seconds; ``None`` waits for ever.

        May also return because of :meth:`wake`, with nothing there.
        """
        self.portal.refuse_own_thread()
        waiter = held_lock()
        self._waiters.append(waiter)
        try:
            if self._queue or self.end is not None:
                return True
            # While the loop waits unasked, it looks for waiters before it forgets that it does.
            unasked = self._grouped and self._taking is not None
            if not unasked and not self.portal.post(self._ask):
                self.portal.wait_for_exit()
                raise PortalClosed(LOOP_ENDED)
            if wait(waiter, timeout):
                return True
            self._forget(waiter)
            # When this returns, what had come when time was up has been handed over.
            self.portal.run(self._settle)
        except PortalClosed:
            self.lost(LOOP_ENDED)
        except BaseException:
            self._forget(waiter)
            self.portal.post(self._cancel_take)
            raise
        finally:
            self._forget(waiter)
        return bool(self._queue) or self.end is not None

    def _forget(self, waiter: threading.Lock) -> None:
        with suppress(ValueError):
            self._waiters.remove(waiter)

    def wake(self) -> None:
        """Let everybody who waits look."""
        while self._waiters:
            with suppress(IndexError):
                self._waiters.pop().release()

    def final_error(self) -> WebSocketError:
        """Wait for the end, and say what it was."""
        while self.end is None:
            self.wait(None)
        # The end of the process ends connections too, and that is nothing to tell a daemon thread.
        self.portal.wait_for_exit()
        return self.end()

    def lost(self, reason: str) -> WebSocketError:
        """The portal's word that the loop is gone; gives the error to raise."""
        if self.end is None:
            self.end = lambda: WebSocketClosed(
                f"the connection is lost: {reason}",
                int(CloseCode.ABNORMAL_CLOSURE),
                clean=False,
                by_peer=False,
            )
        self.wake()
        return self.end()

    def _lost_here(self) -> WebSocketError:
        """The loop was found to be over by a user: the error to raise, unless the process ends."""
        self.portal.wait_for_exit()
        return self.lost(LOOP_ENDED)

    def leave_for_sending(self, payload: bytes, flags: int, timeout: float | None) -> None:
        """Let the loop send a message with the others that it finds.

        Raises:
            WebSocketTimeout: Too many lay there for ``timeout`` seconds. This one is among them.
            WebSocketError: The loop is over.
        """
        self._left.append((payload, flags))
        if self._sending is None and not self.portal.post(self._send_left):
            raise self._lost_here()
        if len(self._left) >= self._left_limit:
            self.run(self._sent, timeout)

    # ------------------------------------------------------------------ in the loop

    async def open(self, session: curl_cffi.Session[Any] | None, url: str, *, debug: bool) -> None:
        """Connect, with the settings of ``session``.

        Raises:
            WebSocketClosed: It was abandoned before or meanwhile.
        """
        if self._abandoned:
            raise closed_while_connecting()
        self._begun = True
        self._opening = asyncio.current_task()
        engine = AsyncSession()
        connector = engine.connector
        try:
            if session is not None:
                _share_settings(session, engine)
            engine.debug = debug
            self.ws = await engine.ws_connect(url, **self._options)
        except BaseException:
            self._opening = None
            await connector.close()
            self.portal.leave(self)
            if self._abandoned:
                raise closed_while_connecting() from None
            raise
        self._opening = None
        self._watching = asyncio.create_task(self._watch(connector))
        if self._grouped:
            self._ask()

    async def _watch(self, connector: Connector) -> None:
        """Until the connection is gone; then hand over what it still holds, and leave."""
        try:
            await self.ws.wait_closed()
            while self.end is None:
                await self._hand_over()
        finally:
            self.ws.terminate()
            await connector.close()
            self.portal.leave(self)

    def abandon(self) -> None:
        """Nobody wants it any more: cut the connection, or do not make it."""
        self._abandoned = True
        if self._watching is not None:
            self.ws.terminate()
        elif not self._begun:
            self.portal.leave(self)
        elif self._opening is not None:
            self._opening.cancel()

    def _ask(self) -> None:
        if self._queue or self.end is not None:
            self.wake()
        elif self._taking is None:
            self._taking = asyncio.create_task(self._take())

    async def _take(self) -> None:
        while await self._hand_over() and len(self._queue) < self._queue_limit:
            pass
        self._taking = None
        if self._waiters:
            self._ask()

    async def _hand_over(self) -> bool:
        """Wait for a message, and hand it over with those behind it.

        Returns:
            Whether to wait for the next one unasked.
        """
        ws = self.ws
        size = _SMALL_GROUP_BYTES
        try:
            group = [await ws.recv()]
            if self._grouped:
                size = len(group[0][0]) + ws.recv_queue_used
                group += [await ws.recv() for _ in range(ws.recv_queue_length)]
            self._queue.extend(group)
        except WebSocketError:
            self.ended_cleanly = ws.ended_cleanly
            self.end = ws._end_error
        self.wake()
        return size < _SMALL_GROUP_BYTES

    async def _settle(self) -> None:
        # A coroutine, so that the first step of a take begun before it is over.
        self._cancel_take()

    def _cancel_take(self) -> None:
        if self._taking is not None and not self._grouped and not self._waiters:
            self._taking.cancel()
            self._taking = None

    def _send_left(self) -> None:
        if self._left and self._sending is None:
            self._sending = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._left:
                await self.ws.send(*self._left.popleft())
        except WebSocketError as error:
            # From now on messages are carried over one by one, and their senders get the error.
            self.coalesces = False
            self._unsent = error
            self._left.clear()
        finally:
            self._sending = None
            self._send_left()  # what was left while this one still seemed to be at work

    async def _sent(self, timeout: float | None) -> None:
        """Wait until nothing lies there any more."""
        self._send_left()
        while self._sending is not None:
            done, _ = await asyncio.wait((self._sending,), timeout=timeout)
            if not done:
                raise WebSocketTimeout(
                    f"the send queue did not take the messages within {timeout} s; "
                    "they may still be sent",
                    int(CurlECode.OPERATION_TIMEDOUT),
                )

    async def send(self, payload: bytes, flags: int, timeout: float | None) -> None:
        """Send one message, after those that were left."""
        await self._sent(timeout)
        await self.ws.send(payload, flags, timeout)

    async def flush(self, timeout: float | None) -> None:
        """Wait until the kernel has taken everything, what was left included."""
        await self._sent(timeout)
        if self._unsent is not None:
            raise self._unsent
        await self.ws.flush(timeout)

    async def ping(
        self, payload: str | bytes | None, timeout: float | None
    ) -> concurrent.futures.Future[float]:
        """A ping, and a future of its round trip that any thread may wait for."""
        pong = await self.ws.ping(payload, timeout=timeout)
        result: concurrent.futures.Future[float] = concurrent.futures.Future()
        result.set_running_or_notify_cancel()

        def settle(pong: asyncio.Future[float]) -> None:
            if pong.cancelled():
                result.set_exception(self.ws._end_error())
            else:
                result.set_result(pong.result())

        pong.add_done_callback(settle)
        return result

    def say_goodbye(self, timeout: float) -> None:
        """Begin to close, telling the peer 1001; a later :meth:`close` waits for the end."""
        if self._watching is not None:
            self._goodbye = asyncio.create_task(
                self.close(CloseCode.GOING_AWAY, b"", timeout), name="tickwire-goodbye"
            )

    async def close(self, code: int, message: str | bytes, timeout: float) -> None:
        """A closing handshake, and all that follows it."""
        began = mono()
        self.coalesces = False  # no more is left, so that what was can come to an end
        with suppress(WebSocketTimeout):
            await self._sent(timeout)
        await self.ws.close(code, message, timeout - (mono() - began))
        assert self._watching is not None
        await asyncio.shield(self._watching)


def closed_while_connecting() -> WebSocketClosed:
    """What a connect raises whose WebSocket another thread closed."""
    return WebSocketClosed(
        "closed by this program while it connected",
        int(CloseCode.ABNORMAL_CLOSURE),
        clean=False,
        by_peer=False,
    )


def _share_settings(session: curl_cffi.Session[Any], engine: AsyncSession) -> None:
    """Let ``engine`` use the headers, cookies, proxies… of ``session``, the same objects.

    What instances of both kinds of session have in common is what curl_cffi's base class gives
    them.
    """
    common = vars(session).keys() & vars(engine).keys() - _OWN
    vars(engine).update({name: vars(session)[name] for name in common})
