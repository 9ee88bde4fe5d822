"""What tickwire is to reach beside its peers. Tables only."""

from __future__ import annotations

from benchmarks.catalogue import BATCHES, CALLBACK, CURL, FOR, LIMIT, PICOWS, PICOWS_WS, TWIN
from benchmarks.plan import Target

__all__ = ["TARGETS"]


def _receive_targets(workload: str, ours: str, factor: float) -> tuple[Target, ...]:
    return tuple(
        Target(workload, "rate", ours, theirs.name, "min", factor) for theirs in (PICOWS, PICOWS_WS)
    )


TARGETS = (
    *_receive_targets("receive-128", FOR.name, 2.0),
    Target("receive-128", "rate", FOR.name, CURL.name, "min", 10.0),
    *_receive_targets("receive-128", BATCHES.name, 3.5),
    Target("receive-128", "rate", BATCHES.name, LIMIT.name, "min", 0.6),
    Target("receive-128", "rate", TWIN.name, CURL.name, "min", 1.0),
    *_receive_targets("receive-128-tls", FOR.name, 2.0),
    Target("receive-64k", "rate", FOR.name, PICOWS.name, "min", 1.0),
    Target("receive-64k", "rate", FOR.name, CURL.name, "min", 4.0),
    Target("echo-128", "p50_us", "tickwire, await recv()", "picows, callback", "max", 1.05),
    Target("echo-128", "p50_us", "tickwire, await recv()", "picows.websockets", "max", 0.95),
    Target("echo-128", "p50_us", "tickwire, await recv()", CURL.name, "max", 0.35),
    Target("echo-128", "p50_us", "tickwire, on_message callback", "picows, callback", "max", 1.0),
    Target("echo-128", "p99_us", "tickwire, on_message callback", "picows, callback", "max", 1.0),
    Target("echo-128", "p50_us", "tickwire, pure Python", CURL.name, "max", 1.0),
    Target("paced-128", "cpu_us", FOR.name, PICOWS.name, "max", 0.9),
    Target("paced-128", "cpu_us", CALLBACK.name, PICOWS.name, "max", 0.9),
    Target("send-128-coalesced", "rate", "tickwire, coalesce_frames", "picows", "min", 5.0),
    Target(
        "send-128-coalesced",
        "rate",
        "tickwire, coalesce_frames",
        "curl_cffi, coalesce_frames",
        "min",
        2.0,
    ),
    Target("send-128", "rate", "tickwire", "picows", "min", 1.0),
    Target("memory", "kib", "tickwire", "curl_cffi AsyncWebSocket", "max", 0.5),
    Target("connect", "rate", "tickwire", "websockets", "min", 1.0),
)
