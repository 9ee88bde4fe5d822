"""Both ladders against a model of decimals, and against each other on spoilt messages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.ladders import COMPILED_LADDER, KEYS, NOT_BUILT
from tickwire.book import fallback
from tickwire.errors import CodecError

CORES = [core for core in (fallback, COMPILED_LADDER) if core is not None]


def spelled(digits: int, decimals: int, zeros: int) -> str:
    text = f"{Decimal(digits).scaleb(-decimals):f}"
    return text if not zeros else f"{text}{'' if '.' in text else '.'}{'0' * zeros}"


numbers = st.builds(spelled, st.integers(0, 400), st.integers(0, 3), st.integers(0, 3))
# Never more than 18 digits between the largest and the finest of them.
far_numbers = st.builds(spelled, st.integers(1, 10**7), st.integers(0, 8), st.integers(0, 2))
prices = st.one_of(numbers, far_numbers)
sizes = st.one_of(st.sampled_from(["0", "0.000", "1", "2.50"]), far_numbers)
levels = st.lists(st.tuples(prices, sizes), max_size=25)
in_order = st.one_of(levels, levels.map(lambda found: sorted(found, key=lambda x: Decimal(x[0]))))


def written(bids: list[tuple[str, str]], asks: list[tuple[str, str]], last: int) -> bytes:
    def side(found: list[tuple[str, str]]) -> str:
        return ",".join(f'["{price}","{size}"]' for price, size in found)

    return f'{{"u":{last},"b":[{side(bids)}],"a":[{side(asks)}]}}'.encode()


def best_first(side: dict[Decimal, tuple[str, str]], *, bids: bool) -> list[tuple[str, str]]:
    return [side[price] for price in sorted(side, reverse=bids)]


@settings(max_examples=60)
@given(st.lists(st.tuples(in_order, in_order, st.booleans()), max_size=8))
def test_a_ladder_is_a_sorted_map(
    messages: list[tuple[list[tuple[str, str]], list[tuple[str, str]], bool]],
) -> None:
    ladders = [core.Ladder() for core in CORES]
    layouts = [core.Layout(**KEYS) for core in CORES]
    model: list[dict[Decimal, tuple[str, str]]] = [{}, {}]
    for number, (bids, asks, is_snapshot) in enumerate(messages):
        for ladder, layout in zip(ladders, layouts, strict=True):
            assert ladder.scan(layout, written(bids, asks, number)) == (None, number, None, 0)
            (ladder.replace if is_snapshot else ladder.apply)()
        for side, changes in zip(model, (bids, asks), strict=True):
            if is_snapshot:
                side.clear()
            for price, size in changes:
                if Decimal(size):
                    side[Decimal(price)] = (price, size)
                else:
                    side.pop(Decimal(price), None)
        texts = [best_first(model[0], bids=True), best_first(model[1], bids=False)]
        for ladder in ladders:
            assert [ladder.texts(0), ladder.texts(1)] == texts
            assert ladder.counts == (len(texts[0]), len(texts[1]))
            for place in (0, 1):
                floats = [(float(price), float(size)) for price, size in texts[place]]
                assert ladder.levels(place) == floats
            if texts[0] and texts[1]:
                digits, decimals = ladder.gap()
                assert Decimal(digits).scaleb(-decimals) == (
                    Decimal(texts[1][0][0]) - Decimal(texts[0][0][0])
                )


ascii_bytes = st.integers(32, 126)
whole = written([("1.50", "2"), ("1", "0")], [("2", "3")], 9)


@pytest.mark.skipif(COMPILED_LADDER is None, reason=NOT_BUILT)
@given(
    st.sampled_from(
        [
            whole,
            b'{"stream":"x@depth","data":' + whole[:-1] + b',"E":5,"pu":3}}',
            b'{"u":1,"b":[[1e2,1.5E-3,null,{"k":[true]}]],"a":[],"n":{"b":{"a":"\\u00e9"}}}',
        ]
    ),
    st.lists(st.tuples(st.integers(0, 200), ascii_bytes, st.booleans()), max_size=4),
)
@example(whole, [])
def test_both_read_the_same_of_spoilt_messages(
    message: bytes, changes: list[tuple[int, int, bool]]
) -> None:
    spoilt = bytearray(message)
    for place, byte, insert in changes:
        place %= len(spoilt)
        spoilt[place : place + (not insert)] = bytes([byte])
    assert outcome(fallback, bytes(spoilt)) == outcome(COMPILED_LADDER, bytes(spoilt))


def outcome(core: Any, message: bytes) -> object:
    ladder = core.Ladder()
    try:
        found = ladder.scan(core.Layout(**KEYS), message)
    except CodecError:
        found = None
    ladder.apply()
    return found, ladder.texts(0), ladder.texts(1)
