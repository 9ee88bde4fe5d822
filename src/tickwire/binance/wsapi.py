"""Requests over Binance's WebSocket API, and the user data that comes over it.

Theory of operation. There is one connection (``apilink.py``) that takes new requests; it is made
when the first request needs it, once for all that wait. A request is admitted by the address's
weight budget, signed, sent, and waits for the answer with its id. When the connection is lost, what
was in flight fails and says whether its outcome is known; nothing that was sent is sent again.

Before the venue ends the connection (after a day, or when it announces a shutdown) a second one is
made. It takes the requests from then on and the subscriptions are made on it too; then the old one
is asked to end its own, whose answer comes after its last event, finishes what is in flight, and is
closed. Events that came on both are delivered once, in order (``overlap.py``).
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from tickwire.binance.apidoor import ApiDoor, api_backoff
from tickwire.binance.apilink import Answer, ApiLink, Lost
from tickwire.binance.asking import ATTEMPTS, CLOCK_REFUSED, REQUEST_SECONDS, Asked, Asking
from tickwire.binance.connects import connect_limiter
from tickwire.binance.errors import (
    BinanceAPIException,
    BinanceRateLimited,
    BinanceRequestException,
    BinanceRequestLost,
    BinanceWebsocketUnableToConnect,
)
from tickwire.binance.feeds import Feed, Listener
from tickwire.clock import wall_ns
from tickwire.credentials import Secret, hidden
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.signing import Security
from tickwire.exchanges.binance.weights import CONNECT_WEIGHT, RateLimit
from tickwire.manager import Disconnected
from tickwire.manager.reasons import reason_of
from tickwire.transport import HandshakeRejected, WebSocketClosed, WebSocketError
from tickwire.wire import CloseCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tickwire.binance.signatory import Signatory
    from tickwire.binance.user_inbox import News
    from tickwire.binance.venue import Venue
    from tickwire.exchanges.binance.names import Market
    from tickwire.exchanges.binance.weights import WeightBudget
    from tickwire.transport import AsyncSession

__all__ = ["WsApi"]

_LOGGER = logging.getLogger("tickwire.binance")

MAX_AGE_SECONDS = 23.5 * 3600
"""A connection is replaced at that age; the venue ends it at 24 hours."""
_FAREWELL_SECONDS = 3.0  # for the last event of an old connection; the new one's wait for it
_ALREADY_SUBSCRIBED = -2035


class WsApi(Asking):
    """One product's WebSocket API. Made by ``client.ws_api(product)``; connects on first use.

    Args:
        product: Which.
        venue: Where it is.
        session: Gives the session that connects.
        signatory: The keys and the venue's clock.
        budget: The address's allowance, shared with REST.
        rest_clock: Sets the clock where this interface has no method for that; ``None``: it has.
        time_unit: Of the times in answers.
        wait_for_limits: Wait where a limit forbids a request, instead of raising.
        max_age: Seconds after which a connection is replaced.
    """

    def __init__(
        self,
        product: Market,
        venue: Venue,
        session: Callable[[], AsyncSession],
        signatory: Signatory,
        budget: WeightBudget,
        *,
        rest_clock: Callable[[], Awaitable[None]] | None = None,
        time_unit: str | None = None,
        wait_for_limits: bool = False,
        max_age: float = MAX_AGE_SECONDS,
    ) -> None:
        super().__init__(
            product, signatory, budget, rest_clock=rest_clock, wait_for_limits=wait_for_limits
        )
        self._url = venue.ws_api_url(product)
        query = f"?timeUnit={time_unit}" if time_unit is not None else ""
        self._door = ApiDoor(self._url, query, session, connect_limiter(self._url, product))
        self._max_age = max_age
        self._link: ApiLink | None = None
        self._links: set[ApiLink] = set()
        self._connecting: asyncio.Task[ApiLink | Exception] | None = None
        self._ageing: asyncio.TimerHandle | None = None
        self._rotating = False
        self._due: ApiLink | None = None
        self._feeds: list[Feed] = []
        self._listener_numbers = itertools.count()
        self._link_numbers = itertools.count(1)
        self._restoring: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = "closed" if self._closed else "connected" if self.is_connected else "idle"
        return f"<WsApi {self._product} {state} in_flight={self.in_flight}>"

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that takes requests."""
        return self._link is not None and self._link.accepting

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answers."""
        return sum(len(link.pending) for link in self._links)

    @property
    def rate_limits(self) -> tuple[RateLimit, ...]:
        """The address's and the account's limits, as the venue told them last."""
        return self._budget.rate_limits

    # ------------------------------------------------------------------ connections

    async def _ready(self) -> ApiLink:
        """The connection that takes requests; made if there is none, once for all that ask."""
        self._check_open()
        link = self._link
        # One that has ended may not have been told yet.
        if link is not None and link.accepting and link.is_alive:
            return link
        if self._connecting is None:
            self._connecting = self._spawn(self._connect_first())
            self._connecting.add_done_callback(self._connected)
        made = await self._shared(self._connecting)
        if isinstance(made, ApiLink):
            return made
        # One each: an error raised at many places at once collects their tracebacks.
        raise copy.copy(made) from made.__cause__

    def _connected(self, task: asyncio.Task[ApiLink | Exception]) -> None:
        self._connecting = None

    async def _connect_first(self) -> ApiLink | Exception:
        """Connect, in several attempts; gives what failed last."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                link = await self._open()
            except (BinanceAPIException, ConfigurationError) as error:
                return error
            except WebSocketError as error:
                failure = BinanceWebsocketUnableToConnect(
                    f"{self._url} could not be reached in {attempt} attempts: {error}"
                )
                failure.__cause__ = error.with_traceback(None)
                if not error.retriable or attempt == ATTEMPTS:
                    return failure
            else:
                self._use(link)
                return link
        raise AssertionError

    async def _open(self) -> ApiLink:
        """One attempt at a connection."""
        self._check_open()
        await self._door.turn()
        await self._admit("connecting", CONNECT_WEIGHT)
        try:
            ws = await self._door.connect()
        except HandshakeRejected as error:
            if error.status not in (418, 429):
                raise
            status, wait = error.status, error.retry_after
        else:
            if self._closed:
                await ws.close()
                self._check_open()
            link = ApiLink(
                ws,
                url=self._url,
                number=next(self._link_numbers),
                on_event=self._on_event,
                on_connection_error=self._on_connection_error,
                on_end=self._on_end,
            )
            self._links.add(link)
            return link
        now_ms = self._signatory.now_ms()
        until = None if wait is None else now_ms + int(wait * 1000)
        raise BinanceAPIException(
            status,
            -1003,
            "the connection was refused: too many requests from this address",
            retry_after_ms=self._budget.close_until(until, now_ms),
        )

    def _use(self, link: ApiLink) -> None:
        self._link = link
        if self._ageing is not None:
            self._ageing.cancel()
        loop = asyncio.get_running_loop()
        self._ageing = loop.call_later(self._max_age, self._rotate, link)

    def _on_end(self, link: ApiLink, reason: str, error: WebSocketError | None) -> None:
        self._links.discard(link)
        missing = [feed for feed in self._feeds if feed.numbers.pop(link, None) is not None]
        if self._link is link:
            self._link = None
            self._door.lost(link.age)
            _LOGGER.info("%s: %s", self._product, reason)
        if missing and not self._closed:
            told = _end_of(link, error)
            for feed in missing:
                feed.trouble(told)
            self._restore_soon()

    def _on_connection_error(self, link: ApiLink, frame: Answer) -> None:
        """An error that answers no request: the key is no longer good, or a frame was not read."""
        status = frame.get("status")
        error = frame.get("error")
        if not isinstance(status, int) or not isinstance(error, dict):
            link.bad_frames += 1
            return
        if status == 401:
            link.logged_on = False
        refused = self._refused(status, error, is_order=False)
        _LOGGER.warning("%s: %s (answers no request)", self._product, refused)
        waiting = list(link.pending.values())
        if len(waiting) != 1 or (status == 401 and not waiting[0].is_signed):
            return
        # With one in flight there is no doubt which; an order waits for an answer of its own.
        if not waiting[0].is_order and not waiting[0].answer.done():
            waiting[0].answer.set_result({**frame, "rateLimits": None})

    # ------------------------------------------------------------------ rotation

    def _replace(self, link: ApiLink) -> None:
        """:meth:`_rotate` because the connection is of no use: a failure, if it is a young one."""
        if link is self._link and link is not self._due:
            self._door.lost(link.age)
        self._rotate(link)

    def _rotate(self, link: ApiLink) -> None:
        """Replace ``link``, unless that is under way; after the hand-over to it that is."""
        if link is not self._link or self._closed:
            return
        if self._rotating:
            self._due = link
            return
        self._rotating = True
        self._spawn(self._rotate_from(link))

    async def _rotate_from(self, old: ApiLink) -> None:
        try:
            new = await self._replacement(old)
            if new is None:
                return
            moving = tuple(self._feeds)
            for feed in moving:
                feed.begin_overlap(old)
            self._use(new)
            old.accepting = False
            for feed in moving:
                await self._move(feed, old, new)
        finally:
            self._rotating = False
            due, self._due = self._due, None
            if due is not None:
                self._rotate(due)
            self._restore_soon()
        with suppress(TimeoutError):
            async with asyncio.timeout(REQUEST_SECONDS):
                await old.drained()
        await old.close()

    async def _replacement(self, old: ApiLink) -> ApiLink | None:
        """A second connection; ``None`` if the first one ends before there is one."""
        backoff = api_backoff()
        while old.accepting:
            try:
                return await self._open()
            except (WebSocketError, BinanceAPIException) as error:
                _LOGGER.warning("%s: no second connection yet: %s", self._product, error)
                is_paced = isinstance(error, WebSocketError)
            if not is_paced:  # by the door, because it was not tried
                await asyncio.sleep(backoff.next_delay())
        return None

    async def _move(self, feed: Feed, old: ApiLink, new: ApiLink) -> None:
        """Subscribe on the new connection, then end the subscription on the old one."""
        async with feed.lock:
            try:
                # One that ended meanwhile needs nothing; one lost with the old connection is
                # restored.
                if (
                    feed.listeners
                    and old in feed.numbers
                    and (new in feed.numbers or await self._attach(feed, new))
                ):
                    lost = old not in feed.numbers
                    await self._detach(feed, old)
                    if lost:
                        feed.restored()
            finally:
                feed.end_overlap()

    # ------------------------------------------------------------------ user data

    async def subscribe_user_data(
        self,
        on_event: Callable[[bytes, int], object],
        on_end: Callable[[Exception | None], object],
        listen_token: str | Secret | None = None,
        *,
        on_restored: Callable[[], object] | None = None,
        on_trouble: Callable[[News], object] | None = None,
    ) -> int:
        """Subscribe to an account's events, for as long as this object is open.

        The callbacks run in the loop and must not block. Two subscriptions to one account share one
        at the venue.

        Args:
            on_event: Takes each event's frame as it came, envelope included, and when it came, in
                ns since the Unix epoch.
            on_end: Called once when no more will come: with the error, or ``None`` at
                :meth:`close` and where the venue ended the subscription as planned.
            listen_token: Of a margin account. It is asked for again before it expires:
                :meth:`renew_user_data`.
            on_restored: Called when events go on after a lost connection: some may be missing.
            on_trouble: Called when a connection is lost, and when five attempts in a row have not
                restored it.

        Returns:
            The subscription's number, for :meth:`unsubscribe_user_data`. It stays the same on other
            connections.

        Raises:
            As :meth:`request`.
        """
        token = listen_token = hidden(listen_token)  # in place: an error shows the arguments too
        feed = next((feed for feed in self._feeds if feed.token == token), None)
        if feed is None:
            feed = Feed(token)
            self._feeds.append(feed)
        number = next(self._listener_numbers)
        feed.listeners[number] = Listener(on_event, on_end, on_restored, on_trouble)
        try:
            async with feed.lock:
                if not self._is_attached(feed):
                    await self._subscribe(feed, await self._ready())
        except BaseException as error:
            feed.listeners.pop(number, None)
            self._drop_if_unused(feed)
            if isinstance(error, Lost):
                raise BinanceRequestLost(
                    "userDataStream.subscribe", str(error), sent=True, is_order=False
                ) from None
            raise
        return number

    async def renew_user_data(self, number: int, listen_token: str | Secret) -> None:
        """Go on with another listenToken of the same account, on the same connection: no gap.

        Raises:
            KeyError: There is no such subscription, or it has ended. Retry: subscribe anew.
            Others as in :meth:`request`.
        """
        listen_token = Secret(listen_token)
        feed = self._feed_of(number)
        async with feed.lock:
            before, feed.token = feed.token, listen_token
            try:
                await self._subscribe(feed, await self._ready())
            except BaseException:
                feed.token = before
                raise

    async def unsubscribe_user_data(self, number: int) -> None:
        """End a subscription; ``on_end`` is not called. One that has ended already is no error."""
        try:
            feed = self._feed_of(number)
        except KeyError:
            return
        del feed.listeners[number]
        async with feed.lock:
            if not feed.listeners:
                for link in tuple(feed.numbers):
                    await self._detach(feed, link)
                self._drop_if_unused(feed)

    async def _subscribe(self, feed: Feed, link: ApiLink) -> None:
        """Make the venue's subscription on ``link``; once more if its clock had drifted away."""
        try:
            await self._subscribe_once(feed, link)
        except BinanceAPIException as error:
            if error.code != CLOCK_REFUSED:
                raise
        else:
            return
        async with asyncio.timeout(REQUEST_SECONDS):
            await self._set_clock(link)
        await self._subscribe_once(feed, link)

    async def _subscribe_once(self, feed: Feed, link: ApiLink) -> None:
        if feed.token is not None:
            asked = Asked(
                method="userDataStream.subscribe.listenToken",
                params={"listenToken": feed.token},
            )
        elif self._signatory.can_log_on:
            await self._authorise(link)
            asked = Asked(method="userDataStream.subscribe")
        else:
            asked = Asked(method="userDataStream.subscribe.signature", security=Security.SIGNED)

        def at_answer(answer: Answer) -> None:
            # While the frame is read: the first event may be the very next one.
            result = answer.get("result")
            if isinstance(result, dict) and isinstance(result.get("subscriptionId"), int):
                feed.numbers[link] = result["subscriptionId"]

        await self._admit(asked.method, 2)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._ask(link, asked, at_answer)
        except TimeoutError:
            link.suspect()
            raise

    async def _attach(self, feed: Feed, link: ApiLink) -> bool:
        """:meth:`_subscribe`, where a refusal ends the feed."""
        try:
            await self._subscribe(feed, link)
        except (BinanceAPIException, ConfigurationError) as error:
            if isinstance(error, BinanceRateLimited):
                return False
            if isinstance(error, BinanceAPIException) and error.code == _ALREADY_SUBSCRIBED:
                # By a request whose answer came too late: its number is not known.
                self._replace(link)
                return False
            if feed in self._feeds:
                self._feeds.remove(feed)
            feed.end(error)
            return False
        except (Lost, TimeoutError, BinanceRequestException):
            return False
        return True

    async def _detach(self, feed: Feed, link: ApiLink) -> None:
        """End the venue's subscription on ``link``: after the answer no event comes there."""
        number = feed.numbers.get(link)
        if number is None:
            return
        asked = Asked(method="userDataStream.unsubscribe", params={"subscriptionId": number})
        # Whatever fails here: the connection's end ends the subscription as well.
        with suppress(Lost, TimeoutError, BinanceAPIException, BinanceRequestException):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._ask(link, asked)
        feed.numbers.pop(link, None)

    def _restore_soon(self) -> None:
        """Have one task see to what is not subscribed, unless a hand-over is about to."""
        if self._closed or self._rotating:
            return
        if not self._missing():
            return
        if self._restoring is None or self._restoring.done():
            self._restoring = self._spawn(self._restore())

    async def _restore(self) -> None:
        """Subscribe again after a connection was lost, for as long as it takes."""
        backoff = api_backoff()
        try:
            for attempt in itertools.count(1):
                missing = self._missing()
                try:
                    link = await self._ready()
                except (BinanceAPIException, BinanceWebsocketUnableToConnect) as error:
                    self._tell_trouble(error)
                else:
                    for feed in missing:
                        await self._restore_one(feed, link)
                    if attempt % ATTEMPTS == 0 and self._missing():
                        self._tell_trouble(_unsubscribed(attempt))
                if not self._missing():
                    return
                await asyncio.sleep(backoff.next_delay())
        except Exception as error:
            # Neither a refusal nor a broken connection: a fault, which the reader has to know of.
            for feed in self._missing():
                self._feeds.remove(feed)
                feed.end(error)

    def _tell_trouble(self, error: BinanceAPIException | BinanceWebsocketUnableToConnect) -> None:
        _LOGGER.warning("%s: user data is interrupted: %s", self._product, error)
        for feed in self._missing():
            feed.trouble(error)

    async def _restore_one(self, feed: Feed, link: ApiLink) -> None:
        async with feed.lock:
            if feed.listeners and not self._is_attached(feed) and await self._attach(feed, link):
                feed.restored()

    def _on_event(self, link: ApiLink, frame: Answer, payload: bytes, recv_ns: int) -> None:
        event = frame["event"]
        kind = event.get("e") if isinstance(event, dict) else None
        if kind == "serverShutdown":
            self._replace(link)
            return
        if kind == "eventStreamTerminated" and link is not self._link:
            return  # it goes on elsewhere
        number = frame.get("subscriptionId")
        for feed in tuple(self._feeds):
            if feed.numbers.get(link) == number:
                feed.deliver(link, event, payload, recv_ns)
                if kind == "eventStreamTerminated":
                    self._feeds.remove(feed)
                    feed.end(None)

    def _missing(self) -> list[Feed]:
        """What is not subscribed on the connection that there is, if there is one."""
        return [feed for feed in self._feeds if not self._is_attached(feed)]

    def _is_attached(self, feed: Feed) -> bool:
        return self._link is not None and self._link.accepting and self._link in feed.numbers

    def _feed_of(self, number: int) -> Feed:
        return {key: feed for feed in self._feeds for key in feed.listeners}[number]

    def _drop_if_unused(self, feed: Feed) -> None:
        if not feed.listeners and feed in self._feeds:
            self._feeds.remove(feed)

    # ------------------------------------------------------------------ the end

    async def close(self) -> None:
        """Close the connections; requests in flight are lost, subscriptions end. Idempotent."""
        self._closed = True
        if self._ageing is not None:
            self._ageing.cancel()
        feeds, self._feeds = self._feeds, []
        for feed in feeds:
            feed.end(None)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for link in tuple(self._links):
            await link.close()


def _end_of(link: ApiLink, error: WebSocketError | None) -> Disconnected:
    closed = error if isinstance(error, WebSocketClosed) else None
    return Disconnected(
        connection=link.number,
        ts_ns=wall_ns(),
        reason=reason_of(error),
        code=int(CloseCode.ABNORMAL_CLOSURE if closed is None else closed.code),
        text="" if closed is None else closed.reason,
        remaining=0,
    )


def _unsubscribed(attempts: int) -> BinanceWebsocketUnableToConnect:
    return BinanceWebsocketUnableToConnect(
        f"user data could not be subscribed in {attempts} attempts: no connection has held"
    )
