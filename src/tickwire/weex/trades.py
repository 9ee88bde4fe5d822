"""Every trade once: what was seen, and what was before. Pure.

The venue's ids have no order, and every subscription begins with the last few trades. The first of
these lists is from before the program asked; a later one, after a reconnect, holds what was missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tickwire.exchanges.weex.structs import WeexTrade

__all__ = ["SeenTrades"]

_IDS_KEPT = 4096


class SeenTrades:
    """The trades of one channel that were delivered, or are not to be."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        self._newest_ms = 0
        self._first_history_ms: int | None = None

    def is_new(self, trade: WeexTrade) -> bool:
        """Whether to deliver it; it is known from then on."""
        if trade.trade_id in self._ids:
            return False
        self._ids[trade.trade_id] = None
        if len(self._ids) > _IDS_KEPT:
            del self._ids[next(iter(self._ids))]
        if trade.is_history and self._is_from_before(trade):
            return False
        self._newest_ms = max(self._newest_ms, trade.transact_time)
        return True

    def _is_from_before(self, trade: WeexTrade) -> bool:
        if not self._newest_ms and self._first_history_ms is None:
            self._first_history_ms = trade.event_time
        # Of a message from before all live trades, or older than what was delivered.
        return trade.event_time == self._first_history_ms or trade.transact_time < self._newest_ms
