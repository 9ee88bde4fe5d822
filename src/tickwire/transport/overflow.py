"""What happens to a message that finds the receive queue full: policies, by name.

``block`` loses nothing here: the reader stops and TCP pushes back (the venue may then drop, or cut
a slow client). The others keep the connection flowing and lose messages; every loss is counted, and
told in order with the messages: ``Message.lost`` and ``Batch.lost`` say how many are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Conflate", "OverflowCode", "OverflowPolicy", "conflate", "overflow_code"]


class OverflowCode(IntEnum):
    """The policies as numbers; the compiled inbox has the same ones."""

    BLOCK = 0
    FAIL = 1
    DROP_OLDEST = 2
    DROP_NEWEST = 3
    CONFLATE = 4


@dataclass(frozen=True, slots=True)
class Conflate:
    """Keep only the newest message of each key while the queue is full.

    A message whose key is queued takes the place of the older one, so that no key waits longer than
    before; one whose key is not queued pushes out the oldest message, and so does one that is too
    large for the bytes of the queue. Not for delta streams: a
    conflated delta is a hole.

    Attributes:
        key: Called with a message's bytes, only while the queue is full. An exception in it ends
            the connection.
    """

    key: Callable[[bytes], Hashable]


def conflate(key: Callable[[bytes], Hashable]) -> Conflate:
    """The policy ``conflate(key)``; see :class:`Conflate`."""
    return Conflate(key)


OverflowPolicy = str | Conflate
"""``"block"``, ``"fail"``, ``"drop_oldest"``, ``"drop_newest"``, or :func:`conflate`."""

_NAMES = {
    "block": OverflowCode.BLOCK,
    "fail": OverflowCode.FAIL,
    "drop_oldest": OverflowCode.DROP_OLDEST,
    "drop_newest": OverflowCode.DROP_NEWEST,
}


def overflow_code(policy: OverflowPolicy) -> tuple[int, Callable[[bytes], Hashable] | None]:
    """The number and the key function of a policy.

    Raises:
        ValueError: No such policy (caller's fault).
    """
    if isinstance(policy, Conflate):
        return int(OverflowCode.CONFLATE), policy.key
    if policy not in _NAMES:
        known = ", ".join(map(repr, _NAMES))
        raise ValueError(f"overflow is one of {known} or conflate(key), not {policy!r}")
    return int(_NAMES[policy]), None
