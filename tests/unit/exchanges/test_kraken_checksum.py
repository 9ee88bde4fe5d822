"""Kraken's checksum: the venue's own examples, and the integers against the rule in texts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.exchanges.checksums import KRAKEN, DigitBook
from tickwire.exchanges.kraken.checksum import InexactNumberError, ScaledBook

Levels = list[tuple[str, str]]

BTC_ASKS = (
    "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 "
    "45290.2 0.15890660 45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 "
    "45297.5 0.09945542 45299.5 0.18772827"
)
BTC_BIDS = (
    "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000 "
    "45280.3 1.54592586 45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 "
    "45277.3 1.54602737 45276.6 0.15445238"
)
MATIC_BIDS = (
    "0.5666 4831.75496356 0.5665 6658.22734739 0.5664 18724.91513344 0.5663 11563.92544914 "
    "0.5662 14006.65365711 0.5661 17454.85679807 0.566 18097.1547 0.5659 33644.89175666 "
    "0.5658 148.3464 0.5657 606.70854372"
)
MATIC_ASKS = (
    "0.5668 4410.79769741 0.5669 4655.40412487 0.567 49844.89424998 0.5671 24306.41678 "
    "0.5672 29783.25223475 0.5673 57234.71239278 0.5674 45065.04744 0.5675 5912.76380354 "
    "0.5676 42514.92434778 0.5677 36304.0847022"
)


def levels(text: str) -> Levels:
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=True))


def floats(rows: Levels) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size in rows]


def decimals(rows: Levels) -> list[tuple[float, float]]:
    return [(Decimal(price), Decimal(size)) for price, size in rows]  # type: ignore[misc]


@pytest.mark.parametrize("convert", [floats, decimals])
def test_the_venues_examples(convert: object) -> None:
    assert callable(convert)
    bitcoin = ScaledBook((1, 8), 10)
    assert bitcoin.replace(convert(levels(BTC_BIDS)), convert(levels(BTC_ASKS))) == 3310070434
    matic = ScaledBook((4, 8), 10)
    assert matic.replace(convert(levels(MATIC_BIDS)), convert(levels(MATIC_ASKS))) == 2439117997
    assert matic.apply(convert([("0.5657", "1098.3947558")]), []) == 2114181697


def test_floats_of_too_many_digits_are_refused_and_decimals_are_not() -> None:
    rows = [("0.00001234", "123456789.12345678")]
    book = ScaledBook((8, 8), 10)
    with pytest.raises(InexactNumberError):
        book.replace(floats(rows), [])
    twin = DigitBook()
    twin.replace(rows, [])
    assert book.replace(decimals(rows), []) == twin.checksum(KRAKEN)


ROWS = st.lists(
    st.tuples(
        st.integers(1, 40).map(lambda steps: f"{steps / 100:.2f}"),
        st.integers(0, 5 * 10**9).map(lambda lots: f"{Decimal(lots).scaleb(-8):.8f}"),
    ),
    max_size=30,
)


@given(st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=6))
def test_integers_and_texts_agree(changes: list[tuple[Levels, Levels]]) -> None:
    book, twin = ScaledBook((2, 8), 12), DigitBook()
    for number, (bids, asks) in enumerate(changes):
        (twin.apply if number else twin.replace)(bids, asks)
        twin.cut(12)
        take = book.apply if number else book.replace
        assert take(floats(bids), floats(asks)) == twin.checksum(KRAKEN)
