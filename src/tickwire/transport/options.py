"""The tunable numbers of a connection, in one frozen object."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..wire import Deflate
from .overflow import OverflowCode, OverflowPolicy, overflow_code

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .retry import WebSocketRetryStrategy

__all__ = ["WebSocketOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketOptions:
    """What ``ws_connect`` takes besides network parameters.

    Attributes:
        recv_queue_size: Messages; the reader stops when the queue holds as many and ``read_ahead``
            is used up.
        recv_queue_bytes: Bytes; a second bound of the same queue. Under ``block`` it is looked at
            between two reads: what one read of up to 256 KiB brings is queued whole, and with
            compression that may be a thousand times as much.
        read_ahead: Bytes that are still read when the queue holds ``recv_queue_size`` messages, so
            that a ping is answered and a close is seen while the application sleeps.
        send_queue_size: Frames that may wait for the kernel before ``send`` waits.
        max_send_batch_size: Frames that coalescing puts into one write.
        coalesce_frames: Let the frames of one loop turn leave in one write, boundaries intact.
        recv_time_slice: Seconds that a reader may run before it gives way to the loop.
        max_message_size: Bytes; a larger message ends the connection with close code 1009.
        max_frame_payload: Bytes; a larger message is sent in fragments of this size.
        drain_on_error: Whether messages received before the connection broke are still handed over.
        compression: ``"deflate"`` offers permessage-deflate (RFC 7692) with its defaults, a
            :class:`Deflate` with others. The server may decline. Off by default: it costs latency.
        overflow: What happens to a message that finds the queue full: ``"block"`` (stop reading, so
            that TCP pushes back), ``"fail"`` (end the connection), ``"drop_oldest"``,
            ``"drop_newest"`` or :func:`conflate(key) <conflate>`.
        block_on_recv_queue_full: curl_cffi's name: ``False`` means ``overflow="fail"``.
        on_message: Called with each message's bytes and flags as it is parsed, instead of queueing
            it: the lowest latency there is. It runs in the reader, so it must not block; it may
            send, close and terminate; it must not be a coroutine function. An exception in it goes
            to the loop's exception handler, and the connection goes on.
        ping_interval: Seconds of silence after which the peer is pinged; ``None``: never.
        ping_timeout: Seconds after such a ping in which some byte must come, or the connection is
            dead.
        send_time_slice: Seconds that a writer may run before it gives way to the loop.
        skip_utf8_validation: Take text as it comes. ``recv_str`` then raises for what is not UTF-8
            (code 1007) and the connection goes on; without it such text ends the connection.
        ws_retry: Whether and how to read on after a failed receive; see
            :class:`WebSocketRetryStrategy`.
        autoclose: Whether to answer the peer's close frame and close; ``False`` leaves both to
            :meth:`~AsyncWebSocket.close`.
    """

    recv_queue_size: int = 128
    recv_queue_bytes: int = 16 * 1024 * 1024
    read_ahead: int = 256 * 1024
    send_queue_size: int = 128
    max_send_batch_size: int = 64
    coalesce_frames: bool = False
    recv_time_slice: float = 0.01
    max_message_size: int = 4 * 1024 * 1024
    max_frame_payload: int = 64 * 1024
    drain_on_error: bool = False
    compression: Literal["deflate"] | Deflate | None = None
    overflow: OverflowPolicy = "block"
    block_on_recv_queue_full: bool = True
    on_message: Callable[[bytes, int], object] | None = None
    ping_interval: float | None = None
    ping_timeout: float = 20.0
    send_time_slice: float = 0.005
    skip_utf8_validation: bool = False
    ws_retry: WebSocketRetryStrategy | None = None
    autoclose: bool = True

    def __post_init__(self) -> None:
        for name in (
            "recv_queue_size",
            "recv_queue_bytes",
            "send_queue_size",
            "max_send_batch_size",
            "max_message_size",
            "max_frame_payload",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.read_ahead < 0:
            raise ValueError(f"read_ahead must not be negative, not {self.read_ahead}")
        # Written so that nan is refused as well.
        if not self.recv_time_slice > 0:
            raise ValueError(f"recv_time_slice must be positive, not {self.recv_time_slice}")
        if not self.send_time_slice > 0:
            raise ValueError(f"send_time_slice must be positive, not {self.send_time_slice}")
        if self.ping_interval is not None and not self.ping_interval > 0:
            raise ValueError(f"ping_interval must be positive or None, not {self.ping_interval}")
        if not self.ping_timeout > 0:
            raise ValueError(f"ping_timeout must be positive, not {self.ping_timeout}")
        if self.on_message is not None and inspect.iscoroutinefunction(self.on_message):
            raise ValueError("on_message must be a plain function: it runs inside the reader")
        overflow_code(self.overflow)  # raises for a policy that is none
        if not (self.compression in (None, "deflate") or isinstance(self.compression, Deflate)):
            raise ValueError(
                f"compression is None, 'deflate' or a Deflate, not {self.compression!r}"
            )

    @property
    def overflow_code(self) -> tuple[int, Callable[[bytes], Hashable] | None]:
        """The overflow policy as a number, and its key function."""
        if not self.block_on_recv_queue_full:
            return int(OverflowCode.FAIL), None
        return overflow_code(self.overflow)

    @property
    def deflate(self) -> Deflate | None:
        """The permessage-deflate offer, if one is to be made."""
        return Deflate() if self.compression == "deflate" else self.compression
