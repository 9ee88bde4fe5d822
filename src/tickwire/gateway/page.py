"""What the page needs besides the streams that everybody gets: settings, and one stream of it all.

Over HTTP/1.1 a browser opens six connections to a host, for all its tabs together. A page that
listened to prices, trades, candles, a book and the news apart would leave none for a second tab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tickwire.gateway.rest import ExchangeOf, HubOf, api_problems, symbol_list
from tickwire.gateway.sse import EventStream
from tickwire.gateway.streams import LastEventId, Symbol, responses

if TYPE_CHECKING:
    from tickwire.gateway.fanout import Topic
    from tickwire.gateway.hub import Exchange, Hub

__all__ = ["Settings", "router"]

router = APIRouter(prefix="/api/ws")

_TRADE = (
    '{"type":"trade","data":{"type":"trade","symbol":"BTCUSDT","trade_id":123456789,'
    '"price":42500.0,"quantity":0.5,"timestamp":1703520000000,"is_buyer_maker":false},'
    '"timestamp":"2025-12-25T12:00:00.500Z"}'
)


class Settings(BaseModel):
    """What a page can offer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "exchange": "binance",
                    "exchanges": ["binance"],
                    "symbols": ["BTCUSDT", "ETHUSDT"],
                    "intervals": ["1m", "1h", "1d"],
                    "substitute": True,
                }
            ]
        }
    )

    exchange: str
    exchanges: list[str] = Field(description="What ?exchange= may name.")
    symbols: list[str] = Field(description="As the exchange spells them.")
    intervals: list[str] = Field(description="Candles that the exchange has, shortest first.")
    substitute: bool = Field(
        description="The data are not the exchange's own but another server's: the simulator's."
    )


@router.get(
    "/settings",
    tags=["control"],
    summary="What a page can offer",
    responses=api_problems(422),
)
async def settings(
    hub: HubOf,
    exchange: ExchangeOf,
    symbols: Annotated[
        str | None,
        Query(description="Separated by commas.", examples=["BTC-USDT,eth/usdt"], max_length=4000),
    ] = None,
) -> Settings:
    """Exchanges, and symbols in the exchange's spelling: those that are named, or the ones that
    this gateway begins with."""
    names = symbol_list(hub, hub.config.symbols if symbols is None else symbols.split(","))
    spelled = list(dict.fromkeys(exchange.feed.key("ticker", name)[1] for name in names))
    return Settings(
        exchange=exchange.name,
        exchanges=list(hub.config.exchanges),
        symbols=spelled,
        intervals=exchange.feed.intervals(spelled[0]),
        substitute=hub.config.url is not None and exchange.name == hub.config.exchange,
    )


@router.get(
    "/sse/market",
    tags=["streams"],
    summary="Everything about a symbol, and the prices of others",
    status_code=200,
    response_class=EventStream,
    responses=responses(_TRADE),
)
async def market(
    hub: HubOf,
    exchange: ExchangeOf,
    symbol: Symbol,
    symbols: Annotated[
        str | None,
        Query(
            max_length=4000,
            description="Prices of these, separated by commas.",
            examples=["BTCUSDT,ETHUSDT"],
        ),
    ] = None,
    interval: Annotated[
        str | None,
        Query(max_length=8, description="Of candles; none if left out.", examples=["1m"]),
    ] = None,
    levels: Annotated[
        Literal["5", "10", "20", "50"],
        Query(description="Of the book, per side.", examples=["20"]),
    ] = "20",
    after: Annotated[
        str | None,
        Query(
            max_length=64,
            description="The id of the last message that you have, where the header "
            "`Last-Event-ID` cannot be set; the header counts if both are there.",
            examples=["1f00ba47-17"],
        ),
    ] = None,
    last_event_id: LastEventId = None,
) -> EventStream:
    """Prices, trades, candles, the book, and news of the connections in one stream, in order: for
    browsers, which open six connections to a host and no more. `type` tells the messages apart."""
    names = [] if symbols is None else symbol_list(hub, symbols.split(","))
    topics = _wanted(hub, exchange, [*names, symbol], interval, int(levels))
    try:
        listener = hub.listen([*topics, exchange.news])
    except BaseException:
        _release(exchange, topics)
        raise
    return EventStream(hub, listener, last_event_id or after)


def _wanted(
    hub: Hub, exchange: Exchange, names: list[str], interval: str | None, levels: int
) -> list[Topic]:
    """The topics, all or none; ``names`` ends with the symbol that it is mostly about."""
    feed, books = exchange.feed, exchange.books
    keys = [feed.key("ticker", name) for name in names]
    symbol = keys[-1][1]
    keys.append(feed.key("trade", symbol))
    if interval is not None:
        keys.append(feed.key("kline", symbol, interval))
    topics = hub.want(feed, list(dict.fromkeys(keys)))
    try:
        topics += hub.want(books, [books.key(symbol, levels)])
    except BaseException:
        _release(exchange, topics)
        raise
    return topics


def _release(exchange: Exchange, topics: list[Topic]) -> None:
    for topic in topics:
        for upstream in exchange.upstreams:
            upstream.release(topic)
