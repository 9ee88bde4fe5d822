"""What the clients ask over REST: one table, under python-binance's names.

Sources: the vendor's REST pages (spot, margin, USD-M, COIN-M) and Binance.US's, as of August 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tickwire.exchanges.binance.books import weight as book_weight
from tickwire.exchanges.binance.signing import Security

if TYPE_CHECKING:
    from tickwire.exchanges.binance.names import Market

__all__ = ["REST_CALLS", "TIME_PATHS", "HttpMethod", "RestCall", "weight_of_path"]

HttpMethod = Literal["GET", "POST", "PUT", "DELETE"]
Params = Mapping[str, Any]


class RestCall(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    Attributes:
        name: Of the clients' method.
        http_method: Of HTTP.
        product: Where it is.
        path: Of the address.
        arguments: Names of the parameters that the caller must give, in order.
        optional: Those that may follow.
        sent_as: The venue's name of a parameter, where the caller's differs.
        security: What the request carries.
        weight: Of the address's request weight per minute; a function of the parameters for some.
        field: What is given of the answer; ``None``: all.
    """

    name: str
    http_method: HttpMethod
    product: Market
    path: str
    arguments: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    sent_as: Mapping[str, str] = MappingProxyType({})
    security: Security = Security.NONE
    weight: int | Callable[[Params], int] = 1
    field: str | None = None

    def weight_of(self, params: Params) -> int:
        """What a request with ``params`` costs."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _depth(product: Market, default: int) -> Callable[[Params], int]:
    def weight(params: Params) -> int:
        given = str(params.get("limit", default))
        return book_weight(product, int(given) if given.isdecimal() else default)

    return weight


def _market(prefix: str, path: str, product: Market, info: int, default: int) -> list[RestCall]:
    """What every product has."""
    time = "get_server_time" if product == "spot" else f"{prefix}time"
    exchange = "get_exchange_info" if product == "spot" else f"{prefix}exchange_info"
    book = "get_order_book" if product == "spot" else f"{prefix}order_book"
    return [
        RestCall(name=f"{prefix}ping", http_method="GET", product=product, path=f"{path}/ping"),
        RestCall(name=time, http_method="GET", product=product, path=f"{path}/time"),
        RestCall(
            name=exchange,
            http_method="GET",
            product=product,
            path=f"{path}/exchangeInfo",
            weight=info,
        ),
        RestCall(
            name=book,
            http_method="GET",
            product=product,
            path=f"{path}/depth",
            weight=_depth(product, default),
        ),
    ]


def _listen_key(
    prefix: str, path: str, product: Market, weight: int, *first: str
) -> list[RestCall]:
    """The life of a listenKey."""
    return [
        RestCall(
            name=f"{prefix}_{name}",
            http_method=http_method,
            product=product,
            path=path,
            arguments=(*first, *arguments),
            security=Security.API_KEY,
            weight=weight,
            field=field,
        )
        for name, http_method, arguments, field in _LISTEN_KEY_STEPS
    ]


_LISTEN_KEY_STEPS: tuple[tuple[str, HttpMethod, tuple[str, ...], str | None], ...] = (
    ("get_listen_key", "POST", (), "listenKey"),
    ("keepalive", "PUT", ("listenKey",), None),
    ("close", "DELETE", ("listenKey",), None),
)

REST_CALLS: dict[str, RestCall] = {
    call.name: call
    for call in (
        *_market("", "/api/v3", "spot", 20, 100),
        *_market("futures_", "/fapi/v1", "usdm", 1, 500),
        *_market("futures_coin_", "/dapi/v1", "coinm", 1, 500),
        *_listen_key("stream", "/api/v3/userDataStream", "spot", 2),
        *_listen_key("margin_stream", "/sapi/v1/userDataStream", "spot", 1),
        *_listen_key(
            "isolated_margin_stream", "/sapi/v1/userDataStream/isolated", "spot", 1, "symbol"
        ),
        *_listen_key("futures_stream", "/fapi/v1/listenKey", "usdm", 1),
        *_listen_key("futures_coin_stream", "/dapi/v1/listenKey", "coinm", 1),
        RestCall(
            name="margin_create_listen_token",
            http_method="POST",
            product="spot",
            path="/sapi/v1/userListenToken",
            optional=("symbol", "is_isolated", "validity"),
            sent_as=MappingProxyType({"is_isolated": "isIsolated"}),
            security=Security.API_KEY,
        ),
    )
}
"""By name."""

TIME_PATHS: dict[Market, str] = {
    call.product: call.path for call in REST_CALLS.values() if call.path.endswith("/time")
}
_BY_PATH: dict[tuple[str, str], RestCall] = {
    (call.http_method, call.path): call for call in REST_CALLS.values()
}


def weight_of_path(http_method: str, path: str, params: Params) -> int:
    """What a request costs; 1 for one that the table does not have."""
    call = _BY_PATH.get((http_method, path))
    return 1 if call is None else call.weight_of(params)
