"""Why a pump reports that its stream is over. The compiled pump has the same numbers."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["End"]


class End(IntEnum):
    """The kinds of end; what comes with each is in brackets."""

    PEER_CLOSE = 1
    """A close frame was read [nothing: the parser holds code and reason]."""
    VIOLATION = 2
    """The peer broke the protocol [nothing: the parser holds the failure]."""
    EOF = 3
    """The peer ended the TCP stream [nothing]."""
    RECV_ERROR = 4
    """libcurl could not read [its error number]."""
    SEND_ERROR = 5
    """libcurl could not write [its error number]."""
    CRASH = 6
    """An exception in our own code or in a callback [the exception]."""
    OVERFLOW = 7
    """The receive queue is full and the policy is to fail [nothing]."""
