"""A listener's queue as an HTTP response: ``text/event-stream`` (WHATWG HTML, section 9.2).

What is queued leaves in one piece, however many messages it is; a listener that keeps up gets them
one by one, and one that does not costs no more for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from tickwire.gateway.connections import ABORT
from tickwire.gateway.fanout import heartbeat, named

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tickwire.gateway.fanout import Frame, Listener
    from tickwire.gateway.hub import Hub

__all__ = ["EventStream", "opening"]

_RETRY_MS = 1000
"""How long a browser waits before it comes back."""


def opening(listener: Listener, hub: Hub, last_event_id: str | None) -> bytes:
    """What a listener is sent before anything else: what it missed, or where its streams stand.

    Args:
        listener: Which.
        hub: Whose.
        last_event_id: The id of the last message that it had, if it comes back.
    """
    parts = [b"retry: %d\n\n" % _RETRY_MS, heartbeat(hub.config.heartbeat)]
    parts += [named("status", topic.status) for topic in listener.topics if not topic.is_news]
    number = None if last_event_id is None else hub.ids.number(last_event_id)
    if last_event_id is not None:
        missed: list[Frame] = []
        complete = number is not None
        if number is not None:
            for topic in listener.topics:
                frames, whole = topic.since(number)
                missed += frames
                complete = complete and whole
            missed.sort(key=lambda frame: frame.number)
        if not complete:
            reason = "the history does not reach back so far: take what follows as a new beginning"
            parts.append(named("reset", {"last_event_id": last_event_id, "reason": reason}))
        parts += [frame.data for frame in missed]
    if number is None:
        frames = [frame for topic in listener.topics for frame in topic.standing()]
        parts += [frame.data for frame in sorted(frames, key=lambda frame: frame.number)]
    return b"".join(parts)


class EventStream(Response):
    """Sends what comes until the client or the gateway ends it.

    Args:
        hub: Whose.
        listener: Whose queue; it listens until the response has ended.
        last_event_id: See :func:`opening`.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, listener: Listener, last_event_id: str | None) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._hub = hub
        self._listener = listener
        self._first = opening(listener, hub, last_event_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        hub, listener = self._hub, self._listener
        hearing: asyncio.Task[None] | None = None
        sending: asyncio.Task[None] | None = None
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            # A task of its own, since waking this one goes through every layer of the application.
            sending = asyncio.create_task(self._send(scope.get("tickwire.send", send)))
            hub.listeners[listener] = sending
            hearing = asyncio.create_task(_hear(receive, listener))
            await asyncio.wait((sending,))
            if not sending.cancelled():
                sending.result()
            elif ABORT in scope:
                # It takes nothing: what waits for it in the socket would wait for ever.
                scope[ABORT]()
        finally:
            hub.leave(listener)
            tasks = [task for task in (sending, hearing) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        listener, clock = self._listener, self._hub.clock
        listener.since_ns = clock.mono_ns()
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        listener.since_ns = 0
        del self._first
        while True:
            await listener.wait()
            if listener.is_closed:
                break
            frames = listener.take()
            parts = [frame.data for frame in frames]
            if listener.dropped:
                parts.insert(0, named("dropped", {"count": listener.take_dropped()}))
            listener.since_ns = clock.mono_ns()
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            listener.since_ns = 0
            now_ns = clock.wall_ns()
            for frame in frames:
                if frame.recv_ns:
                    frame.topic.delivery.add(now_ns - frame.recv_ns)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hear(receive: Receive, listener: Listener) -> None:
    """Find out that the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.close()
