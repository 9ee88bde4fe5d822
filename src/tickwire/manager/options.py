"""What a managed connection can be told, in one frozen object, and the checks of each value."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError

from .backoff import ReconnectStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ManagerOptions", "checked"]

_OVERLAP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerOptions:
    """The numbers of a managed connection. Each may stand in a file, in the environment or among
    the keyword arguments; times are in seconds.

    Attributes:
        connect_timeout: For DNS, TCP, proxy, TLS and the upgrade together.
        ping_interval: Of silence, after which the peer is pinged; ``None``: never.
        ping_timeout: After such a ping, in which some byte must come.
        reconnect_strategy: See :class:`ReconnectStrategy`.
        reconnect_delay: The fixed delay, and the first bound of the exponential one.
        reconnect_delay_max: The last bound of the exponential one.
        max_reconnect_attempts: Failed attempts in a row after which the manager gives up; 0: never.
        connect_attempts: The same for ``connect()`` and ``async with``, at each endpoint; 0: never.
        try_again_delay: To stay away after close code 1013, "try again later".
        stable_connection_time: A connection that held so long begins the backoff anew.
        auto_reconnect: Whether to restore a lost connection at all.
        queue_size: Messages that a connection may hold for the program before it stops reading.
        disconnect_check_interval: Between two questions to ``should_disconnect`` and
            ``should_reconnect``, and two looks at the three clocks.
        rotate_every: Age at which a connection is replaced by plan; ``None``: never.
        connection_limit: The venue's maximum age of a connection; ``None``: it has none.
        connection_limit_margin: How long before that limit the replacement begins.
        overlap: For which both connections deliver, at the least; not more than
            ``overlap_timeout``.
        overlap_timeout: After which the old one is let go although the new one is not level. A
            hole that this makes is reported.
        redundancy: Connections kept at the same time.
        silence_timeout: Without a byte; ``None`` leaves it to the pings.
        heartbeat_timeout: Without a heartbeat; ``None``: the venue sends none.
        data_timeout: Of a stream without data while others have some; ``None`` learns it.
        watch_streams: Whether streams are watched for that.
        stale_step: Between two measures against a stale stream.
    """

    connect_timeout: float = 10.0
    ping_interval: float | None = 30.0
    ping_timeout: float = 10.0
    reconnect_strategy: ReconnectStrategy = ReconnectStrategy.EXPONENTIAL_BACKOFF
    reconnect_delay: float = 1.0
    reconnect_delay_max: float = 60.0
    max_reconnect_attempts: int = 10
    connect_attempts: int = 1
    try_again_delay: float = 10.0
    stable_connection_time: float = 30.0
    auto_reconnect: bool = True
    queue_size: int = 1000
    disconnect_check_interval: float = 5.0
    rotate_every: float | None = None
    connection_limit: float | None = None
    connection_limit_margin: float = 300.0
    overlap: float = _OVERLAP
    overlap_timeout: float = 10.0
    redundancy: int = 1
    silence_timeout: float | None = None
    heartbeat_timeout: float | None = None
    data_timeout: float | None = None
    watch_streams: bool = True
    stale_step: float = 10.0


def _seconds(value: Any) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError("a number of seconds, 0 or more")
    return number


def _positive_seconds(value: Any) -> float:
    number = _number(value)
    if number <= 0:
        raise ValueError("a number of seconds above 0")
    return number


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a number of seconds")
    try:
        number = float(value)
    except ValueError:
        raise ValueError("a number of seconds") from None
    if not math.isfinite(number):
        raise ValueError("a finite number of seconds")
    return number


def _optional_seconds(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and value.lower() in ("", "none", "off")):
        return None
    try:
        return _positive_seconds(value)
    except ValueError as error:
        raise ValueError(f"{error}, or none") from None


def _integer(least: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        try:
            number = value if isinstance(value, int) else int(str(value))
        except ValueError:
            number = least - 1
        if isinstance(value, bool | float) or number < least:
            raise ValueError(f"a whole number, {least} or more")
        return number

    return check


_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}


def _flag(value: Any) -> bool:
    found = value if isinstance(value, bool) else _WORDS.get(str(value).lower())
    if found is None:
        raise ValueError("true or false")
    return found


def _strategy(value: Any) -> ReconnectStrategy:
    try:
        return ReconnectStrategy(str(value).lower())
    except ValueError:
        raise ValueError(f"one of {', '.join(ReconnectStrategy)}") from None


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "connect_timeout": _positive_seconds,
    "ping_interval": _optional_seconds,
    "ping_timeout": _positive_seconds,
    "reconnect_strategy": _strategy,
    "reconnect_delay": _seconds,
    "reconnect_delay_max": _seconds,
    "max_reconnect_attempts": _integer(0),
    "connect_attempts": _integer(0),
    "try_again_delay": _seconds,
    "stable_connection_time": _seconds,
    "auto_reconnect": _flag,
    "queue_size": _integer(1),
    "disconnect_check_interval": _positive_seconds,
    "rotate_every": _optional_seconds,
    "connection_limit": _optional_seconds,
    "connection_limit_margin": _seconds,
    "overlap": _seconds,
    "overlap_timeout": _positive_seconds,
    "redundancy": _integer(1),
    "silence_timeout": _optional_seconds,
    "heartbeat_timeout": _optional_seconds,
    "data_timeout": _optional_seconds,
    "watch_streams": _flag,
    "stale_step": _positive_seconds,
}


def checked(layers: list[tuple[str, Mapping[str, Any]]]) -> ManagerOptions:
    """The options from several sources, later ones before earlier ones.

    Args:
        layers: What the source is called in an error, and its values; ``{}`` in the name stands
            for the key.

    Raises:
        ConfigurationError: An unknown key or a bad value; the text names both. Retry: no.
    """
    values: dict[str, Any] = {}
    for source, mapping in layers:
        for key, value in mapping.items():
            name = source.format(key)
            if key not in _CHECKS:
                known = ", ".join(_CHECKS)
                raise ConfigurationError(f"{name}: there is no such setting; there are {known}")
            try:
                values[key] = _CHECKS[key](value)
            except ValueError as error:
                raise ConfigurationError(f"{name} must be {error}, not {value!r}") from None
    if "overlap" not in values and "overlap_timeout" in values:
        # Who gives a short limit alone does not ask for a longer overlap.
        values["overlap"] = min(_OVERLAP, values["overlap_timeout"])
    options = ManagerOptions(**values)
    if options.overlap > options.overlap_timeout:
        raise ConfigurationError(
            f"overlap ({options.overlap} s) must not be more than "
            f"overlap_timeout ({options.overlap_timeout} s)"
        )
    if options.reconnect_delay_max < options.reconnect_delay:
        raise ConfigurationError(
            f"reconnect_delay_max ({options.reconnect_delay_max} s) must not be less than "
            f"reconnect_delay ({options.reconnect_delay} s)"
        )
    limit = options.connection_limit
    if limit is not None and options.connection_limit_margin >= limit:
        raise ConfigurationError(
            f"connection_limit_margin ({options.connection_limit_margin} s) must be less than "
            f"connection_limit ({limit} s)"
        )
    return options


NAMES = tuple(item.name for item in fields(ManagerOptions))
"""The settings, in the order of their documentation."""
