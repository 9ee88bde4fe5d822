"""One of the connections that are kept at a time: its life, told in order.

A slot connects, subscribes, watches its age, hands over to a replacement before it closes the old
connection, and begins again when a connection is lost. It never reads data: that is done by the
reader of each connection, or by the program itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tickwire.transport import HandshakeRejected, SessionClosed, WebSocketError

from .backoff import Backoff, ReconnectStrategy
from .errors import WebSocketConnectionError, closed_error
from .timing import Alarm
from .wish import Wish

if TYPE_CHECKING:
    from .core import Core
    from .link import Link
    from .reasons import DisconnectReason

__all__ = ["Slot"]

_NS = 1_000_000_000


class Slot:
    """See the module's text.

    Args:
        core: The manager's inside.
        index: Counted from 0.

    Attributes:
        link: The present connection, possibly down; ``None`` before the first.
        rotation: Why the present connection is to be replaced, if it is.
        suspended: Why there is to be no connection for now, if so.
        alarm: Rung when there may be something to do.
        hurry: Set to try again now instead of waiting out the backoff.
        has_hope: Whether it has attempts left; the manager gives up when no slot has.
        turn: Which of the endpoints is asked next; a failure moves it on.
    """

    def __init__(self, core: Core, index: int) -> None:
        self.core = core
        self.index = index
        self.link: Link | None = None
        self.rotation: DisconnectReason | None = None
        self.suspended: DisconnectReason | None = None
        self.hurry = False
        self.has_hope = True
        self.turn = index
        self.alarm = Alarm(core.clock)
        options = core.options
        self._backoff = Backoff(
            options.reconnect_strategy,
            delay=options.reconnect_delay,
            delay_max=options.reconnect_delay_max,
            stable=options.stable_connection_time,
            random=core.random,
        )

    @property
    def is_up(self) -> bool:
        """Whether its present connection is up."""
        return self.link is not None and not self.link.is_down

    async def run(self) -> None:
        """Keep a connection until the manager closes or gives up."""
        while not self.core.closing:
            link = self.link
            if link is None or link.is_down:
                if self.suspended is not None:
                    await self.alarm.wait()
                elif not await self._establish():
                    return
            elif self.suspended is not None:
                link.retire(self.suspended)
                while not link.is_down:
                    await self.alarm.wait()
            elif not self.core.is_live(link):
                await self._join_in(link)
            elif self.rotation is not None:
                await self._hand_over(link, self.rotation)
            elif not await self.alarm.wait(self._seconds_to_rotation(link)):
                self.rotation = self._reason_of_age(link)

    def noticed(self, link: Link) -> None:
        """One of its connections is down."""
        self._backoff.held((self.core.clock.mono_ns() - link.opened_ns) / _NS)
        self.alarm.ring()

    # Getting a connection

    async def _establish(self) -> bool:
        """Connect, trying as often as allowed; tells whether to go on."""
        core, previous = self.core, self.link
        limit = core.options.max_reconnect_attempts
        if previous is None:
            limit = core.attempts
        elif previous.planned is None and not core.options.auto_reconnect:
            return core.give_up(closed_error(previous.error), cause=previous.error)
        attempts = 0
        while True:
            # No wait before the first connect, nor after a pause that this program chose.
            waits = attempts > 0 or (previous is not None and previous.planned is None)
            if waits and not await self._wait_turn():
                return not core.closing
            try:
                link = await core.open(self)
            except WebSocketError as failure:
                self.turn += 1
                attempts += 1
                self.has_hope = not (_is_final(failure, previous) or 0 < limit <= attempts)
                if not any(slot.has_hope or slot.is_up for slot in core.slots):
                    return core.give_up(
                        WebSocketConnectionError(core.url, attempts, failure), cause=failure
                    )
                continue
            break
        self.hurry = False
        self.has_hope = True
        self.rotation = None  # what was to be replaced has been
        link.replaces = previous
        self.link = link
        await core.welcome(link)
        return True

    async def _wait_turn(self) -> bool:
        """Wait as the strategy and the endpoint say; false if there is no more to try."""
        core = self.core
        if core.options.reconnect_strategy is ReconnectStrategy.CALLBACK_CONTROLLED:
            await self._pause(0.0)
            return await self._until_callback_allows()
        await self._pause(self._backoff.next_delay())
        self.hurry = False
        return not core.closing and self.suspended is None

    async def _pause(self, seconds: float, *, instead_of: Link | None = None) -> None:
        """Wait by the clock, whoever rings, or until there is something else to do.

        Args:
            seconds: How long, if the endpoint whose turn it is may be asked then; else until it may
                be, whichever connection it has said that to.
            instead_of: The connection that still works; its end is something else to do.
        """
        core = self.core
        until_ns = core.clock.mono_ns() + round(seconds * _NS)
        while not (core.closing or self.suspended or self.hurry):
            due_ns = max(until_ns, core.endpoints.not_before_ns(self.turn))
            left = (due_ns - core.clock.mono_ns()) / _NS
            if left <= 0 or (instead_of is not None and instead_of.is_down):
                return
            await self.alarm.wait(left)

    async def _until_callback_allows(self) -> bool:
        """Wait until ``should_reconnect`` says so; false if there is no more to wait for."""
        core, wish = self.core, Wish()
        while not core.closing and self.suspended is None:
            if self.hurry:
                return True
            wait = await core.ask_reconnect(wish)
            if wait <= 0:
                return True
            await self.alarm.wait(min(wait, core.options.disconnect_check_interval))
        return False

    async def _join_in(self, link: Link) -> None:
        """A connection on standby speaks once it is level: a further one of a redundant set, one
        that came while the lost one's messages still wait, one that the merge put back."""
        core = self.core
        core.overlap_begins(link)
        deadline_ns = core.clock.mono_ns() + round(core.options.overlap_timeout * _NS)
        while not (core.closing or self.suspended or link.is_down or core.is_live(link)):
            left = (deadline_ns - core.clock.mono_ns()) / _NS
            if core.has_others_live(link) and (core.is_level(link) or left <= 0):
                core.promote(link)
                core.relieve(link)
                return
            await self.alarm.wait(left if left > 0 else None)

    # Replacing a connection

    def _seconds_to_rotation(self, link: Link) -> float | None:
        if link.rotate_at_ns is None:
            return None
        return max(0.0, (link.rotate_at_ns - self.core.clock.mono_ns()) / _NS)

    def _reason_of_age(self, link: Link) -> DisconnectReason | None:
        if link.rotate_at_ns is None or self.core.clock.mono_ns() < link.rotate_at_ns:
            return None
        return link.rotate_for

    async def _hand_over(self, old: Link, reason: DisconnectReason) -> None:
        """Make before break: the old connection goes when the new one has all that is to come."""
        core = self.core
        await self._pause(0.0, instead_of=old)
        if core.closing or self.suspended or old.is_down:
            return
        try:
            new = await core.open(self)
        except WebSocketError:
            self.turn += 1
            await self._stay_away(old)
            return
        new.replaces = old
        core.overlap_begins(new)
        await core.welcome(new)
        if not await self._overlap(old, new):
            if new.is_down or core.lacks(new, old):
                new.retire(reason)
                await self._stay_away(old)
            return
        self.rotation = None
        self.link = new
        old.retire(reason)
        if core.options.redundancy > 1 and not core.is_live(new) and core.has_others_live(new):
            core.promote(new)
        # The next hand-over waits until this one is through: the program may be slow.
        while not (core.closing or old.gone.is_set() or new.is_down or self.suspended):
            await self.alarm.wait()

    async def _stay_away(self, old: Link) -> None:
        """After a replacement that came to nothing: wait by the same rules as after a loss, but
        never not at all, for the old connection still works."""
        delay = self._backoff.next_delay() or self.core.options.reconnect_delay
        await self._pause(max(delay, 0.001), instead_of=old)

    async def _overlap(self, old: Link, new: Link) -> bool:
        """Wait until the new connection may take over; false if it did not live to, or was refused
        what the old one carries."""
        core, options = self.core, self.core.options
        begin_ns = core.clock.mono_ns()
        while not core.closing:
            if new.is_down:
                return False
            passed = (core.clock.mono_ns() - begin_ns) / _NS
            if old.is_down:
                return True
            if core.lacks(new, old):
                return False
            if passed >= options.overlap_timeout:
                return True
            if passed >= options.overlap:
                if core.is_level(new):
                    return True
                left = options.overlap_timeout - passed
            else:
                left = options.overlap - passed
            await self.alarm.wait(left)
        return False


def _is_final(error: WebSocketError, previous: Link | None) -> bool:
    """Whether trying again would be refused for ever.

    Where there has been a connection, only the server's own word counts, and the session's end:
    what else does not look like a WebSocket server any more may be a gateway in trouble.
    """
    known = isinstance(error, HandshakeRejected | SessionClosed)
    return not error.retriable and (previous is None or known)
