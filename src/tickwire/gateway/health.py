"""Whether it is well: for the process's keeper, for load balancers, and for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tickwire._version import __version__
from tickwire.exchanges.binance.normalised import iso_utc
from tickwire.gateway.metrics import registry_of
from tickwire.gateway.models import Health, LogLines, Readiness, StaleStream
from tickwire.gateway.problems import ProblemError
from tickwire.gateway.rest import HubOf, api_problems

__all__ = ["router"]

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> Health:
    """Always `ok`: what can be wrong with the streams is `/readyz`'s to say."""
    return Health(status="ok", version=__version__)


@router.get(
    "/readyz",
    summary="Whether every stream is live",
    responses={503: api_problems(503)[503]},
)
async def readyz(hub: HubOf) -> Readiness:
    """`ready` if the connections are up and every stream of which something has come is live;
    otherwise 503 with what is not, and why. `waiting` counts the streams of which nothing has come
    yet: a quiet symbol, or one that does not exist."""
    stale = [
        StaleStream(exchange=exchange.name, type=kind, symbol=symbol, reason=reason)
        for exchange in hub.exchanges.values()
        for kind, symbol, reason in exchange.faults()
    ]
    if stale:
        raise ProblemError(
            503,
            "streams-stale",
            "Not every stream is live",
            "see `stale` for which and why, and GET /api/ws/status for the connections",
            stale=[item.model_dump() for item in stale],
        )
    return Readiness(
        status="ready",
        streams=sum(1 for exchange in hub.exchanges.values() for _ in exchange.topics()),
        waiting=sum(exchange.waiting for exchange in hub.exchanges.values()),
    )


@router.get(
    "/api/logs/today",
    summary="What the gateway logged today",
    response_class=Response,
    responses={
        200: {
            "description": "The lines that are kept: the last 500, of today in UTC.",
            "model": LogLines,
        },
        **{401: api_problems()[401]},
    },
)
async def logs_today(hub: HubOf) -> Response:
    """The last lines of the log, without tracebacks: those that the program's log level lets
    through, which is `info` for `tickwire gateway`. They are kept in memory and end with the
    process."""
    date = iso_utc(hub.clock.wall_ns())[:10]
    lines = hub.log.of(date)
    body = b'{"date":"%b","count":%d,"lines":[%b]}' % (date.encode(), len(lines), b",".join(lines))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "The Prometheus text format.",
            "content": {
                "text/plain": {
                    "schema": {"type": "string"},
                    "example": 'tickwire_gateway_messages_total{exchange="binance"} 48210.0\n',
                }
            },
        },
        **{401: api_problems()[401]},
    },
)
async def metrics(hub: HubOf) -> Response:
    """Counters, gauges and latency histograms per exchange and type of stream."""
    text = generate_latest(registry_of(hub))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
