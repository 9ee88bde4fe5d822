from collections.abc import Callable, Iterable
from typing import Any

from tickwire.exchanges.intake import Plan
from tickwire.market import Event

class Target:
    symbol: str
    numbers: dict[Any, Any] | None
    key: object
    floors: dict[Any, int] | None
    mark: int
    check: Callable[[Any, bytes, int, list[Event]], None] | None
    def __init__(
        self,
        symbol: str,
        *,
        numbers: dict[Any, Any] | None = None,
        key: object = "",
        floors: dict[Any, int] | None = None,
        mark: int = 0,
        check: Callable[[Any, bytes, int, list[Event]], None] | None = None,
    ) -> None: ...

class Shape:
    kind: str
    count: int
    def __init__(self, plan: Plan) -> None: ...

class Intake:
    def __init__(
        self,
        general: Callable[[bytes, int, list[Event]], None],
        *,
        ends: bytes,
        begin: int,
        look: Callable[[bytes, int, list[Event]], None] | None = None,
    ) -> None: ...
    def clear(self) -> None: ...
    def add(
        self,
        head: bytes,
        shape: Shape,
        *,
        start: int | None = None,
        target: Target | None = None,
        targets: dict[str, Target] | None = None,
        tail: bytes = b"",
        look_every: int = 0,
    ) -> None: ...
    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None: ...
    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Event]) -> None: ...
