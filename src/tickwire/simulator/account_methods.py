"""Requests about an account: balances, positions, fees and order counts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.simulator.accounts import MARGIN, isolated
from tickwire.simulator.exchange import Access, Call, Method
from tickwire.simulator.listen_keys import Ears
from tickwire.simulator.options import Market
from tickwire.simulator.orders import ZERO, fixed

if TYPE_CHECKING:
    from tickwire.simulator.accounts import Position
    from tickwire.simulator.params import Params

__all__ = ["ACCOUNT_METHODS", "LISTEN_TOKEN"]


def _spot_status(call: Call) -> Any:
    account = call.account
    rate = fixed(account.commission)
    basis_points = int(account.commission * 10_000)
    balances = account.balances().items()
    hide_zero = call.params.flag("omitZeroBalances")
    return {
        "makerCommission": basis_points,
        "takerCommission": basis_points,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "commissionRates": {
            "maker": rate,
            "taker": rate,
            "buyer": fixed(ZERO),
            "seller": fixed(ZERO),
        },
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.now_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": fixed(balance.free), "locked": fixed(balance.locked)}
            for asset, balance in balances
            if not hide_zero or balance.free or balance.locked
        ],
        "permissions": ["SPOT"],
        "uid": account.uid,
    }


def _order_limits(call: Call) -> Any:
    return call.exchange.orders(call.account).report(call.now_ms)


def _none_of_symbol(call: Call) -> Any:
    """A list of what does not happen in this market."""
    call.exchange.desk.spec(call.params.symbol())
    return []


def _no_filters(call: Call) -> Any:
    call.exchange.desk.spec(call.params.symbol())
    return {"exchangeFilters": [], "symbolFilters": [], "assetFilters": []}


def _prevented_weight(params: Params) -> int:
    return 2 if "preventedMatchId" in params else 20


def _commission(call: Call) -> Any:
    symbol = call.exchange.desk.spec(call.params.symbol()).symbol
    rate, zero = fixed(call.account.commission), fixed(ZERO)
    none = {"maker": zero, "taker": zero, "buyer": zero, "seller": zero}
    return {
        "symbol": symbol,
        "standardCommission": none | {"maker": rate, "taker": rate},
        "taxCommission": none,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": zero,
        },
    }


def _futures_balance(call: Call) -> Any:
    return [
        {
            "accountAlias": f"sim{call.account.uid}",
            "asset": asset,
            "balance": fixed(balance.free),
            "crossWalletBalance": fixed(balance.free),
            "crossUnPnl": fixed(ZERO),
            "availableBalance": fixed(balance.free),
            "maxWithdrawAmount": fixed(balance.free),
            "marginAvailable": True,
            "updateTime": call.now_ms,
        }
        for asset, balance in call.account.balances().items()
    ]


def _futures_status(call: Call) -> Any:
    account = call.account
    return {
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "assets": [
            {
                "asset": asset,
                "walletBalance": fixed(balance.free),
                "unrealizedProfit": fixed(ZERO),
                "marginBalance": fixed(balance.free),
                "availableBalance": fixed(balance.free),
                "updateTime": call.now_ms,
            }
            for asset, balance in account.balances().items()
        ],
        "positions": [_position(position) for position in account.positions.values()],
    }


def _futures_position(call: Call) -> Any:
    wanted = call.params.symbol() if "symbol" in call.params else None
    return [
        _position(position)
        for symbol, position in call.account.positions.items()
        if wanted in (None, symbol)
    ]


def _position(position: Position) -> dict[str, Any]:
    return {
        "symbol": position.spec.symbol,
        "positionSide": "BOTH",
        "positionAmt": fixed(position.amount, position.spec.lot_decimals),
        "entryPrice": fixed(position.entry),
        "breakEvenPrice": fixed(position.entry),
        "unRealizedProfit": fixed(ZERO),
        "marginType": "cross",
        "isolatedMargin": fixed(ZERO),
    }


def _listen_token(call: Call) -> Any:
    """A token for the cross-margin wallet, or with ``isIsolated`` for that of a symbol."""
    params = call.params
    wallet = MARGIN
    if params.flag("isIsolated"):
        wallet = isolated(call.exchange.desk.spec(params.symbol()).symbol)
    text, token = call.exchange.keys.token(
        Ears(call.account, wallet), params.optional_integer("validity"), call.now_ms
    )
    return {"token": text, "expirationTime": token.expires_ms}


LISTEN_TOKEN = Method(_listen_token, 1, Access.KEY)
"""Served by REST."""

_FUTURES = {
    "account.balance": Method(_futures_balance, 5, Access.SIGNED),
    "v2/account.balance": Method(_futures_balance, 5, Access.SIGNED),
    "account.status": Method(_futures_status, 5, Access.SIGNED),
    "v2/account.status": Method(_futures_status, 5, Access.SIGNED),
    "account.position": Method(_futures_position, 5, Access.SIGNED),
    "v2/account.position": Method(_futures_position, 5, Access.SIGNED),
}

ACCOUNT_METHODS: dict[Market, dict[str, Method]] = {
    Market.SPOT: {
        "account.status": Method(_spot_status, 20, Access.SIGNED),
        "account.commission": Method(_commission, 20, Access.SIGNED),
        "account.rateLimits.orders": Method(_order_limits, 40, Access.SIGNED),
        # Nobody trades with itself here, nothing is allocated, amended or filtered by account.
        "myPreventedMatches": Method(_none_of_symbol, _prevented_weight, Access.SIGNED),
        "myAllocations": Method(_none_of_symbol, 20, Access.SIGNED),
        "order.amendments": Method(_none_of_symbol, 4, Access.SIGNED),
        "myFilters": Method(_no_filters, 40, Access.SIGNED),
    },
    Market.USDM: _FUTURES,
    Market.COINM: _FUTURES,
}
"""By dialect and name, as the WebSocket API has them."""
