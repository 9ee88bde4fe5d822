"""OKX, API v5."""

from tickwire.exchanges.okx.codec import OkxCodec
from tickwire.exchanges.okx.venue import OkxVenue

__all__ = ["OkxCodec", "OkxVenue"]
