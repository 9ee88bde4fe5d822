"""Stands between a pump and libcurl's two byte functions, and has the faults that a test asks for.

The pump, compiled or not, calls ``curl_easy_recv`` and ``curl_easy_send`` by their addresses; here
they get the addresses of functions that first ask the test what to do.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from tickwire.transport import libcurl
from tickwire.transport.libcurl import ByteFunctions

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

__all__ = ["AGAIN", "OK", "RECV_ERROR", "SEND_ERROR", "Interposed", "interpose"]

OK = 0
SEND_ERROR = 55
RECV_ERROR = 56
AGAIN = 81

_byte_function = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
)


class Interposed:
    """The two functions, with what a test wants of them.

    Attributes:
        on_recv, on_send: Called with the number of bytes that the pump asked for; an ``int`` other
            than 0 is returned to it as libcurl's code. ``None`` lets the call through.
        recv_limit, send_limit: At most as many bytes are let through by one call.
        offered: What each call of ``curl_easy_send`` was given, if ``keep_offered`` is set.
        sends, recvs: Calls so far.
    """

    def __init__(self) -> None:
        real = libcurl.byte_functions()
        self._real_recv = _byte_function(real.recv)
        self._real_send = _byte_function(real.send)
        self._recv_thunk = _byte_function(self._recv)
        self._send_thunk = _byte_function(self._send)
        self.on_recv: Callable[[int], int | None] = lambda size: None
        self.on_send: Callable[[int], int | None] = lambda size: None
        self.recv_limit = 1 << 30
        self.send_limit = 1 << 30
        self.keep_offered = False
        self.offered: list[bytes] = []
        self.sends = 0
        self.recvs = 0

    @property
    def addresses(self) -> ByteFunctions:
        return ByteFunctions(
            ctypes.cast(self._recv_thunk, ctypes.c_void_p).value or 0,
            ctypes.cast(self._send_thunk, ctypes.c_void_p).value or 0,
        )

    def _recv(
        self, easy: int, into: int, size: int, moved: ctypes._Pointer[ctypes.c_size_t]
    ) -> int:
        self.recvs += 1
        code = self.on_recv(size)
        if code is not None:
            moved[0] = 0
            return code
        return int(self._real_recv(easy, into, min(size, self.recv_limit), moved))

    def _send(
        self, easy: int, data: int, size: int, moved: ctypes._Pointer[ctypes.c_size_t]
    ) -> int:
        self.sends += 1
        if self.keep_offered:
            self.offered.append(ctypes.string_at(data, size))
        code = self.on_send(size)
        if code is not None:
            moved[0] = 0
            return code
        return int(self._real_send(easy, data, min(size, self.send_limit), moved))


def interpose(monkeypatch: pytest.MonkeyPatch) -> Interposed:
    """Let the connections made from here on go through an :class:`Interposed`."""
    between = Interposed()
    monkeypatch.setattr("tickwire.transport.session.byte_functions", lambda: between.addresses)
    return between
