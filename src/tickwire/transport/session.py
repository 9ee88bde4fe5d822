"""curl_cffi's asyncio session with its own ``ws_connect``.

HTTP requests, cookies, proxies and impersonation are curl_cffi's, untouched. Only the WebSocket is
new: connected through :mod:`~tickwire.transport.connector`, driven by
:mod:`~tickwire.transport.websocket`.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

import curl_cffi
from curl_cffi import Cookies, CurlECode, CurlError, CurlInfo, CurlOpt, Headers
from curl_cffi.requests.utils import NOT_SET

from ..clock import mono
from ..wire import (
    CloseCode,
    HandshakeViolation,
    check_extensions,
    check_response,
    new_key,
    parse_response,
)
from ..wire.deflate import offer
from .asked import (
    base_of_websockets,
    check_header_lines,
    checked_subprotocols,
    checked_timeout,
    checked_url,
    deflate_in_header,
    deflate_in_options,
    merged_headers,
    newer_arguments,
    proxies_of_websockets,
    subprotocols_in_header,
)
from .connector import Connector
from .errors import (
    ConnectError,
    HandshakeError,
    HandshakeRejected,
    SessionClosed,
    WebSocketTimeout,
    connect_error,
    scrubbed,
    shown,
)
from .libcurl import byte_functions, easy_address
from .options import WebSocketOptions
from .preparing import Preparer
from .pump import Inbox, ReadBuffer
from .redirects import for_another_origin, redirect_target, same_origin
from .refusals import body_of_refusal
from .websocket import AsyncWebSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from io import BytesIO
    from types import TracebackType

    from curl_cffi import Curl, CurlFollow, CurlHttpVersion, ExtraFingerprints, Fingerprint
    from curl_cffi.requests.session import ProxySpec
    from curl_cffi.requests.utils import HttpVersionLiteral, NotSetType

    from ..wire import Deflate, DeflateParameters

__all__ = ["GOODBYE_SECONDS", "AsyncSession", "WebSocketContext"]

GOODBYE_SECONDS = 0.5
"""How long the peers of a session that closes may take to answer its close frames."""

_threads = threading.local()


def _read_buffer() -> ReadBuffer:
    """This thread's read buffer: a drain is synchronous, so one does for all its loops."""
    buffer: ReadBuffer | None = getattr(_threads, "read_buffer", None)
    if buffer is None:
        buffer = _threads.read_buffer = ReadBuffer()
    return buffer


class WebSocketContext(Coroutine[Any, Any, AsyncWebSocket]):
    """What ``ws_connect`` returns: a coroutine to asyncio, and an async context manager.

    Both forms work: ``async with await session.ws_connect(url) as ws`` and
    ``async with session.ws_connect(url) as ws``; so does ``asyncio.create_task``. Nothing happens,
    and nothing is left behind, before it is awaited or entered.
    """

    __slots__ = ("_begin", "_connecting", "_ws")

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, AsyncWebSocket]]) -> None:
        self._begin = begin
        self._connecting: Coroutine[Any, Any, AsyncWebSocket] | None = None
        self._ws: AsyncWebSocket | None = None

    def _begun(self) -> Coroutine[Any, Any, AsyncWebSocket]:
        if self._connecting is None:
            self._connecting = self._begin()
        return self._connecting

    def __await__(self) -> Generator[Any, Any, AsyncWebSocket]:
        return self._begun().__await__()

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        if self._connecting is None:
            # Cancelled before the first step: there is nothing to undo.
            raise kind if value is None else value
        return self._connecting.throw(kind if value is None else value)

    def close(self) -> None:
        if self._connecting is not None:
            self._connecting.close()

    async def __aenter__(self) -> AsyncWebSocket:
        self._ws = await self._begun()
        return self._ws

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ws is not None:
            await self._ws.close()


class AsyncSession(curl_cffi.AsyncSession[curl_cffi.Response]):
    """:class:`curl_cffi.AsyncSession` with tickwire's WebSocket.

    Belongs to one event loop. Closing it closes its WebSockets.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._connector: Connector | None = None
        self._open: weakref.WeakSet[AsyncWebSocket] = weakref.WeakSet()
        self._preparer = Preparer()
        self._closing = False

    @property
    def connector(self) -> Connector:
        """What connects and keeps this session's WebSockets."""
        if self._connector is None:
            self._connector = Connector(asyncio.get_running_loop())
        return self._connector

    async def close(self) -> None:
        """Close the session: its WebSockets are closed, its handles are gone. Idempotent.

        The peers are told 1001 (going away), and have half a second to answer.
        """
        self._closing = True  # from here on no connect gives a WebSocket
        if self._connector is not None:
            closing = (ws.close(CloseCode.GOING_AWAY, timeout=GOODBYE_SECONDS) for ws in self._open)
            try:
                await asyncio.gather(*closing)
            finally:
                await self._connector.close()
        self._preparer.close()
        if not self._closed:
            await super().close()

    def ws_connect(  # type: ignore[override]  # more options, and a WebSocket of our own
        self,
        url: str,
        autoclose: bool = True,
        params: dict[str, object] | list[object] | tuple[object, ...] | None = None,
        headers: Any = None,
        cookies: Any = None,
        auth: tuple[str, str] | None = None,
        timeout: float | tuple[float, float] | NotSetType | None = NOT_SET,
        allow_redirects: bool | CurlFollow | str | None = None,
        max_redirects: int | None = None,
        proxies: ProxySpec | None = None,
        proxy: str | None = None,
        proxy_auth: tuple[str, str] | None = None,
        verify: bool | str | None = None,
        referer: str | None = None,
        accept_encoding: str | None = "gzip, deflate, br",
        impersonate: str | Fingerprint | None = None,
        ja3: str | None = None,
        akamai: str | None = None,
        perk: str | None = None,
        extra_fp: ExtraFingerprints | dict[str, Any] | None = None,
        default_headers: bool | None = None,
        quote: str | Literal[False] = "",
        http_version: CurlHttpVersion | HttpVersionLiteral | None = None,
        interface: str | None = None,
        dns: str | list[str] | None = None,
        doh_url: str | None = None,
        cert: str | tuple[str, str] | None = None,
        max_recv_speed: int = 0,
        curl_options: dict[CurlOpt, Any] | None = None,
        *,
        subprotocols: Sequence[str] = (),
        **options: Any,
    ) -> WebSocketContext:
        """Connect to a WebSocket.

        Network parameters are those of :meth:`curl_cffi.AsyncSession.ws_connect` and mean the same;
        what is left out comes from the session.

        Args:
            url: ``ws://`` or ``wss://``, or relative to the session's ``base_url``, whose
                ``https://`` then stands for ``wss://``.
            timeout: Seconds for DNS, TCP, proxy, TLS, the upgrade and all redirects together.
            proxies: Entries for ``http`` and ``https`` hold for ``ws`` and ``wss`` unless those
                have their own.
            subprotocols: Offered in ``Sec-WebSocket-Protocol``, the preferred one first; a header
                of that name in ``headers`` is an offer as well.
            options: Queue sizes, limits and policies: see :class:`WebSocketOptions`.

        Returns:
            An awaitable and async context manager that gives an :class:`AsyncWebSocket`.

        Raises:
            HandshakeRejected: The server answered with something other than 101.
            HandshakeError: It answered 101, but not to the key that was sent.
            WebSocketTimeout: No connection within ``timeout``. Retry: yes.
            ConnectError: DNS, TCP, proxy or TLS failed.
            TypeError, ValueError: An option is unknown, out of its range, or beyond the curl_cffi
                that is installed. Retry: no.

        Cancelling the await ends the connect at once: socket and handle are gone when it returns.
        """
        network = {
            "base_url": base_of_websockets(self.base_url),
            "params_list": [self.params, params],
            "cookies_list": [self.cookies, cookies],
            "auth": auth or self.auth,
            "timeout": checked_timeout(self.timeout if timeout is NOT_SET else timeout),
            "allow_redirects": self.allow_redirects if allow_redirects is None else allow_redirects,
            "max_redirects": self.max_redirects if max_redirects is None else max_redirects,
            "proxies_list": [proxies_of_websockets(self.proxies), proxies_of_websockets(proxies)],
            "proxy": proxy,
            "proxy_auth": proxy_auth or self.proxy_auth,
            "verify_list": [self.verify, verify],
            "referer": referer,
            "accept_encoding": accept_encoding,
            "impersonate": impersonate or self.impersonate,
            "ja3": ja3 or self.ja3,
            "akamai": akamai or self.akamai,
            "perk": perk or self.perk,
            "extra_fp": extra_fp or self.extra_fp,
            "default_headers": self.default_headers if default_headers is None else default_headers,
            "quote": quote,
            "http_version": http_version or self.http_version,
            "interface": interface or self.interface,
            **newer_arguments(dns or getattr(self, "dns", None), self.trust_env),
            "doh_url": doh_url or self.doh_url,
            "max_recv_speed": max_recv_speed,
            "cert": cert or self.cert,
            "curl_options": {**(self.curl_options or {}), **(curl_options or {})},
        }
        checked = WebSocketOptions(autoclose=autoclose, **options)
        offered = checked_subprotocols(subprotocols)
        checked_url(url)
        return WebSocketContext(lambda: self._ws_connect(url, network, headers, offered, checked))

    async def _ws_connect(
        self,
        url: str,
        network: dict[str, Any],
        headers: Any,
        subprotocols: tuple[str, ...],
        options: WebSocketOptions,
    ) -> AsyncWebSocket:
        """Connect, following redirects as far as ``allow_redirects`` says."""
        left = network["max_redirects"]
        sent = merged_headers(self.headers, headers)
        # A redirecting server's cookies are for the next request, whether or not they are kept.
        cookies = Cookies(self.cookies) if self.discard_cookies else self.cookies
        network = {**network, "cookies_list": [cookies, network["cookies_list"][1]]}
        limit = _seconds(network["timeout"])
        end = None if limit is None else mono() + limit
        while True:
            try:
                return await self._ws_connect_once(url, network, sent, subprotocols, options)
            except HandshakeRejected as refusal:
                target = redirect_target(refusal.url, refusal, network["allow_redirects"])
                if target is None or left == 0:
                    raise
                left -= 1
                if end is not None:
                    network = {**network, "timeout": end - mono()}
                    if network["timeout"] <= 0:
                        raise WebSocketTimeout(
                            f"redirected until {limit} s had passed, last by {shown(refusal.url)}",
                            int(CurlECode.OPERATION_TIMEDOUT),
                        ) from refusal
                if not same_origin(refusal.url, target):
                    # Credentials are for the host that they were given for.
                    network = for_another_origin(network, sent, cookies)
                url = target
                network = {**network, "params_list": [None, None], "base_url": None}

    def _refuse_if_closing(self) -> None:
        if self._closing or self._closed:
            raise SessionClosed

    async def _ws_connect_once(
        self,
        url: str,
        network: dict[str, Any],
        headers: Headers,
        subprotocols: tuple[str, ...],
        options: WebSocketOptions,
    ) -> AsyncWebSocket:
        self._refuse_if_closing()
        functions = byte_functions()
        check_header_lines(headers, network)
        key = new_key()
        extra = {}
        if subprotocols:
            extra["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
        else:
            subprotocols = subprotocols_in_header(headers)
        deflate = (
            options.deflate
            or deflate_in_header(headers)
            or deflate_in_options(network["curl_options"])
        )
        if deflate is not None:
            extra["Sec-WebSocket-Extensions"] = offer(deflate)
        headers = Headers(headers)
        headers.update(extra)
        cookies = network["cookies_list"][0]
        connector = self.connector
        curl, complete_url, answer = self._preparer.prepare(
            lambda: connector.new_handle(debug=self.debug), url, network, headers, key
        )
        try:
            if getattr(self, "_share", None) is not None:  # curl_cffi 0.17: shared by threads
                self._attach_share(curl)
        except BaseException:
            curl.close()
            raise
        scheme = urlsplit(complete_url).scheme
        if scheme not in ("ws", "wss"):
            curl.close()
            raise ValueError(
                f"a WebSocket URL begins with ws:// or wss://: {shown(complete_url)!r} does not, "
                "and the session has no base_url that would complete it"
                if not scheme
                else f"a WebSocket URL begins with ws:// or wss://, not {scheme}://"
            )
        plain = scheme == "ws"
        try:
            fd = await connector.connect(
                curl,
                peek=plain,
                timeout=_seconds(network["timeout"]),
                answered=lambda: _keep_cookies(curl, cookies),
            )
        except CurlError as error:
            error.args = (scrubbed(str(error)), *error.args[1:])
            raise _failure(error, curl.seen, answer, complete_url) from error
        try:
            self._refuse_if_closing()
            chosen, agreed = _checked(answer.getvalue(), key, subprotocols, deflate)
            ws = AsyncWebSocket(
                connector=connector,
                curl=curl,
                options=options,
                subprotocol=chosen,
                url=complete_url,
                loop=asyncio.get_running_loop(),
                io_loop=connector.io_loop,
                fd=fd,
                easy=easy_address(curl),
                recv_address=functions.recv,
                send_address=functions.send,
                buffer=_read_buffer(),
                # A proxy may add a TLS layer of its own.
                plain=plain and not curl.getinfo(CurlInfo.USED_PROXY),
                max_message_size=options.max_message_size,
                inbox=Inbox(
                    options.recv_queue_size,
                    options.recv_queue_bytes,
                    options.read_ahead,
                    *options.overflow_code,
                ),
                on_message=options.on_message,
                send_queue_size=options.send_queue_size,
                max_send_batch_size=options.max_send_batch_size,
                coalesce_frames=options.coalesce_frames,
                recv_time_slice=options.recv_time_slice,
                send_time_slice=options.send_time_slice,
                max_frame_payload=options.max_frame_payload,
            )
            ws.session = self
            ws.unchecked_text = options.skip_utf8_validation
            if agreed is not None and deflate is not None:
                ws.use_deflate(agreed, deflate)
            ws.start()
            self._open.add(ws)
        except BaseException:
            connector.release(curl)
            raise
        return ws


def _keep_cookies(curl: Curl, cookies: Cookies) -> None:
    """Take over what the server set and deleted in its answer to the upgrade."""
    changes = cast("list[bytes]", curl.getinfo(CurlInfo.COOKIECHANGES))
    cookies.update_cookies_from_curl_changes(changes)


def _seconds(timeout: tuple[float, float] | float | None) -> float | None:
    """A checked ``timeout`` in total."""
    return sum(timeout) if isinstance(timeout, tuple) else timeout


def _checked(
    header_block: bytes, key: str, subprotocols: tuple[str, ...], deflate: Deflate | None
) -> tuple[str | None, DeflateParameters | None]:
    """The sub-protocol and the compression that the server agreed to."""
    try:
        response = parse_response(header_block)
    except HandshakeViolation as error:
        # libcurl calls it success when the peer hangs up before it has answered anything.
        raise ConnectError(
            f"the server closed the connection without an answer: {error}",
            int(CurlECode.GOT_NOTHING),
        ) from error
    try:
        chosen = check_response(response, key, subprotocols)
        return chosen, check_extensions(response, deflate)
    except HandshakeViolation as error:
        raise HandshakeError(
            f"the handshake failed: {error}", int(CurlECode.WEIRD_SERVER_REPLY)
        ) from error


def _failure(error: CurlError, seen: bytes, header_buffer: BytesIO, url: str) -> Exception:
    """The typed error for a failed connect; ``seen`` is what the socket held at last."""
    if error.code != CurlECode.HTTP_RETURNED_ERROR:
        return connect_error(error, url)
    block = header_buffer.getvalue()
    try:
        response = parse_response(block)
    except HandshakeViolation:
        return connect_error(error, url)
    body = body_of_refusal(seen, block, response.headers)
    line = "".join(filter(str.isprintable, body[:200].decode(errors="replace")))
    said = f": {line}" if line else ""
    return HandshakeRejected(
        f"{shown(url)} refused the WebSocket upgrade with HTTP {response.status} "
        f"{response.reason}{said}",
        response.status,
        response.headers,
        body,
        url=url,
    )
