"""The short form of the fuzzing: the seeds, and some thousand changed inputs, coverage unseen.

``make fuzz`` is the long one, guided by coverage; it needs clang and atheris, this here neither.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from fuzz.choices import Choices
from fuzz.grammar import conversation_from, frames_of
from fuzz.properties import GROUPS, HEADER, LIMITS, mutated
from fuzz.seeds import corpus

from fuzz import properties
from tests.support.frames import BINARY, CLOSE, TEXT, frame, text
from tickwire.wire import DeflateParameters, Inflater, core
from tickwire.wire.deflate import InflateError

INPUTS = {"parser": 6000, "inflater": 2000, "roundtrip": 3000}

FOUND = {
    "parser": [
        # The twin saw a surrogate no sooner than at its third byte.
        b"\x00\x07\x81\x05\xed\xa0",
    ],
    "inflater": [
        # Above its bound and malformed: zlib says the one or the other.
        b"\xc8\xfft\xfa\x03\x00\x06",
    ],
    "roundtrip": [],
}
"""What the long form found, as it was then."""


def changed(data: bytes, rng: random.Random) -> bytes:
    """What libFuzzer does when it is not asked for anything else, the simple part of it."""
    kind = rng.randrange(4)
    at = rng.randint(0, len(data))
    if kind == 0:
        return data[:at] + rng.randbytes(rng.randrange(1, 5)) + data[at:]
    if kind == 1:
        return data[:at] + data[at + rng.randrange(1, 5) :]
    if kind == 2 and at < len(data):
        return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]
    return data[:at] + data[rng.randint(0, len(data)) :]


@pytest.mark.parametrize("group", GROUPS)
def test_the_properties_hold(group: str) -> None:
    rng = random.Random(2026)
    inputs = [*corpus(group), *FOUND[group]]
    for data in inputs:
        GROUPS[group](data)
    for _ in range(INPUTS[group]):
        data = rng.choice(inputs)
        for _ in range(rng.randrange(1, 4)):
            data = mutated(group, data, rng) if rng.random() < 0.5 else changed(data, rng)
        try:
            GROUPS[group](data[:4096])
        except AssertionError as error:
            raise AssertionError(f"{group} {data[:4096].hex()}") from error


# ------------------------------------------------------------------ are the properties any good?


class Proxy:
    """A core whose parser's answers are bent on the way."""

    def __init__(self, bend: Any) -> None:
        self._bend = bend

    def __getattr__(self, name: str) -> Any:
        return getattr(core, name)

    @property
    def MessageParser(self) -> Any:
        bend = self._bend

        class Bent:
            def __init__(self, **options: Any) -> None:
                self.__dict__["parser"] = core.MessageParser(**options)

            def __getattr__(self, name: str) -> Any:
                return getattr(self.parser, name)

            def __setattr__(self, name: str, value: Any) -> None:
                setattr(self.parser, name, value)

            def feed(self, piece: Any) -> Any:
                return bend(self.parser.feed(piece), len(piece))

        return Bent


def longer(events: Any, _: int) -> Any:
    return [(opcode, payload * 200) for opcode, payload in events]


def forgetful_of_small_pieces(events: Any, size: int) -> Any:
    return [] if size < 8 else events


def without_pings(events: Any, _: int) -> Any:
    return [event for event in events if event[0] != 9]


@pytest.mark.parametrize(
    ("group", "bend"),
    [
        ("parser", longer),
        ("parser", forgetful_of_small_pieces),
        ("roundtrip", without_pings),
        ("roundtrip", forgetful_of_small_pieces),
    ],
)
def test_a_broken_core_is_found(group: str, bend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties, "core", Proxy(bend))
    rng = random.Random(1)
    inputs = corpus(group)
    with pytest.raises(AssertionError):
        for _ in range(500):
            GROUPS[group](mutated(group, rng.choice(inputs), rng))


@pytest.mark.parametrize("error", ["limit", "code", "window"])
def test_a_broken_inflater_is_found(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, parameters: DeflateParameters) -> None:
            self._parameters = parameters
            self._real = Inflater(parameters)

        def inflate(self, payload: bytes, limit: int) -> bytes:
            if error == "window":
                self._real = Inflater(self._parameters)
            try:
                return self._real.inflate(payload, limit + 50 * (error == "limit"))
            except InflateError as wrong:
                if error == "code":
                    wrong.close_code = 1002
                raise

    monkeypatch.setattr(properties, "Inflater", Broken)
    rng = random.Random(1)
    inputs = corpus("inflater")
    with pytest.raises(AssertionError):
        for _ in range(3000):
            GROUPS["inflater"](mutated("inflater", rng.choice(inputs), rng))


# ------------------------------------------------------------------ do the inputs get far?


def test_the_seeds_meet_every_kind_of_end() -> None:
    codes: set[int | None] = set()
    for data in corpus("parser"):
        how = data[0]
        whole = properties.told(
            core, [data[HEADER:]], LIMITS[how & 7], properties.WINDOWS[how >> 3 & 3]
        )
        codes.add(whole[1] and whole[1][0])
    assert codes == {None, 1002, 1007, 1009}


def test_conversations_are_of_every_kind() -> None:
    rng = random.Random(3)
    opcodes: set[int] = set()
    windows: set[int | None] = set()
    fragmented = longest = 0
    for _ in range(1500):
        made = conversation_from(Choices(rng.randbytes(rng.randrange(1, 200))))
        opcodes |= {opcode for opcode, _ in made.expected}
        windows.add(made.bits)
        fragmented += b"\x00" in {part[:1] for part in frames_of(made.stream)}
        longest = max([longest, *(len(payload) for _, payload in made.expected)])
    assert opcodes == {1, 2, 8, 9, 10}
    assert windows == {None, 9, 12, 15}
    assert fragmented > 50
    assert longest == 70_000


def test_frames_are_found_where_they_are() -> None:
    parts = [text("a"), frame(BINARY, b"b" * 300), frame(CLOSE), b"\x81\x05cut"]
    assert frames_of(b"".join(parts)) == parts
    assert frames_of(b"") == []
    assert frames_of(frame(TEXT, b"x")) == [frame(TEXT, b"x")]
