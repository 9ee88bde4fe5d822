"""Local order books: the levels, and when they may be believed. Pure, and without a venue."""

from tickwire.book.book import (
    UPDATES_KEPT,
    Bbo,
    BookRules,
    BookState,
    BookStats,
    OrderBook,
    SnapshotRequest,
)
from tickwire.book.core import COMPILED, Ladder, Layout

__all__ = [
    "COMPILED",
    "UPDATES_KEPT",
    "Bbo",
    "BookRules",
    "BookState",
    "BookStats",
    "Ladder",
    "Layout",
    "OrderBook",
    "SnapshotRequest",
]
