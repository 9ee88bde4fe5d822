"""What is asked of a venue on every connection, and how it is taken back. Pure.

A subscription is a message in the venue's own words (a dictionary, text or bytes), or, with a
codec, a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tickwire.exchanges import Codec

__all__ = ["Subscriptions", "frame_of", "opposite"]

# Where venues' requests say what they want: Binance; OKX and Bybit; Coinbase; WEEX; others.
_VERBS = ("method", "op", "type", "event", "action")
_OPPOSITES = {
    "subscribe": "unsubscribe",
    "SUBSCRIBE": "UNSUBSCRIBE",
    "Subscribe": "Unsubscribe",
}


def frame_of(message: Any) -> str | bytes:
    """A message as it is sent: text and bytes as they are, anything else as JSON text.

    Raises:
        TypeError: It cannot be written as JSON (caller's fault).
    """
    return message if isinstance(message, str | bytes) else orjson.dumps(message).decode()


def opposite(message: Any) -> Any:
    """The request that takes ``message`` back, as most venues spell it.

    Raises:
        ConfigurationError: It does not follow from the message. Retry: with the message itself.
    """
    if isinstance(message, dict):
        for verb in _VERBS:
            word = message.get(verb)
            if isinstance(word, str) and word in _OPPOSITES:
                return message | {verb: _OPPOSITES[word]}
    raise ConfigurationError(
        "what ends this subscription does not follow from it: give the message, "
        "unsubscribe(subscription, message=…)"
    )


class Subscriptions:
    """The wanted set, in the order in which it was asked for; nothing is in it twice.

    Args:
        wanted: Messages, or streams where there is a codec.
        typed: Whether they are streams.
    """

    def __init__(self, wanted: Iterable[Any], *, typed: bool) -> None:
        self._typed = typed
        self._wanted: list[Any] = []
        for item in wanted:
            self.add(item)

    def __len__(self) -> int:
        return len(self._wanted)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._wanted)

    def __contains__(self, item: Any) -> bool:
        return self._key(item) in map(self._key, self._wanted)

    def add(self, item: Any) -> bool:
        """Want ``item`` from now on; tells whether it is new."""
        if item in self:
            return False
        frame_of(str(item) if self._typed else item)  # raises now rather than at the next connect
        self._wanted.append(item)
        return True

    def discard(self, item: Any) -> bool:
        """Want it no more; tells whether it was wanted."""
        kept = [other for other in self._wanted if self._key(other) != self._key(item)]
        found = len(kept) < len(self._wanted)
        self._wanted = kept
        return found

    def named(self, name: str) -> Any:
        """The wanted stream of this name, with the symbol that the program gave it; or the name."""
        return next((item for item in self._wanted if str(item) == name), name)

    def frames(
        self, codec: Codec | None, now_ns: int, items: Sequence[Any] | None = None
    ) -> list[str | bytes]:
        """What a connection has to send for ``items``; a new one, for everything.

        ``now_ns`` is since the Unix epoch.
        """
        wanted = self._wanted if items is None else items
        if codec is None:
            return [frame_of(message) for message in wanted]
        if not wanted:
            return []
        return [frame.decode() for frame in codec.subscribe(wanted, now_ns)]

    def _key(self, item: Any) -> Any:
        return str(item) if self._typed else frame_of(item)
