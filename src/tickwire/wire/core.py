"""Chooses the wire core: the compiled one, or its pure-Python twin.

``TICKWIRE_PURE=1`` forces the twin. Without a compiled core (no compiler when the package was
built) the twin is taken too; :data:`NOTICE` says so, to be told at the first connection.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

__all__ = [
    "COMPILED",
    "NOTICE",
    "PURE_FORCED",
    "MaskKeys",
    "MessageParser",
    "encode_frame",
    "is_utf8",
]

PURE_FORCED = os.environ.get("TICKWIRE_PURE", "") not in ("", "0")
"""Whether ``TICKWIRE_PURE`` asks for the pure-Python twin."""

COMPILED = False
"""Whether the compiled core is in use."""

NOTICE = ""
"""What a user should know of the choice; empty if there is nothing."""

if TYPE_CHECKING:
    from ._wire import MaskKeys, MessageParser, encode_frame, is_utf8
else:
    if not PURE_FORCED:
        try:
            from ._wire import MaskKeys, MessageParser, encode_frame, is_utf8

            COMPILED = True
        except ImportError:
            NOTICE = (
                "no compiled core: using the pure-Python twin, several times slower; "
                "install a C compiler and reinstall tickwire (`tickwire doctor` tells more)"
            )
    if not COMPILED:
        from .fallback import MaskKeys, MessageParser, encode_frame, is_utf8
