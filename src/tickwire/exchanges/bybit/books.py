"""Bybit's local order books: what :class:`tickwire.book.OrderBook` needs to know of them.

The books of 25 to 1000 levels begin with the stream's own snapshot (:meth:`OrderBook.begin`).
``orderbook.full`` has none: there the book asks for one, :func:`snapshot_url` says where it is and
:func:`parse_snapshot` reads it.

Source: Bybit v5 documentation, "Orderbook", "Full Orderbook" (July 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec

from tickwire.book import BookRules, Layout, OrderBook
from tickwire.errors import CodecError
from tickwire.exchanges.bybit.structs import (
    BybitBookDelta,
    BybitBookSnapshot,
)
from tickwire.market import BookSnapshot, SequenceRule

if TYPE_CHECKING:
    from tickwire.book import SnapshotRequest

__all__ = ["BOOK_RULES", "new_book", "parse_snapshot", "snapshot_url"]

_DEEPEST = 10_000
_DATA = Layout(last="u", bids="b", asks="a", inside="data")
_RESULT = Layout(last="u", bids="b", asks="a", inside="result")
BOOK_RULES = BookRules(
    sequence=SequenceRule.PLUS_ONE, update=_DATA, snapshot=_RESULT, limit=_DEEPEST
)
"""The rules of every depth."""


class _Answer(msgspec.Struct):
    result: BybitBookDelta


_read_answer = msgspec.json.Decoder(_Answer, strict=False).decode


def new_book(symbol: str, *, numbers: Literal["float", "decimal"] = "float") -> OrderBook:
    """An empty book, to be fed with a codec's events of one topic.

    Raises:
        ConfigurationError: No such kind of numbers. Retry: no.
    """
    return OrderBook(symbol, BOOK_RULES, numbers=numbers)


def snapshot_url(
    request: SnapshotRequest, market: str = "spot", rest: str = "https://api.bybit.com"
) -> str:
    """What to GET for ``request`` of a full book; up to 10,000 levels a side."""
    symbol = quote(request.symbol, safe="")
    return f"{rest}/v5/market/full_orderbook?category={market}&symbol={symbol}"


def parse_snapshot(body: bytes) -> BookSnapshot:
    """The answer to :func:`snapshot_url`, for :meth:`OrderBook.receive_snapshot`.

    Raises:
        CodecError: It is no book. Retry: fetch again.
    """
    try:
        found = _read_answer(body).result
    except msgspec.DecodeError as error:
        raise CodecError(f"not a book: {error}") from error
    return BybitBookSnapshot(
        symbol=found.symbol,
        bids=found.bids,
        asks=found.asks,
        sequence=found.sequence,
        cross_sequence=found.cross_sequence,
    )
