"""The pings that a venue asks of its clients in messages of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .timing import pause

if TYPE_CHECKING:
    from tickwire.exchanges import Liveness

    from .core import Core
    from .link import Link

__all__ = ["keep_alive"]

_NS = 1_000_000_000


async def keep_alive(core: Core, link: Link, liveness: Liveness) -> None:
    """Ping on ``link`` as ``liveness`` says until the connection is down.

    One task for a connection, woken once an interval, whatever the traffic.
    """
    every = liveness.ping_every
    if every is None:
        return
    text = liveness.ping.decode()
    pinged_ns = core.clock.mono_ns()
    while not link.is_down:
        since_ns = pinged_ns
        if liveness.only_in_silence:
            since_ns = max(since_ns, link.ws.last_byte_mono_ns)
        wait = every - (core.clock.mono_ns() - since_ns) / _NS
        if wait > 0:
            await pause(core.clock, wait)
            continue
        pinged_ns = core.clock.mono_ns()
        await core.send_quietly(link, text)
