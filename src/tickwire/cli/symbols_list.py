"""``tickwire symbols``: an exchange's instruments, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from msgspec import structs

from tickwire.cli.problems import ExitCode, Problem
from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.registry import VENUES
from tickwire.listing import instruments
from tickwire.transport import CurlError

if TYPE_CHECKING:
    from tickwire.market import Instrument

__all__ = ["SymbolsOptions", "symbols"]

_COLUMNS = "{:<28}  {:<28}  {:<9}  {:>14}  {:>14}  {}"


@dataclass(frozen=True, slots=True)
class SymbolsOptions:
    """What was asked for.

    Attributes:
        exchange: One of :data:`tickwire.exchanges.registry.VENUES`.
        market: One of the exchange's; its first if left out.
        environment: ``production``, or what else the exchange has.
        url: Another server instead of the exchange's.
        find: Only instruments with this in one of their names, in any case.
        as_json: JSON lines instead of columns.
        proxy: Proxy URL.
    """

    exchange: str
    market: str | None = None
    environment: str = "production"
    url: str | None = None
    find: str = ""
    as_json: bool = False
    proxy: str | None = None


async def symbols(options: SymbolsOptions) -> list[bytes]:
    """The lines, with their ends, in the order of the names.

    Raises:
        Problem: There is no such exchange or market, or it cannot be asked.
    """
    if options.exchange not in VENUES:
        raise Problem(
            f"there is no exchange {options.exchange!r}; there are {', '.join(VENUES)}",
            ExitCode.USAGE,
        )
    try:
        found = await instruments(
            options.exchange,
            market=options.market,
            environment=options.environment,
            url=options.url,
            proxy=options.proxy,
        )
    except ConfigurationError as error:
        raise Problem(str(error), ExitCode.USAGE) from error
    except (CodecError, CurlError) as error:
        raise Problem(f"{error}; check --url, --proxy and the network") from error
    wanted = options.find.upper()
    kept = [i for i in found if wanted in i.symbol.upper() or wanted in i.venue_symbol.upper()]
    line = _json_line if options.as_json else _columns
    return [line(item) for item in sorted(kept, key=_name)]


def _name(instrument: Instrument) -> str:
    return instrument.symbol


def _json_line(instrument: Instrument) -> bytes:
    return orjson.dumps(structs.asdict(instrument), option=orjson.OPT_APPEND_NEWLINE)


def _columns(instrument: Instrument) -> bytes:
    state = "" if instrument.is_trading else "not traded now"
    text = _COLUMNS.format(
        instrument.symbol,
        instrument.venue_symbol,
        instrument.kind,
        instrument.price_tick,
        instrument.size_step,
        state,
    )
    return f"{text.rstrip()}\n".encode()
