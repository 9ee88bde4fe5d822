"""A position's profit is made of a price that is kept up to date, or of none."""

from __future__ import annotations

from decimal import Decimal

from tickwire.exchanges.weex import structs
from tickwire.weex.positions import Positions, Watch

BTC = "BTCUSDT"


def position(
    side: str = "LONG", size: str = "2", value: str | None = "200"
) -> structs.WeexPosition:
    opened = None if value is None else Decimal(value)
    return structs.WeexPosition(
        symbol=BTC,
        side=side,
        size=Decimal(size),  # type: ignore[arg-type]
        open_value=opened,  # type: ignore[arg-type]
        event_time=0,
    )


def test_both_sides_of_a_symbol_wait_for_its_price() -> None:
    positions = Positions(10)
    long, short = position(), position("SHORT")
    assert positions.take(long) == positions.take(short) == []
    closed = position(size="0")
    assert positions.take(closed) == [], "in order"
    assert positions.mark(BTC, Decimal(110)) == [long, short, closed]
    assert [p.unrealized_pnl for p in (long, short, closed)] == [20, -20, 0]
    assert positions.take(again := position()) == [again]


def test_a_price_that_is_old_is_none() -> None:
    positions = Positions(10)
    positions.mark(BTC, Decimal(110))
    positions.forget_mark(BTC)
    assert positions.take(one := position()) == []
    assert positions.mark(BTC, Decimal(120)) == [one]
    assert one.unrealized_pnl == 40


def test_what_cannot_have_a_profit_does_not_wait() -> None:
    positions = Positions(2)
    assert positions.take(unknown := position(value=None)) == [unknown]
    assert unknown.unrealized_pnl is None
    first, *_ = waiting = [position() for _ in range(3)]
    assert [positions.take(item) for item in waiting] == [[], [], [first]], "bounded"
    positions.watches[BTC] = Watch()
    assert positions.give_up(BTC, is_final=True) == waiting[1:]
    assert positions.take(late := position()) == [late], "its ticker was refused"
    assert late.unrealized_pnl is None
    positions.clear()
    assert positions.take(position()) == []
