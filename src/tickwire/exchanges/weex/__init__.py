"""WEEX: V3 and the older V2, contracts and spot, public and private. Pure."""

from tickwire.exchanges.weex.codec import WeexCodec
from tickwire.exchanges.weex.legacy import WeexLegacyCodec
from tickwire.exchanges.weex.venue import WeexVenue

__all__ = ["WeexCodec", "WeexLegacyCodec", "WeexVenue"]
