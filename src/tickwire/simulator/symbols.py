"""The instruments of the generated market, and the text of their numbers.

Inside the model a price is a count of ticks and a quantity a count of lots, both integers, so that
the book, the candles and the statistics add up exactly. Text is made only here. Spot prints every
number with eight decimals; futures print as many as the tick or the lot has.

The turnover of a trade is what it is worth: in the quote asset, counted as ticks times lots, or for
COIN-M, where a lot is a contract of so many dollars, in the base asset, counted in 1e-8 of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from tickwire.errors import ConfigurationError
from tickwire.simulator.options import Market

__all__ = ["NumberText", "SymbolSpec", "default_specs"]

SPOT_DECIMALS = 8
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
_CACHED_PRICES = 1 << 15


@dataclass(frozen=True)
class SymbolSpec:
    """One instrument.

    Attributes:
        base, quote: Assets, upper case; together they are the pair.
        tick_size: Smallest price step, as decimal text such as ``"0.10"``. Its count of decimals is
            the price precision.
        lot_step: Smallest quantity step, as decimal text.
        start_price: Middle of the book at the start, a multiple of the tick.
        contract: What follows the pair in the name of a COIN-M contract: ``"PERP"``, or a date.
        contract_size: Worth of one COIN-M contract in the quote asset; zero elsewhere.

    Raises:
        ConfigurationError: A number is not a positive decimal in plain digits, the price is off the
            tick grid, or price and quantity have more than eight decimals together, so that a
            volume in the quote asset could not be printed exactly. Retry: no.
    """

    base: str
    quote: str
    tick_size: str
    lot_step: str
    start_price: str
    contract: str = ""
    contract_size: int = 0

    def __post_init__(self) -> None:
        numbers = (self.tick_size, self.lot_step, self.start_price)
        if not all(_PLAIN.fullmatch(text) and Decimal(text) for text in numbers):
            raise ConfigurationError(
                f"{self.symbol}: tick, lot and price must be decimals above zero, without exponent"
            )
        tick, _, price = map(Decimal, numbers)
        if price % tick:
            raise ConfigurationError(
                f"{self.symbol}: the start price is not a multiple of the tick"
            )
        if self.price_decimals + self.lot_decimals > SPOT_DECIMALS:
            raise ConfigurationError(
                f"{self.symbol}: price and lot have more than {SPOT_DECIMALS} decimals together"
            )

    @cached_property
    def symbol(self) -> str:
        """As the venue writes it, e.g. ``BTCUSDT`` or ``BTCUSD_PERP``."""
        return f"{self.pair}_{self.contract}" if self.contract else self.pair

    @cached_property
    def pair(self) -> str:
        """Both assets, e.g. ``BTCUSD``."""
        return self.base + self.quote

    @cached_property
    def price_decimals(self) -> int:
        return _decimals(self.tick_size)

    @cached_property
    def lot_decimals(self) -> int:
        return _decimals(self.lot_step)

    @cached_property
    def start_ticks(self) -> int:
        return int(Decimal(self.start_price) / Decimal(self.tick_size))


def _decimals(text: str) -> int:
    _, _, fraction = text.partition(".")
    return len(fraction)


# base, start price, then tick size and lot step on spot, then the same on USD-M futures.
_INSTRUMENTS = (
    ("BTC", "64213.10", "0.01", "0.00001", "0.10", "0.001"),
    ("ETH", "3412.55", "0.01", "0.0001", "0.01", "0.001"),
    ("SOL", "151.84", "0.01", "0.001", "0.01", "0.01"),
    ("BNB", "584.37", "0.01", "0.001", "0.01", "0.01"),
    ("XRP", "0.5231", "0.0001", "0.1", "0.0001", "0.1"),
    ("ADA", "0.3987", "0.0001", "0.1", "0.0001", "1"),
    ("DOGE", "0.12345", "0.00001", "1", "0.00001", "1"),
    ("LTC", "71.20", "0.01", "0.001", "0.01", "0.001"),
)


# Base, start price, tick size, dollars per contract, of the COIN-M perpetuals.
_COIN_CONTRACTS = (
    ("BTC", "64213.1", "0.1", 100),
    ("ETH", "3412.55", "0.01", 10),
    ("SOL", "151.840", "0.001", 10),
    ("BNB", "584.370", "0.001", 10),
    ("XRP", "0.5231", "0.0001", 10),
    ("ADA", "0.39870", "0.00001", 10),
    ("DOGE", "0.123450", "0.000001", 10),
    ("LTC", "71.20", "0.01", 10),
)


def default_specs(market: Market) -> tuple[SymbolSpec, ...]:
    """The instruments that are traded when nobody names any."""
    if market is Market.COINM:
        return tuple(
            SymbolSpec(base, "USD", tick, "1", price, "PERP", size)
            for base, price, tick, size in _COIN_CONTRACTS
        )
    if market is Market.SPOT:
        return tuple(
            SymbolSpec(base, "USDT", tick, lot, price)
            for base, price, tick, lot, _, _ in _INSTRUMENTS
        )
    return tuple(
        SymbolSpec(base, "USDT", tick, lot, price) for base, price, _, _, tick, lot in _INSTRUMENTS
    )


class NumberText:
    """Turns the integers of one instrument into the exact text that the venue prints."""

    __slots__ = (
        "_contract_size",
        "_price_decimals",
        "_price_unit",
        "_prices",
        "_quantity_decimals",
        "_quantity_unit",
    )

    def __init__(self, spec: SymbolSpec, market: Market) -> None:
        spot = market is Market.SPOT
        self._price_decimals = SPOT_DECIMALS if spot else spec.price_decimals
        self._quantity_decimals = SPOT_DECIMALS if spot else spec.lot_decimals
        self._price_unit = int(Decimal(spec.tick_size).scaleb(self._price_decimals))
        self._quantity_unit = int(Decimal(spec.lot_step).scaleb(self._quantity_decimals))
        self._contract_size = int(Decimal(spec.contract_size) * Decimal(spec.lot_step))
        # The same prices come again and again; quantities do not.
        self._prices: dict[int, str] = {}

    def price(self, ticks: int) -> str:
        """A price, or a difference of prices, given in ticks."""
        text = self._prices.get(ticks)
        if text is None:
            if len(self._prices) >= _CACHED_PRICES:
                self._prices.clear()
            text = _fixed(ticks * self._price_unit, self._price_decimals)
            self._prices[ticks] = text
        return text

    def quantity(self, lots: int) -> str:
        """A quantity of the base asset given in lots."""
        return _fixed(lots * self._quantity_unit, self._quantity_decimals)

    def quote_volume(self, ticks_times_lots: int) -> str:
        """A volume in the quote asset: the sum of price times quantity, in ticks times lots."""
        units = ticks_times_lots * self._price_unit * self._quantity_unit
        decimals = self._price_decimals + self._quantity_decimals
        if decimals > SPOT_DECIMALS:
            # Exact: SymbolSpec admits no instrument whose product has more than eight.
            units //= 10 ** (decimals - SPOT_DECIMALS)
            decimals = SPOT_DECIMALS
        return _fixed(units, decimals)

    def turnover_of(self, ticks: int, lots: int) -> int:
        """What a trade is worth, in the units of :meth:`turnover`."""
        if not self._contract_size:
            return ticks * lots
        scale = int(10 ** (self._price_decimals + SPOT_DECIMALS))
        return lots * self._contract_size * scale // (ticks * self._price_unit)

    def turnover(self, units: int) -> str:
        """A sum of :meth:`turnover_of`, in the quote asset, for COIN-M in the base asset."""
        return _fixed(units, SPOT_DECIMALS) if self._contract_size else self.quote_volume(units)

    def mean_price(self, volume: int, turnover: int) -> str:
        """The volume-weighted price of lots that were worth so much; zero without volume."""
        if not self._contract_size or not volume:
            return self.average(turnover, volume)
        scale = 10 ** (self._price_decimals + SPOT_DECIMALS)
        return _fixed(volume * self._contract_size * scale // turnover, self._price_decimals)

    def average(self, ticks_times_lots: int, lots: int) -> str:
        """The volume-weighted price, rounded down to the price precision; zero without volume."""
        if not lots:
            return _fixed(0, self._price_decimals)
        return _fixed(ticks_times_lots * self._price_unit // lots, self._price_decimals)

    def levels(self, levels: list[tuple[int, int]]) -> list[tuple[str, str]]:
        """Price and quantity text of book levels given in ticks and lots."""
        price, quantity = self.price, self.quantity
        return [(price(ticks), quantity(lots)) for ticks, lots in levels]


def percent_change(start: int, end: int) -> str:
    """The change from ``start`` to ``end`` in percent, with three decimals, towards zero."""
    if not start:
        return "0.000"
    change = (end - start) * 100_000
    return _fixed(change // start if change >= 0 else -(-change // start), 3)


def _fixed(units: int, decimals: int) -> str:
    if not decimals:
        return str(units)
    if units < 0:
        return "-" + _fixed(-units, decimals)
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}"
