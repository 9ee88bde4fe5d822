"""Subscriptions of one channel and many pairs, answered pair by pair.

All answers to a request have its number. A refusal may or may not name its pair; one that does not
is counted, and once everything that is unanswered was refused, what is left is what was meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tickwire.exchanges.kraken.names import as_stream, topic_of
from tickwire.exchanges.shaped import ShapedCodec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.intake import Plan
    from tickwire.exchanges.kraken.names import Topic
    from tickwire.exchanges.kraken.structs import Reply

__all__ = ["KrakenControl"]

_REQUESTS_KEPT = 1024
_NO_REASON = "no reason"
_ALREADY = "Already subscribed"
"""The venue's word, for want of a code, for a request that changes nothing."""
_INSTRUMENT = "instrument"


class _Request:
    """What was asked for and is not answered: streams by pair, and refusals that named none."""

    __slots__ = ("anonymous", "method", "names", "reason", "topic")

    def __init__(self, method: str, topic: Topic, names: dict[str, list[str]]) -> None:
        self.method = method
        self.topic = topic
        self.names = names
        self.anonymous = 0
        self.reason = ""


class KrakenControl(ShapedCodec):
    """The requests and their answers. Books wait for the pairs' precisions: see the codec."""

    def __init__(self, *, streams_limit: int, plans: Mapping[str, Plan]) -> None:
        super().__init__(streams_limit=streams_limit, plans=plans)
        self._requests: dict[int, _Request] = {}

        self._number = 0
        self._token = ""
        self._instruments_request = 0
        self._has_instruments = False
        self._waiting: dict[str, Stream] = {}
        # What the caller calls a pair, by the first part of the stream's name.
        self._names: dict[str, dict[str, str]] = {}

    def _as_stream(self, item: Stream | str) -> Stream:
        return as_stream(item)

    # Requests

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        frames: list[bytes] = []
        ready: list[Stream] = []
        for stream in streams:
            label, _, pair = stream.name.partition(":")
            self._names.setdefault(label, {})[pair] = stream.symbol or pair
            self._begin_anew(stream.name)
            if topic_of(label).channel == "book" and not self._has_instruments:
                self._waiting[stream.name] = stream
            else:
                ready.append(stream)
        if self._waiting and not self._instruments_request:
            self._instruments_request = self._number = self._number + 1
            params = {"channel": _INSTRUMENT, "snapshot": True}
            frames.append(_frame("subscribe", params, self._number))
        return frames + self._requests_for("subscribe", ready)

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        ready = []
        for stream in streams:
            label, _, pair = stream.name.partition(":")
            self._names.get(label, {}).pop(pair, None)
            self._begin_anew(stream.name)
            if self._waiting.pop(stream.name, None) is None:
                ready.append(stream)
        return self._requests_for("unsubscribe", ready)

    def _begin_anew(self, name: str) -> None:
        """Forget what a stream has told."""
        raise NotImplementedError

    def _release(self) -> None:
        """Ask for the books that waited for the instruments."""
        self._has_instruments = True
        waiting, self._waiting = list(self._waiting.values()), {}
        for frame in self._requests_for("subscribe", waiting):
            self._send(frame)

    def _requests_for(self, method: str, streams: list[Stream]) -> list[bytes]:
        topics: dict[Topic, dict[str, list[str]]] = {}
        for stream in streams:
            pair = stream.name.partition(":")[2]
            topic = topic_of(stream.name)
            if not pair and method == "unsubscribe" and self._is_shared(topic):
                continue
            topics.setdefault(topic, {}).setdefault(pair, []).append(stream.name)
        return [self._request(method, topic, names) for topic, names in topics.items()]

    def _is_shared(self, topic: Topic) -> bool:
        """Whether another stream still lives on a channel of the account."""
        return any(topic_of(name) == topic for name in self._states)

    def _request(self, method: str, topic: Topic, names: dict[str, list[str]]) -> bytes:
        self._number += 1
        if len(self._requests) >= _REQUESTS_KEPT:
            del self._requests[next(iter(self._requests))]
        self._requests[self._number] = _Request(method, topic, names)
        params: dict[str, Any] = {"channel": topic.channel}
        pairs = [pair for pair in names if pair]
        if pairs:
            params["symbol"] = pairs
        if topic.channel == "book":
            params["depth"] = topic.parameter
        elif topic.channel == "ohlc":
            params["interval"] = topic.parameter
        elif topic.trigger:
            params["event_trigger"] = topic.trigger
        if not pairs:
            params["token"] = self._token
        return _frame(method, params, self._number)

    # Answers

    def _take_reply(self, reply: Reply) -> None:
        number = reply.req_id or 0
        if number == self._instruments_request and number:
            if reply.success is False:
                # Books are to be had all the same; they cannot be checked.
                self._refuse(reply.error or _NO_REASON)
                self._release()
            else:
                self._acks += 1
            return
        request = self._requests.get(number)
        is_there = request is not None and self._is_there(reply, request)
        if reply.success is False and not is_there:
            self._take_refusal(reply, request)
            return
        self._acks += 1
        if request is None:
            return
        pair = reply.symbol if is_there else (reply.result or {}).get("symbol")
        names = request.names.pop(pair or "", [])
        if request.method == "subscribe" and names:
            self._acks -= 1  # counted by the next line
            self._accept(*names)
        self._close(number, request)

    def _is_there(self, reply: Reply, request: _Request) -> bool:
        """Whether a refusal says that the connection has the channel, and nothing but this stream
        can be meant: of two depths of one book, it has the other one."""
        pair = reply.symbol or ""
        names = request.names.get(pair)
        if reply.error != _ALREADY or request.method != "subscribe" or not names:
            return False
        channel = request.topic.channel
        return not any(
            topic_of(name).channel == channel and name not in names
            for name in self._states
            if name.partition(":")[2] == pair
        )

    def _take_refusal(self, reply: Reply, request: _Request | None) -> None:
        reason = reply.error or _NO_REASON
        names: list[str] = []
        if request is not None and request.method == "subscribe":
            if reply.symbol in request.names:
                names = request.names.pop(reply.symbol)
            elif reply.symbol is None:
                request.anonymous += 1
                request.reason = reason
        if names or request is None or len(request.names) > request.anonymous:
            self._refuse(reason, tuple(names))
        if request is not None:
            self._close(reply.req_id or 0, request)

    def _close(self, number: int, request: _Request) -> None:
        """Forget a request that is answered; refuse what nothing but refusals are left for."""
        if request.names and len(request.names) <= request.anonymous:
            left = tuple(name for names in request.names.values() for name in names)
            self._refuse(request.reason, left)
            request.names = {}
        if not request.names:
            self._requests.pop(number, None)

    def reset(self) -> None:
        """Begin a new connection."""
        super().reset()
        self._requests.clear()
        self._waiting.clear()
        self._names.clear()
        self._instruments_request = 0
        self._has_instruments = False


def _frame(method: str, params: dict[str, Any], number: int) -> bytes:
    return orjson.dumps({"method": method, "params": params, "req_id": number})
