"""The asyncio client: REST requests, the WebSocket API, and what the sockets need of an account."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tickwire.binance.asking import CLOSED
from tickwire.binance.errors import BinanceWebsocketClosed
from tickwire.binance.methods import AsyncMethods
from tickwire.binance.rest import Rest
from tickwire.binance.signatory import Signatory
from tickwire.binance.venue import Venue
from tickwire.binance.wsapi import MAX_AGE_SECONDS, WsApi
from tickwire.credentials import Credentials, Secret, hidden
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.names import check_market
from tickwire.exchanges.binance.signing import Security
from tickwire.exchanges.binance.weights import RateLimit, WeightBudget
from tickwire.transport import AsyncSession

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from tickwire.exchanges.binance.endpoints import TimeUnit
    from tickwire.exchanges.binance.names import Environment, Market

__all__ = ["AsyncClient"]

_LOGGER = logging.getLogger("tickwire.binance")
_REQUEST_SECONDS = 10.0


class AsyncClient(AsyncMethods):
    """A client of one Binance account, or of none. Belongs to one event loop.

    Nothing is sent before something is asked for. Requests over the WebSocket API are methods named
    ``ws_…``; the REST requests that market data needs have python-binance's names, and every other
    one goes by :meth:`request`.

    Args:
        api_key: Names the account.
        api_secret: Signs for it, with an HMAC key.
        requests_params: For the session of :mod:`curl_cffi`: ``timeout``, ``proxies``, ``verify``…
        tld: ``"com"`` or ``"us"``.
        base_endpoint: ``"1"`` to ``"4"``: an alternative REST host.
        testnet, demo: The venue's environments for trying things out.
        loop: The running loop, or ``None``.
        session_params: As ``requests_params``.
        private_key: Signs, with an RSA or Ed25519 key: PEM text or a path; needs the extra
            ``tickwire[keys]``. With Ed25519 a WebSocket session is logged on once instead.
        private_key_pass: Of an encrypted PEM.
        https_proxy: For every connection.
        time_unit: ``"MILLISECOND"`` or ``"MICROSECOND"``: of the times in answers, and of those in
            dictionaries of spot streams.
        verbose: Log every request's name.
        credentials: Instead of the keys, such as ``Credentials.from_env()``.
        session: Instead of one of the client's own; it is not closed with the client.
        url, ws_url, ws_api_url: Other servers that speak the same: base of REST, base of the
            streams, whole address of the WebSocket API.
        trust_url: Keys may go there though they are not Binance's.
        wait_for_limits: Wait where the venue's limits forbid a request, instead of raising.
        ws_api_max_age: Seconds after which a connection to the WebSocket API is replaced.

    Attributes:
        credentials: The keys, which no text shows; or ``None``.

    Raises:
        ConfigurationError: What was given cannot be. Retry: no.
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
        loop: asyncio.AbstractEventLoop | None = None,
        session_params: Mapping[str, Any] | None = None,
        private_key: str | Path | Secret | None = None,
        private_key_pass: str | Secret | None = None,
        https_proxy: str | None = None,
        time_unit: str | None = None,
        verbose: bool = False,
        *,
        credentials: Credentials | None = None,
        session: AsyncSession | None = None,
        url: str | None = None,
        ws_url: str | None = None,
        ws_api_url: str | None = None,
        trust_url: bool = False,
        wait_for_limits: bool = False,
        ws_api_max_age: float = MAX_AGE_SECONDS,
    ) -> None:
        # First of all: the local variables of an error's traceback are shown too.
        api_key, api_secret, private_key_pass = map(hidden, (api_key, api_secret, private_key_pass))
        if not isinstance(private_key, Path):
            private_key = hidden(private_key)
        if credentials is None:
            credentials = _credentials(api_key, api_secret, private_key, private_key_pass)
        elif any((api_key, api_secret, private_key)):
            raise ConfigurationError("give credentials= or the keys themselves, not both")
        if testnet and demo:
            raise ConfigurationError("testnet and demo are two environments; leave one out")
        environment: Environment = "testnet" if testnet else "demo" if demo else "production"
        self.credentials = credentials
        self._venue = Venue(
            tld=tld,
            environment=environment,
            base_endpoint=base_endpoint,
            url=url,
            ws_url=ws_url,
            ws_api_url=ws_api_url,
            trust_url=trust_url,
        )
        if credentials is not None:
            self._venue.check_own_addresses()
        if loop is not None:
            check_loop(loop)
        if time_unit not in (None, "MILLISECOND", "MICROSECOND"):
            raise ConfigurationError("time_unit is 'MILLISECOND' or 'MICROSECOND'")
        if not ws_api_max_age > 0:
            raise ConfigurationError("ws_api_max_age is a number of seconds above 0")
        if verbose:
            _LOGGER.setLevel(logging.DEBUG)
        options = {**(session_params or {}), **(requests_params or {})}
        if https_proxy is not None:
            options.setdefault("proxy", https_proxy)
        if session is not None and options:
            raise ConfigurationError(
                "requests_params, session_params and https_proxy are for a session of the "
                "client's own; set them on the session that you pass"
            )
        self._session = session
        self._own_session = session is None
        self._session_options = options
        self._quiet_session: AsyncSession | None = None
        self._time_unit = time_unit
        self._waits = wait_for_limits
        self._ws_api_max_age = ws_api_max_age
        self._signatory = Signatory(self._venue, credentials)
        self._budgets: dict[Market, WeightBudget] = {}
        self._rest = Rest(
            self._venue,
            self._session_for,
            self._signatory,
            self._budget,
            time_unit=time_unit,
            wait_for_limits=wait_for_limits,
        )
        self._ws_apis: dict[Market, WsApi] = {}
        self._closed = False

    @classmethod
    async def create(cls, *args: Any, **kwargs: Any) -> Self:
        """Make a client, with the arguments of the class."""
        # First of all, here too: an error shows this frame's arguments.
        args = tuple(_hidden_at(place, value) for place, value in enumerate(args))
        kwargs = hidden_options(kwargs)
        return cls(*args, **kwargs)

    @property
    def session(self) -> AsyncSession:
        """The session of all its connections; made when first asked for, in the running loop.

        Raises:
            BinanceWebsocketClosed: The client is closed. Retry: with another client.
        """
        self._check_open()
        if self._session is None:
            self._session = self._new_session()
        return self._session

    def _check_open(self) -> None:
        if self._closed:
            raise BinanceWebsocketClosed(CLOSED)

    def _new_session(self, **options: Any) -> AsyncSession:
        return AsyncSession(**{"timeout": _REQUEST_SECONDS, **self._session_options, **options})

    def _session_for(self, security: Security) -> AsyncSession:
        """The session of a REST request. One that prints headers is not for those with a key."""
        if security is Security.NONE or not self.session.debug:
            return self.session
        if not self._own_session:
            raise ConfigurationError(
                "the session that you passed prints headers (debug=True), and this request has the "
                "API key in one; pass a session without debug"
            )
        if self._quiet_session is None:
            self._quiet_session = self._new_session(debug=False)
        return self._quiet_session

    @property
    def tld(self) -> str:
        """The venue's top-level domain."""
        return self._venue.tld

    @property
    def environment(self) -> Environment:
        """Production, testnet or demo."""
        return self._venue.environment

    @property
    def time_unit(self) -> TimeUnit:
        """Of the times that the venue sends of spot. Futures have milliseconds."""
        return "microsecond" if self._time_unit == "MICROSECOND" else "millisecond"

    def rest_url(self, product: Market = "spot") -> str:
        """Scheme and authority of a product's REST interface."""
        return self._venue.rest_url(product)

    def stream_url(self, product: Market = "spot") -> str:
        """Scheme and authority of a product's streams."""
        return self._venue.stream_url(product)

    def ws_api_url(self, product: Market = "spot") -> str:
        """The address of a product's WebSocket API."""
        return self._venue.ws_api_url(product)

    def has_listen_keys(self, product: Market = "spot") -> bool:
        """Whether a product's user data comes by listenKey, and not over the WebSocket API."""
        return self._venue.has_listen_keys(product)

    def rate_limits(self, product: Market = "spot") -> tuple[RateLimit, ...]:
        """A product's limits, as the venue told them last, over REST and the WebSocket API."""
        return self._budget(product).rate_limits

    @property
    def timestamp_offset(self) -> int:
        """How far the venue's clock is ahead of this machine's, in ms; 0 until it was asked."""
        return self._signatory.offset_ms

    async def request(
        self,
        http_method: str,
        product: Market,
        path: str,
        params: Mapping[str, Any] | None = None,
        security: Security = Security.NONE,
    ) -> Any:
        """Send a REST request, and give its decoded JSON.

        Args:
            http_method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
            product: Whose interface.
            path: From the host on: ``/api/v3/depth``.
            params: Sent in the address, in this order; those that are ``None`` are left out.
            security: Whether the API key goes along, and whether to sign.

        Raises:
            BinanceAPIException: It was refused; ``retry`` says what to do.
            BinanceRateLimited: It was not sent: the venue would refuse it. Retry: when it says.
            BinanceRequestException: No answer, or none that can be read. Retry: what reads, yes.
            ConfigurationError: It needs a key that the client does not have, or that must not go
                there. Retry: no.
            BinanceWebsocketClosed: The client is closed. Retry: with another client.
        """
        self._check_open()
        return await self._rest.request(http_method, product, path, params, security)

    def ws_api(self, product: Market = "spot") -> WsApi:
        """A product's WebSocket API, always the same object; connects on first use.

        Raises:
            BinanceWebsocketClosed: The client was closed before it had one. Retry: with another
                client.
        """
        product = check_market(product)
        api = self._ws_apis.get(product)
        if api is None:
            self._check_open()
            api = self._ws_apis[product] = WsApi(
                product,
                self._venue,
                lambda: self.session,
                self._signatory,
                self._budget(product),
                rest_clock=None if product == "spot" else partial(self._rest.set_clock, product),
                time_unit=self._time_unit if product == "spot" else None,
                wait_for_limits=self._waits,
                max_age=self._ws_api_max_age,
            )
        return api

    async def ws_request(
        self, method: str, params: Mapping[str, Any] | None = None, product: Market = "spot"
    ) -> Any:
        """A request over the WebSocket API by the venue's own name for it."""
        return await self.ws_api(product).request(method, params)

    def _budget(self, product: Market) -> WeightBudget:
        budget = self._budgets.get(product)
        if budget is None:
            budget = self._budgets[product] = WeightBudget(product)
        return budget

    async def close_connection(self) -> None:
        """Close every connection of the client. Idempotent."""
        self._closed = True
        for api in self._ws_apis.values():
            await api.close()
        own = (self._session if self._own_session else None, self._quiet_session)
        for session in own:
            if session is not None:
                await session.close()

    def __repr__(self) -> str:
        if "_venue" not in vars(self):
            return "<AsyncClient that was not made>"  # in the frames of the error that says why
        return f"<AsyncClient {self.environment} tld={self.tld} {self.credentials!r}>"

    if not TYPE_CHECKING:  # a checker is to find what is not there

        def __getattr__(self, name: str) -> Any:
            raise unknown_method(self, name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close_connection()


_KEYS = {"api_key": 0, "api_secret": 1, "private_key": 11, "private_key_pass": 12}
"""Arguments that are secret, and their places."""


def _hidden_at(place: int, value: Any) -> Any:
    is_secret = place in _KEYS.values() and isinstance(value, (str, Secret))
    return hidden(value) if is_secret else value


def hidden_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a client by name, with those hidden that are secret."""
    return {
        name: _hidden_at(_KEYS[name], value) if name in _KEYS else value
        for name, value in options.items()
    }


def unknown_method(client: object, name: str) -> AttributeError:
    """The error for a request that has no method here."""
    text = f"{type(client).__name__} has no {name}"
    if not name.startswith("_"):
        text += (
            "; over REST it has what market data and user data need. ws_… methods do the rest of "
            "spot and USD-M, and request(http_method, product, path, params) sends anything"
        )
    return AttributeError(text, name=name, obj=client)


def check_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Refuse a loop that is not the one that runs."""
    if asyncio.get_running_loop() is not loop:
        raise ConfigurationError("a client runs in the loop that it is made in; leave loop= out")


def _credentials(
    api_key: Secret | None,
    api_secret: Secret | None,
    private_key: Path | Secret | None,
    private_key_pass: Secret | None,
) -> Credentials | None:
    if api_key is None:
        if api_secret or private_key:
            raise ConfigurationError("an API secret or private key is of no use without api_key=")
        return None
    return Credentials(api_key, api_secret, private_key, private_key_pass)


def __getattr__(name: str) -> Any:
    """Programs for python-binance find ``Client`` here as well; it is loaded when asked for."""
    if name == "Client":
        from tickwire.binance.sync import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
