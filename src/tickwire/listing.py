"""What an exchange trades: its instrument list, fetched and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import CodecError
from .exchanges.registry import open_venue
from .exchanges.venue import VenueSettings
from .manager.opening import fetch
from .transport import AsyncSession, ConnectError, CurlECode

if TYPE_CHECKING:
    from .exchanges import HttpRequest
    from .exchanges.venue import Venue
    from .market import Instrument

__all__ = ["instruments"]

_OK = 200
_SECONDS = 10.0
_TEXT_SHOWN = 200
_PAGES = 100


async def instruments(
    exchange: str,
    *,
    market: str | None = None,
    environment: str = "production",
    url: str | None = None,
    options: dict[str, Any] | None = None,
    session: AsyncSession | None = None,
    proxy: str | None = None,
    timeout: float = _SECONDS,
) -> list[Instrument]:
    """The instruments of one market of an exchange, under names that are the same everywhere.

    ::

        for instrument in await tickwire.instruments("okx", market="swap"):
            print(instrument.symbol, instrument.venue_symbol, instrument.price_tick)

    Args:
        exchange: As :class:`~tickwire.Feed` takes it.
        market: One of the exchange's markets; its first if left out.
        environment: ``"production"``, or what else the exchange has.
        url: Another server instead of the exchange's, ``"ws://127.0.0.1:8080"``: the simulator's.
            The list is asked for there by HTTP.
        options: What only this exchange has, as :class:`~tickwire.Feed` takes it.
        session: A session to ask through, with its proxies; one of its own if left out. The caller
            closes it.
        proxy: A proxy for these requests.
        timeout: Seconds that one request may take.

    Raises:
        ConfigurationError: No such exchange, market, environment or option. Retry: no.
        ConnectError: There is no answer, or one of another status than 200. Retry: later, unless
            the status says that it is refused.
        CodecError: The answer is no such list, or an empty one; the text shows its beginning.
            Retry: later.

    Cost: a request, of lists in pages one a page; some lists have several megabytes.
    """
    settings = VenueSettings(
        market=market, environment=environment, url=url, options=dict(options or {})
    )
    venue = open_venue(exchange, settings)
    parameters = {"timeout": timeout, "proxy": proxy}
    if session is not None:
        return await _all_pages(venue, session, parameters)
    async with AsyncSession() as own:
        return await _all_pages(venue, own, parameters)


async def _all_pages(
    venue: Venue, session: AsyncSession, parameters: dict[str, Any]
) -> list[Instrument]:
    next_page = getattr(venue, "more_instruments", None)
    found: list[Instrument] = []
    request: HttpRequest | None = venue.instruments_request()
    for _ in range(_PAGES):
        assert request is not None
        status, body = await fetch(session, request, parameters)
        if status != _OK:
            raise ConnectError(
                f"{venue.name} answered with HTTP {status} instead of its instruments: "
                f"{_beginning(body)}",
                int(CurlECode.HTTP_RETURNED_ERROR),
            )
        try:
            page = venue.parse_instruments(body)
        except CodecError as error:
            raise CodecError(f"{error}; {venue.name} answered: {_beginning(body)}") from error
        if not page:
            raise CodecError(
                f"no instruments of {venue.name} ({venue.market}); it answered: {_beginning(body)}"
            )
        found += page
        request = None if next_page is None else next_page(body)
        if request is None:
            return found
    raise CodecError(f"the instruments of {venue.name} have no end: {_PAGES} pages were read")


def _beginning(body: bytes) -> str:
    return body[:_TEXT_SHOWN].decode(errors="replace")
