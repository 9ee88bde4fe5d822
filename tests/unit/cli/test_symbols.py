"""The symbol check, against answers that the test makes up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from tickwire.cli.symbols import check_symbols, rest_base
from tickwire.exchanges.binance import ENDPOINTS
from tickwire.exchanges.binance.books import REST_ENDPOINTS

if TYPE_CHECKING:
    from tickwire.transport import AsyncSession

UNKNOWN = (400, b'{"code":-1121,"msg":"Invalid symbol."}')


@dataclass
class Response:
    status_code: int
    content: bytes


class Venue:
    """Stands in for a session: answers by symbol, and remembers what was asked."""

    def __init__(self, answers: dict[str, tuple[int, bytes] | Exception]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.proxies: set[Any] = set()

    async def get(self, url: str, *, timeout: float, proxy: str | None) -> Response:
        assert timeout > 0
        self.asked.append(url)
        self.proxies.add(proxy)
        symbol = url.partition("symbol=")[2].partition("&")[0]
        answer = self.answers.get(symbol, (200, b"{}"))
        if isinstance(answer, Exception):
            raise answer
        return Response(*answer)

    @property
    def session(self) -> AsyncSession:
        return cast("AsyncSession", self)


def test_every_endpoint_has_a_rest_host() -> None:
    assert REST_ENDPOINTS.keys() == ENDPOINTS.keys()


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (None, "https://api.binance.com"),
        ("ws://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("wss://host.example/path/", "https://host.example"),
    ],
)
def test_rest_base(url: str | None, base: str) -> None:
    assert rest_base("spot", "production", url) == base


async def test_spot_asks_for_the_exchange_information_of_each() -> None:
    venue = Venue({"NOPE": UNKNOWN})
    found = await check_symbols(
        venue.session, "http://x", "spot", ["BTCUSDT", "NOPE", "ETHUSDT"], proxy="http://p"
    )
    assert found.unknown == ("NOPE",)
    assert found.obstacle is None
    assert venue.asked == [
        f"http://x/api/v3/exchangeInfo?symbol={name}" for name in ("BTCUSDT", "NOPE", "ETHUSDT")
    ]
    assert venue.proxies == {"http://p"}


async def test_usdm_asks_for_the_book() -> None:
    venue = Venue({"NOPE": UNKNOWN})
    found = await check_symbols(venue.session, "http://x", "usdm", ["NOPE"], proxy=None)
    assert found.unknown == ("NOPE",)
    assert venue.asked == ["http://x/fapi/v1/depth?symbol=NOPE&limit=5"]


@pytest.mark.parametrize(
    "answer",
    [
        (451, b"no"),
        (429, b"{}"),
        (503, b""),
        (404, UNKNOWN[1]),
        (400, b'{"code":-1102}'),
        (400, b"<html>"),
        (400, b"[]"),
        (400, b""),
        OSError("no route"),
        TimeoutError(),
    ],
    ids=str,
)
async def test_anything_else_is_an_obstacle_and_no_verdict(
    answer: tuple[int, bytes] | Exception,
) -> None:
    venue = Venue({"BTCUSDT": answer})
    found = await check_symbols(venue.session, "http://x", "spot", ["BTCUSDT"], proxy=None)
    assert found.unknown == ()
    assert found.obstacle is not None
    assert found.obstacle.startswith("x ")


async def test_a_verdict_stands_beside_an_obstacle() -> None:
    venue = Venue({"A": OSError(), "B": UNKNOWN})
    found = await check_symbols(venue.session, "http://x", "spot", ["A", "B"], proxy=None)
    assert (found.unknown, found.obstacle) == (("B",), "x cannot be reached")


async def test_symbols_outside_ascii_are_quoted() -> None:
    venue = Venue({})
    await check_symbols(venue.session, "http://x", "spot", ["币USDT"], proxy=None)
    assert venue.asked == ["http://x/api/v3/exchangeInfo?symbol=%E5%B8%81USDT"]


async def test_nothing_to_check() -> None:
    venue = Venue({})
    found = await check_symbols(venue.session, "http://x", "spot", [], proxy=None)
    assert (found.unknown, found.obstacle, venue.asked) == ((), None, [])
