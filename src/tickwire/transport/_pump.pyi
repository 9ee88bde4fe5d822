import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from typing_extensions import Buffer

from ..wire.deflate import Deflater
from ._inbox import Inbox
from ._receiver import Receiver

class ReadBuffer: ...

class Pump(Receiver):
    fd: int
    last_byte_mono_ns: int
    bytes_received: int
    messages_sent: int
    can_send: bool
    deflater: Deflater | None
    message_open: bool
    retry_due: bool
    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        io_loop: Any,
        fd: int,
        easy: int,
        recv_address: int,
        send_address: int,
        buffer: ReadBuffer,
        plain: bool,
        max_message_size: int,
        inbox: Inbox,
        on_message: Callable[[bytes, int], object] | None,
        send_queue_size: int,
        max_send_batch_size: int,
        coalesce_frames: bool,
        recv_time_slice: float,
        send_time_slice: float,
        max_frame_payload: int,
    ) -> None: ...
    def start(self) -> None: ...
    def detach(self) -> None: ...
    def disown(self) -> None: ...
    def discard_incoming(self) -> None: ...
    def hold(self) -> None: ...
    def go_on(self) -> None: ...
    def read_now(self) -> None: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def send_queue_length(self) -> int: ...
    @property
    def has_room(self) -> bool: ...
    @property
    def has_room_for_fragment(self) -> bool: ...
    @property
    def unsent_bytes(self) -> int: ...
    @property
    def is_flushed(self) -> bool: ...
    def send(
        self, payload: str | Buffer, flags: int | None = None, timeout: float | None = None
    ) -> Coroutine[Any, Any, None]: ...
    def send_str(
        self, payload: str, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, None]: ...
    def send_bytes(
        self, payload: Buffer, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, None]: ...
    def put_frame(
        self, opcode: int, payload: Buffer, fin: bool = ..., rsv1: bool = ...
    ) -> None: ...
    def flush_now(self) -> None: ...
