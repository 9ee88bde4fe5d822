"""The ladders that this process can test: the twin always, the compiled one if it is built."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tickwire.book import fallback


def compiled_ladder() -> Any:
    """The compiled module, or ``None``."""
    try:
        return importlib.import_module("tickwire.book._ladder")
    except ImportError:
        return None


COMPILED_LADDER = compiled_ladder()
NOT_BUILT = "the compiled ladder is not built"
CORES = [
    pytest.param(fallback, id="twin"),
    pytest.param(
        COMPILED_LADDER,
        id="compiled",
        marks=pytest.mark.skipif(COMPILED_LADDER is None, reason=NOT_BUILT),
    ),
]
KEYS = {
    "first": "U",
    "last": "u",
    "previous": "pu",
    "time": "E",
    "bids": "b",
    "asks": "a",
    "inside": "data",
}
