"""The client for programs without a loop.

Its connections live in the process's event loop thread, which all sync objects share; a call is
carried there and waits. Ctrl-C ends the wait: an order that was being placed then may have been
taken.
"""

from __future__ import annotations

import asyncio
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tickwire.binance.client import AsyncClient, unknown_method
from tickwire.binance.errors import BinanceWebsocketClosed
from tickwire.binance.methods import SyncMethods
from tickwire.credentials import hidden
from tickwire.exchanges.binance.signing import Security
from tickwire.transport.portal import PortalClosed, enter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from tickwire.credentials import Credentials, Secret
    from tickwire.exchanges.binance.names import Environment, Market
    from tickwire.exchanges.binance.weights import RateLimit
    from tickwire.transport.portal import Portal

__all__ = ["Client"]


class _User:
    """Stands in the portal for a client, which may be collected meanwhile."""

    def __init__(self) -> None:
        self.gone: str | None = None

    def lost(self, reason: str) -> None:
        self.gone = reason


class Client(SyncMethods):
    """:class:`~tickwire.binance.AsyncClient`, for programs without a loop.

    Takes the same arguments, but for ``loop`` and ``session``, and has the same methods. Any thread
    may use it. Cost of a call, beside the request: two changes of thread.

    Args:
        ping: Ask whether the venue is there before anything else.
        more: As :class:`~tickwire.binance.AsyncClient`.
    """

    def __init__(
        self,
        api_key: str | Secret | None = None,
        api_secret: str | Secret | None = None,
        requests_params: Mapping[str, Any] | None = None,
        tld: str = "com",
        base_endpoint: str = "",
        testnet: bool = False,
        demo: bool = False,
        private_key: str | Path | Secret | None = None,
        private_key_pass: str | Secret | None = None,
        ping: bool = False,
        time_unit: str | None = None,
        verbose: bool = False,
        **more: Any,
    ) -> None:
        # First of all: the local variables of an error's traceback are shown too.
        api_key, api_secret, private_key_pass = map(hidden, (api_key, api_secret, private_key_pass))
        if not isinstance(private_key, Path):
            private_key = hidden(private_key)
        for name in ("loop", "session"):
            if name in more:
                raise TypeError(f"Client() takes no {name}=: its connections have a loop of theirs")
        client = AsyncClient(
            api_key,
            api_secret,
            requests_params,
            tld,
            base_endpoint,
            testnet,
            demo,
            private_key=private_key,
            private_key_pass=private_key_pass,
            time_unit=time_unit,
            verbose=verbose,
            **more,
        )
        self._client = client
        self._user = _User()
        self._portal = enter(self._user)
        self._end = weakref.finalize(
            self, self._portal.post, _abandon, client, self._portal, self._user
        )
        self._end.atexit = False  # the portal's own end does it
        if ping:
            self.run("ping")

    @property
    def credentials(self) -> Credentials | None:
        """The keys, which no text shows; or ``None``."""
        return self._client.credentials

    @property
    def tld(self) -> str:
        """The venue's top-level domain."""
        return self._client.tld

    @property
    def environment(self) -> Environment:
        """Production, testnet or demo."""
        return self._client.environment

    @property
    def timestamp_offset(self) -> int:
        """How far the venue's clock is ahead of this machine's, in ms; 0 until it was asked."""
        return self._client.timestamp_offset

    def rate_limits(self, product: Market = "spot") -> tuple[RateLimit, ...]:
        """A product's limits, as the venue told them last."""
        return self._client.rate_limits(product)

    def run(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the asyncio client, and wait for what it gives.

        Raises:
            BinanceWebsocketClosed: The client was closed, or the process is a fork of its own.
                Retry: with another client.
            Whatever that method raises.
        """
        if not self._end.alive:
            raise BinanceWebsocketClosed("the client is closed; make another one")
        try:
            return self._portal.run(getattr(self._client, name), *args, **kwargs)
        except PortalClosed as error:
            raise BinanceWebsocketClosed(
                f"the client cannot be used any more: {self._user.gone or error}"
            ) from error

    def request(
        self,
        http_method: str,
        product: Market,
        path: str,
        params: Mapping[str, Any] | None = None,
        security: Security = Security.NONE,
    ) -> Any:
        """As :meth:`tickwire.binance.AsyncClient.request`."""
        return self.run("request", http_method, product, path, params, security)

    def ws_request(
        self, method: str, params: Mapping[str, Any] | None = None, product: Market = "spot"
    ) -> Any:
        """As :meth:`tickwire.binance.AsyncClient.ws_request`."""
        return self.run("ws_request", method, params, product)

    def close_connection(self) -> None:
        """Close every connection of the client. Idempotent."""
        if not self._end.alive:
            return
        try:
            self.run("close_connection")
        finally:
            if self._end.detach() is not None:
                self._portal.post(self._portal.leave, self._user)

    def __repr__(self) -> str:
        if "_client" not in vars(self):
            return "<Client that was not made>"  # in the frames of the error that says why
        return f"<Client {self.environment} tld={self.tld} {self.credentials!r}>"

    if not TYPE_CHECKING:  # a checker is to find what is not there

        def __getattr__(self, name: str) -> Any:
            raise unknown_method(self, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close_connection()


def _abandon(client: AsyncClient, portal: Portal, user: _User) -> None:
    """In the loop: nobody has the client any more."""
    closing = asyncio.ensure_future(client.close_connection())
    closing.add_done_callback(lambda _: portal.leave(user))
