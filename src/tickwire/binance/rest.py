"""Requests over Binance's REST interface: signed, and never redirected with a key on board."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import orjson

from tickwire.binance.errors import (
    BinanceAPIException,
    BinanceRateLimited,
    BinanceRequestException,
)
from tickwire.clock import wall_ns
from tickwire.exchanges.binance.restapi import TIME_PATHS, HttpMethod, weight_of_path
from tickwire.exchanges.binance.signing import Security, plain, query, revealed
from tickwire.exchanges.binance.weights import rate_limits_of_headers
from tickwire.transport import CurlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tickwire.binance.signatory import Signatory
    from tickwire.binance.venue import Venue
    from tickwire.exchanges.binance.names import Market
    from tickwire.exchanges.binance.weights import WeightBudget
    from tickwire.transport import AsyncSession, Response

__all__ = ["Rest"]

_LOGGER = logging.getLogger("tickwire.binance")
_CLOCK_REFUSED = -1021
_TOO_MANY_ORDERS = -1015


class Rest:
    """The REST side of a client."""

    def __init__(
        self,
        venue: Venue,
        session: Callable[[Security], AsyncSession],
        signatory: Signatory,
        budget_of: Callable[[Market], WeightBudget],
        *,
        time_unit: str | None,
        wait_for_limits: bool,
    ) -> None:
        self._venue = venue
        self._session = session
        self._signatory = signatory
        self._budget_of = budget_of
        self._time_unit = time_unit
        self._waits = wait_for_limits
        self._clock_lock = asyncio.Lock()

    async def request(
        self,
        http_method: str,
        product: Market,
        path: str,
        params: Mapping[str, Any] | None = None,
        security: Security = Security.NONE,
    ) -> Any:
        """See :meth:`tickwire.binance.client.AsyncClient.request`."""
        http_method = http_method.upper()
        given = plain(params or {})
        if security is Security.SIGNED and not self._signatory.clock_is_set:
            async with self._clock_lock:
                if not self._signatory.clock_is_set:
                    await self.set_clock(product)
        try:
            return await self._request(http_method, product, path, given, security)
        except BinanceAPIException as error:
            if error.code != _CLOCK_REFUSED:
                raise
            refused = error
        await self.set_clock(product)
        if http_method != "GET":
            raise refused
        return await self._request(http_method, product, path, given, security)

    async def set_clock(self, product: Market) -> None:
        """Ask for the venue's time."""
        asked_ns = wall_ns()
        told = await self._request("GET", product, TIME_PATHS[product], {}, Security.NONE)
        self._signatory.set_clock(told["serverTime"], asked_ns, wall_ns())

    async def _request(
        self,
        http_method: str,
        product: Market,
        path: str,
        params: dict[str, Any],
        security: Security,
    ) -> Any:
        url = self._venue.rest_url(product) + path
        budget = self._budget_of(product)
        await self._admit(budget, http_method, path, weight_of_path(http_method, path, params))
        sent_ms = self._signatory.now_ms()
        _LOGGER.debug("%s %s", http_method, url)
        failure = ""
        try:
            response = await self._session(security).request(
                cast("HttpMethod", http_method),
                url + self._query(params, security),
                headers=self._headers(url, security),
                allow_redirects=False,
            )
        except CurlError as error:
            # Not chained: the frames of the error hold the key and the signed address.
            failure = f"{http_method} {url} got no answer (libcurl error {int(error.code)})"
        if failure:
            raise BinanceRequestException(failure, outcome_unknown=http_method != "GET")
        now_ms = self._signatory.now_ms()
        headers = [(name, value or "") for name, value in response.headers.items()]
        budget.observe(rate_limits_of_headers(headers), sent_ms, now_ms)
        return self._decoded(response, budget, http_method, url)

    async def _admit(self, budget: WeightBudget, http_method: str, path: str, weight: int) -> None:
        while True:
            now_ms = self._signatory.now_ms()
            at_ms = budget.open_at(weight, now_ms)
            if at_ms <= now_ms:
                budget.spend(weight, now_ms)
                return
            if not self._waits:
                raise BinanceRateLimited(
                    f"{http_method} {path}",
                    "the limit of this minute is used up",
                    retry_after_ms=at_ms,
                )
            await asyncio.sleep((at_ms - now_ms) / 1000)

    def _query(self, params: dict[str, Any], security: Security) -> str:
        if security is Security.SIGNED:
            return f"?{self._signatory.signed_query(params)}"
        return f"?{query(revealed(params))}" if params else ""

    def _headers(self, url: str, security: Security) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self._time_unit is not None:
            headers["X-MBX-TIME-UNIT"] = self._time_unit
        if security is not Security.NONE:
            headers["X-MBX-APIKEY"] = self._signatory.api_key(url)
        return headers

    def _decoded(self, response: Response, budget: WeightBudget, http_method: str, url: str) -> Any:
        status = response.status_code
        body, readable = _json(response.content)
        if 200 <= status < 300:
            if readable:
                return body
            raise BinanceRequestException(
                f"Invalid Response: {http_method} {url} gave no JSON",
                outcome_unknown=http_method != "GET",
            )
        if status < 400:
            raise BinanceRequestException(
                f"{http_method} {url} is redirected ({status}), which is not followed"
            )
        told = isinstance(body, dict) and isinstance(body.get("code"), int)
        code = body["code"] if told else None
        after_ms = None
        if status in (418, 429):
            after_ms = self._close(budget, response, orders_only=code == _TOO_MANY_ORDERS)
        raise BinanceAPIException(
            status,
            code,
            str(body.get("msg", ""))
            if told
            else f"{http_method} {url} was answered {status} without Binance's JSON",
            retry_after_ms=after_ms,
            is_order=http_method != "GET",
        )

    def _close(self, budget: WeightBudget, response: Response, *, orders_only: bool) -> int:
        """Send nothing until the answer's Retry-After, in seconds, has passed."""
        now_ms = self._signatory.now_ms()
        seconds = response.headers.get("Retry-After") or ""
        known = seconds.isascii() and seconds.isdigit()
        return budget.close_until(
            now_ms + int(seconds) * 1000 if known else None, now_ms, orders_only=orders_only
        )


def _json(content: bytes) -> tuple[Any, bool]:
    """What ``content`` says, and whether it is JSON at all."""
    try:
        return orjson.loads(content), True
    except orjson.JSONDecodeError:
        return None, False
