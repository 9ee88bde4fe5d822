"""What becomes of a request over the WebSocket API, whatever connection carries it.

It is admitted by the address's weight budget, given a time and a signature, sent at most once, and
its answer made a result or an error. Which connection takes it, the class above says.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import logging
import secrets
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import orjson

from tickwire.binance.apilink import Answer, ApiLink, Lost, Pending
from tickwire.binance.errors import (
    BinanceAPIException,
    BinanceRateLimited,
    BinanceRequestException,
    BinanceRequestLost,
    BinanceRequestTimeout,
    BinanceWebsocketClosed,
)
from tickwire.binance.signatory import milliseconds
from tickwire.clock import wall_ns
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.signing import Security, plain, revealed
from tickwire.exchanges.binance.weights import RateLimit, retry_after
from tickwire.exchanges.binance.wsapi import BY_NAME, Method, method_of, route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from tickwire.binance.signatory import Signatory
    from tickwire.exchanges.binance.names import Market
    from tickwire.exchanges.binance.weights import WeightBudget

__all__ = ["ATTEMPTS", "CLOCK_REFUSED", "CLOSED", "REQUEST_SECONDS", "Asked", "Asking"]

T = TypeVar("T")

_LOGGER = logging.getLogger("tickwire.binance")

REQUEST_SECONDS = 12.0
"""For an answer, the connect included. The venue gives a request up itself after ten."""
ATTEMPTS = 5
"""At a connection, and at sending a request over one that ends too early."""
CLOSED = "the client is closed; make another one"
CLOCK_REFUSED = -1021
"""The code for a time that is too far from the venue's."""
_TOO_MANY_ORDERS = -1015


class Asked:
    """A request as its caller means it; what is sent is made of it at the last moment."""

    def __init__(
        self,
        *,
        method: str,
        params: dict[str, Any] | None = None,
        security: Security = Security.NONE,
        is_order: bool = False,
        places: bool = False,
        weight: int = 1,
        client_order_id: str | None = None,
        number: int | str | None = None,
    ) -> None:
        self.method = method
        self.params = params or {}
        self.security = security
        self.is_order = is_order
        self.places = places
        self.weight = weight
        self.client_order_id = client_order_id
        self.number = number
        self.pending: Pending | None = None
        self.link: ApiLink | None = None

    @property
    def was_sent(self) -> bool:
        return self.pending is not None and self.pending.sent_ns > 0

    def failed(self, kind: type[BinanceRequestLost], reason: str) -> BinanceRequestLost:
        """The error of a request whose answer did not come."""
        return kind(
            self.method,
            reason,
            sent=self.was_sent,
            is_order=self.is_order,
            client_order_id=self.client_order_id,
        )


class Asking:
    """The requests of a WebSocket API. Its arguments are those of the class above."""

    def __init__(
        self,
        product: Market,
        signatory: Signatory,
        budget: WeightBudget,
        *,
        rest_clock: Callable[[], Awaitable[None]] | None,
        wait_for_limits: bool,
    ) -> None:
        self._product = product
        self._signatory = signatory
        self._budget = budget
        self._rest_clock = rest_clock
        self._waits = wait_for_limits
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ids = itertools.count(1)
        self._clock_lock = asyncio.Lock()

    async def _ready(self) -> ApiLink:
        """The connection that takes requests now."""
        raise NotImplementedError

    async def request(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        security: Security | None = None,
        *,
        timeout: float | None = REQUEST_SECONDS,
    ) -> Any:
        """Send ``method``, and give the ``result`` of its answer.

        Args:
            method: As the interface spells it: ``depth``, ``order.place``.
            params: Of the method; those that are ``None`` are left out. ``id`` is the request's.
            security: What to sign with; by default, what the method needs.
            timeout: Seconds for the answer, a connect included; ``None``: no bound.

        Raises:
            BinanceAPIException: It was refused; ``retry`` says what to do.
            BinanceRateLimited: It was not sent: the venue would refuse it. Retry: when it says.
            BinanceRequestException: The answer cannot be read; see ``outcome_unknown``.
            BinanceRequestLost: The connection ended first; as before.
            BinanceRequestTimeout: No answer in time; as before.
            BinanceWebsocketUnableToConnect: No connection after five attempts. Retry: later.
            ConfigurationError: It needs a key that the client does not have, or a parameter cannot
                be sent. Retry: no.
            ValueError: Its ``id`` is that of another one of the caller's in flight. Retry: with
                another id.
        """
        return await self._request(
            method_of(self._product, method), method, params or {}, security, timeout
        )

    async def call(self, name: str, params: Mapping[str, Any]) -> Any:
        """A request by its Python name, as ``client.<name>(**params)`` does it."""
        row, given = route(BY_NAME[name], params)
        return await self._request(row, row.method, given, None, REQUEST_SECONDS)

    async def _request(
        self,
        row: Method,
        method: str,
        params: Mapping[str, Any],
        security: Security | None,
        timeout: float | None,
    ) -> Any:
        given = plain(params)
        number = given.pop("id", None)
        if number is not None:
            _check_id(number)
        if row.client_id is not None:
            given.setdefault(row.client_id, f"tw-{secrets.token_hex(12)}")
        asked = Asked(
            method=method,
            params=given,
            security=row.security if security is None else security,
            is_order=row.is_order,
            places=row.places(given),
            weight=row.weight_of(given),
            client_order_id=None if row.client_id is None else given[row.client_id],
            number=number,
        )
        try:
            return await self._in_time(asked, timeout)
        except BinanceAPIException as error:
            if error.code != CLOCK_REFUSED:
                raise
            refused = error
        # The clock is off. It is set either way; only what reads is sent again.
        try:
            async with asyncio.timeout(timeout):
                await self._set_clock(await self._ready())
            is_set = True
        except (Lost, TimeoutError):
            is_set = False
        if asked.is_order or not is_set:
            raise refused
        return await self._in_time(asked, timeout)

    async def _in_time(self, asked: Asked, timeout: float | None) -> Any:
        # Orders that the venue takes cost nothing; what others cost it tells.
        cost = 0 if asked.is_order else asked.weight
        await self._admit(asked.method, asked.weight, cost, places=asked.places)
        asked.pending = None
        try:
            async with asyncio.timeout(timeout) as bound:
                return await self._ask_somewhere(asked)
        except TimeoutError:
            if not bound.expired():
                raise
        if asked.link is not None and asked.was_sent:
            asked.link.suspect()
        raise asked.failed(BinanceRequestTimeout, f"no answer came within {timeout} s")

    async def _ask_somewhere(self, asked: Asked) -> Any:
        """On the connection that there is; on another one if that ends before the sending."""
        reason = ""
        for _ in range(ATTEMPTS):
            link = await self._ready()
            try:
                return await self._ask(link, asked)
            except Lost as lost:
                reason = str(lost)
            if asked.was_sent or self._closed:
                break
        raise asked.failed(BinanceRequestLost, reason)

    async def _ask(
        self,
        link: ApiLink,
        asked: Asked,
        at_answer: Callable[[Answer], object] | None = None,
    ) -> Any:
        if asked.security is Security.SIGNED:
            await self._authorise(link)
        number = self._next_id() if asked.number is None else asked.number
        asked.link = link
        pending = asked.pending = Pending(
            asked.method,
            is_order=asked.is_order,
            is_signed=asked.security is Security.SIGNED,
            at_answer=at_answer,
        )
        _LOGGER.debug("%s request %s: %s", self._product, number, asked.method)
        try:
            link.expect(number, pending)
            await link.send(pending, self._frame(link, number, asked))
            answer = await pending.answer
        finally:
            link.forget(number, pending)
        return self._result(link, asked, answer, pending.sent_ns)

    def _next_id(self) -> str:
        # A text, so that it is none that a caller counts up to.
        return f"tickwire-{next(self._ids)}"

    def _frame(self, link: ApiLink, number: int | str, asked: Asked) -> bytes:
        """The request as it is sent. What is secret about it is in no other place."""
        params = asked.params
        if asked.security is Security.API_KEY:
            params = {**revealed(params), "apiKey": self._signatory.api_key(link.url)}
        elif asked.security is Security.SIGNED:
            if link.logged_on and asked.method != "session.logon":
                params = {**revealed(params), "timestamp": self._signatory.now_ms()}
            else:
                params = self._signatory.signed(params, link.url)
        else:
            params = revealed(params)
        frame: dict[str, Any] = {"id": number, "method": asked.method}
        if params:
            frame["params"] = params
        return orjson.dumps(frame)

    def _result(self, link: ApiLink, asked: Asked, answer: Answer, sent_ns: int) -> Any:
        status = answer.get("status", 200)
        error = answer.get("error")
        if not isinstance(status, int) or not isinstance(error, (dict, NoneType)):
            raise _unreadable(asked)
        self._observe(answer, sent_ns)
        result = answer.get("result")
        if error is None and isinstance(result, dict) and _is_refusal(result):
            error = result  # the interface answers 200 to a question that has no answer
        if error is None and status == 200:
            if isinstance(result, dict) and "bids" in answer and "bids" not in result:
                # Samples of the futures' depth have the levels beside the result.
                result = {**result, "bids": answer["bids"], "asks": answer.get("asks", [])}
            return result
        refused = self._refused(status, error or {}, is_order=asked.is_order)
        if status == 401:
            link.logged_on = False
        _LOGGER.debug("%s: %s refused with code %s", self._product, asked.method, refused.code)
        raise refused

    def _observe(self, answer: Answer, sent_ns: int) -> None:
        told = answer.get("rateLimits")
        if told is None:
            return
        try:
            limits = msgspec.convert(told, list[RateLimit])
        except msgspec.ValidationError:
            _LOGGER.warning("rate limits of a form that is not known were left out")
            return
        now_ms = self._signatory.now_ms()
        sent_ms = now_ms - (wall_ns() - sent_ns) // 1_000_000
        self._budget.observe(limits, sent_ms, now_ms)

    def _refused(
        self, status: int, error: Mapping[str, Any], *, is_order: bool
    ) -> BinanceAPIException:
        code = error.get("code")
        after = retry_after(error)
        if status in (418, 429):
            after = self._budget.close_until(
                None if after is None else milliseconds(after),
                self._signatory.now_ms(),
                orders_only=code == _TOO_MANY_ORDERS,
            )
        return BinanceAPIException(
            status,
            code if isinstance(code, int) else None,
            str(error.get("msg", "no reason given")),
            retry_after_ms=after,
            data=error.get("data"),
            is_order=is_order,
        )

    async def _admit(
        self, method: str, weight: int, cost: int | None = None, *, places: bool = False
    ) -> None:
        """Wait for, or insist on, room for ``weight``; spend ``cost``, by default all of it."""
        while True:
            now_ms = self._signatory.now_ms()
            at_ms = self._budget.open_at(weight, now_ms, is_order=places)
            if at_ms <= now_ms:
                self._budget.spend(weight if cost is None else cost, now_ms)
                return
            if not self._waits:
                raise BinanceRateLimited(
                    method, "a limit of the venue's is used up", retry_after_ms=at_ms
                )
            await asyncio.sleep((at_ms - now_ms) / 1000)

    # ------------------------------------------------------------------ clock and session

    async def _authorise(self, link: ApiLink) -> None:
        """What a signed request needs first: the venue's time, and the session if there is one."""
        if not self._signatory.clock_is_set:
            async with self._clock_lock:
                if not self._signatory.clock_is_set:
                    await self._set_clock(link)
        if not link.logged_on and self._signatory.can_log_on:
            if link.logging_on is None:
                link.logging_on = self._spawn(self._log_on(link))
            failure = await self._shared(link.logging_on)
            if failure is not None:
                raise copy.copy(failure)

    async def _set_clock(self, link: ApiLink) -> None:
        if self._rest_clock is not None:
            await self._rest_clock()
            return
        asked_ns = wall_ns()
        asked = Asked(method="time")
        result = await self._ask(link, asked)
        told = result.get("serverTime") if isinstance(result, dict) else None
        if not isinstance(told, int):
            raise _unreadable(asked)
        self._signatory.set_clock(told, asked_ns, wall_ns())

    async def _log_on(self, link: ApiLink) -> Exception | None:
        """Log the session on, once for all that wait; gives what failed."""
        number = self._next_id()
        asked = Asked(method="session.logon", security=Security.SIGNED)
        pending = Pending(asked.method, is_order=False)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                link.expect(number, pending)
                await link.send(pending, self._frame(link, number, asked))
                self._result(link, asked, await pending.answer, pending.sent_ns)
        except (
            Lost,
            BinanceAPIException,
            BinanceRequestException,
            ConfigurationError,
        ) as error:
            return error
        except TimeoutError:
            return Lost("the logon was not answered")
        finally:
            link.forget(number, pending)
            link.logging_on = None
        link.logged_on = True
        return None

    # ------------------------------------------------------------------ tools

    def _check_open(self) -> None:
        if self._closed:
            raise BinanceWebsocketClosed(CLOSED)

    async def _shared(self, task: asyncio.Task[T]) -> T:
        """What a task gives that others wait for too; :meth:`close` cancels it."""
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if not task.cancelled() or (this is not None and this.cancelling()):
                raise
        # To those that wait it is an error, not a cancellation of their own.
        raise BinanceWebsocketClosed(CLOSED)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _unreadable(asked: Asked) -> BinanceRequestException:
    return BinanceRequestException(
        f"{asked.method} was answered in a form that is not known",
        outcome_unknown=asked.is_order,
    )


def _check_id(number: object) -> None:
    is_id = isinstance(number, (int, str)) and not isinstance(number, bool)
    if not is_id or (isinstance(number, int) and not -(2**63) <= number < 2**63):
        raise ConfigurationError(
            f"id={number!r}: a request's id is a text or a whole number of 64 bits"
        )


def _is_refusal(result: Mapping[str, Any]) -> bool:
    code = result.get("code")
    return isinstance(code, int) and code < 0 and "msg" in result
