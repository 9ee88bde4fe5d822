"""From a batch of messages to what the program asked for: bytes, objects, or typed events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import orjson

from tickwire.errors import ConfigurationError
from tickwire.market import Gap, GapCause, Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges import Codec
    from tickwire.transport import Batch

__all__ = ["Decoder", "decoder_for", "lenient_json"]

_SEQUENCE = GapCause.SEQUENCE
Pairs = list[tuple[Any, Identity | None]]
IdentityFunction = "Callable[[Any], Identity | tuple[Any, ...] | None]"


class Decoder(Protocol):
    """Decodes the messages of one connection.

    Attributes:
        undecodable: Messages that were not what they should have been, since last asked.
    """

    undecodable: int

    def items(self, batch: Batch) -> list[Any]:
        """The batch's items, in order; the batch itself where they are plain bytes."""
        ...

    def pairs(self, batch: Batch) -> Pairs:
        """The same, each with its identity."""
        ...


def lenient_json(payload: bytes) -> Any:
    """What ``payload`` says in JSON; other text (a bare ``pong``) as ``str``; else the bytes.

    Venues mix such messages into JSON streams, and one of them must not end a stream.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            return payload.decode()
        except UnicodeDecodeError:
            return payload


class _Raw:
    """Bytes."""

    def __init__(self, identity: Callable[[Any], Any] | None) -> None:
        self.undecodable = 0
        self._identity = identity

    def items(self, batch: Batch) -> list[Any]:
        return batch

    def pairs(self, batch: Batch) -> Pairs:
        identify = self._identity
        if identify is None:
            return [(item, None) for item in batch]
        return [(item, _identity(identify(item))) for item in batch]


class _Json:
    """Objects."""

    def __init__(self, identity: Callable[[Any], Any] | None) -> None:
        self.undecodable = 0
        self._identity = identity

    def items(self, batch: Batch) -> list[Any]:
        loads = orjson.loads
        try:
            return [loads(payload) for payload in batch]
        except orjson.JSONDecodeError:
            items = [lenient_json(payload) for payload in batch]
            self.undecodable += sum(
                isinstance(item, bytes) or (isinstance(item, str) and payload[:1] != b'"')
                for item, payload in zip(items, batch, strict=True)
            )
            return items

    def pairs(self, batch: Batch) -> Pairs:
        identify = self._identity
        if identify is None:
            return [(item, None) for item in self.items(batch)]
        return [(item, _identity(identify(item))) for item in self.items(batch)]


class _Typed:
    """A codec's events."""

    def __init__(self, codec: Codec) -> None:
        self.undecodable = 0
        self._receive = codec.receive
        self._receive_many = codec.receive_many
        self._identify: Any = getattr(codec, "identify", None)

    def items(self, batch: Batch) -> list[Any]:
        events: list[Any] = []
        self._receive_many(batch, batch.recv_ns, events)
        return events

    def pairs(self, batch: Batch) -> Pairs:
        identify = self._identify
        if identify is None:
            return [(event, None) for event in self.items(batch)]
        pairs: Pairs = []
        receive, recv_ns = self._receive, batch.recv_ns
        events: list[Any] = []
        add = pairs.append
        for frame in batch:
            receive(frame, recv_ns, events)
            gaps: list[Gap] = []
            for event in events:
                if type(event) is Gap:
                    gaps.append(event)
                    continue
                identity = identify(frame, event)
                if gaps:
                    pairs += [(gap, None) for gap in gaps if not _shows(identity, gap)]
                    gaps.clear()
                add((event, identity))
            if gaps:
                pairs += [(gap, None) for gap in gaps]
            events.clear()
        return pairs


def _shows(identity: Identity | None, gap: Gap) -> bool:
    """Whether the merge will see the hole that ``gap`` tells of in the event that follows it.

    It then tells of it itself, unless another connection has what is missing.
    """
    if identity is None or identity.first is None or gap.first_sequence is None:
        return False
    return gap.cause is GapCause.SEQUENCE and identity.first >= gap.first_sequence


def _identity(found: Any) -> Identity | None:
    """What an ``identity=`` function gave, checked."""
    if found is None:
        return None
    identity = found
    if isinstance(found, tuple) and len(found) in (2, 3):
        identity = Identity(*found)
    if isinstance(identity, Identity) and _is_sound(identity):
        return identity
    raise ConfigurationError(
        "identity= gives (stream, sequence), (stream, sequence, first), an Identity or None, "
        f"not {found!r}: a stream is hashable, a sequence an int or a tuple of them"
    )


def _is_sound(identity: Identity) -> bool:
    """Whether it can be compared with the others of its stream."""
    try:
        hash(identity.stream)
    except TypeError:
        return False
    sequence, first = identity.sequence, identity.first
    if isinstance(sequence, int):
        return first is None or isinstance(first, int)
    whole = isinstance(sequence, tuple) and all(isinstance(part, int) for part in sequence)
    return whole and bool(sequence) and first is None


def decoder_for(
    *, raw: bool, codec: Codec | None, identity: Callable[[Any], Any] | None
) -> Decoder:
    """The decoder of one connection."""
    if codec is not None:
        return _Typed(codec)
    return _Raw(identity) if raw else _Json(identity)
