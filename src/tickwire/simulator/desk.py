"""Where orders are placed, filled and cancelled. Pure: the time is an argument.

A client's orders meet the generated market at its best price and do not move it: one that crosses
is filled at once and completely at the best price of the other side, whatever quantity rests there;
one that rests is filled at its own price as soon as the other side has reached it. So fills are
deterministic, and the market of a seed stays the same whoever trades in it.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from tickwire.simulator.accounts import MAIN, Position
from tickwire.simulator.options import Market
from tickwire.simulator.orders import ZERO, Execution, Order, Status
from tickwire.simulator.refusals import refuse
from tickwire.simulator.user_events import account_update, order_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tickwire.simulator.accounts import Account, Accounts
    from tickwire.simulator.market import Instrument
    from tickwire.simulator.symbols import SymbolSpec

__all__ = ["Desk"]

_LEVERAGE = 20
_UNIT = Decimal("0.00000001")
_FIRST_ORDER, _FIRST_TRADE, _FIRST_EXECUTION = 12_569_099_453, 1_650_422_481, 8_641_984


class Desk:
    """Takes the orders of all accounts.

    Args:
        accounts: Whose orders they are.
        market: The dialect.
        find: Gives the instrument of a symbol, or None.
    """

    def __init__(
        self, accounts: Accounts, market: Market, find: Callable[[str], Instrument | None]
    ) -> None:
        self._accounts = accounts
        self._market = market
        self._find = find
        self._next_order = _FIRST_ORDER
        self._next_trade = _FIRST_TRADE
        self._next_execution = _FIRST_EXECUTION
        self._resting: dict[int, tuple[Account, Order]] = {}

    def next_order_id(self) -> int:
        self._next_order += 1
        return self._next_order

    def spec(self, symbol: str) -> SymbolSpec:
        """The properties of an instrument.

        Raises:
            Refused: There is no such symbol (-1121).
        """
        instrument = self._find(symbol)
        if instrument is None:
            raise refuse("symbol")
        return instrument.spec

    def best(self, symbol: str, *, is_buy: bool) -> Decimal:
        """The price at which a taker would trade now."""
        instrument = self._find(symbol)
        if instrument is None:
            raise refuse("symbol")
        side = instrument.book.asks if is_buy else instrument.book.bids
        return side.best * Decimal(instrument.spec.tick_size)

    def check(self, account: Account, order: Order) -> None:
        """Whether the order could be placed now.

        Raises:
            Refused: With the venue's reason.
        """
        if any(order.client_id == other.client_id for other in account.open_orders()):
            raise refuse("duplicate")
        best = self.best(order.symbol, is_buy=order.is_buy)
        if _is_post_only(order) and _crosses(order, best):
            raise refuse("would_match")
        price = order.price or best
        if self._market is Market.SPOT:
            cost = price * order.quantity if order.is_buy else order.quantity
            if account.balance(order.spends).free < cost:
                raise refuse("balance")
            return
        position = account.positions.get(order.symbol)
        held = position.amount if position else ZERO
        closing = min(order.quantity, abs(held)) if (held > 0) != order.is_buy else ZERO
        if order.reduce_only and order.quantity > closing:
            raise refuse("reduce_only")
        needed = self._worth(order.spec, price, order.quantity - closing) / _LEVERAGE
        if account.balance(self._settlement(order.spec)).free < needed:
            raise refuse("margin")

    def place(self, account: Account, order: Order, now_ms: int) -> None:
        """Take an order, tell its account of it, and fill it if it crosses.

        Raises:
            Refused: With the venue's reason; nothing was done.
        """
        self.check(account, order)
        account.orders[order.order_id] = order
        best = self.best(order.symbol, is_buy=order.is_buy)
        if self._market is Market.SPOT:
            worth = (order.price or best) * order.quantity
            self._reserve(account, order, worth if order.is_buy else order.quantity)
        self._tell(account, order, "NEW", None, now_ms)
        if not order.price or _crosses(order, best):
            self._fill(account, order, best, order.quantity, now_ms, is_maker=False)
        elif order.time_in_force in ("IOC", "FOK"):
            self._end(account, order, Status.EXPIRED, now_ms)
        else:
            self._resting[order.order_id] = account, order
            self._tell_balances(account, order)

    def cancel(self, account: Account, order: Order, cancel_id: str, now_ms: int) -> None:
        """Cancel an open order."""
        order.cancel_id = cancel_id
        self._end(account, order, Status.CANCELED, now_ms)

    def amend(
        self, account: Account, order: Order, price: Decimal, quantity: Decimal, now_ms: int
    ) -> None:
        """Change an open order of the futures; it may be filled at once."""
        if quantity <= order.executed:
            self._end(account, order, Status.CANCELED, now_ms)
            return
        order.price, order.quantity, order.update_ms = price, quantity, now_ms
        self._tell(account, order, "AMENDMENT", None, now_ms)
        self._match(account, order, now_ms)

    def fill(self, order_id: int, quantity: str | Decimal, now_ms: int) -> None:
        """Fill a resting order at its own price, or a part of it, whatever the market does.

        Raises:
            KeyError: No such order rests.
        """
        account, order = self._resting[order_id]
        wanted = min(Decimal(quantity), order.remaining)
        self._fill(account, order, order.price, wanted, now_ms, is_maker=True)

    def match(self, now_ms: int) -> None:
        """Fill the resting orders that the market has reached."""
        for account, order in tuple(self._resting.values()):
            self._match(account, order, now_ms)

    def _match(self, account: Account, order: Order, now_ms: int) -> None:
        if _crosses(order, self.best(order.symbol, is_buy=order.is_buy)):
            self._fill(account, order, order.price, order.remaining, now_ms, is_maker=True)

    def _fill(
        self,
        account: Account,
        order: Order,
        price: Decimal,
        quantity: Decimal,
        now_ms: int,
        *,
        is_maker: bool,
    ) -> None:
        order.executed += quantity
        order.quote_executed += price * quantity
        order.update_ms = now_ms
        order.status = Status.PARTIALLY_FILLED if order.remaining else Status.FILLED
        if self._market is Market.SPOT:
            commission, asset = self._settle_spot(account, order, price, quantity)
            realised = ZERO
        else:
            asset = self._settlement(order.spec)
            worth = self._worth(order.spec, price, quantity)
            commission = (worth * account.commission).quantize(_UNIT, ROUND_DOWN)
            realised = self._move_position(account, order, price, quantity)
            account.balance(asset).free += realised - commission
        self._next_trade += 1
        execution = Execution(
            self._next_trade, price, quantity, commission, asset, now_ms, is_maker, realised
        )
        order.executions.append(execution)
        if not order.is_open:
            self._resting.pop(order.order_id, None)
        self._tell(account, order, "TRADE", execution, now_ms)
        if self._market is Market.SPOT:
            self._tell_balances(account, order)
            return
        changed = {asset: account.balance(asset)}
        positions = [account.positions[order.symbol]]
        self._accounts.tell(account, account_update("ORDER", changed, {}, positions, now_ms), MAIN)

    def _settle_spot(
        self, account: Account, order: Order, price: Decimal, quantity: Decimal
    ) -> tuple[Decimal, str]:
        """Exchange the assets; gives the commission, which is taken from what was received."""
        worth = price * quantity
        paid, received = (worth, quantity) if order.is_buy else (quantity, worth)
        asset = order.spec.base if order.is_buy else order.spec.quote
        commission = (received * account.commission).quantize(_UNIT, ROUND_DOWN)
        # A buyer reserved at the limit price; what a better price saves is free again.
        reserved = (order.price or price) * quantity if order.is_buy else quantity
        self._reserve(account, order, -reserved)
        account.balance(order.spends).free -= paid
        account.balance(asset).free += received - commission
        return commission, asset

    def _move_position(
        self, account: Account, order: Order, price: Decimal, quantity: Decimal
    ) -> Decimal:
        """Move the position; gives the profit taken, in the settlement asset."""
        position = account.positions.setdefault(order.symbol, Position(order.spec))
        signed = quantity if order.is_buy else -quantity
        held = position.amount
        position.amount = held + signed
        if held * signed >= 0:
            position.entry = self._mean(position.entry, abs(held), price, quantity)
            return ZERO
        closed = min(abs(held), quantity)
        gain = self._gain(order.spec, position.entry, price, closed)
        realised = (gain if held > 0 else -gain).quantize(_UNIT, ROUND_DOWN)
        position.realised += realised
        if position.amount * held <= 0:
            position.entry = price if position.amount else ZERO
        return realised

    def _mean(self, entry: Decimal, held: Decimal, price: Decimal, added: Decimal) -> Decimal:
        """The entry price of two parts of a position: contracts of a fixed worth in the quote
        currency average by what they are worth in the base asset.
        """
        if self._market is Market.COINM:
            in_base = added / price + (held / entry if held else ZERO)
            return (held + added) / in_base
        return (entry * held + price * added) / (held + added)

    def _gain(self, spec: SymbolSpec, entry: Decimal, price: Decimal, amount: Decimal) -> Decimal:
        if self._market is Market.COINM:
            return amount * spec.contract_size * (1 / entry - 1 / price)
        return amount * (price - entry)

    def _worth(self, spec: SymbolSpec, price: Decimal, quantity: Decimal) -> Decimal:
        """Of a futures quantity, in the settlement asset."""
        if self._market is Market.COINM:
            return quantity * spec.contract_size / price
        return quantity * price

    def _settlement(self, spec: SymbolSpec) -> str:
        return spec.base if self._market is Market.COINM else spec.quote

    def _end(self, account: Account, order: Order, status: str, now_ms: int) -> None:
        order.status = status
        order.update_ms = now_ms
        self._resting.pop(order.order_id, None)
        if self._market is Market.SPOT:
            self._reserve(account, order, -order.reserved)
        self._tell(account, order, status, None, now_ms)
        self._tell_balances(account, order)

    def _reserve(self, account: Account, order: Order, amount: Decimal) -> None:
        balance = account.balance(order.spends)
        order.reserved += amount
        balance.free -= amount
        balance.locked += amount

    def _tell(
        self, account: Account, order: Order, kind: str, fill: Execution | None, now_ms: int
    ) -> None:
        self._next_execution += 1
        event = order_event(order, kind, fill, self._next_execution, self._market, now_ms)
        self._accounts.tell(account, event, MAIN)

    def _tell_balances(self, account: Account, order: Order) -> None:
        if self._market is Market.SPOT:
            account.tell_balances(_assets(order))


def _assets(order: Order) -> Iterable[str]:
    return order.spec.base, order.spec.quote


def _is_post_only(order: Order) -> bool:
    return order.type == "LIMIT_MAKER" or order.time_in_force == "GTX"


def _crosses(order: Order, best: Decimal) -> bool:
    """Whether a limit order would trade at ``best``."""
    return order.price >= best if order.is_buy else order.price <= best
