"""What can be set on a simulator: its dialect, the limits of a connection, faults to inject."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from tickwire.errors import ConfigurationError

__all__ = ["Faults", "Limits", "Market", "ReplayStart"]


class Market(StrEnum):
    """Which of the venue's dialects is spoken. One server speaks one."""

    SPOT = "spot"
    USDM = "usdm"
    COINM = "coinm"


class ReplayStart(StrEnum):
    """What sets a replay going.

    ``FIRST``: the first subscription to any stream of the capture. ``ALL``: every stream of the
    capture has a subscriber, which is what a client needs that opens several connections.
    ``MANUAL``: only :meth:`tickwire.simulator.Simulator.start_replay`.
    """

    FIRST = "first"
    ALL = "all"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Limits:
    """Rules of a connection. :meth:`of` gives the venue's own.

    Attributes:
        ping_interval: Seconds between the server's ping control frames.
        pong_timeout: Seconds after a ping in which a pong with its payload must have come, else the
            connection is closed with 1008.
        messages_per_second: Messages that a client may send in any second, pings and pongs
            included; one more closes the connection with 1008.
        streams: Streams that one connection may be subscribed to.
        queue_bytes: Unsent bytes at which a subscriber counts as too slow and is cut off. A
            connection never holds more than this plus what one time slice of the source produced.
        stall_timeout: Seconds that an unpaced source waits for a subscriber that does not read,
            before it cuts it off.
        connection_seconds: Life of a connection, the venue's day; then it is closed with 1001.
        connection_attempts: WebSocket connections that one address may open in any
            ``attempt_seconds``; one more is refused with HTTP 429.
        attempt_seconds: See ``connection_attempts``.
        request_weight: Weight of the requests, REST and WebSocket API together, that one address
            may make in a ``minute_seconds``; what is above is refused with 429.
        minute_seconds: Length of a minute of the weight limit. Windows are aligned to the clock.
        refusals_before_ban: Requests refused in one such minute after which the address is banned:
            everything is then answered with 418 for ``ban_seconds``.
        ban_seconds: See ``refusals_before_ban``.
        orders, order_seconds: Orders that one account may place in so many seconds.
        orders_long, order_long_seconds: The same over the longer time: a day on spot, a minute on
            futures.
        listen_key_seconds: Life of a listen key that is not kept alive.
        listen_token_seconds: The longest life of a listen token, and its usual one.
    """

    ping_interval: float = 20.0
    pong_timeout: float = 60.0
    messages_per_second: int = 5
    streams: int = 1024
    queue_bytes: int = 8 * 1024 * 1024
    stall_timeout: float = 10.0
    connection_seconds: float = 86_400.0
    connection_attempts: int = 300
    attempt_seconds: float = 300.0
    request_weight: int = 6000
    minute_seconds: float = 60.0
    refusals_before_ban: int = 10
    ban_seconds: float = 120.0
    orders: int = 50
    order_seconds: float = 10.0
    orders_long: int = 160_000
    order_long_seconds: float = 86_400.0
    listen_key_seconds: float = 3600.0
    listen_token_seconds: float = 86_400.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ConfigurationError(f"{field.name} must be above 0")

    @classmethod
    def of(cls, market: Market) -> Limits:
        """The venue's limits (Binance stream documentation, "General WSS information")."""
        if market is Market.SPOT:
            return cls()
        return cls(
            ping_interval=180.0,
            pong_timeout=600.0,
            messages_per_second=10,
            request_weight=2400,
            orders=300,
            orders_long=1200,
            order_long_seconds=60.0,
        )


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults to inject. ``None`` leaves one out.

    Attributes:
        drop_after_frames: Each connection is cut, without a close frame, once this many data frames
            were sent on it. Those frames arrive.
        skip_depth_every: Every N-th diff-depth frame of a stream is not sent to anybody, which is a
            gap in the sequence for every subscriber of the stream.
        fail_rest_every: Every N-th REST request is answered with HTTP 503 and nothing is done.
        delay_depth: Seconds between the moment that a REST depth snapshot shows and its answer, in
            which the streams go on.
        delay_api: Seconds that a request on the WebSocket API waits before anything is done; a
            connection that ends in that time loses it, done or not.
    """

    drop_after_frames: int | None = None
    skip_depth_every: int | None = None
    fail_rest_every: int | None = None
    delay_depth: float | None = None
    delay_api: float | None = None

    def __post_init__(self) -> None:
        for name in ("delay_depth", "delay_api"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigurationError(f"{name} must be above 0, or None")
        for name in ("drop_after_frames", "skip_depth_every", "fail_rest_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigurationError(f"{name} must be at least 1, or None")
