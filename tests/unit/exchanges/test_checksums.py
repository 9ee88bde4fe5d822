"""Checksums against the venues' own vectors, and a book of digits against a plain dictionary."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from zlib import crc32

import pytest

from tickwire.exchanges.checksums import KRAKEN, OKX, DigitBook, checksum, checksum_text

# A snapshot of BTC-USD-220527 of May 2022: its top 25 levels, as the checksum strings them.
OKX_REAL = (
    "30233.6:3:30238.8:2:30219.4:104:30249.5:50:30219.3:1520:30249.6:29:30212.3:171:30261.1:2"
    "18:30209.8:5:30261.5:215:30205.8:50:30261.7:172:30204.1:1730:30264.5:11:30202.1:30:30265"
    ".9:249:30185.4:11:30268.4:40:30184:1537:30280.8:97:30181.3:18:30280.9:217:30181.2:19:302"
    "83.1:120:30180.7:249:30291.1:442:30168.9:20:30316:81:30165.8:3078:30316.1:1:30145.8:4770"
    ":30323.1:373:30145.3:120:30325:17:30133.2:12:30371.7:202:30130.3:1:30371.8:10:30130.1:23"
    "6:30418.3:374:30129.9:442:30426.3:508:30117.7:81:30439.6:1539:30117.6:369:30449.2:29:300"
    "74.9:202:30464.9:202:30074.6:373:30486.8:504"
)
KRAKEN_ASKS = [
    ("45285.2", "0.00100000"),
    ("45286.4", "1.54571953"),
    ("45286.6", "1.54571109"),
    ("45289.6", "1.54560911"),
    ("45290.2", "0.15890660"),
    ("45291.8", "1.54553491"),
    ("45294.7", "0.04454749"),
    ("45296.1", "0.35380000"),
    ("45297.5", "0.09945542"),
    ("45299.5", "0.18772827"),
]
KRAKEN_BIDS = [
    ("45283.5", "0.10000000"),
    ("45283.4", "1.54582015"),
    ("45282.1", "0.10000000"),
    ("45281.0", "0.10000000"),
    ("45280.3", "1.54592586"),
    ("45279.0", "0.07990000"),
    ("45277.6", "0.03310103"),
    ("45277.5", "0.30000000"),
    ("45277.3", "1.54602737"),
    ("45276.6", "0.15445238"),
]
KRAKEN_TEXT = (
    "4528521000004528641545719534528661545711094528961545609114529021589066045291815455349145"
    "2947445474945296135380000452975994554245299518772827452835100000004528341545820154528211"
    "0000000452810100000004528031545925864527907990000452776331010345277530000000452773154602"
    "73745276615445238"
)


@pytest.mark.parametrize(
    ("bids", "asks", "text", "expected"),
    [
        (
            [("3366.1", "7")],
            [("3366.8", "9"), ("3368", "8"), ("3372", "8")],
            "3366.1:7:3366.8:9:3368:8:3372:8",
            831078360,
        ),
        (
            [("3366.1", "7"), ("3366", "6")],
            [("3366.8", "9"), ("3368", "8")],
            "3366.1:7:3366.8:9:3366:6:3368:8",
            -1881014294,
        ),
        ([], [], "", 0),
    ],
    ids=["more-asks", "negative", "empty"],
)
def test_okx_vectors(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], text: str, expected: int
) -> None:
    assert checksum_text(OKX, bids, asks) == text
    assert checksum(OKX, bids, asks) == expected


def test_a_real_okx_book() -> None:
    numbers = OKX_REAL.split(":")
    levels = list(zip(numbers[::2], numbers[1::2], strict=True))
    book = DigitBook()
    shuffled = levels[::2], levels[1::2]
    for side in shuffled:
        Random(1).shuffle(side)
    book.replace(*shuffled)
    assert book.checksum(OKX) == 1054815633
    # The 26th level does not count, the first one does.
    book.apply([], [("99999", "1")])
    assert book.checksum(OKX) == 1054815633
    book.apply([(book.bids(1)[0][0], "1")], [])
    assert book.checksum(OKX) != 1054815633


def test_the_kraken_vector() -> None:
    book = DigitBook()
    book.replace(KRAKEN_BIDS, KRAKEN_ASKS)
    assert checksum_text(KRAKEN, book.bids(), book.asks()) == KRAKEN_TEXT
    assert book.checksum(KRAKEN) == 3310070434 == crc32(KRAKEN_TEXT.encode())


def test_one_price_is_one_level_however_it_is_written() -> None:
    book = DigitBook()
    book.replace([("0.10", "1")], [])
    book.apply([("0.1", "2")], [])
    assert book.bids() == [("0.1", "2")]
    book.apply([("0.100", "0.000")], [("5", "0")])
    assert book.bids() == [] == book.asks()


def test_rows_may_be_longer() -> None:
    book = DigitBook()
    book.replace([["1", "2", "0", "3"]], [["4", "5", "0", "6"]])
    assert (book.bids(), book.asks()) == ([("1", "2")], [("4", "5")])


def test_against_a_dictionary() -> None:
    random = Random(7)
    book, bids, asks = DigitBook(), dict[str, str](), dict[str, str]()
    for _ in range(2_000):
        for side, plain in ((0, bids), (1, asks)):
            price = f"{random.randrange(1, 60) / 10:.1f}"
            size = str(random.choice([0, 0, 1, 2]))
            plain[price] = size
            if size == "0":
                del plain[price]
            book.apply(*([[(price, size)], []] if not side else [[], [(price, size)]]))
        if random.random() < 0.05:
            book.cut(10)
            bids = dict(sorted(bids.items(), key=lambda item: -Decimal(item[0]))[:10])
            asks = dict(sorted(asks.items(), key=lambda item: Decimal(item[0]))[:10])
        assert book.bids() == sorted(bids.items(), key=lambda item: -Decimal(item[0]))
        assert book.asks(3) == sorted(asks.items(), key=lambda item: Decimal(item[0]))[:3]
