"""Reading on after a failed receive: curl_cffi's retry strategy, under both of its names."""

from __future__ import annotations

import random

from curl_cffi import CurlECode, WebSocketRetryStrategy

__all__ = ["WebSocketRetryStrategy", "WsRetryOnRecvError", "retry_delay"]


class WsRetryOnRecvError(WebSocketRetryStrategy):
    """The older name of :class:`curl_cffi.WebSocketRetryStrategy`, with its older arguments.

    Args:
        retry_on_error: Whether to retry.
        max_retry_count: How often in a row.
        delay: Seconds before the first retry; doubled for each further one, give or take a tenth.
        codes: libcurl errors to retry on; receive errors if left out.
    """

    def __init__(
        self,
        retry_on_error: bool = False,
        max_retry_count: int = 3,
        delay: float = 0.3,
        codes: set[CurlECode] | None = None,
    ) -> None:
        super().__init__(
            retry=retry_on_error,
            delay=delay,
            count=max_retry_count,
            codes=codes or {CurlECode.RECV_ERROR},
        )


def retry_delay(strategy: WebSocketRetryStrategy, code: int, attempt: int) -> float | None:
    """Seconds to wait before receiving again, or ``None`` to give up.

    Args:
        strategy: The connection's ``ws_retry``.
        code: libcurl's error number.
        attempt: How many retries in a row there have been since bytes came.
    """
    if not strategy.retry or attempt >= strategy.count or code not in strategy.codes:
        return None
    return float(strategy.delay * 2**attempt * random.uniform(0.9, 1.1))
