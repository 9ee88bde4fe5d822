"""The receive queues that this process can test: the twin always, the compiled one if built."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tickwire.transport import _inbox_py

__all__ = ["COMPILED_INBOX", "INBOXES"]


def _compiled() -> Any:
    try:
        return importlib.import_module("tickwire.transport._inbox").Inbox
    except ImportError:
        return None


COMPILED_INBOX = _compiled()

INBOXES = [
    pytest.param(_inbox_py.Inbox, id="twin"),
    pytest.param(
        COMPILED_INBOX,
        id="compiled",
        marks=pytest.mark.skipif(COMPILED_INBOX is None, reason="the compiled inbox is not built"),
    ),
]
