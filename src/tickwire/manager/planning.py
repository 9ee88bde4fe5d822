"""What the options mean for a new connection: how long it may live, and what is watched. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reasons import DisconnectReason
from .watch import Limits, Watch

if TYPE_CHECKING:
    from .options import ManagerOptions

_JITTER = 0.01

__all__ = ["has_clocks", "rotation_of", "watch_for"]


def has_clocks(options: ManagerOptions, *, identified: bool) -> bool:
    """Whether connections are watched at all."""
    streams = identified and options.watch_streams
    return bool(streams or options.silence_timeout or options.heartbeat_timeout)


def watch_for(options: ManagerOptions, *, identified: bool, now_ns: int) -> Watch | None:
    """The three clocks of a connection that begins now."""
    if not has_clocks(options, identified=identified):
        return None
    limits = Limits(
        silence=options.silence_timeout,
        heartbeat=options.heartbeat_timeout,
        data=options.data_timeout,
        step=options.stale_step,
        watch_data=options.watch_streams and identified,
    )
    return Watch(limits, now_ns)


def rotation_of(
    options: ManagerOptions, slot: int, *, is_first: bool, draw: float
) -> tuple[float | None, DisconnectReason | None]:
    """The age in seconds at which a connection is to be replaced, and as what that counts.

    The first connections of a redundant set are replaced at different ages, so that from then on
    they take turns; and each a little early, by chance, so that many programs do not do it at once.

    Args:
        options: Of the manager.
        slot: Which of the set it is.
        is_first: Whether it is the first of its slot.
        draw: Between 0 and 1.
    """
    plans: list[tuple[float, DisconnectReason]] = []
    if options.rotate_every is not None:
        plans.append((options.rotate_every, DisconnectReason.SCHEDULED))
    if options.connection_limit is not None:
        age = options.connection_limit - options.connection_limit_margin
        plans.append((age, DisconnectReason.CONNECTION_LIMIT))
    if not plans:
        return None, None
    age, reason = min(plans, key=lambda plan: plan[0])
    age *= 1 - _JITTER * draw
    return age * (1 - slot / (2 * options.redundancy) if is_first else 1), reason
