"""Streams to listen to, as server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Header, Query

from tickwire.gateway.rest import SYMBOL_CHARS, ExchangeOf, HubOf, api_problems, symbol_list
from tickwire.gateway.sse import EventStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.gateway.fanout import Topic
    from tickwire.gateway.hub import Hub
    from tickwire.gateway.upstream import Upstream

__all__ = ["LastEventId", "Symbol", "responses", "router"]

router = APIRouter(prefix="/api/ws/sse", tags=["streams"])

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=64,
        description="The id of the last message that you have; browsers send it by themselves.",
        examples=["1f00ba47-17"],
    ),
]
Symbol = Annotated[
    str,
    Query(min_length=1, max_length=SYMBOL_CHARS, description="One symbol.", examples=["BTCUSDT"]),
]

_TICKER = (
    '{"type":"ticker","data":{"type":"ticker","symbol":"BTCUSDT","price":42500.5,"open":42000.0,'
    '"high":43000.0,"low":41500.0,"volume":15000.5,"quote_volume":637507500.0,'
    '"price_change":500.5,"price_change_percent":1.19,"timestamp":1703520000000},'
    '"timestamp":"2025-12-25T12:00:00.000Z"}'
)
_KLINE = (
    '{"type":"kline","data":{"type":"kline","symbol":"BTCUSDT","interval":"1m",'
    '"timestamp":1703520000000,"open":42500.0,"high":42550.0,"low":42480.0,"close":42530.0,'
    '"volume":125.5,"is_closed":true,"trades":1250,"quote_volume":5337415.0},'
    '"timestamp":"2025-12-25T12:01:00.000Z"}'
)
_TRADE = (
    '{"type":"trade","data":{"type":"trade","symbol":"BTCUSDT","trade_id":123456789,'
    '"price":42500.0,"quantity":0.5,"timestamp":1703520000000,"is_buyer_maker":false},'
    '"timestamp":"2025-12-25T12:00:00.500Z"}'
)
_BOOK = (
    '{"type":"book","data":{"type":"book","symbol":"BTCUSDT","live":true,"reason":null,'
    '"sequence":160,"bids":[[42500.0,1.5]],"asks":[[42500.5,0.75]],"timestamp":1703520000000},'
    '"timestamp":"2025-12-25T12:00:00.500Z"}'
)
_EVENT = (
    '{"type":"rotated","data":{"type":"rotated","exchange":"binance","reason":"scheduled",'
    '"downtime":0.0,"overlap":0.4,"duplicates":12,"promise":"exactly-once","connection":2,'
    '"timestamp":1703520000000},"timestamp":"2025-12-25T12:00:00.500Z"}'
)


def responses(example: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of a stream whose messages look like ``example``."""
    stream = {
        "description": "Messages without end, each with an id. Events of other names: `status` "
        "(a stream is live, or is not and why), `dropped` (how many messages you were too slow "
        "for), `reset` (what you missed is not known any more), `heartbeat` (first of all, and "
        "whenever nothing else has come for so many `seconds`).",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": f"id: 1f00ba47-17\ndata: {example}\n\n",
            }
        },
    }
    return {200: stream, **api_problems(429, 503)}


def _listen(
    hub: Hub, upstream: Upstream | None, topics: Sequence[Topic], last_event_id: str | None
) -> EventStream:
    try:
        listener = hub.listen(topics)
    except BaseException:
        if upstream is not None:
            for topic in topics:
                upstream.release(topic)
        raise
    return EventStream(hub, listener, last_event_id)


@router.get(
    "/prices",
    summary="Prices of several symbols",
    status_code=200,
    response_class=EventStream,
    responses=responses(_TICKER),
)
async def prices(
    hub: HubOf,
    exchange: ExchangeOf,
    symbols: Annotated[
        str,
        Query(max_length=4000, description="Separated by commas.", examples=["BTCUSDT,ETHUSDT"]),
    ],
    last_event_id: LastEventId = None,
) -> EventStream:
    """Tickers: the last price and the statistics of 24 hours, as often as the exchange sends
    them. Whoever is too slow gets the newest of each symbol."""
    names = symbol_list(hub, symbols.split(","))
    keys = list(dict.fromkeys(exchange.feed.key("ticker", name) for name in names))
    topics = hub.want(exchange.feed, keys)
    return _listen(hub, exchange.feed, topics, last_event_id)


@router.get(
    "/klines",
    summary="Candles of a symbol",
    status_code=200,
    response_class=EventStream,
    responses=responses(_KLINE),
)
async def klines(
    hub: HubOf,
    exchange: ExchangeOf,
    symbol: Symbol,
    interval: Annotated[
        str, Query(max_length=8, description="As the exchange has it.", examples=["1m"])
    ] = "1m",
    last_event_id: LastEventId = None,
) -> EventStream:
    """The candle that grows, and once more when it closes (`is_closed`)."""
    topics = hub.want(exchange.feed, [exchange.feed.key("kline", symbol, interval)])
    return _listen(hub, exchange.feed, topics, last_event_id)


@router.get(
    "/trades",
    summary="Trades of a symbol",
    status_code=200,
    response_class=EventStream,
    responses=responses(_TRADE),
)
async def trades(
    hub: HubOf, exchange: ExchangeOf, symbol: Symbol, last_event_id: LastEventId = None
) -> EventStream:
    """Every trade. Whoever is too slow misses the oldest, and is told how many."""
    topics = hub.want(exchange.feed, [exchange.feed.key("trade", symbol)])
    return _listen(hub, exchange.feed, topics, last_event_id)


@router.get(
    "/books",
    summary="The order book of a symbol",
    status_code=200,
    response_class=EventStream,
    responses=responses(_BOOK),
)
async def books(
    hub: HubOf,
    exchange: ExchangeOf,
    symbol: Symbol,
    levels: Annotated[
        Literal["5", "10", "20", "50"], Query(description="Per side.", examples=["20"])
    ] = "20",
    last_event_id: LastEventId = None,
) -> EventStream:
    """The best levels as `[price, size]`, best first, at most ten times a second. A book that
    cannot be trusted has none: `live` is false and `reason` says why, until it can again."""
    name = exchange.feed.key("ticker", symbol)[1]
    topics = hub.want(exchange.books, [exchange.books.key(name, int(levels))])
    return _listen(hub, exchange.books, topics, last_event_id)


@router.get(
    "/events",
    summary="News of the connections",
    status_code=200,
    response_class=EventStream,
    responses=responses(_EVENT),
)
async def events(
    hub: HubOf, exchange: ExchangeOf, last_event_id: LastEventId = None
) -> EventStream:
    """What becomes of the connections: `connected`, `disconnected`, `reconnected`, `rotated` (a
    replacement by plan, without loss), `gap`, `stale`, `dropped`, `refused`,
    `book_lost` (a book that was live and then was not)."""
    return _listen(hub, None, [exchange.news], last_event_id)
