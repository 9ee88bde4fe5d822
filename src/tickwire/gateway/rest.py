"""Control by REST: status, connect, disconnect, subscribe, unsubscribe, prices, streams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request

from tickwire.errors import ConfigurationError
from tickwire.gateway.hub import Exchange, Hub
from tickwire.gateway.models import (
    Price,
    Prices,
    ProblemDocument,
    Status,
    StreamInfo,
    Streams,
    Subscribed,
    SubscribeRequest,
)
from tickwire.gateway.problems import MEDIA_TYPE, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tickwire.gateway.fanout import Topic
    from tickwire.gateway.upstream import Key, Upstream

__all__ = [
    "SYMBOL_CHARS",
    "ExchangeOf",
    "HubOf",
    "api_problems",
    "of_exchange",
    "problem_entries",
    "router",
    "symbol_list",
]

_NS = 1_000_000_000
_SETTLE_SECONDS = 15.0
SYMBOL_CHARS = 64
"""More than any exchange's longest symbol. A request of megabytes makes an exchange end the
connection that everybody's streams are on, and the next one too."""


def api_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of the problems that a route of the API may answer with."""
    return problem_entries(401, 404, 422, *statuses)


def problem_entries(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of these problems."""
    reference = {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}
    texts = {
        401: "The token is missing or wrong.",
        403: "A page of another origin has sent it.",
        404: "No such exchange.",
        413: "The body is too long.",
        421: "The gateway has another name.",
        422: "Something in the request cannot be had.",
        429: "Too many streams.",
        500: "A fault of the gateway.",
        502: "The exchange cannot be reached; it is tried again.",
        503: "Not at present.",
    }
    return {
        status: {"description": texts[status], "content": {MEDIA_TYPE: reference}}
        for status in statuses
    }


def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


HubOf = Annotated[Hub, Depends(_hub)]


def of_exchange(
    hub: HubOf,
    exchange: Annotated[
        str | None,
        Query(description="Which exchange; the gateway's own if left out.", examples=["binance"]),
    ] = None,
) -> Exchange:
    """The exchange that a request is about."""
    return hub.exchange(exchange)


ExchangeOf = Annotated[Exchange, Depends(of_exchange)]

router = APIRouter(prefix="/api/ws", tags=["control"])


def symbol_list(hub: Hub, symbols: Iterable[str]) -> list[str]:
    """Symbols without blanks and repetitions.

    Raises:
        ProblemError: None are left, or too many.
        ConfigurationError: One is longer than any exchange's.
    """
    found = list(dict.fromkeys(name for symbol in symbols if (name := symbol.strip())))
    limit = hub.config.limits.symbols
    if not 0 < len(found) <= limit:
        raise ProblemError(
            422,
            "invalid-symbols",
            "No symbols, or too many",
            f"name between 1 and {limit} symbols, for example BTCUSDT,ETHUSDT",
        )
    for name in found:
        if len(name) > SYMBOL_CHARS:
            raise ConfigurationError(
                f"{name[:SYMBOL_CHARS] + '…'!r} is not a symbol: it has {len(name)} characters, "
                f"of {SYMBOL_CHARS} at the most; write it like BTC-USDT"
            )
    return found


def _status(hub: Hub, exchange: Exchange) -> Status:
    stats, books = exchange.feed.stats, exchange.books
    state = exchange.state
    failures = [up.failure for up in exchange.upstreams if up.failure is not None]
    return Status(
        exchange=exchange.name,
        state=state,  # type: ignore[arg-type]
        connected=state == "connected",
        connections=stats.connections + books.connections,
        streams=sum(1 for _ in exchange.topics()),
        listeners=len(hub.listeners),
        messages=stats.messages + books.total("messages"),
        bytes=stats.bytes + books.total("bytes"),
        gaps=exchange.counts.get("gap", 0) + books.losses,
        rotations=exchange.counts.get("rotated", 0) + books.total("rotations"),
        reconnects=exchange.counts.get("reconnected", 0),
        error=str(failures[0]) if failures else None,
    )


def _info(topic: Topic) -> StreamInfo:
    return StreamInfo(
        type=topic.label,
        symbol=topic.symbol,
        interval=topic.detail or None,
        pinned=topic.pinned,
        listeners=len(topic.listeners),
        events=topic.events,
        live=topic.stale is None,
        reason=topic.stale,
    )


def _streams(exchange: Exchange) -> list[StreamInfo]:
    return [_info(topic) for topic in exchange.topics()]


async def _settle(upstream: Upstream) -> None:
    """Wait until a change has come about.

    Raises:
        ProblemError: It has not, or not in time.
    """
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            await upstream.settled()
    except Exception as error:
        # Whatever it was, it is the exchange's side that failed.
        told = str(error) or "no answer in time"
        raise ProblemError(
            502,
            "exchange-unreachable",
            "The exchange cannot be reached",
            f"{upstream.exchange}: {told}; it is tried again by itself, "
            "GET /api/ws/status tells when it is there",
        ) from error


@router.get("/status", summary="Where the connections stand", responses=api_problems())
async def status(hub: HubOf, exchange: ExchangeOf) -> Status:
    """State, counts, and the last failure if there was one."""
    return _status(hub, exchange)


@router.post("/connect", summary="Connect to the exchange", responses=api_problems(502))
async def connect(hub: HubOf, exchange: ExchangeOf) -> Status:
    """Connect, and ask for the streams that are wanted. With none wanted the state is `idle`: the
    connection is opened with the first stream."""
    exchange.switch(on=True)
    for upstream in exchange.upstreams:
        await _settle(upstream)
    return _status(hub, exchange)


@router.post("/disconnect", summary="Disconnect from the exchange", responses=api_problems(502))
async def disconnect(hub: HubOf, exchange: ExchangeOf) -> Status:
    """Close the connections. The streams stay known, their listeners stay and are told, and
    `connect`, `subscribe` and `quick/start-prices` go on with them."""
    exchange.switch(on=False)
    for upstream in exchange.upstreams:
        await _settle(upstream)
    return _status(hub, exchange)


def _keys(hub: Hub, exchange: Exchange, body: SubscribeRequest) -> list[Key]:
    symbols = symbol_list(hub, body.symbols)
    return [exchange.feed.key(body.stream_type, symbol, body.interval) for symbol in symbols]


def _changed(exchange: Exchange, keys: Iterable[Key]) -> Subscribed:
    streams = _streams(exchange)
    return Subscribed(
        exchange=exchange.name,
        count=len(streams),
        streams=streams,
        changed=[symbol for _, symbol, _ in keys],
    )


@router.post("/subscribe", summary="Subscribe streams", responses=api_problems(413, 429, 502))
async def subscribe(hub: HubOf, exchange: ExchangeOf, body: SubscribeRequest) -> Subscribed:
    """Ask the exchange for streams and keep them, whether anybody listens or not. Connects if
    there is no connection."""
    keys = _keys(hub, exchange, body)
    hub.want(exchange.feed, keys, pin=True)
    exchange.switch(on=True)
    await _settle(exchange.feed)
    return _changed(exchange, keys)


@router.post("/unsubscribe", summary="Unsubscribe streams", responses=api_problems(413, 502))
async def unsubscribe(hub: HubOf, exchange: ExchangeOf, body: SubscribeRequest) -> Subscribed:
    """Keep streams no longer. Those that somebody listens to go on until the last has left."""
    keys = _keys(hub, exchange, body)
    for key in keys:
        topic = exchange.feed.topics.get(key)
        if topic is not None:
            topic.pinned = False
            exchange.feed.release(topic)
    await _settle(exchange.feed)
    return _changed(exchange, keys)


@router.get("/prices", summary="The last prices", responses=api_problems())
async def prices(hub: HubOf, exchange: ExchangeOf) -> Prices:
    """The last price of every symbol that a stream with a price has been seen of, and how old it
    is: streams may have ended since."""
    now_ns = hub.clock.mono_ns()
    found = {
        symbol: Price(
            symbol=symbol,
            price=price,
            type=payload["type"],
            timestamp=payload["timestamp"],
            age=round((now_ns - mono_ns) / _NS, 3),
        )
        for symbol, (price, payload, mono_ns) in exchange.prices.items()
    }
    return Prices(exchange=exchange.name, count=len(found), prices=found)


@router.get("/streams", summary="The streams that are kept", responses=api_problems())
async def streams(exchange: ExchangeOf) -> Streams:
    """Every stream with its listeners, and whether it is live."""
    found = _streams(exchange)
    return Streams(exchange=exchange.name, count=len(found), streams=found)


@router.post(
    "/quick/start-prices",
    summary="Start price streams in one step",
    responses=api_problems(429, 502),
)
async def start_prices(
    hub: HubOf,
    exchange: ExchangeOf,
    symbols: Annotated[
        str | None,
        Query(description="Separated by commas.", examples=["BTCUSDT,ETHUSDT"], max_length=4000),
    ] = None,
) -> Subscribed:
    """Connect, and subscribe the tickers of these symbols, or of some well-known ones."""
    names = hub.config.symbols if symbols is None else symbols.split(",")
    body = SubscribeRequest(symbols=symbol_list(hub, names))
    return await subscribe(hub, exchange, body)


@router.post("/quick/stop", summary="Stop everything", responses=api_problems(502))
async def stop(hub: HubOf, exchange: ExchangeOf) -> Status:
    """Keep nothing any more and disconnect. Listeners stay, and hear again from streams that are
    started again."""
    for upstream in exchange.upstreams:
        for topic in list(upstream.topics.values()):
            topic.pinned = False
            upstream.release(topic)
    return await disconnect(hub, exchange)
