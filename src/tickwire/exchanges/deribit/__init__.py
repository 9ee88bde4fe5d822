"""Deribit: JSON-RPC over one address for public and private channels. Pure."""

from tickwire.exchanges.deribit.codec import DeribitCodec
from tickwire.exchanges.deribit.venue import DeribitVenue

__all__ = ["DeribitCodec", "DeribitVenue"]
