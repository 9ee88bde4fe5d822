"""What all tests share."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from hypothesis import HealthCheck, settings


def _is_compiled() -> bool:
    package = find_spec("tickwire")
    assert package is not None
    assert package.origin is not None
    wire = Path(package.origin).parent / "wire"
    return any(wire.glob("_wire*.so")) or any(wire.glob("_wire*.pyd"))


if not _is_compiled():
    # On a machine without a compiler the tests are about the twins, not about the notice that
    # programs get there (tests/unit/wire/test_core_choice.py is).
    os.environ.setdefault("TICKWIRE_PURE", "1")

# Two slow cores and a shared machine: hypothesis' own clock says nothing about the code here.
settings.register_profile(
    "tickwire", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("tickwire")
