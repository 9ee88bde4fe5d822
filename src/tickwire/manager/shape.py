"""What a managed stream delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.exchanges import RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges import Codec, Liveness

__all__ = ["Shape"]


class Shape:
    """The kind of items, and whether they can be told apart.

    Attributes:
        raw: Bytes instead of objects.
        events: Whether records stand in the stream.
        codec: Makes the codec of a connection, or ``None``.
        identity: The program's own identity function, or ``None``.
        liveness: What the codec's venue asks for, or ``None``.
    """

    def __init__(
        self,
        *,
        raw: bool,
        events: bool,
        codec: Callable[[], Codec] | None,
        identity: Callable[[Any], Any] | None,
    ) -> None:
        self.raw = raw
        self.events = events
        self.codec = codec
        self.identity = identity
        sample = None if codec is None else codec()
        self.identified = identity is not None or hasattr(sample, "identify")
        self.liveness: Liveness | None = getattr(sample, "liveness", None)
        self.rate_limits: RateLimits = getattr(sample, "rate_limits", RateLimits())
