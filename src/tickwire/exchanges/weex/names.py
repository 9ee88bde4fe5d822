"""What WEEX calls its products, channels and intervals. Tables first, then what reads them.

A V3 channel is ``<SYMBOL>@<channel>``: ``BTCUSDT@depth200``. The venue counts rejected requests and
ends a connection at the sixth, so names are checked here before they are sent.

Sources: the vendor's V3 and V2 WebSocket pages (contract and spot) as of September 2026.
"""

from __future__ import annotations

import re
from typing import Literal

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream

__all__ = [
    "DEPTH_LEVELS",
    "INTERVALS",
    "LEGACY_INTERVALS",
    "PRICE_TYPES",
    "PRIVATE",
    "PRODUCTS",
    "REST_HOSTS",
    "STREAM_HOSTS",
    "Product",
    "as_product",
    "check_level",
    "internal_symbol",
    "parse_stream",
    "venue_symbol",
]

Product = Literal["contract", "spot"]
PRODUCTS: tuple[Product, ...] = ("contract", "spot")

STREAM_HOSTS: dict[Product, str] = {
    "contract": "wss://ws-contract.weex.com",
    "spot": "wss://ws-spot.weex.com",
}
REST_HOSTS: dict[Product, str] = {
    "contract": "https://api-contract.weex.com",
    "spot": "https://api-spot.weex.com",
}

PRIVATE: dict[Product, tuple[str, ...]] = {
    "contract": ("account", "positions", "orders", "fill"),
    "spot": ("account", "orders", "fill"),
}
"""Private channels: they have no symbol."""
DEPTH_LEVELS = (15, 200)
PRICE_TYPES = ("LAST_PRICE", "MARK_PRICE")
INTERVALS: dict[Product, tuple[str, ...]] = {
    # The contract pages list more; only these were seen to be taken, and a refusal is counted.
    "contract": ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w"),
    "spot": ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w", "1M"),
}
LEGACY_INTERVALS: dict[str, str] = {
    "1m": "MINUTE_1",
    "5m": "MINUTE_5",
    "15m": "MINUTE_15",
    "30m": "MINUTE_30",
    "1h": "HOUR_1",
    "2h": "HOUR_2",
    "4h": "HOUR_4",
    "6h": "HOUR_6",
    "8h": "HOUR_8",
    "12h": "HOUR_12",
    "1d": "DAY_1",
    "1w": "WEEK_1",
    "1M": "MONTH_1",
}
"""What V2 calls the intervals."""

_SEPARATORS = str.maketrans("", "", "-/_ ")
_SYMBOL = re.compile(r"[A-Z0-9]{2,40}")
_SPOT_SUFFIX = "_SPBL"
_CONTRACT_PREFIX = "cmt_"
_DEFAULT_DEPTH = "depth15"


def venue_symbol(symbol: str) -> str:
    """``btc-usdt``, ``BTC/USDT``, ``cmt_btcusdt`` or ``BTCUSDT_SPBL`` → ``BTCUSDT``.

    Raises:
        ConfigurationError: It is no symbol. Retry: no.
    """
    plain = symbol.removeprefix(_CONTRACT_PREFIX)
    if plain.upper().endswith(_SPOT_SUFFIX):
        plain = plain[: -len(_SPOT_SUFFIX)]
    plain = plain.translate(_SEPARATORS).upper()
    if not _SYMBOL.fullmatch(plain):
        raise ConfigurationError(f"{symbol!r} is no symbol: write BTC-USDT or BTCUSDT")
    return plain


def internal_symbol(symbol: str, product: Product) -> str:
    """What V2, and V3's refusals, call an instrument: ``cmt_btcusdt``, ``BTCUSDT_SPBL``."""
    plain = venue_symbol(symbol)
    if product == "contract":
        return _CONTRACT_PREFIX + plain.lower()
    return plain + _SPOT_SUFFIX


def check_level(level: int) -> int:
    """The depth of the channel that has ``level`` levels: 15 for up to 15, else 200.

    Raises:
        ConfigurationError: No channel is that deep. Retry: no.
    """
    for depth in DEPTH_LEVELS:
        if 1 <= level <= depth:
            return depth
    raise ConfigurationError(f"WEEX sends 15 or 200 levels; level={level} is not within that")


def parse_stream(name: str, product: Product, symbol: str = "") -> Stream:
    """What a V3 channel name means; ``symbol`` is what its events are to carry.

    Raises:
        ConfigurationError: The product has no such channel. Retry: no.
    """
    if name in PRIVATE[product]:
        return Stream(name, name, symbol)
    instrument, at, channel = name.partition("@")
    if not at or not _SYMBOL.fullmatch(instrument.upper()):
        known = ", ".join(PRIVATE[product])
        raise ConfigurationError(f"{name!r} is no channel: write BTCUSDT@trade, or one of {known}")
    if channel == "depth":
        channel = _DEFAULT_DEPTH
    return Stream(f"{instrument.upper()}@{channel}", _kind(channel, product), symbol)


def _kind(channel: str, product: Product) -> str:
    if channel in ("ticker", "trade"):
        return channel
    if channel == "bookTicker":
        if product == "spot":
            return channel
        raise ConfigurationError("WEEX has bookTicker on spot only; contracts have depth15")
    head, _, rest = channel.partition("_")
    if head == "kline":
        interval, _, price_type = rest.partition("_")
        one = f"one of {', '.join(INTERVALS[product])}"
        if interval not in INTERVALS[product]:
            raise ConfigurationError(f"WEEX {product} has no candles of {interval!r}; {one}")
        if price_type and price_type not in PRICE_TYPES:
            raise ConfigurationError(f"{price_type!r} is no price type; {', '.join(PRICE_TYPES)}")
        return "kline"
    if channel in {f"depth{level}" for level in DEPTH_LEVELS}:
        return "depth"
    raise ConfigurationError(f"WEEX has no channel {channel!r}; depth is depth15 or depth200")


def as_product(market: str) -> Product:
    """``market``, checked.

    Raises:
        ConfigurationError: There is no such product. Retry: no.
    """
    for product in PRODUCTS:
        if product == market:
            return product
    raise ConfigurationError(f"no market {market!r}; there are {', '.join(PRODUCTS)}")
