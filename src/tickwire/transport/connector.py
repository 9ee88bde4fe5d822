"""Connects through a curl multi handle on the event loop, and keeps the handles while they live.

curl_cffi connects WebSockets with a blocking ``perform`` in the default thread pool: few at a time,
and not cancellable. Here every connect is a transfer of one multi handle that the loop drives, so a
thousand run at once and a cancelled one is gone at once.

A connect-only handle must stay in its multi while its connection is used: libcurl finds the
connection through the multi, and removing the handle closes the socket. curl_cffi's
:class:`AsyncCurl` removes it when the transfer is done; that is the one thing changed here. It also
wakes ten times a second for ever; here a tick runs only while a connect is under way.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
from typing import TYPE_CHECKING, Any, cast

from curl_cffi import AsyncCurl, Curl, CurlECode, CurlError, CurlInfo, CurlOpt, ffi, lib

from .pump import NOTICE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Connector", "Handle"]

_TICK_SECONDS = 0.25
_PEEK_BYTES = 16 * 1024
_WRITABLE = 2
"""``CURL_CSELECT_OUT``."""

_FIRST_STRING_OPTION = 10_000
"""Options below it take a number (``CURLOPTTYPE_OBJECTPOINT`` in curl.h)."""

_PLAIN_STRINGS = frozenset(
    {
        CurlOpt.URL,
        CurlOpt.REFERER,
        CurlOpt.COOKIEFILE,
        CurlOpt.COOKIELIST,
        CurlOpt.ACCEPT_ENCODING,
    }
)
"""Options whose value libcurl copies as it is; curl_cffi has nothing to add to them."""


@functools.cache
def _tell_notice() -> None:
    """Say once in the log if the twins are at work for want of compiled cores."""
    if NOTICE:
        logging.getLogger("tickwire.core").warning(NOTICE)


class Handle(Curl):
    """An easy handle without the 128 KiB buffer that curl_cffi's own WebSocket reads into."""

    _WS_RECV_BUFFER_SIZE = 1
    header_lines: tuple[bytes, ...] = ()
    seen = b""
    """What had arrived on the plain socket of a connect that failed."""

    @property
    def is_debugged(self) -> bool:
        """Whether libcurl tells what it does; that is not copied."""
        return self._debug

    def copy(self) -> Handle:
        """Another handle with the same options, but for those that hold what belongs to this one:
        headers, and where the answer goes.
        """
        other = Handle(cacert=self._cacert, handle=lib.curl_easy_duphandle(self._curl))
        other._is_cert_set = self._is_cert_set
        other._skip_cacert = self._skip_cacert
        other.header_lines = self.header_lines
        return other

    def setopt(self, option: CurlOpt, value: Any) -> int:
        """As curl_cffi's, with a short way for the kinds that make up most of a request.

        A connect sets some twenty options, and to sort out each of them among all that there are
        was a fifth of its CPU time.
        """
        if self._curl is None:
            return 0
        if option < _FIRST_STRING_OPTION:
            pointer = ffi.new("long*", value)
        elif option in _PLAIN_STRINGS:
            pointer = value if isinstance(value, bytes) else value.encode()
        else:
            if option == CurlOpt.HTTPHEADER:
                self.header_lines = tuple(value)
            return super().setopt(option, value)
        code = int(lib._curl_easy_setopt(self._curl, option, pointer))
        self._check_error(code, "setopt", option, value)
        return code


class _Multi(AsyncCurl):
    """A multi handle that keeps connected handles, and can look at what a plain socket holds."""

    def __init__(self, cacert: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(cacert, loop)
        self._timeout_checker.cancel()
        self.peeking = 0
        self.peeked: dict[int, bytes] = {}
        """What was last seen on a socket, by its local port."""

    def set_result(self, curl: Curl) -> None:
        """The connect is done: resolve its future, but leave the handle in the multi."""
        future = self._curl2future.pop(curl, None)
        self._curl2curl.pop(curl._curl, None)
        if future is not None and not future.done():
            future.set_result(None)

    def process_data(self, sockfd: int, ev_bitmask: int) -> None:
        if self.peeking and ev_bitmask != _WRITABLE:
            # Whatever the event, a timer's too: libcurl reads whenever it runs. Only a socket that
            # has just become writable has not been asked anything yet.
            for fd in (sockfd,) if sockfd >= 0 else tuple(self._sockfds):
                self._peek(fd)
        super().process_data(sockfd, ev_bitmask)

    def _peek(self, fd: int) -> None:
        """Keep a copy of what is about to be read: libcurl drops the body of a refused upgrade."""
        # Nothing there yet, or no socket at all: the resolver has descriptors of its own.
        with contextlib.suppress(OSError):
            view = socket.socket(fileno=fd)
            try:
                seen = view.recv(_PEEK_BYTES, socket.MSG_PEEK)
                name = view.getsockname()
                # A Unix socket has no port; libcurl says 0 of it, too.
                self.peeked[name[1] if isinstance(name, tuple) else 0] = seen
            finally:
                view.detach()

    def has(self, curl: Curl) -> bool:
        return curl in self._curl2future


class Connector:
    """The connects and the live handles of one session on one loop.

    Args:
        loop: The loop that drives the connects.
        cacert: Path of the CA bundle, or empty for curl_cffi's default.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, cacert: str = "") -> None:
        _tell_notice()
        self._loop = loop
        self._multi = _Multi(cacert, loop)
        self._cacert = cacert
        self._pending: set[Curl] = set()
        self._live: dict[Curl, Callable[[], None]] = {}
        self._tick: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def io_loop(self) -> Any:
        """What has ``add_reader``: the loop itself, or curl_cffi's selector thread on Windows."""
        return self._multi.loop

    @property
    def live_count(self) -> int:
        """Connected handles."""
        return len(self._live)

    @property
    def pending_count(self) -> int:
        """Connects under way."""
        return len(self._pending)

    def new_handle(self, *, debug: bool = False) -> Handle:
        return Handle(cacert=self._cacert, debug=debug)

    async def connect(
        self,
        curl: Handle,
        *,
        peek: bool,
        timeout: float | None,
        answered: Callable[[], None] = lambda: None,
    ) -> int:
        """Run one connect to its end.

        Args:
            curl: A handle with all options set. Owned by the connector from here on.
            timeout: Seconds until it is given up. libcurl's own timeout ends with the request: it
                does not watch over the wait for the server's 101.
            peek: Whether to keep what a plain-text server answers, for ``curl.seen``.
            answered: Called when libcurl is done, well or not, while the handle can still tell
                what was in the answer.

        Returns:
            The descriptor of the connected socket.

        Raises:
            CurlError: The connect failed; the handle is closed.
            asyncio.CancelledError: The task was cancelled; socket and handle are gone.
        """
        if not self._pending:
            self._multi.peeked.clear()
        self._pending.add(curl)
        self._multi.peeking += peek
        try:
            future = self._multi.add_handle(curl)
            self._arm_tick()
            timer = self._loop.call_later(timeout, self._expire, curl, timeout) if timeout else None
            try:
                try:
                    await future
                finally:
                    if future.done() and not future.cancelled():
                        answered()
            except BaseException:
                if self._multi.has(curl):
                    self._multi.remove_handle(curl)
                raise
            finally:
                if timer is not None:
                    timer.cancel()
            if self._closed:
                raise CurlError("the session was closed during the connect")
            fd = int(curl.getinfo(CurlInfo.ACTIVESOCKET))  # type: ignore[arg-type]
            if fd < 0:
                raise CurlError("libcurl reports no socket for the connection")
        except BaseException:
            if peek:
                port = cast("int", curl.getinfo(CurlInfo.LOCAL_PORT))
                curl.seen = self._multi.peeked.pop(port, b"")
            self._discard(curl)
            raise
        finally:
            self._pending.discard(curl)
            self._multi.peeking -= peek
        self._live[curl] = lambda: None
        return fd

    def _expire(self, curl: Curl, timeout: float) -> None:
        if self._multi.has(curl):
            self._multi.set_exception(
                curl,
                CurlError(f"no connection within {timeout} s", CurlECode.OPERATION_TIMEDOUT),
            )

    def on_close(self, curl: Curl, terminate: Callable[[], None]) -> None:
        """Set what ends the connection's user when the session closes."""
        self._live[curl] = terminate

    def release(self, curl: Curl) -> None:
        """Take a handle out of the multi and close it, its socket included. Idempotent."""
        if self._live.pop(curl, None) is not None:
            self._discard(curl)

    def _discard(self, curl: Curl) -> None:
        multi = self._multi
        if multi._curlm is not None and curl._curl is not None:
            lib.curl_multi_remove_handle(multi._curlm, curl._curl)
        curl.close()

    def _arm_tick(self) -> None:
        if self._tick is None and self._pending:
            self._tick = self._loop.call_later(_TICK_SECONDS, self._on_tick)

    def _on_tick(self) -> None:
        """A safeguard while connects run: let libcurl look at its timers."""
        self._tick = None
        if not self._closed:
            self._multi.process_data(-1, 0)
            self._arm_tick()

    async def close(self) -> None:
        """End all connections and connects, then the multi. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for terminate in list(self._live.values()):
            terminate()
        for curl in list(self._live):
            self.release(curl)
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        await self._multi.close()  # type: ignore[no-untyped-call]
