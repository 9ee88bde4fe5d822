"""One connection of the WebSocket API: requests in, answers and events out. Pure.

The envelope, the statuses and the session rules are those of the Binance WebSocket API
documentation, spot and futures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orjson import JSONDecodeError, dumps, loads

from tickwire.simulator.account_methods import ACCOUNT_METHODS
from tickwire.simulator.exchange import Access, Call, Exchange, Method, check_key
from tickwire.simulator.market_methods import MARKET_METHODS
from tickwire.simulator.options import Market
from tickwire.simulator.order_methods import ORDER_METHODS
from tickwire.simulator.params import Params
from tickwire.simulator.refusals import Refused, missing, refuse
from tickwire.simulator.session_methods import KEY_METHODS, SESSION_METHODS
from tickwire.simulator.signatures import signed_payload
from tickwire.simulator.time_unit import scaled
from tickwire.simulator.user_events import stream_terminated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tickwire.simulator.accounts import ApiKey
    from tickwire.simulator.listen_keys import Ears

__all__ = ["API_PATHS", "ApiSession"]

API_PATHS = {
    Market.SPOT: "/ws-api/v3",
    Market.USDM: "/ws-fapi/v1",
    Market.COINM: "/ws-dapi/v1",
}
_VERSIONS = {Market.SPOT: "v3/", Market.USDM: "v1/", Market.COINM: "v1/"}
_METHODS = {
    market: MARKET_METHODS[market]
    | ORDER_METHODS[market]
    | ACCOUNT_METHODS[market]
    | SESSION_METHODS[market]
    for market in Market
}
_ACTIVE_SUBSCRIPTIONS, _ALL_SUBSCRIPTIONS = 1000, 65_535


@dataclass(slots=True)
class _Subscription:
    ears: Ears
    by_session: bool
    expires_ms: int | None


class ApiSession:
    """The state of one connection.

    Args:
        exchange: What it talks to.
        address: Whose weight it uses.
        send: Takes a text frame.
        now_ms: When it was opened.
        rate_limits: Whether answers carry ``rateLimits`` unless a request says otherwise.
        microseconds: Whether times are sent as that.

    Attributes:
        key: The key of the session, None before a logon.
    """

    def __init__(
        self,
        exchange: Exchange,
        address: str,
        send: Callable[[bytes], None],
        now_ms: int,
        *,
        rate_limits: bool = True,
        microseconds: bool = False,
    ) -> None:
        self._exchange = exchange
        self._address = address
        self._send = send
        self._opened_ms = now_ms
        self._rate_limits = rate_limits
        self._microseconds = microseconds
        self._logged_on_ms: int | None = None
        self._subscriptions: dict[int, _Subscription] = {}
        self._next_subscription = 0
        self.key: ApiKey | None = None

    def request(self, text: str, now_ms: int) -> None:
        """Answer one message of the client."""
        request_id: Any = None
        params, method = Params({}), None
        rate_limits = self._rate_limits
        try:
            request = _parse(text)
            request_id = request["id"]
            params = Params(request.get("params") or {})
            rate_limits = params.flag("returnRateLimits", default=self._rate_limits)
            # A parameter of the envelope, which no method knows; signed all the same.
            method = self._method(request.get("method"))
            call = self._admit(method, params, now_ms)
            reply = {"id": request_id, "status": 200}
            reply["result"] = self._exchange.run(method, call, self._address)
        except Refused as refusal:
            reply = {"id": request_id, "status": refusal.status, "error": refusal.error()}
        if rate_limits:
            reply["rateLimits"] = self._report(method, params, now_ms)
        self._tell(reply)
        self._drop_revoked_key()

    def deliver(self, ears: Ears, event: Mapping[str, Any]) -> None:
        """Tell an event of a wallet, if the connection has subscribed to it."""
        for number, subscription in self._subscriptions.items():
            if subscription.ears == ears:
                self._tell({"subscriptionId": number, "event": event})

    def expire(self, now_ms: int) -> None:
        """End the subscriptions whose listen tokens have ended."""
        for number, subscription in tuple(self._subscriptions.items()):
            if subscription.expires_ms is not None and subscription.expires_ms <= now_ms:
                self._end(number, now_ms)

    def next_end_ms(self) -> int | None:
        """When the next subscription ends by itself."""
        ends = (subscription.expires_ms for subscription in self._subscriptions.values())
        return min((end for end in ends if end is not None), default=None)

    def status(self, now_ms: int) -> dict[str, Any]:
        status: dict[str, Any] = {
            "apiKey": self.key.name if self.key else None,
            "authorizedSince": self._logged_on_ms,
            "connectedSince": self._opened_ms,
            "returnRateLimits": self._rate_limits,
            "serverTime": now_ms,
        }
        if self._exchange.market is Market.SPOT:
            status["userDataStream"] = bool(self._subscriptions)
        return status

    def log_on(self, key: ApiKey, now_ms: int) -> None:
        self.key = key
        self._logged_on_ms = now_ms

    def log_out(self, now_ms: int) -> None:
        self.key = self._logged_on_ms = None
        for number, subscription in tuple(self._subscriptions.items()):
            if subscription.by_session:
                self._end(number, now_ms)

    def subscribe(self, ears: Ears, *, by_session: bool, expires_ms: int | None) -> int:
        """See :class:`Subscriptions`. A token for a wallet that is subscribed to extends it.

        Raises:
            Refused: The wallet is subscribed to (-2035), or there were too many (-2042).
        """
        for number, subscription in self._subscriptions.items():
            if subscription.ears == ears:
                if expires_ms is None:
                    raise refuse("subscribed")
                subscription.expires_ms = expires_ms
                return number
        if (
            len(self._subscriptions) >= _ACTIVE_SUBSCRIPTIONS
            or self._next_subscription >= _ALL_SUBSCRIPTIONS
        ):
            raise refuse("subscriptions")
        number = self._next_subscription
        self._next_subscription += 1
        self._subscriptions[number] = _Subscription(ears, by_session, expires_ms)
        return number

    def unsubscribe(self, subscription: int | None, now_ms: int) -> None:
        """End one subscription, or all of them.

        Raises:
            Refused: There is none with this id (-2036).
        """
        if subscription is not None and subscription not in self._subscriptions:
            raise refuse("not_subscribed")
        for number in tuple(self._subscriptions) if subscription is None else (subscription,):
            self._end(number, now_ms)

    def numbers(self) -> list[int]:
        return [*self._subscriptions]

    def _tell(self, frame: dict[str, Any]) -> None:
        """Send a frame; its times are in what it carries, and its id is the client's own."""
        if self._microseconds:
            # Dumped first: a part may be JSON already.
            frame |= {
                part: scaled(loads(dumps(frame[part])))
                for part in ("result", "error", "event")
                if part in frame
            }
        self._send(dumps(frame))

    def _end(self, number: int, now_ms: int) -> None:
        del self._subscriptions[number]
        self._tell({"subscriptionId": number, "event": stream_terminated(now_ms)})

    def _method(self, name: Any) -> Method:
        if not isinstance(name, str) or not name:
            raise missing("method")
        methods = _METHODS[self._exchange.market]
        if self._exchange.has_listen_keys:
            methods = methods | KEY_METHODS
        method = methods.get(name) or methods.get(
            name.removeprefix(_VERSIONS[self._exchange.market])
        )
        if method is None:
            raise refuse("unsupported")
        return method

    def _admit(self, method: Method, params: Params, now_ms: int) -> Call:
        """Check what the request brings.

        Raises:
            Refused: A key, a time or a signature is missing or wrong.
        """
        key = None
        if method.access is Access.KEY:
            key = check_key(self._exchange, params.texts.get("apiKey"), method.access)
        elif method.access is not Access.OPEN:
            if "apiKey" in params or self.key is None:
                key = check_key(self._exchange, params.texts.get("apiKey"), method.access)
                signature = params.text("signature")
                params.check_time(now_ms)
                if not key.credential.accepts(signed_payload(params.texts), signature):
                    raise refuse("signature")
            else:
                key = check_key(self._exchange, self.key.name, method.access)
                params.check_time(now_ms)
        return Call(self._exchange, params, now_ms, key, self)

    def _drop_revoked_key(self) -> None:
        """Tell a session whose key has become invalid, once; it is logged out by that."""
        if self.key is not None and self._exchange.accounts.key(self.key.name) is not self.key:
            self.key = self._logged_on_ms = None
            refusal = refuse("key")
            frame = {"id": None, "status": refusal.status, "error": refusal.error()}
            self._send(dumps(frame))

    def _report(self, method: Method | None, params: Params, now_ms: int) -> list[dict[str, Any]]:
        """The limits that a request counts against, and where it has got to."""
        report = []
        if method is not None and method.counts_orders:
            key = self._exchange.accounts.key(params.texts.get("apiKey", "")) or self.key
            if key is not None:
                report = self._exchange.orders(key.account).report(now_ms)
        return [*report, self._exchange.weights(self._address).report(now_ms)]


def _parse(text: str) -> dict[str, Any]:
    """The request, if it is one.

    Raises:
        Refused: It is no JSON object (-1135), or has no usable id (-1102).
    """
    try:
        request = loads(text)
    except JSONDecodeError:
        raise refuse("json") from None
    if not isinstance(request, dict) or not isinstance(request.get("params") or {}, dict):
        raise refuse("json")
    if "id" not in request or isinstance(request["id"], bool | float | list | dict):
        raise missing("id")
    return request
