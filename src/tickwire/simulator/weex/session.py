"""One connection to the simulated venue: its requests, its subscriptions, its pings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from aiohttp import WSMsgType

from tickwire.clock import wall_ns
from tickwire.simulator.weex.rules import Refusal, Topic, read_request

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["Host", "Session"]

_QUEUE_MESSAGES = 20_000
_REJECTIONS = 6
_UNANSWERED_PINGS = 10
_TOO_MANY_REJECTIONS = 1007


class Host(Protocol):
    """What a session needs of its server."""

    ping_interval: float
    idle_timeout: float

    def topic_of(self, name: str, *, is_private: bool) -> Topic:
        """What a name means."""
        ...

    def subscribed(self, session: Session, topic: Topic) -> None:
        """A client has subscribed, perhaps again."""
        ...

    def noted(self, what: str) -> None:
        """Something to count."""
        ...


class Session:
    """Serves one connection until it ends.

    Attributes:
        is_private: Which kind it is.
        topics: What it is subscribed to.
        frames: Data frames that were queued for it.
    """

    def __init__(
        self, host: Host, socket: web.WebSocketResponse, transport: Any, *, is_private: bool
    ) -> None:
        self._host = host
        self._socket = socket
        self._transport = transport
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(_QUEUE_MESSAGES)
        self._rejections = 0
        self._unanswered = 0
        self._writer: asyncio.Task[None] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self.is_private = is_private
        self.topics: set[Topic] = set()
        self.frames = 0

    def send(self, frame: bytes) -> None:
        """Queue one message. A client that does not read is cut off when the queue is full."""
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """End the connection without a close frame."""
        self._transport.abort()

    async def serve(self) -> None:
        """Greet, answer, ping, until either side ends the connection."""
        loop = asyncio.get_running_loop()
        writer = self._writer = loop.create_task(self._write())
        key = "type" if self.is_private else "event"
        self.send(orjson.dumps({"cid": str(id(self)), key: "connected", "time": _now_text()}))
        self._timers = [
            loop.call_later(self._host.idle_timeout, self._check_idle),
            loop.call_later(self._host.ping_interval, self._ping),
        ]
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(message.data)
        finally:
            for timer in self._timers:
                timer.cancel()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            frame = await self._queue.get()
            try:
                await self._socket.send_str(frame.decode())
            finally:
                self._queue.task_done()

    async def _flushed(self) -> None:
        """Wait until everything was sent, or cannot be."""
        assert self._writer is not None
        sent = asyncio.ensure_future(self._queue.join())
        await asyncio.wait({sent, self._writer}, return_when=asyncio.FIRST_COMPLETED)
        sent.cancel()

    def _check_idle(self) -> None:
        if not self.topics:
            self._host.noted("idle")
            self.cut()

    def _ping(self) -> None:
        if self._unanswered > _UNANSWERED_PINGS:
            self._host.noted("no pong")
            self.cut()
            return
        if self.topics:
            key = "type" if self.is_private else "event"
            self.send(orjson.dumps({key: "ping", "time": _now_text()}))
            self._host.noted("ping")
            self._unanswered += 1
        loop = asyncio.get_running_loop()
        self._timers[1] = loop.call_later(self._host.ping_interval, self._ping)

    async def _take(self, text: str) -> None:
        number = None
        try:
            request = read_request(text)
            number = request.number
            self._obey(request.method, request.names)
        except Refusal as refusal:
            document = {"result": False, "msg": str(refusal)}
            self.send(orjson.dumps(document if number is None else document | {"id": number}))
            self._host.noted("rejected")
            self._rejections += 1
            if self._rejections >= _REJECTIONS:
                await self._flushed()  # the answer stands before the end
                await self._socket.close(
                    code=_TOO_MANY_REJECTIONS,
                    message=b"Unrecognized message sent multiple times",
                    drain=False,
                )
            return
        if request.method != "PONG":
            self.send(orjson.dumps({"result": True, "id": number}))

    def _obey(self, method: str, names: list[str]) -> None:
        if method == "PONG":
            self._unanswered = 0
            self._host.noted("pong")
        elif method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            self._host.noted(method.lower())
            # One bad name refuses the whole request, before anything of it has been done.
            topics = [self._host.topic_of(name, is_private=self.is_private) for name in names]
            for topic in topics:
                if method == "UNSUBSCRIBE":
                    self.topics.discard(topic)
                else:
                    self.topics.add(topic)
                    # What it sends at once stands before the answer, as the venue does it.
                    self._host.subscribed(self, topic)
        elif method != "PING":
            raise Refusal(f"INVALID_ARGUMENT: invalid event : {method}")


def _now_text() -> str:
    return str(wall_ns() // 1_000_000)
