"""The private side's I/O: the WebSocket API, REST, and telling accounts what happened to them."""

from __future__ import annotations

import asyncio
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

from aiohttp import web
from orjson import dumps

from tickwire.clock import wall_ns
from tickwire.simulator import rest
from tickwire.simulator.api_session import API_PATHS, ApiSession
from tickwire.simulator.connections import serve
from tickwire.simulator.exchange import Access, Exchange, Method
from tickwire.simulator.hub import TEXT, Connection, Hub
from tickwire.simulator.listen_keys import Ears
from tickwire.simulator.payloads import ENVELOPE_TAIL, envelope_head
from tickwire.simulator.refusals import Refused
from tickwire.simulator.rest_routes import RestRequest, admit, rest_methods
from tickwire.simulator.streams import Route
from tickwire.simulator.time_unit import HEADER, in_microseconds, wants_microseconds
from tickwire.simulator.user_events import listen_key_expired

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from tickwire.simulator.accounts import Account
__all__ = ["Gateway", "listen_keys_of", "now_ms"]

_CONNECT_WEIGHT = 2
_UNAVAILABLE = 503
_PASSING = (418, 429)
_FILTER = "&events="


def now_ms() -> int:
    """The venue's clock, ms since the Unix epoch."""
    return wall_ns() // 1_000_000


def listen_keys_of(query: Iterable[tuple[str, str]]) -> list[str]:
    """What a query such as ``listenKey=K1&events=A/B&listenKey=K2`` asks for: a filter belongs to
    the key before it.
    """
    streams: list[str] = []
    for name, value in query:
        if name == "listenKey":
            streams.append(value)
        elif name == "events" and streams:
            streams[-1] = f"{streams[-1]}{_FILTER}{value}"
    return streams


class Gateway:
    """Serves what is not a market stream.

    Args:
        exchange: The state behind it.
        hub: The connections.
    """

    def __init__(self, exchange: Exchange, hub: Hub) -> None:
        self._exchange = exchange
        self._hub = hub
        self._sessions: set[ApiSession] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rest_requests = 0
        exchange.accounts.market = exchange.market
        exchange.accounts.tell = self.tell

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get(API_PATHS[self._exchange.market], self._connect, allow_head=False)
        prefix = rest.PREFIXES[self._exchange.market]
        for endpoint in rest.ENDPOINTS:
            router.add_get(f"{prefix}/{endpoint}", self._endpoint(endpoint), allow_head=False)
        methods = rest_methods(self._exchange.market, listen_keys=self._exchange.has_listen_keys)
        for (verb, path), method in methods.items():
            router.add_route(verb, path, self._method(method))

    def admit_connection(self, request: web.Request) -> None:
        """Count a connection attempt.

        Raises:
            HTTPException: It is one too many (429), or the address is banned (418).
        """
        now, address = now_ms(), _address(request)
        retry_after = self._exchange.attempts(address).retry_after(now)
        try:
            self._exchange.weights(address).check_ban(now)
        except Refused as refusal:
            self._hub.count_refusal()
            raise _http_error(refusal, now) from None
        if retry_after is not None:
            self._hub.count_refusal()
            data = {"serverTime": now, "retryAfter": now + retry_after * 1000}
            too_many = Refused(-1034, "Too many connection attempts.", 429, data)
            raise _http_error(too_many, now)

    def wants_microseconds(self, request: web.Request) -> bool:
        """Whether a connection wants its times so.

        Raises:
            HTTPException: It names a unit that there is not (400).
        """
        try:
            return wants_microseconds(request.query.get("timeUnit"), self._exchange.market)
        except Refused as refusal:
            raise web.HTTPBadRequest(
                text=_body(refusal).decode(), content_type="application/json"
            ) from None

    def tell(self, account: Account, event: Mapping[str, Any], wallet: str) -> None:
        """Send an event to whoever listens to a wallet, in either way."""
        ears = Ears(account, wallet)
        for session in tuple(self._sessions):
            session.deliver(ears, event)
        key = self._exchange.keys.key_of(ears)
        if key is not None:
            self._publish(key, event)

    def expire(self) -> None:
        """End the listen keys and the subscriptions whose time has come, and wait for the next."""
        now = now_ms()
        for key in self._exchange.keys.expired(now):
            self._publish(key, listen_key_expired(key, now))
        for session in self._sessions:
            session.expire(now)
        ends = [session.next_end_ms() for session in self._sessions]
        ends.append(self._exchange.keys.next_end_ms())
        known = [end for end in ends if end is not None]
        self.stop()
        if known:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(1, min(known) - now) / 1000, self.expire)

    def stop(self) -> None:
        """Wait for no more ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _publish(self, key: str, event: Mapping[str, Any]) -> None:
        payload = dumps(event)
        enveloped = envelope_head(key) + payload + ENVELOPE_TAIL
        for topic in tuple(self._hub.topics):
            name, _, events = topic.partition(_FILTER)
            if name == key and (not events or event["e"] in events.split("/")):
                self._hub.publish(topic, payload, enveloped)
        self._hub.flush()

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        now, address = now_ms(), _address(request)
        self.admit_connection(request)
        try:
            self._exchange.weights(address).charge(_CONNECT_WEIGHT, now)
        except Refused as refusal:
            self._hub.count_refusal()
            raise _http_error(refusal, now) from None
        microseconds = self.wants_microseconds(request)
        session: ApiSession | None = None

        def opened(connection: Connection) -> Callable[[str], None]:
            nonlocal session
            session = ApiSession(
                self._exchange,
                address,
                lambda frame: connection.send(TEXT, frame),
                now,
                rate_limits=request.query.get("returnRateLimits", "true").lower() != "false",
                microseconds=microseconds,
            )
            self._sessions.add(session)
            return partial(self._receive, session)

        try:
            return await serve(
                request,
                self._hub,
                opened,
                route=Route.API,
                combined=False,
                messages_per_second=None,
                microseconds=microseconds,
            )
        finally:
            if session is not None:
                self._sessions.discard(session)

    def _receive(self, session: ApiSession, text: str) -> None:
        delay = self._hub.faults.delay_api
        if delay is None:
            self._answer(session, text)
        else:
            asyncio.get_running_loop().call_later(delay, self._answer, session, text)

    def _answer(self, session: ApiSession, text: str) -> None:
        session.request(text, now_ms())
        self.expire()

    def _endpoint(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The handler of one of the paths that need no key and that a replay has as well."""
        exchange = self._exchange

        async def handle(request: web.Request) -> web.Response:
            now, weights = now_ms(), exchange.weights(_address(request))
            if self._is_failing():
                return _failure()
            try:
                microseconds = self._unit_of(request)
                weights.charge(rest.weight(name, request.query, exchange.market), now)
            except Refused as refusal:
                return _refusal(refusal, now, self._headers(request, None))
            reply = rest.answer(
                name, request.query, exchange.source, exchange.market, now, exchange.rate_limits()
            )
            delay = self._hub.faults.delay_depth
            if name == "depth" and delay is not None:
                await asyncio.sleep(delay)
            body = in_microseconds(reply.body) if microseconds else reply.body
            return _response(reply.status, body, self._headers(request, None))

        return handle

    def _method(self, method: Method) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The handler of a path that does a method."""
        exchange = self._exchange

        async def handle(request: web.Request) -> web.Response:
            now = now_ms()
            if self._is_failing():
                return _failure()
            sent = RestRequest(
                request.raw_path.partition("?")[2],
                await request.text(),
                request.headers.get("X-MBX-APIKEY"),
            )
            account = None
            try:
                microseconds = self._unit_of(request)
                call = admit(method, sent, exchange, now)
                account = call.account if method.counts_orders else None
                result = exchange.run(method, call, _address(request))
            except Refused as refusal:
                return _refusal(refusal, now, self._headers(request, account))
            finally:
                if method.access is Access.KEY:
                    self.expire()
            body = dumps(result)
            body = in_microseconds(body) if microseconds else body
            return _response(200, body, self._headers(request, account))

        return handle

    def _unit_of(self, request: web.Request) -> bool:
        """Whether a REST request wants microseconds: ``/api`` knows them, ``/sapi`` does not."""
        told = request.headers.get(HEADER) if request.path.startswith("/api/") else None
        return wants_microseconds(told, self._exchange.market)

    def _is_failing(self) -> bool:
        """Whether this request is one that the faults want to fail."""
        every = self._hub.faults.fail_rest_every
        self._rest_requests += 1
        return every is not None and self._rest_requests % every == 0

    def _headers(self, request: web.Request, account: Account | None) -> dict[str, str]:
        """The limits that a request counts against, as the venue's headers say it."""
        now = now_ms()
        used = str(self._exchange.weights(_address(request)).used(now))
        headers = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        if account is not None:
            for entry in self._exchange.orders(account).report(now):
                unit = f"{entry['intervalNum']}{entry['interval'][0]}"
                headers[f"X-MBX-ORDER-COUNT-{unit}"] = str(entry["count"])
        return headers


def _address(request: web.Request) -> str:
    return request.remote or ""


def _response(status: int, body: bytes, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=status, body=body, content_type="application/json", charset="utf-8", headers=headers
    )


def _failure() -> web.Response:
    error = Refused(-1000, "An unknown error occurred while processing the request.")
    return _response(_UNAVAILABLE, dumps(error.error()), {})


def _refusal(refusal: Refused, now: int, headers: dict[str, str]) -> web.Response:
    return _response(refusal.status, _body(refusal), headers | _retry_after(refusal, now))


def _body(refusal: Refused) -> bytes:
    """The JSON of a refusal; when to come back is in a header, unlike on the WebSocket API."""
    error = refusal.error()
    if refusal.status in _PASSING:
        del error["data"]
    return dumps(error)


def _retry_after(refusal: Refused, now: int) -> dict[str, str]:
    """Seconds to wait, for a refusal that passes; REST says it in a header."""
    if refusal.status not in _PASSING:
        return {}
    assert refusal.data is not None, "a refusal that passes says when"
    return {"Retry-After": str(max(1, ceil((refusal.data["retryAfter"] - now) / 1000)))}


def _http_error(refusal: Refused, now: int) -> web.HTTPException:
    """The same for a request to open a connection."""
    kind = web.HTTPTooManyRequests if refusal.status == 429 else _Banned
    return kind(
        text=_body(refusal).decode(),
        content_type="application/json",
        headers=_retry_after(refusal, now),
    )


class _Banned(web.HTTPClientError):
    status_code = 418
