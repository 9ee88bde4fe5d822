"""The asyncio manager's methods, written by tools/socket_methods.py.

What to change is the table in tickwire.exchanges.binance.sockets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from tickwire.exchanges.binance.sockets import ContractType, FuturesType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.binance.sockets import ReconnectingWebsocket

__all__ = ["SocketMethods"]


class SocketMethods(ABC):
    """Each makes a socket, to be entered; with ``typed`` one of events. A value that the venue
    does not have raises :class:`~tickwire.errors.ConfigurationError`."""

    @abstractmethod
    def socket(
        self, method: str, typed: bool | None, values: dict[str, Any]
    ) -> ReconnectingWebsocket:
        """The socket of a row of the table."""

    def depth_socket(
        self,
        symbol: str,
        depth: str | None = None,
        interval: int | None = None,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """A book's changes, or with ``depth`` (5, 10, 20) its best levels; ``interval=100``: ms."""
        return self.socket(
            "depth_socket", typed, {"symbol": symbol, "depth": depth, "interval": interval}
        )

    def kline_socket(
        self, symbol: str, interval: str = "1m", *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Candles of a symbol."""
        return self.socket("kline_socket", typed, {"symbol": symbol, "interval": interval})

    def kline_futures_socket(
        self,
        symbol: str,
        interval: str = "1m",
        futures_type: FuturesType = FuturesType.USD_M,
        contract_type: ContractType = ContractType.PERPETUAL,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Candles of whichever contract of a pair is of the type."""
        return self.socket(
            "kline_futures_socket",
            typed,
            {
                "symbol": symbol,
                "interval": interval,
                "futures_type": futures_type,
                "contract_type": contract_type,
            },
        )

    def miniticker_socket(
        self, update_time: int = 1000, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Short statistics of all symbols that changed, as lists, every ``update_time`` ms."""
        return self.socket("miniticker_socket", typed, {"update_time": update_time})

    def trade_socket(self, symbol: str, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Every fill of a symbol."""
        return self.socket("trade_socket", typed, {"symbol": symbol})

    def aggtrade_socket(self, symbol: str, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Fills of a symbol, those of one taker order at one price as one."""
        return self.socket("aggtrade_socket", typed, {"symbol": symbol})

    def aggtrade_futures_socket(
        self,
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Fills of a contract, those of one taker order at one price as one."""
        return self.socket(
            "aggtrade_futures_socket", typed, {"symbol": symbol, "futures_type": futures_type}
        )

    def symbol_miniticker_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Short statistics of a symbol over 24 hours."""
        return self.socket("symbol_miniticker_socket", typed, {"symbol": symbol})

    def symbol_ticker_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Statistics of a symbol over 24 hours."""
        return self.socket("symbol_ticker_socket", typed, {"symbol": symbol})

    def ticker_socket(self, *_ignored: object, typed: bool | None = None) -> ReconnectingWebsocket:
        """Statistics of all symbols that changed, as lists."""
        return self.socket("ticker_socket", typed, {})

    def futures_ticker_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Statistics of all USD-M contracts that changed, as lists."""
        return self.socket("futures_ticker_socket", typed, {})

    def futures_coin_ticker_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Statistics of all COIN-M contracts that changed, as lists."""
        return self.socket("futures_coin_ticker_socket", typed, {})

    def index_price_socket(
        self, symbol: str, fast: bool = True, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """The index price of a COIN-M pair, every second or, not ``fast``, every three."""
        return self.socket("index_price_socket", typed, {"symbol": symbol, "fast": fast})

    def symbol_mark_price_socket(
        self,
        symbol: str,
        fast: bool = True,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Mark price and funding rate of a contract."""
        return self.socket(
            "symbol_mark_price_socket",
            typed,
            {"symbol": symbol, "fast": fast, "futures_type": futures_type},
        )

    def all_mark_price_socket(
        self,
        fast: bool = True,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Mark prices and funding rates of all contracts, as lists."""
        return self.socket(
            "all_mark_price_socket", typed, {"fast": fast, "futures_type": futures_type}
        )

    def symbol_ticker_futures_socket(
        self,
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Best bid and offer of a contract at every change."""
        return self.socket(
            "symbol_ticker_futures_socket", typed, {"symbol": symbol, "futures_type": futures_type}
        )

    def individual_symbol_ticker_futures_socket(
        self,
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Statistics of a contract over 24 hours."""
        return self.socket(
            "individual_symbol_ticker_futures_socket",
            typed,
            {"symbol": symbol, "futures_type": futures_type},
        )

    def all_ticker_futures_socket(
        self,
        channel: str = "!bookTicker",
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Best bid and offer of all contracts, or another ``channel``: ``!ticker@arr``."""
        return self.socket(
            "all_ticker_futures_socket", typed, {"channel": channel, "futures_type": futures_type}
        )

    def symbol_book_ticker_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Best bid and offer of a symbol at every change."""
        return self.socket("symbol_book_ticker_socket", typed, {"symbol": symbol})

    def book_ticker_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Best bid and offer of all symbols at every change."""
        return self.socket("book_ticker_socket", typed, {})

    def multiplex_socket(
        self, streams: Iterable[str], *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Several streams by the venue's names, each message with its stream's."""
        return self.socket("multiplex_socket", typed, {"streams": streams})

    def options_multiplex_socket(
        self, streams: Iterable[str], *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Several options streams of the class ``market``, each message with its stream's name."""
        return self.socket("options_multiplex_socket", typed, {"streams": streams})

    def futures_multiplex_socket(
        self,
        streams: Iterable[str],
        futures_type: FuturesType = FuturesType.USD_M,
        category: str = "market",
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Several futures streams, each message with its stream's name."""
        return self.socket(
            "futures_multiplex_socket",
            typed,
            {"streams": streams, "futures_type": futures_type, "category": category},
        )

    def user_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Events of the spot account."""
        return self.socket("user_socket", typed, {})

    def futures_user_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Events of the USD-M account."""
        return self.socket("futures_user_socket", typed, {})

    def coin_futures_user_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Events of the COIN-M account."""
        return self.socket("coin_futures_user_socket", typed, {})

    def margin_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Events of the cross margin account."""
        return self.socket("margin_socket", typed, {})

    def futures_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Events of the USD-M account: another name of ``futures_user_socket``."""
        return self.socket("futures_socket", typed, {})

    def coin_futures_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Events of the COIN-M account: another name of ``coin_futures_user_socket``."""
        return self.socket("coin_futures_socket", typed, {})

    def isolated_margin_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Events of a symbol's isolated margin account."""
        return self.socket("isolated_margin_socket", typed, {"symbol": symbol})

    def options_ticker_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Statistics of an option over 24 hours."""
        return self.socket("options_ticker_socket", typed, {"symbol": symbol})

    def options_ticker_by_expiration_socket(
        self, symbol: str, expiration_date: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Statistics of an underlying's options of one expiry (YYMMDD)."""
        return self.socket(
            "options_ticker_by_expiration_socket",
            typed,
            {"symbol": symbol, "expiration_date": expiration_date},
        )

    def options_recent_trades_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Every fill of an option, or of all options of an underlying."""
        return self.socket("options_recent_trades_socket", typed, {"symbol": symbol})

    def options_kline_socket(
        self, symbol: str, interval: str = "1m", *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Candles of an option."""
        return self.socket("options_kline_socket", typed, {"symbol": symbol, "interval": interval})

    def options_depth_socket(
        self, symbol: str, depth: str = "10", speed: str = "500ms", *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """The best levels of an option's book, every 100 or 500 ms."""
        return self.socket(
            "options_depth_socket", typed, {"symbol": symbol, "depth": depth, "speed": speed}
        )

    def options_book_ticker_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Best bid and offer of an option at every change."""
        return self.socket("options_book_ticker_socket", typed, {"symbol": symbol})

    def futures_depth_socket(
        self,
        symbol: str,
        depth: str = "10",
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """The best levels (5, 10, 20) of a contract's book."""
        return self.socket(
            "futures_depth_socket",
            typed,
            {"symbol": symbol, "depth": depth, "futures_type": futures_type},
        )

    def futures_rpi_depth_socket(
        self,
        symbol: str,
        futures_type: FuturesType = FuturesType.USD_M,
        *,
        typed: bool | None = None,
    ) -> ReconnectingWebsocket:
        """Changes of a contract's book with retail-price-improvement orders. USD-M."""
        return self.socket(
            "futures_rpi_depth_socket", typed, {"symbol": symbol, "futures_type": futures_type}
        )

    def options_new_symbol_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Options that are listed."""
        return self.socket("options_new_symbol_socket", typed, {})

    def options_open_interest_socket(
        self, symbol: str, expiration_date: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Open interest of an underlying's options of one expiry (YYMMDD)."""
        return self.socket(
            "options_open_interest_socket",
            typed,
            {"symbol": symbol, "expiration_date": expiration_date},
        )

    def options_mark_price_socket(
        self, symbol: str, *, typed: bool | None = None
    ) -> ReconnectingWebsocket:
        """Mark prices of an underlying's options, as lists."""
        return self.socket("options_mark_price_socket", typed, {"symbol": symbol})

    def options_index_price_socket(self, *, typed: bool | None = None) -> ReconnectingWebsocket:
        """Index prices of all underlyings, as lists."""
        return self.socket("options_index_price_socket", typed, {})
