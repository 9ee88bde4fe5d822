"""When a failed receive is tried again, and after how long."""

from __future__ import annotations

import curl_cffi
import pytest
from curl_cffi import CurlECode

from tickwire.transport import WebSocketRetryStrategy, WsRetryOnRecvError
from tickwire.transport.retry import retry_delay


def test_the_strategy_is_curl_cffis() -> None:
    assert WebSocketRetryStrategy is curl_cffi.WebSocketRetryStrategy
    assert issubclass(WsRetryOnRecvError, WebSocketRetryStrategy)


def test_the_older_name_does_not_retry_unless_asked() -> None:
    assert retry_delay(WsRetryOnRecvError(), CurlECode.RECV_ERROR, 0) is None


def test_delays_double_within_a_tenth() -> None:
    strategy = WsRetryOnRecvError(retry_on_error=True, max_retry_count=5, delay=0.2)
    for attempt in range(5):
        delays = [retry_delay(strategy, CurlECode.RECV_ERROR, attempt) for _ in range(50)]
        for delay in delays:
            assert delay == pytest.approx(0.2 * 2**attempt, rel=0.1001)
        assert len(set(delays)) > 1, "no jitter"


def test_it_gives_up_after_the_count() -> None:
    strategy = WsRetryOnRecvError(retry_on_error=True, max_retry_count=2)
    code = CurlECode.RECV_ERROR
    assert retry_delay(strategy, code, 1) is not None
    assert retry_delay(strategy, code, 2) is None
    assert retry_delay(strategy, code, 3) is None
    never = WsRetryOnRecvError(retry_on_error=True, max_retry_count=0)
    assert retry_delay(never, code, 0) is None


def test_only_the_named_codes() -> None:
    strategy = WsRetryOnRecvError(retry_on_error=True, codes={CurlECode.GOT_NOTHING})
    assert retry_delay(strategy, CurlECode.GOT_NOTHING, 0) is not None
    assert retry_delay(strategy, CurlECode.RECV_ERROR, 0) is None


def test_curl_cffis_own_arguments() -> None:
    strategy = WebSocketRetryStrategy(retry=True, delay=0.1, count=1, codes={CurlECode.RECV_ERROR})
    assert retry_delay(strategy, int(CurlECode.RECV_ERROR), 0) is not None
    assert retry_delay(strategy, int(CurlECode.RECV_ERROR), 1) is None
