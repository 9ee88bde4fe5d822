"""Who asks, and what time it is there: keys, signatures and the venue's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.clock import wall_ns
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.signing import Signer, has_logon, payload, query, revealed, signer

if TYPE_CHECKING:
    from tickwire.binance.venue import Venue
    from tickwire.credentials import Credentials

__all__ = ["Signatory", "milliseconds"]

# Later than any time in milliseconds for three thousand years, earlier than any in microseconds.
_MICROSECONDS = 100_000_000_000_000


def milliseconds(told: int) -> int:
    """A time as the venue tells it, which may be in microseconds, in milliseconds."""
    return told // 1000 if told > _MICROSECONDS else told


class Signatory:
    """One client's keys, at one venue.

    Attributes:
        offset_ms: How far the venue's clock is ahead.
        clock_is_set: Whether the venue was asked for its time. Until then this machine's is taken.
    """

    def __init__(self, venue: Venue, credentials: Credentials | None) -> None:
        self._venue = venue
        self._credentials = credentials
        self._signer: Signer | None = None
        self._logon: bool | None = None
        self.offset_ms = 0
        self.clock_is_set = False

    def __repr__(self) -> str:
        return f"<Signatory {self._credentials!r}>"

    def now_ms(self) -> int:
        """The venue's time in ms since the Unix epoch, as far as it is known."""
        return wall_ns() // 1_000_000 + self.offset_ms

    def set_clock(self, server_time: int, asked_ns: int, answered_ns: int) -> None:
        """Take in the venue's time: in the middle between asking and being answered.

        Args:
            server_time: As told, in ms or µs since the Unix epoch.
            asked_ns: When it was asked for, by :func:`tickwire.clock.wall_ns`.
            answered_ns: When the answer was there.
        """
        middle_ms = (asked_ns + answered_ns) // 2_000_000
        self.offset_ms = milliseconds(server_time) - middle_ms
        self.clock_is_set = True

    @property
    def can_log_on(self) -> bool:
        """Whether a WebSocket session can be logged on, so that its requests need no signature."""
        if self._logon is None:
            self._logon = self._credentials is not None and has_logon(self._credentials)
        return self._logon

    def api_key(self, url: str) -> str:
        """The API key, to be sent to ``url`` and nowhere else.

        Raises:
            ConfigurationError: There is none, or that address is not the venue's. Retry: no.
        """
        credentials = self._needed()
        self._venue.check_keys(url)
        return credentials.api_key.reveal()

    def signed(self, params: dict[str, Any], url: str) -> dict[str, Any]:
        """``params`` for the WebSocket, with key, time and signature."""
        sign = self._signing()  # before the key is there, which an error would show
        whole = {**revealed(params), "apiKey": self.api_key(url), "timestamp": self.now_ms()}
        whole["signature"] = sign(payload(whole))
        return whole

    def signed_query(self, params: dict[str, Any]) -> str:
        """``params`` for REST, with time and signature, encoded."""
        encoded = query({**revealed(params), "timestamp": self.now_ms()})
        return f"{encoded}&{query({'signature': self._signing()(encoded)})}"

    def _signing(self) -> Signer:
        if self._signer is None:
            self._signer = signer(self._needed())
        return self._signer

    def _needed(self) -> Credentials:
        if self._credentials is None:
            raise ConfigurationError(
                "this request needs an API key; make the client with api_key= and api_secret= or "
                "private_key=, or with credentials="
            )
        return self._credentials
