"""What all connections of a simulator share, and how a request becomes an answer. Pure.

A request has a method, REST or WebSocket API alike; a method has a weight, a kind of access and a
function that does it. This module knows who may call and what it costs; the functions are in the
``*_methods`` modules.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from tickwire.simulator.desk import Desk
from tickwire.simulator.listen_keys import Ears, ListenKeys
from tickwire.simulator.options import Market
from tickwire.simulator.quota import Attempts, OrderQuota, Weights, interval_of
from tickwire.simulator.refusals import missing, refuse
from tickwire.simulator.symbols import NumberText

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.simulator.accounts import Account, Accounts, ApiKey
    from tickwire.simulator.market import Instrument, MarketModel
    from tickwire.simulator.options import Limits
    from tickwire.simulator.params import Params
    from tickwire.simulator.rest import RestSource

__all__ = ["Access", "Call", "Exchange", "Method", "Subscriptions", "check_key"]

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Access(Enum):
    """What a request must bring: nothing, a known API key, or a signature besides; ``TRADE`` also
    a key that may trade.
    """

    OPEN = "open"
    KEY = "key"
    SIGNED = "signed"
    TRADE = "trade"


class Subscriptions(Protocol):
    """The side of a WebSocket API connection that methods about itself act upon."""

    key: ApiKey | None

    def status(self, now_ms: int) -> dict[str, Any]:
        """The session as ``session.status`` tells it."""
        ...

    def log_on(self, key: ApiKey, now_ms: int) -> None: ...

    def log_out(self, now_ms: int) -> None: ...

    def subscribe(self, ears: Ears, *, by_session: bool, expires_ms: int | None) -> int:
        """Start telling events; gives the id of the subscription."""
        ...

    def unsubscribe(self, subscription: int | None, now_ms: int) -> None: ...

    def numbers(self) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in.

    Attributes:
        key: The key it was made with, where the method wants one.
        session: The connection it came on, None for REST.
    """

    exchange: Exchange
    params: Params
    now_ms: int
    key: ApiKey | None = None
    session: Subscriptions | None = None

    @property
    def account(self) -> Account:
        """Whose request it is. Only for methods that want a key."""
        assert self.key is not None
        return self.key.account


@dataclass(frozen=True, slots=True)
class Method:
    """One thing that can be asked for.

    Attributes:
        run: Does it, and gives the result as JSON-ready data.
        weight: What it costs, or a function of the parameters that says so.
        access: What the request must bring.
        counts_orders: Whether it places an order, so that the order limits are reported with it.
        free_if_done: Whether it costs no weight when it succeeds.
    """

    run: Callable[[Call], Any]
    weight: int | Callable[[Params], int] = 1
    access: Access = Access.OPEN
    counts_orders: bool = False
    free_if_done: bool = False

    def cost(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


class Exchange:
    """The state behind all requests.

    Args:
        market: The dialect.
        limits: The venue's.
        accounts: Its clients.
        source: Depth snapshots and the list of symbols.
        model: The generated market; None in a replay, where nothing can be traded or looked up
            besides those.
        seed: Of listen keys and tokens.
        listen_keys: Whether spot still has listen keys, as Binance.US does.
    """

    def __init__(
        self,
        market: Market,
        limits: Limits,
        accounts: Accounts,
        source: RestSource,
        model: MarketModel | None,
        *,
        seed: int,
        listen_keys: bool,
    ) -> None:
        self.market = market
        self.limits = limits
        self.accounts = accounts
        self.source = source
        self.keys = ListenKeys(limits, seed)
        self.has_listen_keys = listen_keys or market is not Market.SPOT
        self.desk = Desk(accounts, market, self._find)
        self._model = model
        self._texts: dict[str, NumberText] = {}
        self._weights: defaultdict[str, Weights] = defaultdict(lambda: Weights(limits))
        self._attempts: defaultdict[str, Attempts] = defaultdict(lambda: Attempts(limits))
        self._orders: defaultdict[int, OrderQuota] = defaultdict(lambda: OrderQuota(limits))

    def weights(self, address: str) -> Weights:
        return self._weights[address]

    def attempts(self, address: str) -> Attempts:
        return self._attempts[address]

    def orders(self, account: Account) -> OrderQuota:
        return self._orders[account.uid]

    def instruments(self) -> list[Instrument]:
        """Those of the generated market.

        Raises:
            Refused: There is none, it is a replay (-1020).
        """
        if self._model is None:
            raise refuse("unsupported")
        return self._model.instruments

    def instrument(self, symbol: str) -> Instrument:
        """One of them.

        Raises:
            Refused: There is none of this name (-1121), or no generated market (-1020).
        """
        self.instruments()
        found = self._find(symbol)
        if found is None:
            raise refuse("symbol")
        return found

    def text(self, instrument: Instrument) -> NumberText:
        """How the venue prints the numbers of an instrument."""
        text = self._texts.get(instrument.spec.symbol)
        if text is None:
            text = self._texts[instrument.spec.symbol] = NumberText(instrument.spec, self.market)
        return text

    def match(self, now_ms: int) -> None:
        """Fill the resting orders that the market has reached."""
        self.desk.match(now_ms)

    def run(self, method: Method, call: Call, address: str) -> Any:
        """Do what was asked for: charge it, and give the result.

        Raises:
            Refused: With the venue's reason.
        """
        weights, cost = self._weights[address], method.cost(call.params)
        weights.charge(cost, call.now_ms)
        result = method.run(call)
        if method.free_if_done:
            weights.refund(cost, call.now_ms)
        return result

    def rate_limits(self) -> list[dict[str, Any]]:
        """As ``exchangeInfo`` lists them: without counts."""
        limits = self.limits
        return [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                **interval_of(limits.minute_seconds),
                "limit": limits.request_weight,
            },
            *(
                {"rateLimitType": "ORDERS", **interval_of(seconds), "limit": limit}
                for limit, seconds in (
                    (limits.orders, limits.order_seconds),
                    (limits.orders_long, limits.order_long_seconds),
                )
            ),
            {
                "rateLimitType": "CONNECTIONS",
                **interval_of(limits.attempt_seconds),
                "limit": limits.connection_attempts,
            },
        ]

    def _find(self, symbol: str) -> Instrument | None:
        return None if self._model is None else self._model.by_symbol.get(symbol)


def check_key(exchange: Exchange, name: str | None, access: Access) -> ApiKey:
    """The key of a request.

    Raises:
        Refused: None was sent (-1102), it is none (-2014), or not one for this (-2015).
    """
    if not name:
        raise missing("apiKey")
    if not _KEY.fullmatch(name):
        raise refuse("key_format")
    key = exchange.accounts.key(name)
    if key is None or (access is Access.TRADE and not key.can_trade):
        raise refuse("key")
    return key
