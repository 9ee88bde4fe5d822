"""The contract of a codec, as a test that any codec can be put to.

A venue that is added, here or in a package of its own, proves with :func:`check_codec` that it
behaves as everything above the codec expects::

    def test_the_contract() -> None:
        check_codec(Sample(make=MyCodec, streams=STREAMS, acks=acknowledge, frames=FRAMES))

The sample brings real frames of the venue; what is done to them stands here. Nothing is awaited,
and no network is touched.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.exchanges import SubscriptionState
from tickwire.market import Gap, Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tickwire.exchanges import Codec, Stream
    from tickwire.market import Event

__all__ = ["CodecContractError", "Sample", "check_codec"]

_RECV_NS = 1_700_000_000_000_000_000
_UNKNOWN_LIMIT = 10_000
_DAMAGED_FRAMES = 200
_STRANGE = (
    *(b"", b"\x00", b"\xff\xfe", b"null", b"true", b"0", b'"text"', b"[]", b"{}", b"[[]]"),
    *(b"[1,2]", b"ping", b"pong", b"{", b"[", b'{"a":', b"[" * 2000, b'{"a":' * 2000),
    *(b'{"result":null}', b'{"error":null}', b'{"event":null}', b'{"data":null}', b'{"id":null}'),
)
# What a venue's value is replaced by, as JSON: nothing, another type, or a number past all bounds.
_VALUES = (
    *(b"null", b"true", b"[]", b"{}", b"[[]]", b'""', b'"ZZZ"', b"0", b"-1", b"1.5", b"1e300"),
    *(b'"0"', b'"-1"', b'"1.5"', b'"NaN"', b'"Infinity"', b"-1000000000000000000", b"1" * 31),
    *(b"1e5000", b'"1e5000"', b'"-1e5000"', b'"1e999999"', b'"1e-999999"', b'"0e-999999"'),
    *(b"9" * 5000, b'"%b"' % (b"9" * 5000), b'"9999-99-99T99:99:99Z"'),
)
_PLACE = "tickwire: a value stood here"
_ITEMS_TRIED = 2


class CodecContractError(AssertionError):
    """A codec does not keep the contract. The text says which rule, and what was seen."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A codec, and real frames of its venue.

    Attributes:
        make: Makes a codec as for a new connection.
        streams: What ``frames`` come from.
        frames: Data frames in the order in which one connection received them. Each gives at least
            one event; their sequence has no hole.
        acks: The venue's answers to the requests that were sent: frames, given what
            :meth:`~tickwire.exchanges.Codec.subscribe` and ``take_output`` gave.
        refuse: Likewise, the answer that refuses one of them; ``None`` where the venue has none.
        quiet: Frames that give no event and are nothing odd: heartbeats, pongs, status notices.
        now_ns: The time of subscribing, for venues that sign it.
    """

    make: Callable[[], Codec]
    streams: Sequence[Stream | str]
    frames: Sequence[bytes]
    acks: Callable[[list[bytes]], Sequence[bytes]]
    refuse: Callable[[list[bytes]], Sequence[bytes]] | None = None
    quiet: Sequence[bytes] = field(default=())
    now_ns: int = _RECV_NS


def check_codec(sample: Sample) -> None:
    """Put a codec to the contract.

    Raises:
        CodecContractError: It does not keep it.
    """
    if not sample.frames or not sample.streams:
        raise CodecContractError("a sample without frames or streams shows nothing")
    _check_subscriptions(sample)
    if sample.refuse is not None:
        _check_refusal(sample)
    events = _check_events(sample)
    _check_groups(sample, events)
    _check_reset(sample, events)
    _check_new_fields(sample, events)
    _check_quiet(sample)
    _check_identities(sample)
    _check_damage(sample)
    _check_values(sample)
    _check_answers(sample)
    _check_memory(sample)


def _demand(holds: object, rule: str, seen: object = None) -> None:
    if not holds:
        raise CodecContractError(rule if seen is None else f"{rule}; seen: {seen!r}")


def _names(sample: Sample) -> list[str]:
    return [str(stream) for stream in sample.streams]


def _requests(sample: Sample, codec: Codec) -> list[bytes]:
    return [*codec.subscribe(sample.streams, sample.now_ns), *codec.take_output()]


def _subscribed(sample: Sample) -> Codec:
    codec = sample.make()
    _subscribe(sample, codec)
    return codec


def _subscribe(sample: Sample, codec: Codec) -> None:
    requests = _requests(sample, codec)
    for _ in range(len(requests) + 2):
        for frame in sample.acks(requests):
            codec.receive(frame, _RECV_NS, [])
        # A login's answer lets the requests go that waited for it.
        requests = codec.take_output()
        if not requests:
            break


def _check_subscriptions(sample: Sample) -> None:
    codec = sample.make()
    _demand(not codec.subscriptions, "a new codec has no subscriptions", codec.subscriptions)
    _demand(codec.take_output() == [], "a new codec has nothing to send")
    _demand(codec.take_directive() is None, "a new codec has no directive")
    requests = _requests(sample, codec)
    _demand(requests, "subscribe() gives frames to send")
    for frame in requests:
        _demand(type(frame) is bytes, "requests are bytes", type(frame))
        frame.decode()
    names = _names(sample)
    states = codec.subscriptions
    _demand(set(names) == set(states), "every stream asked for has a state, by name", states)
    _demand(
        all(state is not SubscriptionState.REFUSED for state in states.values()),
        "no stream is refused before the venue has answered",
        states,
    )
    again = [*codec.subscribe(sample.streams, sample.now_ns), *codec.take_output()]
    _demand(set(names) == set(codec.subscriptions), "asking twice changes no states", again)
    codec = _subscribed(sample)
    _demand(
        all(codec.subscriptions[name] is SubscriptionState.ACCEPTED for name in names),
        "streams that the venue acknowledged are accepted",
        codec.subscriptions,
    )
    _demand(not codec.take_errors(), "an acknowledgement is no refusal")
    _demand(codec.stats.acks > 0, "acknowledgements are counted")
    leaving = codec.unsubscribe(sample.streams, sample.now_ns)
    _demand(leaving, "unsubscribe() gives frames to send")


def _check_refusal(sample: Sample) -> None:
    codec = sample.make()
    assert sample.refuse is not None
    for frame in sample.refuse(_requests(sample, codec)):
        codec.receive(frame, _RECV_NS, [])
    errors = codec.take_errors()
    _demand(errors, "a refusal comes out of take_errors()")
    _demand(all(error.reason for error in errors), "a refusal has the venue's words")
    _demand(codec.take_errors() == [], "each refusal is given out once")
    refused = {
        name for name, state in codec.subscriptions.items() if state is SubscriptionState.REFUSED
    }
    _demand(refused, "what was refused has the state REFUSED", codec.subscriptions)
    named = {name for error in errors for name in error.streams}
    _demand(named <= set(_names(sample)), "a refusal names streams that were asked for", named)
    _demand(codec.stats.refusals > 0, "refusals are counted")


def _check_events(sample: Sample) -> list[Event]:
    codec = _subscribed(sample)
    events: list[Event] = []
    for number, frame in enumerate(sample.frames):
        found: list[Event] = []
        codec.receive(frame, _RECV_NS + number, found)
        _demand(found, f"frame {number} of the sample gives events", codec.stats)
        for event in found:
            _demand(
                event.ts_recv_ns == _RECV_NS + number, "an event has its time of arrival", event
            )
            _demand(not isinstance(event, Gap), "the sample has no hole", event)
            event.to_dict()
        events += found
    symbols = {stream.symbol for stream in sample.streams if not isinstance(stream, str)}
    if symbols and "" not in symbols:
        seen = {event.symbol for event in events}
        _demand(seen <= symbols, "events carry the symbols that were asked for", seen)
    stats = codec.stats
    _demand(sum(stats.events.values()) == len(events), "events are counted by kind", stats)
    _demand(not stats.undecodable and not stats.unknown, "the sample's frames are known", stats)
    _demand(codec.take_directive() is None, "a sound stream asks for nothing")
    _demand(codec.take_errors() == [], "data is no refusal")
    return events


def _check_groups(sample: Sample, events: list[Event]) -> None:
    codec = _subscribed(sample)
    found: list[Event] = []
    codec.receive_many(list(sample.frames), _RECV_NS, found)
    for event, other in zip(found, events, strict=False):
        other = other.__copy__()  # type: ignore[attr-defined]  # every Struct has it
        other.ts_recv_ns = _RECV_NS
        _demand(event == other, "receive_many() gives what receive() does", (event, other))
    _demand(len(found) == len(events), "receive_many() gives as many events", len(found))


def _check_reset(sample: Sample, events: list[Event]) -> None:
    codec = _subscribed(sample)
    for frame in sample.frames:
        codec.receive(frame, _RECV_NS, [])
    codec.reset()
    _demand(not codec.subscriptions, "reset() forgets the subscriptions", codec.subscriptions)
    _subscribe(sample, codec)
    again: list[Event] = []
    for frame in sample.frames:
        codec.receive(frame, _RECV_NS, again)
    _demand(len(again) == len(events), "after reset() every sequence begins anew", len(again))


def _check_new_fields(sample: Sample, events: list[Event]) -> None:
    codec = _subscribed(sample)
    found: list[Event] = []
    for number, frame in enumerate(sample.frames):
        codec.receive(_with_news(frame), _RECV_NS + number, found)
    _demand(found == events, "fields that are new stop nothing", codec.stats)


def _with_news(frame: bytes) -> bytes:
    """``frame`` with a key in each of its objects that no venue has."""
    grown = frame.replace(b"{", b'{"tickwireNew":{"a":[1,"x"]},')
    return grown.replace(b",}", b"}")


def _check_quiet(sample: Sample) -> None:
    codec = _subscribed(sample)
    for frame in sample.quiet:
        found: list[Event] = []
        codec.receive(frame, _RECV_NS, found)
        _demand(not found, "a quiet frame gives no event", (frame, found))
    stats = codec.stats
    _demand(not stats.undecodable and not stats.unknown, "quiet frames are nothing odd", stats)


def _check_identities(sample: Sample) -> None:
    one, other = _subscribed(sample), _subscribed(sample)
    identify: Any = getattr(one, "identify", None)
    if identify is None:
        return
    highest: dict[Any, Any] = {}
    for frame in sample.frames:
        mine: list[Event] = []
        its: list[Event] = []
        one.receive(frame, _RECV_NS, mine)
        other.receive(frame, _RECV_NS + 1, its)
        for event, twin in zip(mine, its, strict=True):
            identity = identify(frame, event)
            _demand(
                identity == other.identify(frame, twin),  # type: ignore[attr-defined]
                "an event has the same identity on every connection",
                (event, identity),
            )
            if identity is None:
                continue
            _demand(isinstance(identity, Identity), "identify() gives an Identity or None")
            before = highest.get(identity.stream)
            _demand(
                before is None or identity.sequence > before,
                "identities grow within a stream",
                (before, identity),
            )
            highest[identity.stream] = identity.sequence


def _check_damage(sample: Sample) -> None:
    """Whatever comes, nothing is raised, and sound frames are still understood afterwards."""
    random = Random(1)
    codec = _subscribed(sample)
    for frame in _STRANGE:
        _survives(codec, frame)
    for number in range(_DAMAGED_FRAMES):
        frame = sample.frames[number % len(sample.frames)]
        cut = random.randrange(len(frame))
        _survives(codec, frame[:cut])
        at = random.randrange(len(frame))
        _survives(codec, frame[:at] + bytes([random.randrange(256)]) + frame[at + 1 :])
        _survives(codec, frame[:at] + frame[cut:])
    codec.reset()
    _subscribe(sample, codec)
    found: list[Event] = []
    for frame in sample.frames:
        codec.receive(frame, _RECV_NS, found)
    _demand(found, "after damage and reset() sound frames give events")


def _check_values(sample: Sample) -> None:
    """Whatever stands in a value's place, or if its key is missing, nothing is raised, and no event
    has a number that is none."""
    codec = _subscribed(sample)
    for number, frame in enumerate(sample.frames):
        try:
            message = msgspec.json.decode(frame)
        except msgspec.DecodeError:
            continue
        for holder, key in list(_places(message)):
            codec.reset()
            _subscribe(sample, codec)
            for sound in sample.frames[:number]:
                codec.receive(sound, _RECV_NS, [])
            for other in _others(message, holder, key):
                for event in _survives(codec, other):
                    _check_numbers(codec, other, event)


def _check_answers(sample: Sample) -> None:
    """Likewise of the answers to requests."""
    for answer in (sample.acks, sample.refuse):
        for frame in answer(_requests(sample, sample.make()))[:1] if answer is not None else ():
            try:
                message = msgspec.json.decode(frame)
            except msgspec.DecodeError:
                continue
            for holder, key in list(_places(message)):
                codec = sample.make()
                _requests(sample, codec)
                for other in _others(message, holder, key):
                    _survives(codec, other)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where the values of a message stand: of long lists, the first ones."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = list(range(min(len(value), _ITEMS_TRIED)))
    else:
        return
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _others(message: Any, holder: Any, key: Any) -> Iterator[bytes]:
    """``message`` with something else in one place, and without it."""
    kept = holder[key]
    holder[key] = _PLACE
    text = msgspec.json.encode(message)
    place = msgspec.json.encode(_PLACE)
    holder[key] = kept
    for value in _VALUES:
        yield text.replace(place, value)
    if isinstance(holder, dict):
        member = msgspec.json.encode(key) + b":" + place
        yield text.replace(member + b",", b"").replace(b"," + member, b"").replace(member, b"")


def _check_numbers(codec: Codec, frame: bytes, event: Event) -> None:
    """An event can be used: told apart, written down, and calculated with."""
    identify: Any = getattr(codec, "identify", None)
    try:
        event.to_dict()
        if identify is not None:
            identify(frame, event)
    except Exception as error:
        raise CodecContractError(
            f"an event can be read whatever it says; {error!r} for {frame[:200]!r}"
        ) from error
    fields = event.__struct_fields__
    for name in fields:
        for number in _numbers(getattr(event, name)):
            _demand(number, f"{name} of an event is finite", frame[:200])


def _numbers(value: Any) -> Iterator[bool]:
    """Of every number in a field, whether it is finite."""
    if isinstance(value, float):
        yield math.isfinite(value)
    elif isinstance(value, Decimal):
        yield value.is_finite()
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner)


def _survives(codec: Codec, frame: bytes) -> list[Event]:
    events: list[Event] = []
    try:
        codec.receive(frame, _RECV_NS, events)
        codec.take_output()
        codec.take_errors()
        codec.take_directive()
    except Exception as error:
        raise CodecContractError(
            f"nothing that a venue sends makes receive() raise; {error!r} for {frame[:200]!r}"
        ) from error
    return events


def _check_memory(sample: Sample) -> None:
    """Frames of kinds that no venue has do not pile up."""
    codec = _subscribed(sample)
    for number in range(_UNKNOWN_LIMIT // 10):
        text = b"kind%d" % number
        for frame in (
            b'{"e":"%b"}' % text,
            b'{"type":"%b"}' % text,
            b'{"channel":"%b","data":[{}]}' % text,
            b'{"event":"%b"}' % text,
            b'{"topic":"%b","data":{}}' % text,
            b'{"arg":{"channel":"%b","instId":"A"},"data":[{}]}' % text,
            b'{"stream":"%b","data":{}}' % text,
        ):
            codec.receive(frame, _RECV_NS, [])
    stats = codec.stats
    kinds = Counter(stats.unknown)
    _demand(len(kinds) <= _UNKNOWN_LIMIT // 10, "unknown kinds are kept in bounds", len(kinds))
    _demand(len(stats.odd_frames) <= _UNKNOWN_LIMIT // 10, "odd frames are kept in bounds")
