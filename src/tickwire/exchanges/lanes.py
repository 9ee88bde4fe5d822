"""Chooses the intake, compiled or its pure-Python twin, as for the wire core."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tickwire.wire import COMPILED as WIRE_COMPILED
from tickwire.wire import PURE_FORCED

__all__ = ["COMPILED", "Lane", "Lanes"]

COMPILED = False
"""Whether the compiled core is in use."""

if TYPE_CHECKING:
    from ._lanes import Lane, Lanes
else:
    if not PURE_FORCED:
        try:
            from ._lanes import Lane, Lanes

            COMPILED = True
        except ImportError:
            if WIRE_COMPILED:  # else the wire core has said it
                logging.getLogger("tickwire").warning(
                    "no compiled intake: using the pure-Python twin, slower; "
                    "install a C compiler and reinstall tickwire (`tickwire doctor` tells more)"
                )
    if not COMPILED:
        from ._lanes_py import Lane, Lanes
