"""Requests on a Binance stream socket and what comes back: subscriptions as pure state.

Answers carry the request's id, except most errors, which carry none: those are laid to the oldest
request that is still open, since the venue answers in order. Source: the vendor's "Live
Subscribing/Unsubscribing to streams".
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges.base import SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Subscriptions"]

_ERRORS_KEPT = 256
_UNNAMED = "the venue gave no reason"
_NOT_LISTED = "acknowledged, but missing from the venue's list of subscriptions"


class _Method(StrEnum):
    SUBSCRIBE = "SUBSCRIBE"
    UNSUBSCRIBE = "UNSUBSCRIBE"
    LIST = "LIST_SUBSCRIPTIONS"


class _Request(msgspec.Struct, frozen=True):
    method: _Method
    streams: tuple[str, ...]


class Subscriptions:
    """What was asked of the venue on this connection, and what it said.

    Attributes:
        states: Every stream asked for, by name.
        acks: Answers so far, refusals not included.
        refusals: Error answers so far.
    """

    def __init__(self, limit: int) -> None:
        """``limit`` is the number of streams that one connection may carry."""
        self.states: dict[str, SubscriptionState] = {}
        self.acks = 0
        self.refusals = 0
        self._limit = limit
        self._next_id = 1
        self._open: dict[int, _Request] = {}
        self._errors: deque[SubscriptionError] = deque(maxlen=_ERRORS_KEPT)

    def subscribe(self, names: Iterable[str]) -> bytes:
        """The request for ``names``.

        Raises:
            ConfigurationError: No name, or more streams than one connection may carry. Retry: with
                several connections.
        """
        names = tuple(names)
        self.check_room(names)
        frame = self._request(_Method.SUBSCRIBE, names)
        self.states.update(dict.fromkeys(names, SubscriptionState.PENDING))
        return frame

    def check_room(self, names: Iterable[str]) -> None:
        """Raise what :meth:`subscribe` would for too many names."""
        wanted = {name for name, state in self.states.items() if state != SubscriptionState.REFUSED}
        if len((wanted - self._leaving()).union(names)) > self._limit:
            raise ConfigurationError(f"one connection carries at most {self._limit} streams")

    def _leaving(self) -> set[str]:
        """Streams that will be gone when the venue comes to a request that is made now: it serves
        them in order."""
        leaving: set[str] = set()
        for request in self._open.values():
            if request.method is _Method.UNSUBSCRIBE:
                leaving.update(request.streams)
            elif request.method is _Method.SUBSCRIBE:
                leaving.difference_update(request.streams)
        return leaving

    def unsubscribe(self, names: Iterable[str]) -> bytes:
        """The request to end ``names``. They stay in :attr:`states` until the venue confirms.

        Raises:
            ConfigurationError: No name.
        """
        return self._request(_Method.UNSUBSCRIBE, tuple(names))

    def list_subscriptions(self) -> bytes:
        """The request for the venue's own list. When it comes, :attr:`states` is made to agree."""
        return self._request(_Method.LIST, ())

    def attach(self, names: Iterable[str]) -> None:
        """Take in streams that the connection's URL asks for: no request, no answer."""
        self.states.update(dict.fromkeys(names, SubscriptionState.ACCEPTED))

    def _request(self, method: _Method, names: tuple[str, ...]) -> bytes:
        if not names and method is not _Method.LIST:
            raise ConfigurationError("a subscription request needs at least one stream")
        number = self._next_id
        self._next_id += 1
        self._open[number] = _Request(method, names)
        body: dict[str, object] = {"method": method.value}
        if names:
            body["params"] = names
        return msgspec.json.encode(body | {"id": number})

    def acknowledge(self, number: object, result: object) -> None:
        """Take in ``{"result": …, "id": …}``."""
        self.acks += 1
        request = self._close(number)
        if request is None:
            return
        if request.method is _Method.SUBSCRIBE:
            self.states.update(dict.fromkeys(request.streams, SubscriptionState.ACCEPTED))
        elif request.method is _Method.UNSUBSCRIBE:
            for name in request.streams:
                self.states.pop(name, None)
        elif isinstance(result, list):
            self._reconcile({name for name in result if isinstance(name, str)})

    def _reconcile(self, listed: set[str]) -> None:
        # Requests are served in order: what is still pending was asked for after the list was made.
        lost = tuple(
            name
            for name, state in self.states.items()
            if state == SubscriptionState.ACCEPTED and name not in listed
        )
        self.states.update(dict.fromkeys(listed, SubscriptionState.ACCEPTED))
        if lost:
            self.states.update(dict.fromkeys(lost, SubscriptionState.REFUSED))
            self._errors.append(SubscriptionError(_NOT_LISTED, streams=lost))

    def refuse(self, number: object, code: object, reason: object) -> None:
        """Take in an error answer, with the id that it carries or ``None``."""
        self.refusals += 1
        if number is None and self._open:
            number = next(iter(self._open))
        request = self._close(number)
        if request is None and number is not None:
            # To something that was not asked for here: counted, and no reason to end a feed.
            return
        streams = request.streams if request else ()
        if request and request.method is _Method.SUBSCRIBE:
            self.states.update(dict.fromkeys(streams, SubscriptionState.REFUSED))
        self._errors.append(
            SubscriptionError(
                reason if isinstance(reason, str) else _UNNAMED,
                code=code if isinstance(code, int) else None,
                streams=streams,
            )
        )

    def _close(self, number: object) -> _Request | None:
        # `type`, because `true` is an int that equals our first id.
        return self._open.pop(number, None) if type(number) is int else None

    def take_errors(self) -> list[SubscriptionError]:
        """Refusals since the last call, oldest first; of very many, the newest."""
        errors = list(self._errors)
        self._errors.clear()
        return errors

    def reset(self) -> None:
        """A new connection: nothing is asked for. Ids go on, so that no late answer can match."""
        self.states.clear()
        self._open.clear()
