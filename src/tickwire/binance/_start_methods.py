"""The threaded manager's methods, written by tools/socket_methods.py.

What to change is the table in tickwire.exchanges.binance.sockets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from tickwire.exchanges.binance.sockets import ContractType, FuturesType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["StartMethods"]


class StartMethods(ABC):
    """Each opens a socket, has ``callback`` called with each of its messages, and gives its name.
    A value that the venue does not have raises :class:`~tickwire.errors.ConfigurationError`."""

    @abstractmethod
    def _start(
        self,
        method: str,
        callback: Callable[[Any], Any],
        typed: bool | None,
        values: dict[str, Any],
    ) -> str:
        """Start the socket of a row of the table."""

    def start_depth_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        depth: str | None = None,
        interval: int | None = None,
        *,
        typed: bool | None = None,
    ) -> str:
        """A book's changes, or with ``depth`` (5, 10, 20) its best levels; ``interval=100``: ms."""
        return self._start(
            "depth_socket",
            callback,
            typed,
            {"symbol": symbol, "depth": depth, "interval": interval},
        )

    def start_kline_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        interval: str = "1m",
        *,
        typed: bool | None = None,
    ) -> str:
        """Candles of a symbol."""
        return self._start(
            "kline_socket", callback, typed, {"symbol": symbol, "interval": interval}
        )

    def start_kline_futures_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        interval: str = "1m",
        futures_type: FuturesType = FuturesType.USD_M,
        contract_type: ContractType = ContractType.PERPETUAL,
        *,
        typed: bool | None = None,
    ) -> str:
        """Candles of whichever contract of a pair is of the type."""
        return self._start(
            "kline_futures_socket",
            callback,
            typed,
            {
                "symbol": symbol,
                "interval": interval,
                "futures_type": futures_type,
                "contract_type": contract_type,
            },
        )

    def start_miniticker_socket(
        self, callback: Callable[[Any], Any], update_time: int = 1000, *, typed: bool | None = None
    ) -> str:
        """Short statistics of all symbols that changed, as lists, every ``update_time`` ms."""
        return self._start("miniticker_socket", callback, typed, {"update_time": update_time})

    def start_trade_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Every fill of a symbol."""
        return self._start("trade_socket", callback, typed, {"symbol": symbol})

    def start_aggtrade_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Fills of a symbol, those of one taker order at one price as one."""
        return self._start("aggtrade_socket", callback, typed, {"symbol": symbol})

    def start_aggtrade_futures_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """Fills of a contract, those of one taker order at one price as one."""
        return self._start(
            "aggtrade_futures_socket",
            callback,
            typed,
            {"symbol": symbol, "futures_type": futures_type},
        )

    def start_symbol_miniticker_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Short statistics of a symbol over 24 hours."""
        return self._start("symbol_miniticker_socket", callback, typed, {"symbol": symbol})

    def start_symbol_ticker_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Statistics of a symbol over 24 hours."""
        return self._start("symbol_ticker_socket", callback, typed, {"symbol": symbol})

    def start_ticker_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Statistics of all symbols that changed, as lists."""
        return self._start("ticker_socket", callback, typed, {})

    def start_futures_ticker_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Statistics of all USD-M contracts that changed, as lists."""
        return self._start("futures_ticker_socket", callback, typed, {})

    def start_futures_coin_ticker_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Statistics of all COIN-M contracts that changed, as lists."""
        return self._start("futures_coin_ticker_socket", callback, typed, {})

    def start_index_price_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        fast: bool = True,
        *,
        typed: bool | None = None,
    ) -> str:
        """The index price of a COIN-M pair, every second or, not ``fast``, every three."""
        return self._start("index_price_socket", callback, typed, {"symbol": symbol, "fast": fast})

    def start_symbol_mark_price_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        fast: bool = True,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """Mark price and funding rate of a contract."""
        return self._start(
            "symbol_mark_price_socket",
            callback,
            typed,
            {"symbol": symbol, "fast": fast, "futures_type": futures_type},
        )

    def start_all_mark_price_socket(
        self,
        callback: Callable[[Any], Any],
        fast: bool = True,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """Mark prices and funding rates of all contracts, as lists."""
        return self._start(
            "all_mark_price_socket", callback, typed, {"fast": fast, "futures_type": futures_type}
        )

    def start_symbol_ticker_futures_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """Best bid and offer of a contract at every change."""
        return self._start(
            "symbol_ticker_futures_socket",
            callback,
            typed,
            {"symbol": symbol, "futures_type": futures_type},
        )

    def start_individual_symbol_ticker_futures_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """Statistics of a contract over 24 hours."""
        return self._start(
            "individual_symbol_ticker_futures_socket",
            callback,
            typed,
            {"symbol": symbol, "futures_type": futures_type},
        )

    def start_all_ticker_futures_socket(
        self,
        callback: Callable[[Any], Any],
        channel: str = "!bookTicker",
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """Best bid and offer of all contracts, or another ``channel``: ``!ticker@arr``."""
        return self._start(
            "all_ticker_futures_socket",
            callback,
            typed,
            {"channel": channel, "futures_type": futures_type},
        )

    def start_symbol_book_ticker_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Best bid and offer of a symbol at every change."""
        return self._start("symbol_book_ticker_socket", callback, typed, {"symbol": symbol})

    def start_book_ticker_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Best bid and offer of all symbols at every change."""
        return self._start("book_ticker_socket", callback, typed, {})

    def start_multiplex_socket(
        self, callback: Callable[[Any], Any], streams: Iterable[str], *, typed: bool | None = None
    ) -> str:
        """Several streams by the venue's names, each message with its stream's."""
        return self._start("multiplex_socket", callback, typed, {"streams": streams})

    def start_options_multiplex_socket(
        self, callback: Callable[[Any], Any], streams: Iterable[str], *, typed: bool | None = None
    ) -> str:
        """Several options streams of the class ``market``, each message with its stream's name."""
        return self._start("options_multiplex_socket", callback, typed, {"streams": streams})

    def start_futures_multiplex_socket(
        self,
        callback: Callable[[Any], Any],
        streams: Iterable[str],
        futures_type: FuturesType = FuturesType.USD_M,
        category: str = "market",
        *,
        typed: bool | None = None,
    ) -> str:
        """Several futures streams, each message with its stream's name."""
        return self._start(
            "futures_multiplex_socket",
            callback,
            typed,
            {"streams": streams, "futures_type": futures_type, "category": category},
        )

    def start_user_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Events of the spot account."""
        return self._start("user_socket", callback, typed, {})

    def start_futures_user_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Events of the USD-M account."""
        return self._start("futures_user_socket", callback, typed, {})

    def start_coin_futures_user_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Events of the COIN-M account."""
        return self._start("coin_futures_user_socket", callback, typed, {})

    def start_margin_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Events of the cross margin account."""
        return self._start("margin_socket", callback, typed, {})

    def start_futures_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Events of the USD-M account: another name of ``futures_user_socket``."""
        return self._start("futures_socket", callback, typed, {})

    def start_coin_futures_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Events of the COIN-M account: another name of ``coin_futures_user_socket``."""
        return self._start("coin_futures_socket", callback, typed, {})

    def start_isolated_margin_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Events of a symbol's isolated margin account."""
        return self._start("isolated_margin_socket", callback, typed, {"symbol": symbol})

    def start_options_ticker_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Statistics of an option over 24 hours."""
        return self._start("options_ticker_socket", callback, typed, {"symbol": symbol})

    def start_options_ticker_by_expiration_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        expiration_date: str,
        *,
        typed: bool | None = None,
    ) -> str:
        """Statistics of an underlying's options of one expiry (YYMMDD)."""
        return self._start(
            "options_ticker_by_expiration_socket",
            callback,
            typed,
            {"symbol": symbol, "expiration_date": expiration_date},
        )

    def start_options_recent_trades_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Every fill of an option, or of all options of an underlying."""
        return self._start("options_recent_trades_socket", callback, typed, {"symbol": symbol})

    def start_options_kline_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        interval: str = "1m",
        *,
        typed: bool | None = None,
    ) -> str:
        """Candles of an option."""
        return self._start(
            "options_kline_socket", callback, typed, {"symbol": symbol, "interval": interval}
        )

    def start_options_depth_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        depth: str = "10",
        speed: str = "500ms",
        *,
        typed: bool | None = None,
    ) -> str:
        """The best levels of an option's book, every 100 or 500 ms."""
        return self._start(
            "options_depth_socket",
            callback,
            typed,
            {"symbol": symbol, "depth": depth, "speed": speed},
        )

    def start_options_book_ticker_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Best bid and offer of an option at every change."""
        return self._start("options_book_ticker_socket", callback, typed, {"symbol": symbol})

    def start_futures_depth_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        depth: str = "10",
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """The best levels (5, 10, 20) of a contract's book."""
        return self._start(
            "futures_depth_socket",
            callback,
            typed,
            {"symbol": symbol, "depth": depth, "futures_type": futures_type},
        )

    def start_futures_rpi_depth_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> str:
        """Changes of a contract's book with retail-price-improvement orders. USD-M."""
        return self._start(
            "futures_rpi_depth_socket",
            callback,
            typed,
            {"symbol": symbol, "futures_type": futures_type},
        )

    def start_options_new_symbol_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Options that are listed."""
        return self._start("options_new_symbol_socket", callback, typed, {})

    def start_options_open_interest_socket(
        self,
        callback: Callable[[Any], Any],
        symbol: str,
        expiration_date: str,
        *,
        typed: bool | None = None,
    ) -> str:
        """Open interest of an underlying's options of one expiry (YYMMDD)."""
        return self._start(
            "options_open_interest_socket",
            callback,
            typed,
            {"symbol": symbol, "expiration_date": expiration_date},
        )

    def start_options_mark_price_socket(
        self, callback: Callable[[Any], Any], symbol: str, *, typed: bool | None = None
    ) -> str:
        """Mark prices of an underlying's options, as lists."""
        return self._start("options_mark_price_socket", callback, typed, {"symbol": symbol})

    def start_options_index_price_socket(
        self, callback: Callable[[Any], Any], *, typed: bool | None = None
    ) -> str:
        """Index prices of all underlyings, as lists."""
        return self._start("options_index_price_socket", callback, typed, {})
