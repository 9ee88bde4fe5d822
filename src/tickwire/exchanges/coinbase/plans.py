"""What the plain frames of Coinbase look like to the intake: after the first key."""

from __future__ import annotations

from tickwire.exchanges.coinbase.advanced_structs import AdvancedDelta, AdvancedTrade
from tickwire.exchanges.coinbase.exchange_structs import ExchangeDelta, ExchangeMatch
from tickwire.exchanges.intake import Key, Plan, Row

__all__ = ["ADVANCED", "EXCHANGE"]

EXCHANGE: dict[str, Plan] = {
    "match": Plan(
        "matches",
        ExchangeMatch(trade_id=0, size=0.0, price=0.0, symbol=""),
        (
            Key("trade_id", "int", "trade_id", number=1),
            Key("maker_order_id", "text", "maker_order_id", is_needed=False),
            Key("taker_order_id", "text", "taker_order_id", is_needed=False),
            Key("side", "text", "maker_side", also="is_buyer_maker", word="buy", other="sell"),
            Key("size", "float", "size"),
            Key("price", "float", "price"),
            Key("product_id", "symbol"),
            Key("sequence", "int", "sequence", is_needed=False),
            Key("time", "text", "time", is_needed=False),
        ),
        rule="plus one",
    ),
    "l2update": Plan(
        "level2",
        ExchangeDelta(symbol="", changes=[]),
        (
            Key("product_id", "symbol"),
            Key("changes", "sides"),
            Key("time", "text", "time", is_needed=False),
        ),
        row=Row(price=1, size=2, word=0, bid="buy", ask="sell"),
    ),
}
"""By ``type``."""

_OUTER = (
    Key("client_id", "drop", is_needed=False),
    Key("timestamp", "text", "sent"),
    Key("sequence_num", "int", number=1),
)

ADVANCED: dict[str, Plan] = {
    "market_trades": Plan(
        "market_trades",
        AdvancedTrade(symbol="", trade_id="", price=0.0, size=0.0),
        (
            Key("product_id", "symbol"),
            Key("trade_id", "int", "trade_id"),
            Key("price", "float", "price"),
            Key("size", "float", "size"),
            Key("time", "text", "time", is_needed=False),
            Key("side", "text", "maker_side", also="is_buyer_maker", word="BUY", other="SELL"),
        ),
        (
            *_OUTER,
            Key("events", "inside"),
            Key("type", "same", word='"update"'),
            Key("trades", "items"),
        ),
        rule="plus one",
        is_reversed=True,
    ),
    "l2_data": Plan(
        "level2",
        AdvancedDelta(symbol="", bids=[], asks=[], first_sequence=0, sequence=0),
        (
            Key("type", "same", word='"update"'),
            Key("product_id", "symbol"),
            Key("updates", "sides"),
        ),
        (
            *_OUTER[:2],
            Key("sequence_num", "int", "sequence", also="first_sequence", number=1),
            Key("events", "items"),
        ),
        rule="plus one",
        row=Row("price_level", "new_quantity", "side", bid="bid", ask="offer", time="event_time"),
    ),
}
"""By ``channel``."""
