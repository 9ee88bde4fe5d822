"""What comes before a connection's first frame: a token by REST, headers of the upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.transport import ConnectError, CurlECode, CurlError
from tickwire.transport.errors import shown

if TYPE_CHECKING:
    from tickwire.exchanges import Codec, HttpRequest
    from tickwire.transport import AsyncSession, AsyncWebSocket

    from .timing import Timekeeper

__all__ = ["fetch", "open_socket"]

_TOO_MANY, _SERVER_ERROR = 429, 500


async def open_socket(
    session: AsyncSession,
    url: str,
    parameters: dict[str, Any],
    codec: Codec | None,
    clock: Timekeeper,
) -> AsyncWebSocket:
    """Connect, and give ``codec`` what it needs beforehand.

    Raises:
        LoginError: The venue refused the codec's credentials. Retry: no.
        WebSocketError: As :meth:`AsyncSession.ws_connect`; also where the codec's own request was
            not answered. Retry: if the error says so.
    """
    prepare = getattr(codec, "prepare", None)
    if prepare is not None:
        request: HttpRequest | None = prepare(clock.wall_ns())
        if request is not None:
            status, body = await fetch(session, request, parameters)
            codec.prepared(status, body, clock.wall_ns())  # type: ignore[union-attr]
    upgrade_headers = getattr(codec, "upgrade_headers", None)
    if upgrade_headers is not None and (own := upgrade_headers(clock.wall_ns())):
        given = dict(parameters.get("headers") or {})
        parameters = parameters | {"headers": given | dict(own)}
    return await session.ws_connect(url, **parameters)


async def fetch(
    session: AsyncSession, request: HttpRequest, parameters: dict[str, Any]
) -> tuple[int, bytes]:
    """The status and body of the answer. Redirects are not followed: the request may carry a key.

    Args:
        session: Through which to ask.
        request: What.
        parameters: Those of :meth:`AsyncSession.ws_connect`, of which ``timeout``, ``proxy`` and
            ``proxies`` count here.

    Raises:
        ConnectError: No answer, or 429, or one of 500 and above. Retry: later.
    """
    network = {name: parameters[name] for name in ("proxy", "proxies") if name in parameters}
    try:
        response = await session.request(
            request.method,  # type: ignore[arg-type]  # wider than its Literal says
            request.url,
            headers=dict(request.headers),
            data=request.body or None,
            timeout=parameters.get("timeout"),
            allow_redirects=False,
            **network,
        )
    except CurlError as error:
        raise ConnectError(
            f"no answer from {shown(request.url)}: {error}", int(error.code)
        ) from error
    if response.status_code == _TOO_MANY or response.status_code >= _SERVER_ERROR:
        raise ConnectError(
            f"{shown(request.url)} answered with HTTP {response.status_code}; try again later",
            int(CurlECode.HTTP_RETURNED_ERROR),
        )
    return response.status_code, response.content
