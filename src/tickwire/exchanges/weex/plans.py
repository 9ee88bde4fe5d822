"""What the plain frames of WEEX look like to the intake: from the key after ``e`` on."""

from __future__ import annotations

from tickwire.exchanges.intake import Key, Plan
from tickwire.exchanges.weex.structs import WeexDelta, WeexTrade

__all__ = ["PLANS"]

PLANS: dict[str, Plan] = {
    "trade": Plan(
        "trade",
        WeexTrade(transact_time=0, trade_id="", price=0.0, size=0.0, is_buyer_maker=False),
        (
            Key("T", "int", "transact_time"),
            Key("t", "text", "trade_id"),
            Key("p", "float", "price"),
            Key("q", "float", "size"),
            Key("v", "float", "quote_size", is_needed=False),
            Key("m", "bool", "is_buyer_maker"),
        ),
        (Key("E", "int", "event_time"), Key("s", "symbol"), Key("d", "items")),
        place="row_number",
    ),
    "depth": Plan(
        "depth",
        WeexDelta(event_time=0, symbol="", prev_sequence=0, sequence=0, level=0, bids=[], asks=[]),
        (
            Key("E", "int", "event_time"),
            Key("s", "symbol"),
            Key("U", "int", "prev_sequence", number=2),
            Key("u", "int", "sequence", number=1),
            Key("l", "int", "level", number=4),
            Key("b", "bids"),
            Key("a", "asks"),
        ),
        rule="linked",
        sets_first=True,
    ),
}
"""By event."""
