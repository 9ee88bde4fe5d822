"""Positions, averages and the market's reach, without a connection."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tickwire.simulator.accounts import Account, Accounts
from tickwire.simulator.desk import Desk
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.orders import Order
from tickwire.simulator.symbols import default_specs

NOW = 1_700_000_000_000
FUTURES = (Market.USDM, Market.COINM)


class Trading:
    """One rich account at one instrument, whose fills are made by hand."""

    def __init__(self, market: Market) -> None:
        self.spec = default_specs(market)[0]
        model = MarketModel([self.spec], seed=1, market=market, cadences=1, start_ms=NOW)
        accounts = Accounts(lambda: NOW)
        accounts.market = market
        self.events: list[Any] = []
        accounts.tell = lambda account, event, wallet: self.events.append(event)
        rich = {self.spec.base: "1000000000", self.spec.quote: "1000000000"}
        self.account: Account = accounts.add(
            api_key="key", secret="secret", balances=rich, commission="0"
        )
        self.desk = Desk(accounts, market, model.by_symbol.get)

    def order(self, side: str, price: Decimal, quantity: str, kind: str = "LIMIT") -> Order:
        number = self.desk.next_order_id()
        return Order(
            number,
            f"id{number}",
            self.spec,
            side,
            kind,
            "GTC",
            price,
            Decimal(quantity),
            NOW,
            NOW,
        )

    def trade(self, side: str, price: str, quantity: str) -> None:
        """A resting order, far from the market's best, filled at its price."""
        order = self.order(side, Decimal(price), quantity)
        self.desk.place(self.account, order, NOW)
        self.desk.fill(order.order_id, quantity, NOW)

    def position(self) -> list[Decimal]:
        """Amount and entry price."""
        position = self.account.positions[self.spec.symbol]
        return [position.amount, position.entry]


@pytest.mark.parametrize("market", FUTURES)
def test_a_position_is_opened_added_to_closed_and_turned(market: Market) -> None:
    run = Trading(market)
    run.trade("BUY", "10000", "10")
    assert run.position() == [10, 10_000]
    run.trade("BUY", "40000", "10")
    # Dollars a coin average by coins, coins a contract by contracts.
    assert run.position() == [20, 16_000 if market is Market.COINM else 25_000]
    run.trade("SELL", "80000", "5")
    assert run.position()[0] == 15
    entry = run.position()[1]
    assert entry == (16_000 if market is Market.COINM else 25_000)
    run.trade("SELL", "90000", "25")
    assert run.position() == [-10, 90_000]
    run.trade("BUY", "50000", "10")
    assert run.position() == [0, 0]
    realised = run.account.positions[run.spec.symbol].realised
    if market is Market.COINM:
        coins = [
            5 * (1 / Decimal(16_000) - 1 / Decimal(80_000)),
            15 * (1 / Decimal(16_000) - 1 / Decimal(90_000)),
            10 * (1 / Decimal(50_000) - 1 / Decimal(90_000)),
        ]
        assert abs(realised - 100 * sum(coins)) < Decimal("3e-8")
    else:
        assert realised == 5 * 55_000 + 15 * 65_000 + 10 * 40_000
    asset = run.spec.base if market is Market.COINM else run.spec.quote
    assert run.account.balance(asset).free == 1_000_000_000 + realised


@pytest.mark.parametrize("market", FUTURES)
def test_an_order_knows_its_average_price(market: Market) -> None:
    run = Trading(market)
    order = run.order("BUY", Decimal(10_000), "20")
    run.desk.place(run.account, order, NOW)
    run.desk.fill(order.order_id, "10", NOW)
    run.desk.amend(run.account, order, Decimal(40_000), Decimal(20), NOW)
    run.desk.fill(order.order_id, "10", NOW)
    assert order.average_price() == (16_000 if market is Market.COINM else 25_000)
    kinds = [event["o"]["x"] for event in run.events if event["e"] == "ORDER_TRADE_UPDATE"]
    assert kinds == ["NEW", "TRADE", "AMENDMENT", "TRADE"]


def test_amending_below_what_is_filled_ends_the_order() -> None:
    run = Trading(Market.USDM)
    order = run.order("BUY", Decimal(10_000), "5")
    run.desk.place(run.account, order, NOW)
    run.desk.fill(order.order_id, "2", NOW)
    run.desk.amend(run.account, order, Decimal(10_000), Decimal(2), NOW)
    assert order.status == "CANCELED"
    assert order.executed == 2


@pytest.mark.parametrize("market", Market)
def test_who_trades_does_not_move_the_market(market: Market) -> None:
    run = Trading(market)
    side = run.desk.best(run.spec.symbol, is_buy=True)
    for _ in range(3):
        run.desk.place(run.account, run.order("BUY", Decimal(0), "1", "MARKET"), NOW)
    assert run.desk.best(run.spec.symbol, is_buy=True) == side
