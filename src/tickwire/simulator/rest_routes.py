"""The REST paths besides those of :mod:`tickwire.simulator.rest`, and what they do. Pure.

A path is a method of the WebSocket API under another name, with the signature over the query and
the body as they were sent, the API key in a header, and listen keys on top.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from tickwire.simulator.account_methods import ACCOUNT_METHODS, LISTEN_TOKEN
from tickwire.simulator.accounts import MAIN, MARGIN, isolated
from tickwire.simulator.exchange import Access, Call, Exchange, Method, check_key
from tickwire.simulator.listen_keys import Ears
from tickwire.simulator.market_methods import MARKET_METHODS
from tickwire.simulator.options import Market
from tickwire.simulator.order_methods import ORDER_METHODS, REST_FUTURES_METHODS, TEST_ORDER
from tickwire.simulator.params import Params
from tickwire.simulator.refusals import Refused, refuse
from tickwire.simulator.rest import PREFIXES

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RestRequest", "admit", "rest_methods"]

_SIGNATURE = re.compile(r"^signature=[^&]*&?|&signature=[^&]*")
_MARKET_PATHS = {
    "trades": "trades.recent",
    "historicalTrades": "trades.historical",
    "aggTrades": "trades.aggregate",
    "klines": "klines",
    "ticker/24hr": "ticker.24hr",
    "ticker/price": "ticker.price",
    "ticker/bookTicker": "ticker.book",
}
_SPOT_MARKET_PATHS = {"uiKlines": "uiKlines", "avgPrice": "avgPrice"}
_SPOT_PATHS = {
    ("POST", "order"): "order.place",
    ("POST", "order/test"): "order.test",
    ("POST", "order/cancelReplace"): "order.cancelReplace",
    ("DELETE", "order"): "order.cancel",
    ("GET", "order"): "order.status",
    ("GET", "openOrders"): "openOrders.status",
    ("DELETE", "openOrders"): "openOrders.cancelAll",
    ("GET", "allOrders"): "allOrders",
    ("GET", "myTrades"): "myTrades",
    ("GET", "account"): "account.status",
    ("GET", "account/commission"): "account.commission",
    ("GET", "rateLimit/order"): "account.rateLimits.orders",
}
_FUTURES_PATHS = {
    ("POST", "order"): "order.place",
    ("PUT", "order"): "order.modify",
    ("DELETE", "order"): "order.cancel",
    ("GET", "order"): "order.status",
    ("GET", "balance"): "account.balance",
    ("GET", "account"): "account.status",
    ("GET", "positionRisk"): "account.position",
}


class RestRequest(NamedTuple):
    """What a REST request brings.

    Attributes:
        query, body: As sent, still percent-encoded.
        api_key: The ``X-MBX-APIKEY`` header.
    """

    query: str
    body: str
    api_key: str | None

    def params(self) -> Params:
        """All parameters; one of the body does not replace one of the query."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        return Params({**dict(parse_qsl(self.body, keep_blank_values=True)), **dict(pairs)})

    def signed(self) -> bytes:
        """What the signature is over."""
        return (_SIGNATURE.sub("", self.query) + _SIGNATURE.sub("", self.body)).encode()


def admit(method: Method, request: RestRequest, exchange: Exchange, now_ms: int) -> Call:
    """Check what a request brings.

    Raises:
        Refused: A key, a time or a signature is missing or wrong.
    """
    params, key = request.params(), None
    if method.access is not Access.OPEN:
        if not request.api_key:
            raise refuse("key_format")
        key = check_key(exchange, request.api_key, method.access)
    if key is not None and method.access is not Access.KEY:
        signature = params.text("signature")
        params.check_time(now_ms)
        if not key.credential.accepts(request.signed(), signature):
            raise refuse("signature")
    return Call(exchange, params, now_ms, key)


def rest_methods(market: Market, *, listen_keys: bool) -> dict[tuple[str, str], Method]:
    """HTTP method and path to what it does.

    Args:
        market: The dialect.
        listen_keys: Whether spot still has listen keys; else their path answers 410.
    """
    prefix = PREFIXES[market]
    spot = MARKET_METHODS[Market.SPOT]
    routes = {("GET", f"{prefix}/{path}"): spot[name] for path, name in _MARKET_PATHS.items()}
    own = ORDER_METHODS[market] | ACCOUNT_METHODS[market]
    if market is not Market.SPOT:
        routes |= {
            (verb, f"{prefix}/{path}"): own[name] for (verb, path), name in _FUTURES_PATHS.items()
        }
        routes |= {
            (verb, f"{prefix}/{path}"): method
            for (verb, path), method in REST_FUTURES_METHODS.items()
        }
        if market is Market.USDM:
            versions = {"account": ("v2", "v3"), "balance": ("v2", "v3"), "positionRisk": ("v2",)}
            routes |= {
                ("GET", f"/fapi/{version}/{path}"): routes["GET", f"{prefix}/{path}"]
                for path, known in versions.items()
                for version in known
            }
        routes["POST", f"{prefix}/order/test"] = TEST_ORDER
        return routes | _listen_key(f"{prefix}/listenKey", _main, by_api_key=True)
    routes |= {("GET", f"{prefix}/{path}"): spot[name] for path, name in _SPOT_MARKET_PATHS.items()}
    routes |= {(verb, f"{prefix}/{path}"): own[name] for (verb, path), name in _SPOT_PATHS.items()}
    routes["POST", "/sapi/v1/userListenToken"] = LISTEN_TOKEN
    routes |= _listen_key("/sapi/v1/userDataStream", _margin)
    routes |= _listen_key("/sapi/v1/userDataStream/isolated", _isolated)
    path = f"{prefix}/userDataStream"
    if listen_keys:
        return routes | _listen_key(path, _main)
    return routes | {(verb, path): Method(_gone) for verb in ("POST", "PUT", "DELETE")}


def _main(call: Call) -> Ears:
    return Ears(call.account, MAIN)


def _margin(call: Call) -> Ears:
    return Ears(call.account, MARGIN)


def _isolated(call: Call) -> Ears:
    return Ears(call.account, isolated(call.exchange.desk.spec(call.params.symbol()).symbol))


def _listen_key(
    path: str, ears: Callable[[Call], Ears], *, by_api_key: bool = False
) -> dict[tuple[str, str], Method]:
    """The three requests about listen keys; ``by_api_key`` where a request need not name one."""
    return {
        ("POST", path): Method(partial(_start, ears), 2, Access.KEY),
        ("PUT", path): Method(partial(_keep_alive, ears, by_api_key), 2, Access.KEY),
        ("DELETE", path): Method(partial(_close, ears, by_api_key), 2, Access.KEY),
    }


def _start(ears: Callable[[Call], Ears], call: Call) -> Any:
    return {"listenKey": call.exchange.keys.start(ears(call), call.now_ms)}


def _keep_alive(ears: Callable[[Call], Ears], by_api_key: bool, call: Call) -> Any:
    call.exchange.keys.keep_alive(_named(ears, by_api_key, call), call.now_ms)
    return {}


def _close(ears: Callable[[Call], Ears], by_api_key: bool, call: Call) -> Any:
    call.exchange.keys.close(_named(ears, by_api_key, call))
    return {}


def _named(ears: Callable[[Call], Ears], by_api_key: bool, call: Call) -> str:
    if by_api_key and "listenKey" not in call.params:
        key = call.exchange.keys.key_of(ears(call))
        if key is None:
            raise refuse("listen_key")
        return key
    return call.params.text("listenKey")


def _gone(call: Call) -> Any:
    # The status is the venue's; the text is ours and says where the events are now.
    text = "Listen keys were removed: subscribe with userDataStream.subscribe on the WebSocket API."
    raise Refused(-1020, text, 410)
