"""What errors say and advise."""

from __future__ import annotations

import copy
import pickle

import pytest

from tickwire.binance import errors, exceptions
from tickwire.errors import TickwireError
from tickwire.exchanges.binance.refusals import Retry, advice


@pytest.mark.parametrize(
    ("status", "code", "read", "order"),
    [
        (400, -1000, Retry.YES, Retry.QUERY_FIRST),
        (400, -1006, Retry.YES, Retry.QUERY_FIRST),
        (408, -1007, Retry.YES, Retry.QUERY_FIRST),
        (503, -1008, Retry.YES, Retry.YES),
        (400, -1016, Retry.YES, Retry.QUERY_FIRST),
        (401, -1002, Retry.NO, Retry.NO),
        (401, -2015, Retry.NO, Retry.NO),
        (429, -1003, Retry.LATER, Retry.LATER),
        (418, None, Retry.LATER, Retry.LATER),
        (429, -1015, Retry.LATER, Retry.LATER),
        (400, -1034, Retry.LATER, Retry.LATER),
        (400, -1013, Retry.NO, Retry.NO),
        (400, -1021, Retry.AFTER_CLOCK, Retry.AFTER_CLOCK),
        (400, -1022, Retry.NO, Retry.NO),
        (400, -1121, Retry.NO, Retry.NO),
        (400, -1125, Retry.RENEW, Retry.RENEW),
        (400, -1209, Retry.RENEW, Retry.RENEW),
        (400, -2010, Retry.NO, Retry.NO),
        (400, -2013, Retry.NO, Retry.NO),
        (400, -2036, Retry.RENEW, Retry.RENEW),
        (400, -2042, Retry.RECONNECT, Retry.RECONNECT),
        (500, None, Retry.YES, Retry.QUERY_FIRST),
        (504, None, Retry.YES, Retry.QUERY_FIRST),
    ],
)
def test_advice(status: int, code: int | None, read: Retry, order: Retry) -> None:
    assert advice(status, code) is read
    assert advice(status, code, is_order=True) is order


def test_an_api_error_has_python_binance_s_attributes() -> None:
    error = errors.BinanceAPIException(400, -1121, "Invalid symbol.")
    assert str(error) == "APIError(code=-1121): Invalid symbol."
    assert (error.code, error.message, error.status_code) == (-1121, "Invalid symbol.", 400)
    assert error.response is None
    assert error.request is None
    assert errors.BinanceAPIException(500, None, "?").code == 0


def test_a_lost_request_says_what_to_do() -> None:
    for sent, is_order, unknown, words in (
        (False, True, False, "not sent"),
        (True, False, False, "only reads"),
        (True, True, True, "ask for the order tw-1"),
    ):
        error = errors.BinanceRequestLost(
            "order.place", "cut", sent=sent, is_order=is_order, client_order_id="tw-1"
        )
        assert error.outcome_unknown is unknown
        assert words in str(error)
        assert isinstance(error, errors.BinanceRequestException)


@pytest.mark.parametrize(
    "error",
    [
        errors.BinanceAPIException(429, -1003, "slower", retry_after_ms=5, data={"a": 1}),
        errors.BinanceRateLimited("depth", "full", retry_after_ms=5),
        errors.BinanceRequestLost("depth", "cut", sent=True, is_order=False),
        errors.BinanceWebsocketUnableToConnect("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_are_copied_whole(error: errors.BinanceAPIException) -> None:
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other) == vars(error)


def test_all_are_tickwire_s_and_at_python_binance_s_place() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, TickwireError)
        assert getattr(exceptions, name) is kind


def test_filters_name_the_value() -> None:
    error = errors.BinanceOrderMinAmountException("0.1")
    assert (error.code, error.message) == (-1013, "Amount must be a multiple of 0.1")
    assert str(error) == "BinanceOrderException(code=-1013): Amount must be a multiple of 0.1"
    region = errors.BinanceRegionException("us", "com", "an endpoint")
    assert "binance.us" in str(region)
