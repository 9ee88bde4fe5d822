"""What the manager does by the clock: asks the program's callbacks, and looks at the watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.market import stream_name
from tickwire.transport import WebSocketError

from .herald import ask
from .planning import has_clocks
from .reasons import DisconnectReason
from .records import Stale
from .timing import Alarm
from .watch import ActionKind
from .wish import Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from .core import Core
    from .link import Link
    from .watch import Action

__all__ = ["Controls"]

_NS = 1_000_000_000


class Controls:
    """Runs beside the slots and tells them what to do.

    With both callbacks there is a *window*: ``should_disconnect`` lets the connection go, and
    ``should_reconnect`` brings it back. While ``should_reconnect`` wants a connection,
    ``should_disconnect`` is not obeyed, so that overlapping answers do not make it flap. With
    ``should_disconnect`` alone the connection is replaced without a break, once each time that the
    answer turns true. With ``should_reconnect`` alone it is let go on request only.

    Args:
        core: The manager's inside.
        should_disconnect: The program's callback, or ``None``.
        has_window: Whether there is a ``should_reconnect`` too.
        has_return: Whether there is a ``should_reconnect``.
        leave: Ends the life, for a disconnect on request.
    """

    def __init__(
        self,
        core: Core,
        *,
        should_disconnect: Callable[[], Any] | None,
        has_window: bool,
        has_return: bool,
        leave: Callable[[], Any],
    ) -> None:
        self.core = core
        self.alarm = Alarm(core.clock)
        self.requested = False
        self._should_disconnect = should_disconnect
        self._has_window = has_window
        self._has_return = has_return
        self._leave = leave
        self._said = False
        self._wish = Wish()
        self._pinged_ns: dict[int, int] = {}

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do by the clock."""
        core = self.core
        watches = has_clocks(core.options, identified=core.shape.identified)
        return bool(self._should_disconnect or self._has_window or watches)

    async def run(self) -> None:
        """Look every ``disconnect_check_interval`` seconds, and when asked to."""
        core = self.core
        life, interval = core.life, core.options.disconnect_check_interval
        while not core.closing and core.life == life:
            await self.alarm.wait(interval if self.is_needed or self._is_pause else None)
            if core.closing:
                return
            if self._is_pause:
                self.requested = False  # it is what there is
                await self._ask_for_return()
            elif core.up_links() or self.requested:
                await self._ask_for_leave()
            for link in core.up_links():
                self._look(link)

    @property
    def _is_pause(self) -> bool:
        """Whether there is to be no connection for now."""
        return any(slot.suspended is not None for slot in self.core.slots)

    # The program's callbacks

    async def _ask_for_leave(self) -> None:
        core = self.core
        says = True
        if self._should_disconnect is not None:
            says = bool(await ask(self._should_disconnect))
        elif not self.requested:
            return
        rises, self._said = says and not self._said, says
        if not says or core.closing:
            return
        if self._has_window and await self._is_wanted():
            self._said = False
            return
        if self.requested:
            self.requested = False
            if self._has_return:
                self._suspend(DisconnectReason.USER_REQUESTED)
            else:
                core.spawn(self._leave())
        elif self._has_window:
            self._suspend(DisconnectReason.CALLBACK_TRIGGERED)
        elif rises:
            for slot in core.slots:
                core.rotate(slot, DisconnectReason.CALLBACK_TRIGGERED)

    async def _is_wanted(self) -> bool:
        """Whether the program wants a connection now, or before the next look."""
        return await self.core.ask_reconnect(Wish()) < self.core.options.disconnect_check_interval

    def _suspend(self, reason: DisconnectReason) -> None:
        self._wish = Wish()
        for slot in self.core.slots:
            slot.suspended = reason
            slot.alarm.ring()

    async def _ask_for_return(self) -> None:
        wait = await self.core.ask_reconnect(self._wish)
        if wait <= 0:
            self.resume()
        elif wait < self.core.options.disconnect_check_interval:
            self.core.clock.call_later(wait, self.resume)

    def resume(self) -> None:
        """Have connections again."""
        self._said = False
        for slot in self.core.slots:
            slot.suspended = None
            slot.alarm.ring()

    # The three clocks

    def _look(self, link: Link) -> None:
        if link.watch is None or link.planned is not None:
            return
        now = self.core.clock.mono_ns()
        self._ping(link, now)
        is_asked = False
        for action in link.watch.look(now, link.ws.last_byte_mono_ns, stream_name):
            if action.stream is not None and stream_name(action.stream) in self.core.unwanted:
                link.watch.forget(action.stream)
            elif action.kind is ActionKind.PROBE:
                is_asked = True
            else:
                self._act(link, action)
        if is_asked:
            # One ping, for all streams that are silent at once.
            self.core.spawn(self._probe(link))

    def _ping(self, link: Link, now: int) -> None:
        """Ask for a heartbeat, three times as often as one must come."""
        limit = self.core.options.heartbeat_timeout
        if limit is None or now - self._pinged_ns.get(link.number, 0) < limit / 3 * _NS:
            return
        self._pinged_ns = {link.number: now} | {
            number: at for number, at in self._pinged_ns.items() if number in self.core.links
        }
        self.core.spawn(self._probe(link))

    async def _probe(self, link: Link) -> None:
        """Ping; the answer is a heartbeat."""
        try:
            pong = await link.ping()
        except WebSocketError as error:
            await self.core.note_down(link, error)
            return
        watch, clock = link.watch, self.core.clock
        if watch is not None:
            pong.add_done_callback(
                lambda done: None if done.cancelled() else watch.beat(clock.mono_ns())
            )

    def _act(self, link: Link, action: Action) -> None:
        core = self.core
        if action.kind is ActionKind.MARK_STALE:
            core.tally.stale += 1
            if core.shape.events:
                core.merge.out.append(
                    Stale(
                        connection=link.number,
                        ts_ns=core.clock.wall_ns(),
                        stream=stream_name(action.stream),
                        silence=action.silence,
                        limit=action.limit,
                    )
                )
                core.wake()
        elif action.kind is ActionKind.RESUBSCRIBE:
            core.spawn(core.resubscribe(link, stream_name(action.stream)))
        elif action.kind is ActionKind.REPLACE:
            core.rotate(link.slot, DisconnectReason.NETWORK_ERROR)
        else:
            link.found = DisconnectReason.PING_TIMEOUT
            link.ws.terminate()
