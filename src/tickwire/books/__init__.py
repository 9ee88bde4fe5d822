"""Local order books of many symbols, kept by themselves: streams, snapshots, resyncs."""

from tickwire.books.books import Books, BooksStats
from tickwire.books.changes import BookChange, Changes
from tickwire.books.snapshots import SnapshotError

__all__ = ["BookChange", "Books", "BooksStats", "Changes", "SnapshotError"]
