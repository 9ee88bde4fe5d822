"""Chooses the relay, compiled or its pure-Python twin, as for the wire core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tickwire.wire import PURE_FORCED

__all__ = ["COMPILED", "Relay"]

COMPILED = False
"""Whether the compiled relay is in use."""

if TYPE_CHECKING:
    from ._relay import Relay
else:
    if not PURE_FORCED:
        try:
            from ._relay import Relay

            COMPILED = True
        except ImportError:
            # The wire core has said it, if there is no compiler; the result is the same.
            COMPILED = False
    if not COMPILED:
        from ._relay_py import Relay
