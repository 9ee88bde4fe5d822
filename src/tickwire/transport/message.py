"""What a connection hands over besides plain bytes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Message"]


class Message(NamedTuple):
    """One message with its arrival time.

    Attributes:
        payload: The message; yours to keep.
        flags: ``CurlWsFlag.TEXT`` or ``CurlWsFlag.BINARY``, as in ``recv()``.
        recv_ns: When the socket read that completed it returned: nanoseconds since the Unix epoch.
        mono_ns: The same instant on the monotonic clock, in nanoseconds; for durations.
        lost: Messages that an overflow policy dropped just before this one.
    """

    payload: bytes
    flags: int
    recv_ns: int
    mono_ns: int
    lost: int = 0
