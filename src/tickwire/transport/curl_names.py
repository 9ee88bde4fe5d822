"""Attributes of curl_cffi's ``AsyncWebSocket`` that say how a connection was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .retry import WebSocketRetryStrategy

if TYPE_CHECKING:
    from curl_cffi import Curl

    from .options import WebSocketOptions
    from .session import AsyncSession

__all__ = ["CurlNames"]


class CurlNames:
    """For :class:`~tickwire.transport.websocket.AsyncWebSocket` to inherit from.

    Attributes:
        session: What made the connection.
    """

    session: AsyncSession
    _curl: Curl
    _options: WebSocketOptions

    @property
    def curl(self) -> Curl:
        """The handle, for ``getinfo``. It is the connection's, and closed with it."""
        return self._curl

    @property
    def autoclose(self) -> bool:
        """Whether the peer's close frame is answered at once."""
        return self._options.autoclose

    @property
    def debug(self) -> bool:
        """Whether libcurl prints what it does."""
        return self.session.debug

    @property
    def drain_on_error(self) -> bool:
        """Whether messages received before the connection broke are still handed over."""
        return self._options.drain_on_error

    @property
    def skip_utf8_validation(self) -> bool:
        """Whether text is taken as it comes."""
        return self._options.skip_utf8_validation

    @property
    def ws_retry(self) -> WebSocketRetryStrategy:
        """Whether and how to read on after a failed receive."""
        return self._options.ws_retry or WebSocketRetryStrategy()
