"""A WEEX-speaking server on this machine, over the same generated market as the Binance one."""

from tickwire.simulator.weex.account import AccountFrames, WeexAccount
from tickwire.simulator.weex.server import WeexSimulator

__all__ = ["AccountFrames", "WeexAccount", "WeexSimulator"]
