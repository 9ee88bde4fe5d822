"""Opening a connection: the upgrade, its place in the hub, and serving it until it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tickwire.simulator.hub import Connection
from tickwire.simulator.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.simulator.hub import Hub
    from tickwire.simulator.streams import Route

    Talk = Callable[[str], None]

__all__ = ["serve"]


async def serve(
    request: web.Request,
    hub: Hub,
    opened: Callable[[Connection], Talk],
    *,
    route: Route,
    combined: bool,
    messages_per_second: int | None,
    microseconds: bool = False,
) -> web.WebSocketResponse:
    """Serve a WebSocket connection.

    Args:
        request: The request to upgrade.
        hub: Where it is registered.
        opened: Called with the open connection; gives what answers the client's messages.
        route, combined, microseconds: See :class:`Connection`.
        messages_per_second: What the client may send; None where it is limited otherwise.
    """
    # Pongs are checked and closing is counted here, so the library must not answer by itself.
    socket = web.WebSocketResponse(autoping=False, autoclose=False, compress=False)
    writer = await socket.prepare(request)
    transport = request.transport
    if transport is None:
        return socket
    connection = Connection(
        hub,
        transport,
        writer.drain,
        route=route,
        combined=combined,
        microseconds=microseconds,
    )
    hub.add(connection)
    try:
        talk = opened(connection)
        await Session(hub, connection, talk, messages_per_second).serve(socket)
    finally:
        hub.remove(connection)
    return socket
