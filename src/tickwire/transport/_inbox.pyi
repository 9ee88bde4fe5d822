from collections.abc import Callable, Hashable

class Inbox:
    count: int
    used: int
    dropped: int
    opcode: int
    wall: int
    mono: int
    lost: int
    def __init__(
        self,
        limit: int,
        limit_bytes: int,
        read_ahead: int,
        policy: int,
        key: Callable[[bytes], Hashable] | None,
    ) -> None: ...
    def __len__(self) -> int: ...
    def put(self, payload: bytes, opcode: int = ..., wall: int = ..., mono: int = ...) -> bool: ...
    def get(self) -> bytes: ...
