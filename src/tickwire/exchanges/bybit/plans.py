"""What the plain frames of Bybit look like to the intake: from the key after ``topic`` on."""

from __future__ import annotations

from tickwire.exchanges.bybit.structs import BybitBookDelta, BybitTrade
from tickwire.exchanges.bybit.topics import Kind
from tickwire.exchanges.intake import Key, Plan

__all__ = ["PLANS"]

PLANS: dict[str, Plan] = {
    Kind.TRADE: Plan(
        str(Kind.TRADE),
        BybitTrade(transact_time=0, symbol="", side="", size=0.0, price=0.0, trade_id=""),
        (
            Key("T", "int", "transact_time"),
            Key("s", "drop"),
            Key("S", "text", "side", also="is_buyer_maker", word="Sell", other="Buy"),
            Key("v", "float", "size"),
            Key("p", "float", "price"),
            Key("L", "text", "tick_direction", is_needed=False),
            Key("i", "text", "trade_id"),
            Key("BT", "bool", "is_block", is_needed=False),
            Key("RPI", "bool", "is_rpi", is_needed=False),
            Key("seq", "int", "sequence", is_needed=False),
        ),
        (
            Key("type", "drop", is_needed=False),
            Key("ts", "int", "event_time", is_needed=False),
            Key("data", "items"),
        ),
    ),
    Kind.BOOK: Plan(
        str(Kind.BOOK),
        BybitBookDelta(symbol="", bids=[], asks=[], sequence=0),
        (
            Key("s", "drop"),
            Key("b", "bids"),
            Key("a", "asks"),
            Key("u", "int", "sequence", also="first_sequence", number=1),
            Key("seq", "int", "cross_sequence", number=3),
        ),
        (
            Key("type", "same", word='"delta"'),
            Key("ts", "int", "event_time"),
            Key("data", "items"),
            Key("cts", "int", "transact_time", is_needed=False),
        ),
        rule="plus one",
    ),
}
"""By kind."""
