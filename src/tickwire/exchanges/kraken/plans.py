"""What the plain frames of Kraken look like to the intake: from the key after ``channel`` on."""

from __future__ import annotations

from tickwire.exchanges.intake import Key, Plan, Row
from tickwire.exchanges.kraken.structs import KrakenDelta, KrakenTrade

__all__ = ["PLANS"]

PLANS: dict[str, Plan] = {
    "trade": Plan(
        "trade",
        KrakenTrade(symbol="", side="", price=0.0, size=0.0, trade_id=0),
        (
            Key("symbol", "symbol"),
            Key("side", "text", "side", also="is_buyer_maker", word="sell", other="buy"),
            Key("price", "float", "price"),
            Key("qty", "float", "size"),
            Key("ord_type", "text", "order_type", is_needed=False),
            Key("trade_id", "int", "trade_id", number=1),
            Key("timestamp", "text", "time", is_needed=False),
        ),
        (Key("type", "drop", is_needed=False), Key("data", "items")),
        rule="plus one",
        is_lax=False,
    ),
    "book": Plan(
        "book",
        KrakenDelta(symbol="", depth=0, checksum=0, bids=[], asks=[]),
        (
            Key("symbol", "symbol"),
            Key("bids", "bids"),
            Key("asks", "asks"),
            Key("checksum", "int", "checksum"),
            Key("timestamp", "text", "time", is_needed=False),
        ),
        (Key("type", "same", word='"update"'), Key("data", "items")),
        is_lax=False,
        row=Row(price="price", size="qty", word=""),
    ),
}
"""By channel."""
