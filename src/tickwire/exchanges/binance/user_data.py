"""User-data messages in, typed account events out, whichever way they come.

Three ways, one decoder: bare (a listen key's own connection), inside ``{"stream": …, "data": …}``
(a listen key on a combined connection), inside ``{"subscriptionId": …, "event": …}`` (the WebSocket
API, where answers to requests come between them). There are few of these messages and they are
precious, so everything is looked at: every new key is counted, every message that does not fit is
kept, and numbers are exact unless told otherwise.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import RotateBy
from tickwire.exchanges.binance.account import USER_EVENTS
from tickwire.exchanges.binance.structs import Wrapped, inner_struct, known_keys
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.exchanges.oddities import Oddities

if TYPE_CHECKING:
    from tickwire.exchanges.base import Directive, OddFrame
    from tickwire.exchanges.binance.routes import Numbers
    from tickwire.market import AccountEvent, Event

__all__ = ["UserDataCodec", "UserDataStats"]

_SHUTDOWN = "serverShutdown"
_NO_LABEL = "(no event type)"
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_read_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
# Sent, and of no use: the vendor says to ignore them.
_IGNORED = {"executionReport": {"M"}, "ORDER_TRADE_UPDATE": {"si", "ss"}}
# On one venue edition only, and nothing that an event would have a field for.
_IGNORED_INSIDE = {"ALGO_UPDATE": {"ia"}}


class UserDataStats(msgspec.Struct, frozen=True):
    """Counts so far.

    Attributes:
        events: Events by the venue's word for their type.
        unknown: Messages of types that are not known, by the venue's word.
        new_fields: Keys that are not known, by the venue's word for the type.
        undecodable: Messages that are malformed, lack a field, or have one of the wrong type.
        odd_frames: The last few of those three, oldest first, without their envelopes: the name
            of a listen key's stream is a secret.
    """

    events: dict[str, int]
    unknown: dict[str, int]
    new_fields: dict[str, dict[str, int]]
    undecodable: int
    odd_frames: tuple[OddFrame, ...]


class _Type:
    """One event type: its decoder, and the keys that are no news."""

    def __init__(self, label: str, *, decimal: bool) -> None:
        struct = USER_EVENTS[label]
        target: Any = DECIMAL_TWINS[struct] if decimal else struct
        self.decode = msgspec.json.Decoder(target, strict=False).decode
        self.is_wrapped = issubclass(struct, Wrapped)
        inner = inner_struct(struct)
        ignored = _IGNORED.get(label, set())
        self.known = known_keys(struct) | ignored
        self.inner_key = inner[0] if inner else ""
        self.inner_known = (
            known_keys(inner[1]) | ignored | _IGNORED_INSIDE.get(label, set())
            if inner
            else frozenset()
        )


class UserDataCodec:
    """The codec of user-data messages. It has no subscriptions of its own: who connects, has them.

    Not safe for threads.
    """

    def __init__(self, *, numbers: Numbers = "decimal") -> None:
        """
        Args:
            numbers: ``decimal`` gives exact ``Decimal`` numbers, ``float`` floats.

        Raises:
            ConfigurationError: No such kind of numbers. Retry: no.
        """
        if numbers not in ("float", "decimal"):
            raise ConfigurationError(f"numbers={numbers!r}: there are float and decimal")
        self._types = {label: _Type(label, decimal=numbers == "decimal") for label in USER_EVENTS}
        self._events: Counter[str] = Counter()
        self._oddities = Oddities()
        self._directive: Directive | None = None

    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> bool:
        """Take one frame; append its event, if it has one.

        Args:
            frame: Payload of a text message. Events do not point into it.
            recv_ns: When it was read, ns since the Unix epoch.
            events: Belongs to the caller; only appended to.

        Returns:
            Whether the frame was a user-data message, known or not. False for what is none: on the
            WebSocket API, the answer to a request, which is the caller's.
        """
        try:
            document = _read_object(frame)
            payload: bytes = frame
            subscription: int | None = None
            if "event" in document:
                payload = bytes(document["event"])
                if "subscriptionId" in document:
                    subscription = msgspec.json.decode(document["subscriptionId"], type=int | None)
                document = _read_object(payload)
            elif "stream" in document and "data" in document:
                payload = bytes(document["data"])
                document = _read_object(payload)
            elif "e" not in document:
                return False
        except _UNDECODABLE as error:
            self._oddities.count_undecodable(error, b"", recv_ns)
            return False
        self._receive_payload(payload, document, subscription, recv_ns, events)
        return True

    def _receive_payload(
        self,
        payload: bytes,
        document: dict[str, msgspec.Raw],
        subscription: int | None,
        recv_ns: int,
        events: list[Event],
    ) -> None:
        try:
            label = msgspec.json.decode(document["e"]) if "e" in document else None
            if not isinstance(label, str):
                label = _NO_LABEL
            known = self._types.get(label)
            if known is None:
                self._receive_unknown(label, payload, recv_ns)
                return
            decoded = known.decode(payload)
            event: AccountEvent = decoded.unwrap() if known.is_wrapped else decoded
            news = document.keys() - known.known
            if known.inner_key:
                inner = _read_object(document[known.inner_key])
                news |= {f"{known.inner_key}.{key}" for key in inner.keys() - known.inner_known}
        except _UNDECODABLE as error:
            self._oddities.count_undecodable(error, payload, recv_ns)
            return
        if news:
            self._oddities.count_new_fields(label, news, payload, recv_ns)
        self._events[label] += 1
        event.ts_recv_ns = recv_ns
        event.subscription_id = subscription
        events.append(event)

    def _receive_unknown(self, label: str, payload: bytes, recv_ns: int) -> None:
        if label == _SHUTDOWN:
            self._directive = RotateBy(recv_ns, _SHUTDOWN)
        else:
            self._oddities.count_unknown(label, payload, recv_ns)

    def take_directive(self) -> Directive | None:
        """``RotateBy`` after a shutdown notice, else ``None``; given out once."""
        directive, self._directive = self._directive, None
        return directive

    @property
    def stats(self) -> UserDataStats:
        """Counts so far."""
        odd = self._oddities
        return UserDataStats(
            events=dict(self._events),
            unknown=dict(odd.unknown),
            new_fields={kind: dict(keys) for kind, keys in odd.new_fields.items()},
            undecodable=odd.undecodable,
            odd_frames=tuple(odd.frames),
        )
