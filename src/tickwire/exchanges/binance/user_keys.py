"""How long what gives access to an account's events lives, and how it is asked for. Pure.

Three ways, by account and endpoint. A *listenKey* is asked for over REST, names a stream, and lives
for an hour unless it is kept alive; asking again while it lives gives the same one. A *listenToken*
is asked for over REST and subscribes margin accounts on the WebSocket API; it fixes the end of that
subscription. Spot accounts of binance.com are subscribed on the WebSocket API directly, without a
key and without an end.

Sources: the vendor's "User Data Streams" pages (spot, margin, USD-M, COIN-M), as of August 2026;
Binance.US's API documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.exchanges.binance.names import Market

__all__ = [
    "ACCOUNTS",
    "KEEPALIVE_SECONDS",
    "KEY_SECONDS",
    "LISTEN_KEYS",
    "TOKEN_PATH",
    "Account",
    "KeyRules",
    "Notice",
    "check_account",
    "lead_seconds",
    "notice_of",
    "payload_of",
    "token_params",
]

Account = Literal["spot", "margin", "isolated_margin", "usdm", "coinm"]
ACCOUNTS: dict[Account, Market] = {
    "spot": "spot",
    "margin": "spot",
    "isolated_margin": "spot",
    "usdm": "usdm",
    "coinm": "coinm",
}
"""Which interface serves an account."""

KEY_SECONDS = 3600.0
"""A listenKey lives so long after its last keepalive."""
KEEPALIVE_SECONDS = 1800.0
"""A key lives for 60 minutes; the vendor's advice is every 30, which leaves room for retries."""
TOKEN_PATH = "/sapi/v1/userListenToken"
_LEAD_SECONDS = 300.0
_LEAD_SHARE = 0.1


class KeyRules(msgspec.Struct, frozen=True):
    """One interface's listenKeys.

    Attributes:
        path: Of POST (a key), PUT (its keepalive).
        stream: Where its events are; the key goes where ``{}`` is, which is in the query, so that
            no error or log that names the address has the key.
        names_key: Whether the keepalive says which key; futures have one per account.
    """

    path: str
    stream: str
    names_key: bool

    def address(self, key: str) -> str:
        """Path and query of the key's events."""
        return self.stream.format(quote(key, safe=""))


LISTEN_KEYS: dict[Market, KeyRules] = {
    "spot": KeyRules("/api/v3/userDataStream", "/stream?streams={}", names_key=True),
    "usdm": KeyRules("/fapi/v1/listenKey", "/private/ws?listenKey={}", names_key=False),
    "coinm": KeyRules("/dapi/v1/listenKey", "/stream?streams={}", names_key=False),
}


class Notice(msgspec.Struct, frozen=True):
    """What decides about a message besides its content.

    Attributes:
        label: The venue's word for its type; empty where there is none.
        listen_key: Of ``listenKeyExpired``: which.
    """

    label: str = msgspec.field(name="e", default="")
    listen_key: str | None = msgspec.field(name="listenKey", default=None)


_read_notice = msgspec.json.Decoder(Notice).decode
_read_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ENVELOPES = (b'{"stream"', b'{"subscriptionId"', b'{"event"')


def payload_of(frame: bytes) -> bytes:
    """The event without what it came in: bare, of a combined connection, of the WebSocket API.

    Cost: nothing for a bare one, else under a microsecond.
    """
    if not frame.startswith(_ENVELOPES):
        return frame
    try:
        document = _read_object(frame)
    except msgspec.DecodeError:
        return frame  # the codec counts it
    for key in ("event", "data"):
        if key in document:
            return bytes(document[key])
    return frame


def notice_of(payload: bytes) -> Notice:
    """What a message says about itself; of one that cannot be read, nothing."""
    try:
        return _read_notice(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Notice()


def check_account(account: str, symbol: str | None) -> Account:
    """``account`` itself.

    Raises:
        ConfigurationError: There is no such account; an isolated one without its symbol, or
            another one with a symbol. Retry: no.
    """
    for known in ACCOUNTS:
        if account == known:
            if (known == "isolated_margin") != (symbol is not None):
                raise ConfigurationError(
                    "an isolated margin account is told by its symbol: "
                    'account="isolated_margin", symbol="BTCUSDT"; no other account has one'
                )
            return known
    raise ConfigurationError(f"no account {account!r}; there are {', '.join(ACCOUNTS)}")


def token_params(account: Account, symbol: str | None) -> dict[str, Any]:
    """The parameters of a listenToken's request."""
    return {"isIsolated": True, "symbol": symbol} if account == "isolated_margin" else {}


def lead_seconds(seconds_left: float) -> float:
    """How long before its end something is renewed: five minutes, of a short life a tenth."""
    return min(_LEAD_SECONDS, max(0.0, seconds_left) * _LEAD_SHARE)
