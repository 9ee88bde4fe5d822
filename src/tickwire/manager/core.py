"""The inside of a managed connection: what the slots, the readers and the program share.

Everything runs on one event loop and hands over between awaits, so there are no locks. Data moves
in one of two ways. With one connection and no records asked for, the program itself reads from the
live connection (``read_direct``), which costs next to nothing. Else every connection has a reader
task, and what is to be delivered collects in the merge until the program takes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any

from tickwire.exchanges import (
    RateLimits,
    SubscriptionState,
    combined_stats,
)
from tickwire.market import Gap, GapCause
from tickwire.transport import AsyncSession, WebSocketError

from .decode import decoder_for
from .directives import obey
from .endpoints import Endpoints
from .errors import closed_error
from .heart import keep_alive
from .herald import Herald, ask
from .limiter import RollingLimiter
from .link import Link
from .merge import Merge
from .opening import open_socket
from .planning import rotation_of, watch_for
from .reasons import DisconnectReason
from .records import Dropped
from .slot import Slot
from .states import ConnectionState, StateMachine
from .stats import Tally
from .subscriptions import Subscriptions
from .telling import begins, ends
from .timing import Alarm, Bell, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.errors import SubscriptionError
    from tickwire.exchanges import Codec, CodecStats
    from tickwire.transport import Batch

    from .options import ManagerOptions
    from .shape import Shape
    from .timing import Timekeeper
    from .wish import Wish

__all__ = ["Core"]

_NS = 1_000_000_000
_CALLBACK_SECONDS = 5.0
"""How long an end waits for a callback that does not return."""


class Core:
    """See the module's text. Arguments are those of :class:`~tickwire.WebSocketManager`.

    Attributes:
        life: Counts the lives.
        attempts: How many failed ones in a row end a life before its first connection; 0: none.
        closing: Whether this life is being ended.
        failure: What ended it, if it was not this program.
        endpoints: Where to connect, and from when on.
        merge: Where the connections' events come together.
        unwanted: Names of the streams that were unsubscribed.
    """

    def __init__(
        self,
        *,
        url: str,
        endpoints: Sequence[tuple[str, dict[str, Any]]],
        options: ManagerOptions,
        shape: Shape,
        subscriptions: Sequence[Any],
        connect: dict[str, Any],
        session: AsyncSession | None,
        clock: Timekeeper,
        rate_limits: RateLimits | None,
        connect_limiter: RollingLimiter | None,
        should_reconnect: Callable[[], Any] | None,
        callbacks: dict[str, Callable[..., Any] | None],
        seed: int | None,
    ) -> None:
        self.url = url
        self.options = options
        self.shape = shape
        self.clock = clock
        self.random = Random(seed)
        self.subscriptions = Subscriptions(subscriptions, typed=shape.codec is not None)
        self.unwanted: set[str] = set()
        self.merge = Merge()
        self.tally = Tally()
        self.life = 0
        self.attempts = 0
        self.closing = False
        self.failure: BaseException | None = None
        self.machine = StateMachine(self._moved)
        self.slots: list[Slot] = []
        self.links: dict[int, Link] = {}
        self.endpoints = Endpoints(endpoints, later=options.try_again_delay)
        self._connect = connect
        self._given_session = session
        self._session: AsyncSession | None = None
        self._limits = shape.rate_limits if rate_limits is None else rate_limits
        self._connect_limiter = connect_limiter or RollingLimiter(self._limits.connects)
        self._should_reconnect = should_reconnect
        self._count = 0
        self._codec_stats: CodecStats | None = None
        self._down_since_ns: int | None = None
        self._last_down: Link | None = None
        self._errors: deque[Exception] = deque()
        self._refused: set[tuple[int | None, tuple[str, ...]]] = set()
        self._arrival, self._room, self._change = Bell(), Bell(), Bell()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._employed: list[tuple[asyncio.Task[Any], Alarm]] = []
        self.herald = Herald(callbacks, self.fail)
        self.pooled = options.redundancy > 1 or shape.events

    # ------------------------------------------------------------------ a life

    @property
    def state(self) -> ConnectionState:
        return self.machine.state

    def begin(self, *, attempts: int) -> None:
        """Begin a life: DISCONNECTED, then CONNECTING."""
        # A life that failed may have left some in the middle of something.
        employed, self._employed = self._employed, []
        for task, _ in employed:
            if task is not asyncio.current_task():
                task.cancel()
        self.life += 1
        self.attempts = attempts
        if self.state is ConnectionState.CLOSED:
            self.machine = StateMachine(self._moved)
        self.machine.to(ConnectionState.CONNECTING)
        self.closing = False
        self.failure = None
        if self._session is None:
            self._session = self._given_session or AsyncSession()
        self.slots = [Slot(self, index) for index in range(self.options.redundancy)]
        for slot in self.slots:
            self.employ(slot.run(), slot.alarm)

    def employ(self, work: Any, alarm: Alarm) -> None:
        """Run something for as long as this life lasts; it looks at :attr:`closing` when rung."""
        self._employed.append((self.spawn(work), alarm))

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Run something in the background; if it fails, the life ends with its error."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """End the life because of ``error``, which the stream raises after what was received."""
        if self.failure is None:
            self.failure = error
        self.closing = True
        for link in list(self.links.values()):
            link.retire(DisconnectReason.USER_REQUESTED)
        if not self.up_links():
            self._rest()
        self.ring()

    def give_up(self, error: WebSocketError, *, cause: WebSocketError | None) -> bool:
        """No more attempts: DISCONNECTED, and the stream raises ``error``."""
        error.__cause__ = cause
        self.failure = error
        self.closing = True
        self._rest()
        self.ring()
        return False

    def _rest(self) -> None:
        """Move to the state in which a life ends."""
        if self.state in (ConnectionState.CONNECTING, ConnectionState.RECONNECTING):
            self.machine.to(ConnectionState.DISCONNECTED)
        elif self.state is ConnectionState.CLOSING:
            self.machine.to(ConnectionState.CLOSED)

    async def end(self, reason: DisconnectReason) -> None:
        """End the life: close every connection; what they received can still be read."""
        self.closing = True
        if self.state is ConnectionState.CONNECTED:
            self.machine.to(ConnectionState.CLOSING)
        for link in list(self.links.values()):
            link.retire(reason)
        self.ring()
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current]
        links = list(self.links.values())
        readers = {link.reader for link in links}
        ending = {task for link in links for task in (link.closer, link.watcher)}
        waiting = [task for task in tasks if task not in readers]
        for task in waiting:
            if task not in ending:
                task.cancel()
        await asyncio.gather(
            *(link.closer for link in list(self.links.values()) if link.closer is not None),
            *waiting,
            return_exceptions=True,
        )
        for link in list(self.links.values()):
            await self.note_down(link)
        # Another life may begin from here on, with a session of its own.
        session, self._session = self._session, None
        self._rest()
        if not self.herald.is_current:
            await self.herald.done_within(_CALLBACK_SECONDS, self.clock)
        if session is not None and self._given_session is None:
            await session.close()
        self.ring()

    async def dispose(self) -> None:
        """Let go of everything that is left: readers, and messages that nobody took."""
        for link in list(self.links.values()):
            await link.stop_reader()
            self.forget(link)
        self.merge.abandon()
        await self.herald.stop()
        self.ring()

    def _moved(self, old: ConnectionState, new: ConnectionState) -> None:
        now = self.clock.mono_ns()
        if new is ConnectionState.CONNECTED:
            self.tally.up_since_ns = now
        elif old is ConnectionState.CONNECTED and self.tally.up_since_ns is not None:
            self.tally.up_ns += now - self.tally.up_since_ns
            self.tally.up_since_ns = None
        self.changed()

    def changed(self) -> None:
        """Wake those who wait for a state."""
        self._change.ring()

    async def change(self) -> None:
        """Wait until the state may have changed."""
        await self._change.wait()

    def ring(self) -> None:
        """Let everybody look: slots, readers, and the program."""
        for _, alarm in self._employed:
            alarm.ring()
        self.wake()
        self._room.ring()
        self.changed()

    # ------------------------------------------------------------------ connections

    async def open(self, slot: Slot) -> Link:
        """A new connection, taken into the merge.

        Raises:
            WebSocketError: It could not be had. Any other error is a mistake in what was asked
                for, and ends the life.
        """
        await pause(self.clock, self._connect_limiter.take(self.clock.mono_ns()))
        url, own = self.endpoints.at(slot.turn)
        assert self._session is not None
        codec = None if self.shape.codec is None else self.shape.codec()
        try:
            ws = await open_socket(self._session, url, self._connect | own, codec, self.clock)
        except WebSocketError as error:
            self.tally.failed_attempts += 1
            self._heed(slot.turn, error)
            raise
        self._count += 1
        link = Link(
            self._count,
            slot,
            ws,
            codec=codec,
            decoder=decoder_for(raw=self.shape.raw, codec=codec, identity=self.shape.identity),
            watch=watch_for(
                self.options, identified=self.shape.identified, now_ns=self.clock.mono_ns()
            ),
            clock=self.clock,
            limits=self._limits,
        )
        is_first = slot.link is None
        age, link.rotate_for = rotation_of(
            self.options, slot.index, is_first=is_first, draw=self.random.random()
        )
        if age is not None:
            link.rotate_at_ns = link.opened_ns + round(age * _NS)
        self.links[link.number] = link
        self.tally.connects += 1
        is_live = self.merge.join(link.number)
        link.watcher = self.spawn(self._watch_end(link))
        if self.shape.liveness is not None:
            link.heart = self.spawn(keep_alive(self, link, self.shape.liveness))
        if is_live:
            self.merge.out += self._records_of(link, 0)
        if self.pooled or not is_live:
            link.reader = self.spawn(self._read(link))
        if not self.closing and self.state is not ConnectionState.CONNECTED:
            self.machine.to(ConnectionState.CONNECTED)
        self.herald.announce("on_connect")
        self.wake()
        return link

    async def welcome(self, link: Link) -> None:
        """Subscribe a new connection."""
        try:
            for frame in self.subscriptions.frames(link.codec, self.clock.wall_ns()):
                # The venue's limits may make this long, and the program's wishes may change.
                if link.codec is not None or frame in self.subscriptions:
                    await link.send(frame)
        except WebSocketError:
            # Its end is noticed by whoever reads it; the slot then begins anew.
            await link.ws.close()

    async def _watch_end(self, link: Link) -> None:
        await link.ws.wait_closed()
        await self.note_down(link)

    async def note_down(self, link: Link, error: WebSocketError | None = None) -> None:
        """A connection has ended. Idempotent; what it received may still be read."""
        if link.is_down:
            return
        link.error = error or await link.verdict()
        self._note_down(link)
        if link.has_nothing_left:
            # Nobody may ask for a long time, and its successor waits.
            self.drained(link, link.error or closed_error(None))

    def _note_down(self, link: Link) -> None:
        if link.is_down:
            return
        link.is_down = True
        self.tally.reasons[link.reason] += 1
        if link.planned is None:
            self._heed(link.turn, link.error)
        self._last_down = link
        if not self.up_links():
            self._down_since_ns = self.clock.mono_ns()
            if not self.closing and self.state is ConnectionState.CONNECTED:
                self.machine.to(ConnectionState.RECONNECTING)
            elif self.closing and self.state is ConnectionState.CONNECTED:
                self.machine.to(ConnectionState.CLOSING)
                self._rest()
        self.herald.announce("on_disconnect", link.reason)
        link.slot.noticed(link)
        self._room.ring()
        self.changed()

    def _heed(self, turn: int, error: WebSocketError | None) -> None:
        now_ns, wall_ns = self.clock.mono_ns(), self.clock.wall_ns()
        self.endpoints.heed(turn, error, now_ns=now_ns, wall_ns=wall_ns)

    def up_links(self) -> list[Link]:
        """The connections that are not down."""
        return [link for link in self.links.values() if not link.is_down]

    # ------------------------------------------------------------------ hand-overs

    def is_live(self, link: Link) -> bool:
        return link.number in self.merge.live

    def has_others_live(self, link: Link) -> bool:
        """Whether another connection that is still up delivers."""
        return any(
            number != link.number and not self.links[number].is_down for number in self.merge.live
        )

    def is_level(self, link: Link) -> bool:
        """Whether ``link`` has everything that is still to come, as far as can be known."""
        if link.number not in self.links:
            return False
        codec = link.codec
        if codec is not None:
            states = codec.subscriptions
            if any(state == SubscriptionState.PENDING for state in states.values()):
                return False
        if not self.merge.is_level(link.number):
            return False
        return self.merge.held(link.number) > 0 or (codec is not None and self.shape.identified)

    def lacks(self, new: Link, old: Link) -> bool:
        """Whether the venue refused ``new`` a stream that ``old`` carries."""
        if new.codec is None or old.codec is None:
            return False
        given = new.codec.subscriptions
        return any(
            state == SubscriptionState.ACCEPTED and given.get(name) == SubscriptionState.REFUSED
            for name, state in old.codec.subscriptions.items()
        )

    def overlap_begins(self, link: Link) -> None:
        link.overlap_ns = self.clock.mono_ns()

    def promote(self, link: Link) -> None:
        """Let a standby speak beside those that do already."""
        at, before = len(self.merge.out), self.merge.duplicates
        self.merge.promote(link.number)
        self.merge.out[at:at] = self._records_of(link, self.merge.duplicates - before)
        self._room.ring()
        self.wake()

    def _records_of(self, link: Link, duplicates: int) -> list[Any]:
        """What the stream says of a connection that begins to deliver; nothing the second time."""
        if link.is_announced:
            return []
        link.is_announced = True
        before = link.replaces or (self._last_down if self._down_since_ns is not None else None)
        records = begins(
            link,
            before,
            clock=self.clock,
            down_since_ns=self._down_since_ns,
            held=self.merge.held(link.number),
            duplicates=duplicates,
            identified=self.shape.identified,
        )
        self.tally.unbounded_gaps += sum(isinstance(record, Gap) for record in records)
        return records if self.shape.events else []

    def drained(self, link: Link, error: WebSocketError) -> None:
        """Everything that a connection received was taken, and it has ended."""
        if link.number not in self.links:
            return
        if not link.is_down:
            link.error = error
            self._note_down(link)
        merge = self.merge
        at, before = len(merge.out), merge.duplicates
        was_live = self.is_live(link)
        promoted = merge.leave(link.number, lost=link.planned is None)
        records: list[Any] = []
        if was_live or not self.merge.live:
            records.append(ends(link, error, clock=self.clock, remaining=len(merge.live)))
        if promoted is not None:
            successor = self.links[promoted]
            if link.planned is not None and successor.replaces is link:
                self.tally.rotations += 1
            records += self._records_of(successor, merge.duplicates - before)
        if self.shape.events:
            merge.out[at:at] = records
        self.forget(link)
        if promoted is None and link.planned is not None and self.slots[link.slot.index].is_up:
            self.tally.rotations += 1
        self.ring()

    def forget(self, link: Link) -> None:
        """Ask a connection no more."""
        if self.links.pop(link.number, None) is not None:
            self.tally.retire(link.ws)
            if link.codec is not None:
                self._codec_stats = self._with(link.codec)
        if link.heart is not None:
            link.heart.cancel()
        link.gone.set()

    def _with(self, codec: Codec) -> CodecStats:
        stats = codec.stats
        return stats if self._codec_stats is None else combined_stats(self._codec_stats, stats)

    @property
    def codec_stats(self) -> CodecStats | None:
        """What all connections' codecs counted."""
        total = self._codec_stats
        for link in self.links.values():
            if link.codec is not None:
                stats = link.codec.stats
                total = stats if total is None else combined_stats(total, stats)
        return total

    # ------------------------------------------------------------------ data

    async def _read(self, link: Link) -> None:
        """Move one connection's messages into the merge, its end included."""
        is_sound = True
        while True:
            try:
                batch = await link.ws.recv_batch()
            except WebSocketError as error:
                link.reader = None
                self.drained(link, error)
                return
            if not is_sound:
                continue
            try:
                self.take(link, batch)
            except Exception as error:
                # The end of the life; what else this connection brings until it is closed is gone.
                self.fail(error)
                is_sound = False
            while self._is_full(link):
                await self._room.wait()

    def _is_full(self, link: Link) -> bool:
        """Whether to read a connection no further for now, so that TCP holds back the rest."""
        if self.closing:
            return False
        if len(self.merge.out) >= self.options.queue_size and (self.pooled or self.is_live(link)):
            return True
        return not link.is_down and self.merge.is_full(link.number)

    def relieve(self, link: Link) -> None:
        """Let a standby of a redundant set go on that is full although the program keeps up."""
        if self.merge.is_full(link.number) and len(self.merge.out) < self.options.queue_size:
            self.merge.shed(link.number)
            self._room.ring()

    async def fill(self) -> list[Any]:
        """What the program gets next; at least one item.

        Raises:
            StopAsyncIteration: This program ended the connection, and nothing is left.
            WebSocketError: It could not be restored, and nothing is left.
            SubscriptionError: The venue refused a stream; the others go on.
        """
        fast = self.shape.raw and not self.pooled and not self.shape.identified
        while True:
            out = self.merge.out
            if out:
                self.merge.out = []
                self._room.ring()
                return out
            if self._errors:
                raise self._errors.popleft()
            if not self.links and self.closing:
                self._raise_end()
            link = self._lead()
            if link is None:
                if not self.links and not self.slots:
                    raise closed_error(None)
                await self._arrival.wait()
                continue
            if link.reader is not None:
                await link.stop_reader()
                continue
            link.asked += 1
            try:
                batch = await link.ws.recv_batch()
            except WebSocketError as error:
                self.drained(link, error)
                continue
            finally:
                link.asked -= 1
            if fast and not self.merge.out:
                return batch
            if link.number not in self.links:
                continue  # disposed of while this waited
            try:
                self.take(link, batch)
            except Exception as error:
                # What else was in the batch is gone; as for a reader, that is the end.
                self.fail(error)
                raise

    def _lead(self) -> Link | None:
        """The connection that the program itself reads from."""
        if self.pooled:
            return None
        live = self.merge.live
        return self.links.get(live[0]) if live else None

    def _raise_end(self) -> None:
        if self.failure is not None:
            raise self.failure
        raise StopAsyncIteration

    def wake(self) -> None:
        """Wake the program, if it waits."""
        self._arrival.ring()

    def take(self, link: Link, batch: Batch) -> None:
        """Decode a batch and hand it to the merge."""
        merge, number = self.merge, link.number
        if batch.lost:
            merge.doubt(GapCause.OVERFLOW)
            if self.shape.events:
                merge.out.append(
                    Dropped(connection=number, ts_ns=self.clock.wall_ns(), count=batch.lost)
                )
        if self.shape.identified or len(self.links) > 1:
            offer = merge.offer
            pairs = link.decoder.pairs(batch)
            for item, identity in pairs:
                offer(number, item, identity)
            if merge.aside:
                merge.passed(number, pairs)
            if link.watch is not None:
                streams = {identity.stream for _, identity in pairs if identity is not None}
                link.watch.heard(streams, self.clock.mono_ns())
        else:
            merge.out += link.decoder.items(batch)
        if link.decoder.undecodable:
            self.tally.undecodable += link.decoder.undecodable
            link.decoder.undecodable = 0
        if link.codec is not None:
            obey(self, link, link.codec)
        if len(self.links) > 1:
            for other in self.links.values():
                if not other.is_down and not self.is_live(other):
                    other.slot.alarm.ring()
        if merge.out:
            self.wake()

    def refuse(self, refusal: SubscriptionError) -> None:
        """Tell the program of a refused stream: once, although every connection asks again."""
        key = (refusal.code, refusal.streams)
        if key not in self._refused:
            self._refused.add(key)
            self._errors.append(refusal)
            self.wake()

    async def send_quietly(self, link: Link, frame: str | bytes) -> None:
        """Send what need not arrive if the connection is over."""
        try:
            await link.send(frame)
        except WebSocketError as error:
            await self.note_down(link, error)

    async def resubscribe(self, link: Link, stream: str) -> None:
        """Ask for one stream again, on the same connection."""
        if link.codec is None:
            return
        now_ns, wanted = self.clock.wall_ns(), self.subscriptions.named(stream)
        for frame in link.codec.unsubscribe([wanted], now_ns):
            await self.send_quietly(link, frame.decode())
        for frame in link.codec.subscribe([wanted], now_ns):
            await self.send_quietly(link, frame.decode())

    def watch_no_more(self, subscription: Any) -> None:
        """The silence of a stream that was given up is no fault; and if it is asked for again and
        refused again, that is to be told."""
        name = str(subscription)
        self._refused = {key for key in self._refused if name not in key[1]}
        if self.shape.codec is not None:
            self.unwanted.add(name)
            return
        for link in self.links.values():
            # Which stream it was, an identity function does not say: those that go on come back.
            if link.watch is not None:
                link.watch.forget_all()

    def rotate(self, slot: Slot, reason: DisconnectReason) -> None:
        """Replace a slot's connection, make before break."""
        if slot.rotation is None:
            slot.rotation = reason
            slot.alarm.ring()

    # ------------------------------------------------------------------ callbacks

    async def ask_reconnect(self, wish: Wish) -> float:
        """Seconds until ``should_reconnect`` wants a connection, as far as it says; 0 is now."""
        if self._should_reconnect is None:
            return 0.0
        wait = wish.hear(await ask(self._should_reconnect), self.clock.mono_ns())
        return self.options.disconnect_check_interval if wait is None else wait
