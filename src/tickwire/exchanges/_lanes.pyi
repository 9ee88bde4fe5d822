from collections.abc import Callable, Iterable
from typing import Any

from tickwire.market import Event, Link, SequenceChain

class Lane:
    decode: Callable[[bytes], Any]
    symbol: str
    is_array: bool
    is_wrapped: bool
    chain: SequenceChain | None
    unlooked: int
    longest: int
    extra_events: int

class Lanes:
    def __init__(
        self,
        *,
        look: Callable[[Any, bytes, int], None],
        unjoined: Callable[[Any, Any, int | None, Link, list[Event]], None],
        general: Callable[[bytes, int, list[Event]], None],
    ) -> None: ...
    def add(self, name: str, lane: Lane) -> None: ...
    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None: ...
    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Event]) -> None: ...
    def deliver(
        self, lane: Lane, payload: bytes, decoded: Any, recv_ns: int, events: list[Event]
    ) -> None: ...
