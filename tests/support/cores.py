"""The wire cores that this process can test: the pure-Python twin always, the compiled one if
built."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

from tickwire.wire import fallback

PURE_FORCED = os.environ.get("TICKWIRE_PURE", "") not in ("", "0")

NOT_BUILT = "the compiled wire core is not built"


def compiled_wire() -> Any:
    """The compiled module, or ``None``."""
    try:
        return importlib.import_module("tickwire.wire._wire")
    except ImportError:
        return None


COMPILED = compiled_wire()

CORES = [
    pytest.param(fallback, id="twin"),
    pytest.param(
        COMPILED, id="compiled", marks=pytest.mark.skipif(COMPILED is None, reason=NOT_BUILT)
    ),
]


def outcome(core: Any, pieces: list[bytes], **options: Any) -> tuple[Any, ...]:
    """All that a parser tells once fed ``pieces``: events, failure, close code and reason."""
    parser = core.MessageParser(**options)
    events: list[tuple[int, bytes]] = []
    for piece in pieces:
        events += parser.feed(piece)
    return events, parser.failure, parser.close_code, parser.close_reason
