"""What the plain frames of OKX look like to the intake: from the key ``data`` on."""

from __future__ import annotations

from tickwire.exchanges.intake import Key, Plan, Row
from tickwire.exchanges.okx.channels import Kind
from tickwire.exchanges.okx.structs import OkxBookDelta, OkxTrade

__all__ = ["PLANS"]

_OUTER = (Key("data", "items"),)

PLANS: dict[str, Plan] = {
    Kind.TRADE: Plan(
        str(Kind.TRADE),
        OkxTrade(trade_id=0, price=0.0, size=0.0, symbol="", side="", event_time=0),
        (
            Key("instId", "drop"),
            Key("tradeId", "int", "trade_id"),
            Key("px", "float", "price"),
            Key("sz", "float", "size"),
            Key("side", "text", "side", also="is_buyer_maker", word="sell", other="buy"),
            Key("ts", "int", "event_time", also="transact_time"),
            Key("count", "int", "count", is_needed=False),
            Key("source", "text", "source", is_needed=False),
            Key("seqId", "int", "sequence", is_needed=False),
        ),
        _OUTER,
    ),
    Kind.BOOK: Plan(
        str(Kind.BOOK),
        OkxBookDelta(symbol="", asks=[], bids=[], event_time=0),
        (
            Key("instId", "drop", is_needed=False),
            Key("asks", "asks"),
            Key("bids", "bids"),
            Key("ts", "int", "event_time"),
            # Any other one has to be compared with the book's digits.
            Key("checksum", "same", word="0", is_needed=False),
            # Recordings of 2022 have no numbers, and are for the general path.
            Key("prevSeqId", "int", "prev_sequence", number=2),
            Key("seqId", "int", "sequence", number=1),
        ),
        _OUTER,
        rule="linked",
        sets_first=True,
        may_repeat=True,
        row=Row(is_open=True),
    ),
}
"""By kind."""
