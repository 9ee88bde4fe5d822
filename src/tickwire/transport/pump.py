"""Chooses the pump, compiled or its pure-Python twin, as for the wire core."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..wire import COMPILED as WIRE_COMPILED
from ..wire import PURE_FORCED

__all__ = ["COMPILED", "Batch", "Inbox", "Pump", "ReadBuffer"]

COMPILED = False
"""Whether the compiled pump is in use."""

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
            if WIRE_COMPILED:  # else the wire core has said it
                logging.getLogger("tickwire").warning(
                    "no compiled pump: using the pure-Python twin, several times slower; "
                    "install a C compiler and reinstall tickwire (`tickwire doctor` tells more)"
                )
    if not COMPILED:
        from ._inbox_py import Inbox
        from ._pump_py import Pump, ReadBuffer
        from ._receiver_py import Batch
