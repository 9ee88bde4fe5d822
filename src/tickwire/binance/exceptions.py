"""The errors, where python-binance has them: ``from tickwire.binance.exceptions import …``."""

from __future__ import annotations

from tickwire.binance.errors import *  # noqa: F403
from tickwire.binance.errors import __all__ as __all__
