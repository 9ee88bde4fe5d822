"""What the plain frames of Deribit look like to the intake: a push from the key ``data`` on."""

from __future__ import annotations

from tickwire.exchanges.deribit.structs import DeribitDelta, DeribitTrade
from tickwire.exchanges.intake import Key, Plan, Row

__all__ = ["PLANS"]

_OUTER = (Key("data", "items"),)

PLANS: dict[str, Plan] = {
    "trades": Plan(
        "trades",
        DeribitTrade(
            transact_time=0,
            price=0.0,
            size=0.0,
            direction="",
            symbol="",
            trade_seq=0,
            trade_id="",
        ),
        (
            Key("timestamp", "int", "transact_time"),
            Key("price", "float", "price"),
            Key("amount", "float", "size"),
            Key("direction", "text", "direction", also="is_buyer_maker", word="sell", other="buy"),
            Key("index_price", "float", "index_price", is_needed=False),
            Key("instrument_name", "symbol"),
            Key("trade_seq", "int", "trade_seq", number=1),
            Key("mark_price", "float", "mark_price", is_needed=False),
            Key("tick_direction", "int", "tick_direction", is_needed=False),
            Key("contracts", "float", "contracts", is_needed=False),
            Key("trade_id", "text", "trade_id"),
            Key("iv", "float", "iv", is_needed=False),
            Key("liquidation", "text", "liquidation", is_needed=False),
        ),
        _OUTER,
        rule="plus one",
        is_lax=False,
    ),
    "book": Plan(
        "book",
        DeribitDelta(symbol="", first_sequence=0, sequence=0, bids=[], asks=[]),
        (
            Key("type", "same", word='"change"'),
            Key("timestamp", "int", "event_time", also="transact_time"),
            Key("prev_change_id", "int", "prev_sequence", number=2),
            Key("instrument_name", "symbol"),
            Key("change_id", "int", "sequence", number=1),
            Key("bids", "bids"),
            Key("asks", "asks"),
        ),
        _OUTER,
        rule="linked",
        sets_first=True,
        is_lax=False,
        row=Row(price=1, size=2, word=0, gone="delete"),
    ),
}
"""By kind of channel."""
