"""OKX's local order books: what :class:`tickwire.book.OrderBook` needs to know of them.

A book begins with the snapshot that the stream itself brings (:meth:`OrderBook.begin`), and each
update names the one before it. Should the stream ever begin without one, :func:`snapshot_url`
says where a snapshot is, and :func:`parse_snapshot` reads it.

Source: OKX API guide v5, "Order book" (August 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec

from tickwire.book import BookRules, Layout, OrderBook
from tickwire.errors import CodecError
from tickwire.exchanges.okx.structs import OkxBookSnapshot  # noqa: TC001 - msgspec reads it
from tickwire.exchanges.rows import as_levels
from tickwire.market import BookSnapshot, SequenceRule

if TYPE_CHECKING:
    from tickwire.book import SnapshotRequest

__all__ = ["BOOK_RULES", "new_book", "parse_snapshot", "snapshot_url"]


class _Answer(msgspec.Struct):
    data: list[OkxBookSnapshot]


_read_answer = msgspec.json.Decoder(_Answer, strict=False).decode

_DEEPEST = 400
_ITEM = Layout(last="seqId", previous="prevSeqId", bids="bids", asks="asks")
BOOK_RULES = BookRules(sequence=SequenceRule.LINKED, update=_ITEM, snapshot=_ITEM, limit=_DEEPEST)
"""The rules of ``books``, ``books-l2-tbt``, ``books50-l2-tbt`` and ``books-rpi``."""


def new_book(symbol: str, *, numbers: Literal["float", "decimal"] = "float") -> OrderBook:
    """An empty book, to be fed with a codec's events of one instrument.

    Raises:
        ConfigurationError: No such kind of numbers. Retry: no.
    """
    return OrderBook(symbol, BOOK_RULES, numbers=numbers)


def snapshot_url(request: SnapshotRequest, rest: str = "https://openapi.okx.com") -> str:
    """What to GET for ``request``: at most 40 times in 2 s from one address."""
    symbol = quote(request.symbol, safe="")
    return f"{rest}/api/v5/market/books?instId={symbol}&sz={request.limit}"


def parse_snapshot(body: bytes, symbol: str) -> BookSnapshot:
    """The answer to :func:`snapshot_url`, for :meth:`OrderBook.receive_snapshot`.

    Raises:
        CodecError: It is no book. Retry: fetch again.
    """
    try:
        found = _read_answer(body).data[0]
    except (msgspec.DecodeError, IndexError) as error:
        raise CodecError(f"not a book: {error}") from error
    found.symbol = symbol
    found.bids, found.asks = as_levels(found.bids), as_levels(found.asks)
    return found
