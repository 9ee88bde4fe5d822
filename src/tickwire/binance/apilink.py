"""One connection to a WebSocket API: requests out, answers and events in.

It matches answers to requests by their ids and knows nothing of keys, limits or reconnects. What
becomes of a request is told by its future, once: the answer, or why there is none.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.clock import mono_ns, wall_ns
from tickwire.transport import CurlWsFlag, WebSocketError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.transport import AsyncWebSocket

__all__ = ["Answer", "ApiLink", "Lost", "Pending"]

Answer = dict[str, Any]

PROBE_SECONDS = 5.0
"""In which a connection that owes an answer has to show some sign of life."""

_LOGGER = logging.getLogger("tickwire.binance")


class Lost(Exception):
    """The connection ended before the answer came. Stays between this module and its caller."""


class Pending:
    """A request on its way.

    Attributes:
        method: For errors and logs.
        sent_ns: When it was handed to the connection; 0 before that.
        answer: Gives the answer, or raises :class:`Lost`.
        at_answer: Called with the answer as it is read, before anything that comes after it is.
    """

    __slots__ = ("answer", "at_answer", "is_order", "is_signed", "method", "sent_ns")

    def __init__(
        self,
        method: str,
        *,
        is_order: bool,
        is_signed: bool = False,
        at_answer: Callable[[Answer], object] | None = None,
    ) -> None:
        self.method = method
        self.is_order = is_order
        self.is_signed = is_signed
        self.sent_ns = 0
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.at_answer = at_answer


class ApiLink:
    """A connection.

    Args:
        ws: Open, and of nobody else.
        on_event: Takes the frame of an event, decoded and raw, and when it came (wall clock, ns).
        on_connection_error: Takes an error frame that answers no request.
        number: Tells it from the others of its address.
        on_end: Called once, when the connection is gone: with the reason in words, and the error
            that it ended with.

    Attributes:
        url: Where it leads.
        logged_on: Whether the session is, so that requests need no signature.
        accepting: Whether new requests may go here.
        pending: What waits for an answer, by id.
        bad_frames: Frames that could not be read, and answers that were asked for by nobody.
    """

    def __init__(
        self,
        ws: AsyncWebSocket,
        *,
        url: str,
        number: int,
        on_event: Callable[[ApiLink, Answer, bytes, int], object],
        on_connection_error: Callable[[ApiLink, Answer], object],
        on_end: Callable[[ApiLink, str, WebSocketError | None], object],
    ) -> None:
        self.url = url
        self.number = number
        self.logged_on = False
        self.logging_on: asyncio.Task[Exception | None] | None = None
        self.accepting = True
        self.pending: dict[int | str, Pending] = {}
        self.bad_frames = 0
        self._ws = ws
        self._opened_ns = mono_ns()
        self._on_event = on_event
        self._on_connection_error = on_connection_error
        self._on_end = on_end
        self._idle = asyncio.Event()
        self._idle.set()
        self._probe: asyncio.Task[None] | None = None
        self._reader = asyncio.create_task(self._read())

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return (mono_ns() - self._opened_ns) / 1e9

    @property
    def is_alive(self) -> bool:
        """Whether requests can be sent and answers can come."""
        return self._ws.is_alive() and not self._reader.done()

    def expect(self, number: int | str, pending: Pending) -> None:
        """Have the answer with that id come to ``pending``, whose caller must :meth:`forget` it.
        Before the request is put together: what is secret about it no error is to show.

        Raises:
            Lost: The connection is gone.
            ValueError: The id is that of a request in flight.
        """
        if number in self.pending:
            raise ValueError(f"a request with the id {number!r} is in flight")
        if not self.is_alive:
            raise Lost("the connection had ended")
        self.pending[number] = pending
        self._idle.clear()

    async def send(self, pending: Pending, frame: bytes) -> None:
        """Send the request of what is expected.

        Raises:
            Lost: The connection is gone; it may have been sent.
        """
        pending.sent_ns = wall_ns()
        failure = ""
        try:
            await self._ws.send(frame, CurlWsFlag.TEXT)
        except WebSocketError as error:
            failure = _reason(error)
        if failure:
            raise Lost(failure)

    def forget(self, number: int | str, pending: Pending) -> None:
        """Nobody waits for this answer any more: it will be read, and dropped."""
        if self.pending.get(number) is pending:
            del self.pending[number]
        if not self.pending:
            self._idle.set()

    async def drained(self) -> None:
        """Wait until every request is answered."""
        await self._idle.wait()

    def suspect(self) -> None:
        """An answer is overdue: ping, and cut the connection if nothing at all comes back."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            pong = await self._ws.ping()
        except WebSocketError:
            return  # it has ended: the reader says so
        await asyncio.wait((pong,), timeout=PROBE_SECONDS)
        if not pong.done() and self._ws.last_byte_age >= PROBE_SECONDS:
            _LOGGER.warning("a connection is cut: silent for %.0f s", self._ws.last_byte_age)
            self._ws.terminate()

    async def close(self) -> None:
        """Close the connection; what is in flight is lost. Idempotent."""
        self.accepting = False
        await self._ws.close()
        await asyncio.wait([self._reader])

    async def _read(self) -> None:
        reason = "the connection was closed"
        failure: WebSocketError | None = None
        try:
            while True:
                message = await self._ws.recv_message()
                self._take(message.payload, message.recv_ns)
        except WebSocketError as error:
            reason, failure = _reason(error), error
        except Exception:
            reason = "the reader failed"
            self._ws.terminate()
            raise
        finally:
            self._end(reason, failure)

    def _take(self, payload: bytes, recv_ns: int) -> None:
        try:
            frame = orjson.loads(payload)
        except orjson.JSONDecodeError:
            frame = None
        if not isinstance(frame, dict):
            # Its content is not shown: a listenKey may be in it.
            self.bad_frames += 1
            _LOGGER.warning("a frame of %d bytes that is no JSON object was left out", len(payload))
        elif "event" in frame:
            self._on_event(self, frame, payload, recv_ns)
        elif frame.get("id") is None:
            self._on_connection_error(self, frame)
        else:
            self._answer(frame)

    def _answer(self, frame: Answer) -> None:
        number = frame["id"]
        pending = self.pending.get(number) if isinstance(number, (int, str)) else None
        if pending is None:
            self.bad_frames += 1
            _LOGGER.debug("an answer that nobody waits for was left out")
            return
        self.forget(number, pending)
        if pending.at_answer is not None:
            pending.at_answer(frame)
        if not pending.answer.done():
            pending.answer.set_result(frame)

    def _end(self, reason: str, error: WebSocketError | None) -> None:
        self.accepting = False
        waiting = list(self.pending.values())
        self.pending.clear()
        self._idle.set()
        for pending in waiting:
            if not pending.answer.done():
                pending.answer.set_exception(Lost(reason))
                # A request that was cancelled does not look.
                pending.answer.exception()
        self._on_end(self, reason, error)


def _reason(error: WebSocketError) -> str:
    return f"the connection ended ({error})"
