"""What can go wrong with Binance, under the names that python-binance gives it.

Each is a :class:`~tickwire.errors.TickwireError`. None holds a key, a signature, or the URL or
parameters of a request: an error is what gets logged.
"""

from __future__ import annotations

from typing import Any

from tickwire.errors import TickwireError
from tickwire.exchanges.binance.refusals import Retry, advice

__all__ = [
    "BinanceAPIException",
    "BinanceOrderException",
    "BinanceOrderInactiveSymbolException",
    "BinanceOrderMinAmountException",
    "BinanceOrderMinPriceException",
    "BinanceOrderMinTotalException",
    "BinanceOrderUnknownSymbolException",
    "BinanceRateLimited",
    "BinanceRegionException",
    "BinanceRequestException",
    "BinanceRequestLost",
    "BinanceRequestTimeout",
    "BinanceWebsocketClosed",
    "BinanceWebsocketQueueOverflow",
    "BinanceWebsocketUnableToConnect",
    "NotImplementedException",
    "ReadLoopClosed",
    "UnknownDateFormat",
]


def _rebuilt(kind: type[_Whole], args: tuple[Any, ...], state: dict[str, Any]) -> _Whole:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class _Whole(TickwireError):
    """Errors that are copied and pickled whole, whatever their constructors take."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


class BinanceAPIException(_Whole):
    """Binance refused a request. Whether to retry: ``retry``.

    Attributes:
        status_code: HTTP's, or the HTTP-like one of the WebSocket API.
        code: Binance's own (negative), or 0 where the answer had none.
        message: Binance's own text.
        retry: What to do about it.
        retry_after_ms: When requests are taken again, in ms since the Unix epoch; or ``None``.
        data: What else the answer told, such as the two halves of a cancel-replace; or ``None``.
        response: ``None``; it is here because python-binance has it.
        request: ``None``, as ``response``.
    """

    def __init__(
        self,
        status_code: int,
        code: int | None,
        message: str,
        *,
        retry_after_ms: int | None = None,
        data: Any = None,
        is_order: bool = False,
    ) -> None:
        super().__init__(status_code, code, message)
        self.status_code = status_code
        self.code = code or 0
        self.message = message
        self.retry: Retry = advice(status_code, code, is_order=is_order)
        self.retry_after_ms = retry_after_ms
        self.data = data
        self.response = None
        self.request = None

    def __str__(self) -> str:
        text = f"APIError(code={self.code}): {self.message}"
        if self.retry is not Retry.NO:
            text += f" [status {self.status_code}; retry: {self.retry}]"
        return text


class BinanceRateLimited(BinanceAPIException):
    """A request was not sent, because the venue would refuse it. Retry: at ``retry_after_ms``.

    It counts as the refusal that it avoids (code -1003), so that what catches that catches this.
    """

    def __init__(self, method: str, reason: str, *, retry_after_ms: int) -> None:
        super().__init__(
            429,
            -1003,
            f"{method} was not sent: {reason}; requests are taken again at {retry_after_ms} "
            "(ms since the Unix epoch), and wait_for_limits=True waits for that",
            retry_after_ms=retry_after_ms,
        )


class BinanceRequestException(_Whole):
    """A request got no answer, or none that can be read. Retry: reads, yes.

    Attributes:
        message: What happened.
        outcome_unknown: Whether it may have been carried out all the same. An order then has to be
            asked for before it is sent again.
    """

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.outcome_unknown = outcome_unknown

    def __str__(self) -> str:
        return f"BinanceRequestException: {self.message}"


class BinanceRequestLost(BinanceRequestException):
    """The connection ended before the answer came. The library does not send it again.

    Retry: at once if ``outcome_unknown`` is false; else ask for the order's status first.

    Attributes:
        method: What was asked.
        sent: Whether it had been handed to the connection.
        client_order_id: What the order is called, to ask for it; ``None`` for other requests.
    """

    def __init__(
        self,
        method: str,
        reason: str,
        *,
        sent: bool,
        is_order: bool,
        client_order_id: str | None = None,
    ) -> None:
        unknown = sent and is_order
        if not sent:
            fate = "it was not sent, so it may be sent again"
        elif is_order:
            fate = (
                "it was sent, so it may have been carried out: ask for the order"
                + (f" {client_order_id}" if client_order_id else "")
                + " before you send it again"
            )
        else:
            fate = "it only reads, so it may be sent again"
        super().__init__(f"{method} was not answered: {reason}; {fate}", outcome_unknown=unknown)
        self.method = method
        self.sent = sent
        self.client_order_id = client_order_id


class BinanceRequestTimeout(BinanceRequestLost):
    """No answer came in time, and the connection is still up."""


class BinanceOrderException(TickwireError):
    """An order that would not be taken.

    Attributes:
        code: Binance's code for it.
        message: What is wrong with it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"BinanceOrderException(code={self.code}): {self.message}"


class _Filtered(BinanceOrderException):
    _text = "{}"

    def __init__(self, value: object) -> None:
        super().__init__(-1013, self._text.format(value))


class BinanceOrderMinAmountException(_Filtered):
    """The quantity is no multiple of the step."""

    _text = "Amount must be a multiple of {}"


class BinanceOrderMinPriceException(_Filtered):
    """The price is under the least."""

    _text = "Price must be at least {}"


class BinanceOrderMinTotalException(_Filtered):
    """Price times quantity is under the least."""

    _text = "Total must be at least {}"


class BinanceOrderUnknownSymbolException(_Filtered):
    """There is no such symbol."""

    _text = "Unknown symbol {}"


class BinanceOrderInactiveSymbolException(_Filtered):
    """The symbol is not traded now."""

    _text = "Attempting to trade an inactive symbol {}"


class BinanceWebsocketUnableToConnect(_Whole):
    """No connection after all attempts. Retry: later; look at network and address first."""


class BinanceWebsocketClosed(_Whole):
    """The connection was closed. Retry: yes, unless it was closed by this side."""


class BinanceWebsocketQueueOverflow(TickwireError):
    """Messages came faster than they were taken. Retry: with a longer queue or a faster reader."""


class ReadLoopClosed(TickwireError):
    """A socket was read after it had been closed. Retry: no."""


class NotImplementedException(TickwireError):
    """There is no such thing here. Retry: no."""

    def __init__(self, value: object) -> None:
        super().__init__(f"Not implemented: {value}")


class UnknownDateFormat(TickwireError):
    """A text is no date. Retry: no."""


class BinanceRegionException(TickwireError):
    """What was asked for is at another of Binance's domains. Retry: with a client of that one.

    Attributes:
        required_tld: Where it is.
        actual_tld: Where the client is.
        endpoint_name: What was asked for.
    """

    def __init__(self, required_tld: str, actual_tld: str, endpoint_name: str = "endpoint") -> None:
        self.required_tld = required_tld
        self.actual_tld = actual_tld
        self.endpoint_name = endpoint_name
        self.message = (
            f"{endpoint_name} is only available on binance.{required_tld}, "
            f"but client is configured for binance.{actual_tld}"
        )
        super().__init__(self.message)
