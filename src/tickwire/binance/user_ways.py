"""The two ways to an account's events, and what keeps each alive: by listenKey, by subscription.

Both hand bytes without their envelopes to an :class:`~tickwire.binance.user_inbox.Inbox`. The venue
numbers none of these events across types, so two sources of the same events are told apart by
counting: see :mod:`tickwire.exchanges.binance.copies`.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from tickwire.credentials import Secret
from tickwire.exchanges.binance.copies import Copies
from tickwire.exchanges.binance.refusals import Retry
from tickwire.exchanges.binance.signing import Security
from tickwire.exchanges.binance.user_keys import (
    ACCOUNTS,
    KEY_SECONDS,
    LISTEN_KEYS,
    TOKEN_PATH,
    lead_seconds,
    notice_of,
    payload_of,
    token_params,
)
from tickwire.manager import (
    Disconnected,
    Reconnected,
    ReconnectStrategy,
    WebSocketConnectionError,
    WebSocketManager,
)
from tickwire.manager.backoff import Backoff
from tickwire.manager.timing import Alarm, pause
from tickwire.market import Gap, GapCause
from tickwire.transport import WebSocketError

from .apilink import Lost
from .asking import ATTEMPTS
from .connects import connect_limiter
from .errors import (
    BinanceAPIException,
    BinanceRequestException,
    BinanceWebsocketUnableToConnect,
)
from .signatory import milliseconds
from .user_inbox import Arrival, Inbox

if TYPE_CHECKING:
    from tickwire.exchanges.binance.user_keys import Account
    from tickwire.manager import Timekeeper

    from .client import AsyncClient

__all__ = ["ListenKeyWay", "SubscriptionWay"]

_log = logging.getLogger("tickwire.binance")
_NS = 1_000_000_000
_OVERLAP_SECONDS = 2.0
"""For which both connections deliver; a message is some 100 ms on its way."""
_REMEMBERED_SECONDS = 30.0
"""For which a copy that comes late over the new connection is known as one."""
# What may pass when it is tried again.
_FAILURES = (
    BinanceAPIException,
    BinanceRequestException,
    BinanceWebsocketUnableToConnect,
    WebSocketError,
    Lost,
    TimeoutError,
)


def _without_frames(error: WebSocketError) -> WebSocketError:
    """``error`` and what it comes from, as they are, without the places where they were raised."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link.__context__ = None if link.__context__ is not link.__cause__ else link.__context__
        link = link.__cause__
    return error


def _disconnect_gap() -> Gap:
    return Gap(symbol="", stream="", cause=GapCause.DISCONNECT)


class _Way:
    """What both have in common: one task that does what is due, and tries again what failed.

    Attributes:
        rotations: Keys, tokens and connections replaced so far.
    """

    def __init__(self, client: AsyncClient, account: Account, inbox: Inbox, clock: Timekeeper):
        self.rotations = 0
        self._client = client
        self._account = account
        self._product = ACCOUNTS[account]
        self._inbox = inbox
        self._clock = clock
        self._alarm = Alarm(clock)
        self._copies: Copies | None = None
        self._forget_ns: int | None = None
        self._retry_ns = self._failures = 0
        self._backoff = Backoff(
            ReconnectStrategy.EXPONENTIAL_BACKOFF,
            delay=1.0,
            delay_max=60.0,
            stable=0.0,
            random=Random(),
        )
        self._task: asyncio.Task[None] | None = None

    # What a way does

    def _due_ns(self) -> int | None:
        """When there is something to do by plan; ``None``: not by the clock."""
        raise NotImplementedError

    async def _do(self, now_ns: int) -> None:
        """Do what is due."""
        raise NotImplementedError

    @property
    def _is_dead(self) -> bool:
        """Whether no events come until something has been done."""
        raise NotImplementedError

    # The task

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        try:
            while not self._inbox.has_ended:
                await self._turn()
        except Exception as error:
            # Neither a refusal nor a broken connection: a fault, which the reader has to know of.
            self._inbox.end(error)

    async def _turn(self) -> None:
        now = self._clock.mono_ns()
        if self._forget_ns is not None and now >= self._forget_ns:
            self._copies = self._forget_ns = None
        if now >= self._retry_ns and (self._is_dead or self._is_due(now)):
            try:
                await self._do(now)
                self._retry_ns = self._failures = 0
                self._backoff.held(0.0)
            except _FAILURES as error:
                self._note_failure(error)
            return
        instants = [at for at in (self._forget_ns, self._due_ns()) if at is not None]
        if self._retry_ns > now:
            # What failed is due already: it waits for its turn, and so does all else.
            instants = [self._retry_ns]
        left = (min(instants) - now) / _NS if instants else None
        await self._alarm.wait(None if left is None else max(left, 0.0))

    def _is_due(self, now_ns: int) -> bool:
        due = self._due_ns()
        return due is not None and now_ns >= due

    def _note_failure(self, error: Exception) -> None:
        hopeless = isinstance(error, BinanceAPIException) and error.retry is Retry.NO
        if hopeless and self._is_dead:
            self._inbox.end(error)
            return
        self._failures += 1
        if self._is_dead and self._failures % ATTEMPTS == 0:
            self._tell_round(error)
        seconds = self._backoff.next_delay()
        if isinstance(error, BinanceAPIException) and error.retry_after_ms is not None:
            seconds = max(seconds, error.retry_after_ms / 1000 - self._clock.wall_ns() / _NS)
        _log.warning("user data of %s: %s; tried again in %.1f s", self._account, error, seconds)
        self._retry_ns = self._clock.mono_ns() + round(seconds * _NS)

    def _tell_round(self, error: Exception) -> None:
        """Another five attempts have failed; ``error`` is the last one's."""
        told = BinanceWebsocketUnableToConnect(
            f"user data of {self._account}: no connection in {ATTEMPTS} attempts"
        )
        cause = error.__cause__ if isinstance(error, WebSocketConnectionError) else error
        if isinstance(cause, Exception):
            told.__cause__ = cause.with_traceback(None)
        self._inbox.tell(told)

    def _hurry(self) -> None:
        """Look at once, although something has failed a moment ago: things have changed."""
        self._retry_ns = 0
        self._alarm.ring()

    def _begin_overlap(self) -> None:
        self._copies = self._copies or Copies()
        self._forget_ns = None

    def _end_overlap(self) -> None:
        self._forget_ns = self._clock.mono_ns() + round(_REMEMBERED_SECONDS * _NS)

    def _deliver(self, source: int, arrival: Arrival) -> None:
        if self._copies is None or self._copies.is_new(source, arrival.payload):
            self._inbox.put(arrival)

    async def close(self) -> None:
        """End it. Idempotent."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait((task,))


class _Lane:
    """A connection to the events of one key.

    Attributes:
        held: What came while another one delivers; ``None``: it delivers itself.
        is_expired: Whether its key is dead.
        failure: Why it has ended, if it has.
    """

    def __init__(self, number: int, key: Secret, manager: WebSocketManager) -> None:
        self.number = number
        self.key = key
        self.manager = manager
        self.held: list[Arrival | Gap | Disconnected] | None = None
        self.is_expired = False
        self.failure: Exception | None = None
        self.reader: asyncio.Task[None] | None = None

    def is_named(self, key: str | None) -> bool:
        """Whether a notice about ``key``, or about none by name, is about this one's."""
        return key is None or Secret(key) == self.key

    @property
    def is_dead(self) -> bool:
        return self.is_expired or self.failure is not None


class ListenKeyWay(_Way):
    """By listenKey: a key, its keepalive, and a connection of its own.

    The key is not deleted at the end: the venue gives one key to all programs of an account, and
    the others may still need it. It expires by itself.

    Args:
        rotate_every: Age in seconds at which the connection is replaced.
        keepalive_every: Seconds between keepalives.
    """

    def __init__(
        self,
        client: AsyncClient,
        account: Account,
        inbox: Inbox,
        clock: Timekeeper,
        *,
        rotate_every: float,
        keepalive_every: float,
    ) -> None:
        super().__init__(client, account, inbox, clock)
        self._rules = LISTEN_KEYS[self._product]
        self._rotate_every_ns = round(rotate_every * _NS)
        self._keepalive_every_ns = round(keepalive_every * _NS)
        self._rotate_ns = self._keepalive_ns = self._alive_ns = 0
        self._count = 0
        self._lane: _Lane | None = None
        self._lanes: list[_Lane] = []

    async def open(self) -> None:
        """Get a key, and connect.

        Raises:
            BinanceAPIException: The venue refused the key. Retry: as the error says.
            BinanceRequestException: The request got no answer. Retry: yes.
            WebSocketConnectionError: No connection. Retry: yes.
        """
        try:
            self._lane = await self._connect(await self._start_key())
        except BaseException:
            await self.close()
            raise
        self._plan()
        self._begin()

    def _plan(self) -> None:
        now = self._alive_ns = self._clock.mono_ns()
        self._rotate_ns = now + self._rotate_every_ns
        self._keepalive_ns = now + self._keepalive_every_ns

    async def _start_key(self) -> Secret:
        answer = await self._client.request(
            "POST", self._product, self._rules.path, None, Security.API_KEY
        )
        return Secret(str(answer["listenKey"]))

    async def _connect(self, key: Secret, *, held: bool = False) -> _Lane:
        base = self._client.stream_url(self._product)
        manager = WebSocketManager(
            base + self._rules.address(key.reveal()),
            raw=True,
            events=True,
            session=self._client.session,
            clock=self._clock,
            connect_limiter=connect_limiter(base, self._product, self._clock),
            # This way replaces connections itself, since a new one may need a new key; settings
            # from the environment are not for it.
            rotate_every=None,
            connection_limit=None,
            redundancy=1,
            auto_reconnect=True,
            # Then this way goes on: it asks for a key first.
            max_reconnect_attempts=ATTEMPTS,
        )
        self._count += 1
        lane = _Lane(self._count, key, manager)
        lane.held = [] if held else None
        self._lanes.append(lane)
        failure: WebSocketError | None = None
        try:
            await manager.connect()
        except WebSocketError as error:
            # The frames that it comes from have the key in their addresses.
            failure = _without_frames(error)
            await self._drop(lane)
        except BaseException:
            await self._drop(lane)
            raise
        if failure is not None:
            raise failure from failure.__cause__
        lane.reader = asyncio.get_running_loop().create_task(self._read(lane))
        return lane

    async def _read(self, lane: _Lane) -> None:
        while True:
            try:
                items = await lane.manager.recv_batch()
            except StopAsyncIteration:
                return
            except Exception as error:
                lane.failure = error
                if lane is self._lane:
                    self._tell_round(error)
                self._hurry()
                return
            for item in items:
                self._take(lane, item)

    def _take(self, lane: _Lane, item: Any) -> None:
        if isinstance(item, bytes):
            payload = payload_of(item)
            notice = notice_of(payload)
            if notice.label == "listenKeyExpired" and lane.is_named(notice.listen_key):
                lane.is_expired = True
                self._hurry()
            elif notice.label == "serverShutdown":
                self._rotate_ns = self._clock.mono_ns()
                self._alarm.ring()
            self._pass_on(lane, Arrival(payload, self._clock.wall_ns()))
        elif isinstance(item, (Gap, Disconnected)):
            self._pass_on(lane, item)
        elif isinstance(item, Reconnected):
            # The venue lets a dead key connect, and is silent: a keepalive tells.
            self._keepalive_ns = self._clock.mono_ns()
            self._hurry()

    def _pass_on(self, lane: _Lane, item: Arrival | Gap | Disconnected) -> None:
        if lane.held is not None:
            if len(lane.held) >= self._inbox.limit:
                self._inbox.overflow()
            else:
                lane.held.append(item)
        elif isinstance(item, Gap):
            self._inbox.note(item)
        elif isinstance(item, Disconnected):
            self._inbox.tell(item)
        else:
            self._deliver(lane.number, item)

    @property
    def _is_dead(self) -> bool:
        return self._lane is None or self._lane.is_dead

    def _due_ns(self) -> int:
        return min(self._rotate_ns, self._keepalive_ns)

    async def _do(self, now_ns: int) -> None:
        if self._is_dead or now_ns >= self._rotate_ns:
            await self._rotate()
        else:
            await self._keep_alive()

    async def _keep_alive(self) -> None:
        assert self._lane is not None
        lane = self._lane
        params = {"listenKey": lane.key} if self._rules.names_key else None
        try:
            await self._client.request(
                "PUT", self._product, self._rules.path, params, Security.API_KEY
            )
        except BinanceAPIException as error:
            # Refused for good, it lives on for its hour, whose end the venue need not tell.
            age = self._clock.mono_ns() - self._alive_ns
            is_over = error.retry is Retry.NO and age >= KEY_SECONDS * _NS
            if error.retry is not Retry.RENEW and not is_over:
                raise
            lane.is_expired = True
            return
        self._alive_ns = self._clock.mono_ns()
        self._keepalive_ns = self._alive_ns + self._keepalive_every_ns

    async def _rotate(self) -> None:
        """Another connection, by another key if the venue gives one, then the end of this one."""
        old = self._lane
        assert old is not None
        key = await self._start_key()
        # From here on what the old one delivers is remembered: the new one may bring it too.
        self._begin_overlap()
        try:
            new = await self._connect(key, held=True)
            was_dead = old.is_dead
            if not was_dead:
                await pause(self._clock, _OVERLAP_SECONDS)
        finally:
            self._end_overlap()
        await self._finish(old)
        if was_dead:
            self._inbox.note(_disconnect_gap())
        held, new.held = new.held or [], None
        for item in held:
            self._pass_on(new, item)
        self._lane = new
        self.rotations += 1
        self._plan()

    async def _finish(self, lane: _Lane) -> None:
        """Close a connection and deliver what it had received."""
        await lane.manager.disconnect()
        if lane.reader is not None:
            await asyncio.wait((lane.reader,))
        await self._drop(lane)

    async def _drop(self, lane: _Lane) -> None:
        if lane in self._lanes:
            self._lanes.remove(lane)
        await lane.manager.close()
        if lane.reader is not None:
            lane.reader.cancel()
            await asyncio.wait((lane.reader,))

    async def close(self) -> None:
        await super().close()
        for lane in list(self._lanes):
            await self._drop(lane)


class SubscriptionWay(_Way):
    """By a subscription on the WebSocket API, which margin accounts renew with tokens.

    The WebSocket API keeps subscriptions across its connections, and says where that was no planned
    change; what it cannot keep, such as one whose token has expired, is subscribed anew here.
    """

    def __init__(
        self,
        client: AsyncClient,
        account: Account,
        inbox: Inbox,
        clock: Timekeeper,
        *,
        symbol: str | None,
    ) -> None:
        super().__init__(client, account, inbox, clock)
        self._has_token = account != "spot"
        self._params = token_params(account, symbol)
        self._renew_ns: int | None = None
        self._subscription: int | None = None
        self._attempt = self._last_ended = 0
        self._owes_gap = False

    async def open(self) -> None:
        """Subscribe.

        Raises:
            BinanceAPIException: The venue refused. Retry: as the error says.
            BinanceRequestException, BinanceWebsocketUnableToConnect: No answer, or no connection.
                Retry: yes.
        """
        await self._subscribe()
        self._begin()

    async def _token(self) -> tuple[Secret, int]:
        """A token, and when to renew it by the monotonic clock."""
        answer = await self._client.request(
            "POST", self._product, TOKEN_PATH, self._params, Security.API_KEY
        )
        left = milliseconds(int(answer["expirationTime"])) / 1000 - self._clock.wall_ns() / _NS
        renew_ns = self._clock.mono_ns() + round((left - lead_seconds(left)) * _NS)
        return Secret(str(answer["token"])), renew_ns

    async def _subscribe(self) -> None:
        token, renew_ns = await self._token() if self._has_token else (None, None)
        self._attempt += 1
        attempt = self._attempt
        self._subscription = await self._client.ws_api(self._product).subscribe_user_data(
            self._event,
            partial(self._ended, attempt),
            token,
            on_restored=self._note_gap,
            on_trouble=self._inbox.tell,
        )
        self._renew_ns = renew_ns
        if self._last_ended == attempt:
            self._lose()
        else:
            self._go_on()

    def _event(self, frame: bytes, recv_ns: int) -> None:
        self._go_on()
        self._inbox.put(Arrival(payload_of(frame), recv_ns))

    def _note_gap(self) -> None:
        self._inbox.note(_disconnect_gap())

    def _ended(self, attempt: int, error: Exception | None) -> None:
        """The WebSocket API gives up a subscription; perhaps before its number has come."""
        self._last_ended = attempt
        if self._subscription is not None:
            self._lose()

    def _lose(self) -> None:
        self._subscription = None
        self._owes_gap = True
        self._hurry()

    def _go_on(self) -> None:
        """Events come again, or for the first time: what was missed stands before them."""
        if self._owes_gap:
            self._owes_gap = False
            self._note_gap()

    @property
    def _is_dead(self) -> bool:
        return self._subscription is None

    def _due_ns(self) -> int | None:
        return self._renew_ns

    async def _do(self, now_ns: int) -> None:
        """Subscribe anew: before the end by plan, or since it has ended."""
        if self._subscription is None:
            await self._subscribe()
        else:
            token, renew_ns = await self._token()
            if self._is_dead:
                return  # meanwhile: it has to be subscribed anew
            # The same account on the same socket: the venue goes on without a hole.
            api = self._client.ws_api(self._product)
            await api.renew_user_data(self._subscription, token)
            self._renew_ns = renew_ns
        self.rotations += 1

    async def close(self) -> None:
        await super().close()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await self._client.ws_api(self._product).unsubscribe_user_data(subscription)
