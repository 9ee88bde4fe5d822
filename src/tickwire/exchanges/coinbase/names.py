"""Products and streams by name, the same for both markets.

A stream is named ``channel:PRODUCT``, in the venue's words: ``level2:BTC-USD``. Channels of the
account have no product. Three names are ours, since one channel of the venue is read in two ways:
``quote:BTC-USD`` is its ``ticker`` read as best bid and offer, ``orders``, ``fills`` and
``positions`` are parts of its ``user``.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream

__all__ = ["CHANNELS", "ChannelRow", "Market", "as_stream", "product_of", "stream", "wire_product"]

Market = Literal["advanced", "exchange"]

_PRODUCT = re.compile(r"[A-Z0-9.]+(?:-[A-Z0-9.]+)+", re.ASCII)
_OWN_USDC_BOOKS = frozenset({"USDT-USDC", "EURC-USDC"})


class ChannelRow(msgspec.Struct, frozen=True):
    """One way to read a channel.

    Attributes:
        wire: The venue's name of it.
        needs_login: Whether it is refused without.
        is_private: Whether it is about the account, and so has no product.
    """

    wire: str
    needs_login: bool = False
    is_private: bool = False


def _account(wire: str) -> ChannelRow:
    return ChannelRow(wire, needs_login=True, is_private=True)


CHANNELS: dict[Market, dict[str, ChannelRow]] = {
    "advanced": {
        "market_trades": ChannelRow("market_trades"),
        "quote": ChannelRow("ticker"),
        "ticker": ChannelRow("ticker"),
        "ticker_batch": ChannelRow("ticker_batch"),
        "level2": ChannelRow("level2"),
        "candles": ChannelRow("candles"),
        "orders": _account("user"),
        "positions": _account("user"),
        "futures_balance_summary": _account("futures_balance_summary"),
    },
    "exchange": {
        "matches": ChannelRow("matches"),
        "quote": ChannelRow("ticker"),
        "ticker": ChannelRow("ticker"),
        "ticker_batch": ChannelRow("ticker_batch"),
        "level2": ChannelRow("level2", needs_login=True),
        "level2_batch": ChannelRow("level2_batch"),
        "full": ChannelRow("full", needs_login=True),
        "orders": _account("user"),
        "fills": _account("user"),
        "balance": _account("balance"),
    },
}
"""What can be subscribed, by the first part of a stream's name."""


def product_of(symbol: str) -> str:
    """``btc/usd`` → ``BTC-USD``.

    Raises:
        ConfigurationError: It is no product's name. Retry: no.
    """
    product = symbol.upper().replace("/", "-").replace("_", "-")
    if not _PRODUCT.fullmatch(product):
        raise ConfigurationError(
            f"{symbol!r} is no product of Coinbase: it is written with its parts apart, BTC-USD"
        )
    return product


def wire_product(product: str, channel: str, market: Market) -> str:
    """The product to ask for: Advanced Trade serves public data of ``BTC-USDC`` as ``BTC-USD``, and
    puts that name on it ("WebSocket Channels", state of August 2026)."""
    if market == "exchange" or not product.endswith("-USDC") or product in _OWN_USDC_BOOKS:
        return product
    return product if CHANNELS[market][channel].is_private else product[:-1]


def stream(market: Market, channel: str, symbol: str = "") -> Stream:
    """The stream of a channel and a symbol; events carry the symbol as given.

    Raises:
        ConfigurationError: No such channel or symbol. Retry: no.
    """
    row = CHANNELS[market].get(channel)
    if row is None:
        offered = ", ".join(CHANNELS[market])
        raise ConfigurationError(f"coinbase ({market}) has no {channel!r}; it has {offered}")
    if row.is_private:
        if symbol:
            raise ConfigurationError(f"{channel} is of the whole account: name no product")
        return Stream(channel, channel, "")
    product = wire_product(product_of(symbol), channel, market)
    return Stream(f"{channel}:{product}", channel, symbol)


def as_stream(market: Market, item: Stream | str) -> Stream:
    """What was asked for; of a name, the stream whose events carry the venue's own symbol.

    Raises:
        ConfigurationError: As :func:`stream`. Retry: no.
    """
    name = str(item)
    channel, _, product = name.partition(":")
    known = stream(market, channel, product)
    if isinstance(item, str):
        return Stream(known.name, channel, known.name.partition(":")[2])
    if known.name != item.name:
        raise ConfigurationError(f"coinbase ({market}) writes {item.name!r} as {known.name!r}")
    return item
