"""Chooses the pump, compiled or its pure-Python twin, as for the wire core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire import PURE_FORCED
from ..wire.core import NOTICE as WIRE_NOTICE

__all__ = ["COMPILED", "NOTICE", "Batch", "Inbox", "Pump", "ReadBuffer"]

COMPILED = False
"""Whether the compiled pump is in use."""

NOTICE = WIRE_NOTICE
"""What a user should know of the two choices, to be told at the first connection."""

if TYPE_CHECKING:
    from ._inbox import Inbox
    from ._pump import Pump, ReadBuffer
    from ._receiver import Batch
else:
    if not PURE_FORCED:
        try:
            from ._inbox import Inbox
            from ._pump import Pump, ReadBuffer
            from ._receiver import Batch

            COMPILED = True
        except ImportError:
            NOTICE = WIRE_NOTICE or (
                "no compiled pump: using the pure-Python twin, several times slower; "
                "install a C compiler and reinstall tickwire (`tickwire doctor` tells more)"
            )
    if not COMPILED:
        from ._inbox_py import Inbox
        from ._pump_py import Pump, ReadBuffer
        from ._receiver_py import Batch
