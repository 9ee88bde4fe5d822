"""Chooses the ladder, compiled or its pure-Python twin, as for the wire core."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tickwire.wire import COMPILED as WIRE_COMPILED
from tickwire.wire import PURE_FORCED

__all__ = ["COMPILED", "Ladder", "Layout"]

COMPILED = False
"""Whether the compiled core is in use."""

if TYPE_CHECKING:
    from ._ladder import Ladder, Layout
else:
    if not PURE_FORCED:
        try:
            from ._ladder import Ladder, Layout

            COMPILED = True
        except ImportError:
            if WIRE_COMPILED:  # else the wire core has said it
                logging.getLogger("tickwire").warning(
                    "no compiled ladder: using the pure-Python twin, many times slower; "
                    "install a C compiler and reinstall tickwire (`tickwire doctor` tells more)"
                )
    if not COMPILED:
        from .fallback import Ladder, Layout
