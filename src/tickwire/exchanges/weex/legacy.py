"""WEEX V2 frames in, typed events out: the older protocol, kept for as long as it answers.

One channel per request, no request numbers, long keys, and a pong that repeats the ping's time.
Rules and types that V3 shares are V3's. Not confirmed by any recording: how depth versions join
(taken to be V3's rule), and what an error frame has beyond its name.

Source: the vendor's V2 pages, which announce its end for September 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream
from tickwire.exchanges.numbers import DECIMAL_TWINS, Number, decimal_twin
from tickwire.exchanges.weex import structs
from tickwire.exchanges.weex.common import WeexBase, entry_price
from tickwire.exchanges.weex.names import (
    DEPTH_LEVELS,
    LEGACY_INTERVALS,
    PRICE_TYPES,
    PRIVATE,
    internal_symbol,
)
from tickwire.market import AccountEvent, Identity, Kline, Ticker, Trade

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.weex.names import Product
    from tickwire.market import Event

__all__ = ["V2_PATHS", "WeexLegacyCodec", "legacy_name", "parse_legacy"]

V2_PATHS = {False: "/v2/ws/public", True: "/v2/ws/private"}
"""By whether it is private."""
_HUNDRED = 100
_LENGTHS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPELLINGS = {interval: text for text, interval in LEGACY_INTERVALS.items()}


class LegacyTrade(Trade, kw_only=True, gc=False):
    """A row of ``trades``. V2 gives no ids."""

    symbol: str = ""
    transact_time: int = field(name="time")
    price: Number
    size: Number
    quote_size: Number | None = field(name="value", default=None)
    is_buyer_maker: bool = field(name="buyerMaker")
    trade_id: str = ""


class LegacyTicker(Ticker, kw_only=True, gc=False):
    """A row of ``ticker``. Without the window's open: that is last price less change."""

    symbol: str = ""
    price_change: Number = field(name="priceChange")
    change_fraction: Number = field(name="priceChangePercent")
    trade_count: int | None = field(name="trades", default=None)
    volume: Number = field(name="size")
    quote_volume: Number | None = field(name="value", default=None)
    open: Number = 0.0
    high: Number
    low: Number
    last_price: Number = field(name="lastPrice")
    mark_price: Number | None = field(name="markPrice", default=None)


class LegacyKline(Kline, kw_only=True, gc=False):
    """A row of ``kline``. See :class:`~tickwire.exchanges.weex.structs.WeexKline`. The end is not
    sent: it is the start and the interval; of months, 0."""

    symbol: str = ""
    interval: str = ""
    price_type: str = ""
    open_time: int = field(name="klineTime")
    close_time: int = 0
    volume: Number = field(name="size")
    quote_volume: Number | None = field(name="value", default=None)
    high: Number
    low: Number
    open: Number
    close: Number
    is_closed: bool = False


class _Level(Struct, gc=False):
    price: Number
    size: Number


class _Depth(Struct, gc=False):
    start: int = field(name="startVersion")
    end: int = field(name="endVersion")
    level: int
    kind: str = field(name="depthType")
    bid_levels: list[_Level] = field(name="bids")
    ask_levels: list[_Level] = field(name="asks")


class LegacyOrder(structs.WeexOrder, kw_only=True, gc=False):
    """A row of ``orders``: V3's, with the venue's internal symbol."""

    symbol: str = field(name="contractId", default="")
    pair: str = field(name="symbolName", default="")


class LegacyFill(structs.WeexFill, kw_only=True, gc=False):
    """A row of ``fill``."""

    commission_asset: str = field(name="coinId", default="")
    symbol: str = field(name="contractId", default="")
    pair: str = field(name="symbolName", default="")


class LegacyPosition(structs.WeexPosition, kw_only=True, gc=False):
    """A row of ``positions``."""

    symbol: str = field(name="contractId", default="")


class LegacyCollateral(structs.WeexContractBalance, kw_only=True, gc=False):
    """A row of ``account`` on contracts."""

    asset: str = field(name="coinId")
    is_liquidating: bool = field(name="isLiquidating", default=False)


class LegacyAsset(structs.WeexBalance, kw_only=True, gc=False):
    """A row of ``account`` on spot."""

    asset: str = field(name="coinId")


for _struct in (
    *(LegacyTrade, LegacyTicker, LegacyKline, _Level, _Depth),
    *(LegacyOrder, LegacyFill, LegacyPosition, LegacyCollateral, LegacyAsset),
):
    decimal_twin(_struct)

# The rows of a private push: under which key of `msg.data`, and what they are.
_PRIVATE_ROWS: dict[str, tuple[str, type[AccountEvent]]] = {
    "collateral": ("account", LegacyCollateral),
    "accountAsset": ("account", LegacyAsset),
    "position": ("positions", LegacyPosition),
    "order": ("orders", LegacyOrder),
    "orderFillTransaction": ("fill", LegacyFill),
}


class _Message(Struct, gc=False):
    time: int = 0
    data: dict[str, msgspec.Raw] = {}


class _Frame(Struct, gc=False):
    event: object = None
    channel: str = ""
    time: object = None
    data: msgspec.Raw = msgspec.Raw()
    msg: msgspec.Raw = msgspec.Raw()
    code: object = None


_read_frame = msgspec.json.Decoder(_Frame, strict=False).decode
_read_message = msgspec.json.Decoder(_Message, strict=False).decode


def legacy_name(stream: Stream, product: Product) -> str:
    """V2's name of what V3 calls ``stream``.

    Raises:
        ConfigurationError: V2 has no such channel. Retry: no.
    """
    if not stream.name.partition("@")[1]:
        return stream.name
    instrument, _, channel = stream.name.partition("@")
    inner = internal_symbol(instrument, product)
    if channel == "trade":
        return f"trades.{inner}"
    if channel == "ticker":
        return f"ticker.{inner}"
    if channel.startswith("depth"):
        return f"depth.{inner}.{channel.removeprefix('depth')}"
    if channel.startswith("kline_"):
        interval, _, price_type = channel.removeprefix("kline_").partition("_")
        return f"kline.{price_type or PRICE_TYPES[0]}.{inner}.{LEGACY_INTERVALS[interval]}"
    raise ConfigurationError(f"WEEX V2 has no {channel}; leave version out for V3")


def parse_legacy(name: str, product: Product, symbol: str = "") -> Stream:
    """What a V2 channel name means; ``symbol`` is what its events are to carry.

    Raises:
        ConfigurationError: The product has no such channel. Retry: no.
    """
    if name in PRIVATE[product]:
        return Stream(name, name, symbol)
    kind, *rest = name.split(".")
    is_known = (
        (kind in ("ticker", "trades") and len(rest) == 1)
        or (kind == "depth" and len(rest) == 2 and rest[1] in map(str, DEPTH_LEVELS))
        or (kind == "kline" and len(rest) == 3 and rest[2] in _SPELLINGS)
    )
    if not is_known:
        raise ConfigurationError(f"WEEX V2 has no channel {name!r}; write ticker.cmt_btcusdt")
    return Stream(name, kind, symbol)


class WeexLegacyCodec(WeexBase):
    """The codec of one WEEX V2 connection. See :class:`~tickwire.exchanges.base.Codec`."""

    path = V2_PATHS[True]

    def __init__(self, product: str = "contract", **settings: Any) -> None:
        """See :class:`~tickwire.exchanges.weex.common.WeexBase`."""
        super().__init__(product, **settings)
        self._read_trades = self._rows(LegacyTrade)
        self._read_tickers = self._rows(LegacyTicker)
        self._read_klines = self._rows(LegacyKline)
        self._read_depth = self._rows(_Depth)
        self._read_private = {
            key: (channel, self._rows(kind)) for key, (channel, kind) in _PRIVATE_ROWS.items()
        }

    def _rows(self, kind: Any) -> Callable[[bytes | msgspec.Raw], Any]:
        if self._numbers == "decimal":
            kind = DECIMAL_TWINS[kind]
        return msgspec.json.Decoder(list[kind], strict=False).decode

    def _as_stream(self, item: Stream | str) -> Stream:
        if isinstance(item, str):
            return self._streams.get(item) or parse_legacy(item, self.product)
        return parse_legacy(item.name, self.product, item.symbol)

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        self._forget_books(streams)
        return [_request("subscribe", stream.name) for stream in streams]

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        self._forget_books(streams)
        return [_request("unsubscribe", stream.name) for stream in streams]

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        head = _read_frame(frame)
        match head.event:
            case "payload":
                self._take_payload(head, frame, recv_ns, events)
            case "ping":
                self._send(msgspec.json.encode({"event": "pong", "time": head.time}))
            case "subscribed":
                self._accept(head.channel)
            case "connected" | "unsubscribed" | "pong":
                pass
            case "error":
                names = (head.channel,) if head.channel in self._states else ()
                reason = bytes(head.msg or head.data).decode(errors="replace") or "no reason given"
                self._refuse(reason, names)
            case _:
                self._unknown(head.event or head.channel or "(no event)", frame, recv_ns)

    def _take_payload(self, head: _Frame, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        kind, *rest = head.channel.split(".")
        if kind in PRIVATE[self.product]:
            self._take_private(head, frame, recv_ns, events)
        elif kind == "trades" and rest:
            self._take_rows(self._read_trades(head.data), head.channel, rest[0], recv_ns, events)
        elif kind == "ticker" and rest:
            rows = self._read_tickers(head.data)
            for ticker in rows:
                ticker.price_change_percent = ticker.change_fraction * _HUNDRED
                ticker.open = ticker.last_price - ticker.price_change
            self._take_rows(rows, head.channel, rest[0], recv_ns, events)
        elif kind == "kline" and len(rest) == 3 and rest[2] in _SPELLINGS:
            self._take_klines(head, rest, recv_ns, events)
        elif kind == "depth" and rest:
            self._take_depth(head, rest[0], recv_ns, events)
        else:
            self._unknown(head.channel, frame, recv_ns)

    def _take_rows(
        self, rows: list[Any], channel: str, instrument: str, recv_ns: int, events: list[Event]
    ) -> None:
        symbol = self._symbol(channel, instrument)
        for row in rows:
            row.symbol = symbol
            row.ts_recv_ns = recv_ns
        self._events[channel.partition(".")[0]] += len(rows)
        events += rows

    def _take_klines(
        self, head: _Frame, rest: list[str], recv_ns: int, events: list[Event]
    ) -> None:
        price_type, instrument, spelling = rest
        symbol = self._symbol(head.channel, instrument)
        rows = self._read_klines(head.data)
        rows.sort(key=_open_time)
        for candle in rows:
            candle.symbol, candle.ts_recv_ns = symbol, recv_ns
            candle.interval, candle.price_type = _SPELLINGS[spelling], price_type
            if length_ms := _LENGTHS_MS.get(candle.interval[-1]):
                count = int(candle.interval[:-1])
                candle.close_time = candle.open_time + count * length_ms - 1
            self._add_candle((instrument, price_type, spelling), candle, events)

    def _take_depth(self, head: _Frame, instrument: str, recv_ns: int, events: list[Event]) -> None:
        symbol = self._symbol(head.channel, instrument)
        for found in self._read_depth(head.data):
            shared: dict[str, Any] = {
                "event_time": 0,
                "symbol": symbol,
                "ts_recv_ns": recv_ns,
                "sequence": found.end,
                "level": found.level,
                "bids": [(level.price, level.size) for level in found.bid_levels],
                "asks": [(level.price, level.size) for level in found.ask_levels],
            }
            if found.kind == "SNAPSHOT":
                self._begin_book(head.channel, found.end)
                events.append(structs.WeexSnapshot(**shared))
            else:
                delta = structs.WeexDelta(
                    **shared, prev_sequence=found.start, first_sequence=found.start + 1
                )
                if not self._continue_book(head.channel, delta, events):
                    continue
                events.append(delta)
            self._events["depth"] += 1

    def _take_private(self, head: _Frame, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = _read_message(head.msg)
        for key, raw in message.data.items():
            if key not in self._read_private:
                self._unknown(f"{head.channel}: {key}", frame, recv_ns)
                continue
            channel, read = self._read_private[key]
            rows = read(raw)
            for row in rows:
                row.event_time, row.ts_recv_ns = message.time, recv_ns
                row.symbol = row.symbol or getattr(row, "pair", "")
                if isinstance(row, LegacyFill):
                    row.price = entry_price(row.value, row.size) or row.price
                    row.is_maker = row.direction == "MAKER"
                elif isinstance(row, LegacyPosition):
                    row.entry_price = entry_price(row.open_value, row.size)
            self._events[channel] += len(rows)
            events += rows

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Depth has the venue's numbers; nothing else has."""
        if isinstance(event, structs.WeexDelta):
            stream = (event.symbol, "depth", event.level)
            return Identity(stream, event.sequence, event.first_sequence)
        if isinstance(event, structs.WeexSnapshot):
            return Identity((event.symbol, "depth", event.level), event.sequence)
        return None


def _request(event: str, channel: str) -> bytes:
    return msgspec.json.encode({"event": event, "channel": channel})


def _open_time(candle: LegacyKline) -> int:
    return candle.open_time
