"""Prices that are not trades: marks, indexes, averages; and liquidations.

The rules of :mod:`tickwire.market.events` hold here too.
"""

from __future__ import annotations

from typing import ClassVar

from tickwire.market.events import AggressorSide, Event, epoch_ns

__all__ = ["AveragePrice", "IndexPrice", "Liquidation", "MarkPrice", "ReferencePrice"]

_SIDES: dict[str, AggressorSide] = {str(side): side for side in AggressorSide}


class MarkPrice(Event, kw_only=True, gc=False):
    """The price by which positions are valued, and the funding that goes with it.

    Attributes:
        mark_price: In the quote currency.
        index_price: Of the underlying, over several venues; ``None`` where it is not sent.
        settle_price: What the venue expects to settle at; of use in the last hour of a contract.
        next_funding_time: When funding is exchanged next, as sent; 0 where there is none.
    """

    kind: ClassVar[str] = "mark_price"

    mark_price: float
    index_price: float | None = None
    settle_price: float | None = None
    next_funding_time: int = 0

    @property
    def funding_rate(self) -> float | None:
        """What longs pay to shorts at the next funding: 0.0001 is a hundredth of a percent.

        ``None`` where the contract has no funding.
        """
        return None

    @property
    def ts_next_funding_ns(self) -> int:
        """When funding is exchanged next, ns since the Unix epoch; 0 where there is none."""
        return epoch_ns(self.next_funding_time)


class IndexPrice(Event, kw_only=True, gc=False):
    """The price of an underlying over several venues. ``symbol`` is the underlying's."""

    kind: ClassVar[str] = "index_price"

    price: float


class AveragePrice(Event, kw_only=True, gc=False):
    """The average price of the last minutes.

    Attributes:
        price: In the quote currency.
        interval: Over how long, in the venue's words (``5m``).
        last_trade_time: Of the last trade in it, as sent.
    """

    kind: ClassVar[str] = "average_price"

    price: float
    interval: str
    last_trade_time: int = 0

    @property
    def ts_last_trade_ns(self) -> int:
        """Time of the last trade in it, ns since the Unix epoch."""
        return epoch_ns(self.last_trade_time)


class ReferencePrice(Event, kw_only=True, gc=False):
    """The price that a venue's price rules refer to.

    Attributes:
        price: In the quote currency; ``None`` while there is none.
        transact_time: When it was valid, as sent.
    """

    kind: ClassVar[str] = "reference_price"

    price: float | None
    transact_time: int = 0

    @property
    def ts_transact_ns(self) -> int:
        """When it was valid, ns since the Unix epoch."""
        return epoch_ns(self.transact_time)


class Liquidation(Event, kw_only=True, gc=False):
    """An order by which the venue closes somebody's position.

    Attributes:
        side: Of the order, in the venue's spelling: ``SELL`` closes a long position.
        price: Limit price of the order.
        average_price: Of its fills.
        size: Of the order.
        filled_size: Filled so far.
        last_filled_size: Filled last.
        status: In the venue's words.
        transact_time: Of the last fill, as sent.
    """

    kind: ClassVar[str] = "liquidation"

    side: str
    price: float
    size: float
    average_price: float | None = None
    filled_size: float | None = None
    last_filled_size: float | None = None
    status: str = ""
    transact_time: int = 0

    @property
    def aggressor_side(self) -> AggressorSide | None:
        """The side of the order, which takes liquidity; ``None`` where it is not known."""
        return _SIDES.get(self.side.lower())

    @property
    def ts_transact_ns(self) -> int:
        """Time of the last fill, ns since the Unix epoch."""
        return epoch_ns(self.transact_time)
