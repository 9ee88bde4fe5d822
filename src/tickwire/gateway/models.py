"""Bodies of requests and answers, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Health",
    "LogLines",
    "Price",
    "Prices",
    "ProblemDocument",
    "Readiness",
    "StaleStream",
    "Status",
    "StreamInfo",
    "Streams",
    "SubscribeRequest",
    "Subscribed",
]

StreamType = Literal["ticker", "mini_ticker", "kline", "trade", "agg_trade", "book_ticker"]

_STREAM = {
    "type": "ticker",
    "symbol": "BTCUSDT",
    "interval": None,
    "pinned": True,
    "listeners": 2,
    "events": 1520,
    "live": True,
    "reason": None,
}


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class SubscribeRequest(BaseModel):
    """Streams of several symbols."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"symbols": ["BTCUSDT", "ETHUSDT"], "stream_type": "ticker"}]
        },
    )

    symbols: list[str] = Field(
        min_length=1, description="BTC-USDT or btc/usdt; BTCUSDT where the exchange writes it so."
    )
    stream_type: StreamType = Field(default="ticker", description="What of them.")
    interval: str = Field(default="1m", max_length=8, description="Of candles: 1m, 1h, 1d, 1M.")


class Status(BaseModel):
    """Where an exchange's connections stand."""

    model_config = _example(
        exchange="binance",
        state="connected",
        connected=True,
        connections=1,
        streams=2,
        listeners=5,
        messages=48210,
        bytes=9311040,
        gaps=0,
        rotations=1,
        reconnects=0,
        error=None,
    )

    exchange: str
    state: Literal["idle", "connecting", "connected", "reconnecting", "disconnected"] = Field(
        description="idle: nothing is asked for, so there is no connection. disconnected: by "
        "request; POST /api/ws/connect goes on with the same streams."
    )
    connected: bool
    connections: int = Field(description="Open connections to the exchange.")
    streams: int = Field(description="Streams kept, order books included.")
    listeners: int = Field(description="SSE connections, of all exchanges.")
    messages: int
    bytes: int
    gaps: int = Field(description="Holes reported.")
    rotations: int = Field(description="Connections replaced by plan, without loss.")
    reconnects: int = Field(description="Connections restored after a loss.")
    error: str | None = Field(description="Why the last attempt failed; null after a success.")


class StreamInfo(BaseModel):
    """One stream."""

    model_config = _example(**_STREAM)

    type: str
    symbol: str
    interval: str | None = Field(description="Of candles; of a book its levels.")
    pinned: bool = Field(description="Subscribed by request: kept without listeners.")
    listeners: int
    events: int
    live: bool
    reason: str | None = Field(description="Why it is not live.")


class Streams(BaseModel):
    """The streams of an exchange."""

    model_config = _example(exchange="binance", count=1, streams=[_STREAM])

    exchange: str
    count: int
    streams: list[StreamInfo]


class Subscribed(Streams):
    """The streams after a change, and what the change was."""

    model_config = _example(exchange="binance", count=1, streams=[_STREAM], changed=["BTCUSDT"])

    changed: list[str] = Field(description="Symbols that the request was about.")


class Price(BaseModel):
    """The last price of a symbol."""

    model_config = _example(
        symbol="BTCUSDT", price=42500.5, type="ticker", timestamp=1703520000000, age=0.25
    )

    symbol: str
    price: float
    type: str = Field(description="The type of the message that it is from.")
    timestamp: int = Field(description="Milliseconds since the Unix epoch, by the exchange.")
    age: float = Field(description="Seconds since it came, by the gateway.")


class Prices(BaseModel):
    """The last prices of an exchange's symbols, as far as they have been seen."""

    model_config = _example(
        exchange="binance",
        count=1,
        prices={
            "BTCUSDT": {
                "symbol": "BTCUSDT",
                "price": 42500.5,
                "type": "ticker",
                "timestamp": 1703520000000,
                "age": 0.25,
            }
        },
    )

    exchange: str
    count: int
    prices: dict[str, Price]


class LogLines(BaseModel):
    """The gateway's log of today, as far as it is kept in memory."""

    model_config = _example(
        date="2025-12-25",
        count=1,
        lines=[
            {
                "timestamp": "2025-12-25T12:00:00.000Z",
                "level": "info",
                "logger": "tickwire.gateway",
                "message": "connection news",
                "type": "connected",
                "exchange": "binance",
            }
        ],
    )

    date: str = Field(description="Today, in UTC.")
    count: int
    lines: list[dict[str, Any]] = Field(description="Oldest first.")


class Health(BaseModel):
    """The process answers."""

    model_config = _example(status="ok", version="0.1.0")

    status: Literal["ok"]
    version: str


class StaleStream(BaseModel):
    """A stream that cannot be trusted at present, or (type ``connection``) an exchange that cannot
    be reached."""

    model_config = _example(
        exchange="binance", type="ticker", symbol="BTCUSDT", reason="the connection is lost"
    )

    exchange: str
    type: str
    symbol: str
    reason: str


class Readiness(BaseModel):
    """Every stream of which something has come is live."""

    model_config = _example(status="ready", streams=3, waiting=0)

    status: Literal["ready"]
    streams: int
    waiting: int


class ProblemDocument(BaseModel):
    """What went wrong and what to do (RFC 9457)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:tickwire:problem:not-available",
                    "title": "This cannot be had as asked",
                    "status": 422,
                    "detail": "'BTC+USDT' is not a symbol; write it like BTC-USDT",
                    "instance": "/api/ws/subscribe",
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
