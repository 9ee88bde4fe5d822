"""Bybit's subscribe and unsubscribe requests, and which of them an answer is to. Pure state.

One answer comes per request, with its ``req_id`` if the venue repeats it; what of a refused request
was wrong, it does not say. Source: Bybit v5 documentation, "Connect" (July 2026).
"""

from __future__ import annotations

import orjson

from tickwire.exchanges.bybit.topics import is_private

__all__ = ["TOPICS_PER_REQUEST", "Requests"]

TOPICS_PER_REQUEST = 10
"""What spot takes; the other markets take more, and one rule does for all."""
_OPEN_KEPT = 1024


class Requests:
    """What was asked on this connection and has not been answered."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[str, tuple[str, list[str]]] = {}

    def subscribe(self, topics: list[str]) -> list[bytes]:
        """The requests for ``topics``.

        Private ones go one by one: ``order`` and ``order.linear`` may not be in one request.
        """
        private = [[topic] for topic in topics if is_private(topic)]
        public = [topic for topic in topics if not is_private(topic)]
        return [self._request("subscribe", group) for group in private + _groups(public)]

    def unsubscribe(self, topics: list[str]) -> list[bytes]:
        """The requests that end ``topics``."""
        return [self._request("unsubscribe", group) for group in _groups(topics)]

    def take(self, number: str) -> tuple[str, list[str]]:
        """The operation and the topics of the request that an answer is to: without a number, of
        the oldest one. Nothing for an answer to no request."""
        return self._open.pop(number or next(iter(self._open), ""), ("", []))

    def reset(self) -> None:
        """A new connection. Numbers go on, so that no late answer can match."""
        self._open.clear()

    def _request(self, operation: str, topics: list[str]) -> bytes:
        self._count += 1
        number = str(self._count)
        self._open[number] = (operation, topics)
        while len(self._open) > _OPEN_KEPT:
            del self._open[next(iter(self._open))]
        return orjson.dumps({"req_id": number, "op": operation, "args": topics})


def _groups(topics: list[str]) -> list[list[str]]:
    size = TOPICS_PER_REQUEST
    return [topics[start : start + size] for start in range(0, len(topics), size)]
