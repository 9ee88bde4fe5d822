"""Requests about the connection itself: logging on, and hearing of an account's events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.simulator.accounts import MAIN
from tickwire.simulator.exchange import Access, Call, Method
from tickwire.simulator.listen_keys import Ears
from tickwire.simulator.options import Market
from tickwire.simulator.refusals import refuse

if TYPE_CHECKING:
    from tickwire.simulator.exchange import Subscriptions

__all__ = ["KEY_METHODS", "SESSION_METHODS"]


def _session(call: Call) -> Subscriptions:
    assert call.session is not None, "these methods are only served on connections"
    return call.session


def _log_on(call: Call) -> Any:
    assert call.key is not None
    if not call.key.credential.is_ed25519:
        raise refuse("key_kind")
    session = _session(call)
    session.log_on(call.key, call.now_ms)
    return session.status(call.now_ms)


def _status(call: Call) -> Any:
    return _session(call).status(call.now_ms)


def _log_out(call: Call) -> Any:
    session = _session(call)
    session.log_out(call.now_ms)
    return session.status(call.now_ms)


def _subscribe(call: Call) -> Any:
    session = _session(call)
    if session.key is None:
        # The documentation does not say what a connection without a logon gets; the code is ours.
        raise refuse("key")
    ears = Ears(session.key.account, MAIN)
    return {"subscriptionId": session.subscribe(ears, by_session=True, expires_ms=None)}


def _subscribe_signed(call: Call) -> Any:
    ears = Ears(call.account, MAIN)
    session = _session(call)
    return {"subscriptionId": session.subscribe(ears, by_session=False, expires_ms=None)}


def _subscribe_token(call: Call) -> Any:
    token = call.exchange.keys.use_token(call.params.text("listenToken"), call.now_ms)
    number = _session(call).subscribe(token.ears, by_session=False, expires_ms=token.expires_ms)
    return {"subscriptionId": number, "expirationTime": token.expires_ms}


def _unsubscribe(call: Call) -> Any:
    number = call.params.optional_integer("subscriptionId")
    _session(call).unsubscribe(number, call.now_ms)
    return {}


def _subscriptions(call: Call) -> Any:
    return [{"subscriptionId": number} for number in _session(call).numbers()]


def _start_key(call: Call) -> Any:
    return {"listenKey": call.exchange.keys.start(Ears(call.account, MAIN), call.now_ms)}


def _ping_key(call: Call) -> Any:
    keys = call.exchange.keys
    key = _own_key(call)
    keys.keep_alive(key, call.now_ms)
    return {"listenKey": key}


def _stop_key(call: Call) -> Any:
    call.exchange.keys.close(_own_key(call))
    return {}


def _own_key(call: Call) -> str:
    """The listen key of the API key that was sent; futures name no other."""
    key = call.exchange.keys.key_of(Ears(call.account, MAIN))
    if key is None:
        raise refuse("listen_key")
    return key


_LOGON = {
    "session.logon": Method(_log_on, 2, Access.SIGNED),
    "session.status": Method(_status, 2),
    "session.logout": Method(_log_out, 2),
}
_KEY_METHODS = {
    "userDataStream.start": Method(_start_key, 2, Access.KEY),
    "userDataStream.ping": Method(_ping_key, 2, Access.KEY),
    "userDataStream.stop": Method(_stop_key, 2, Access.KEY),
}

SESSION_METHODS: dict[Market, dict[str, Method]] = {
    Market.SPOT: _LOGON
    | {
        "session.subscriptions": Method(_subscriptions, 2),
        "userDataStream.subscribe": Method(_subscribe, 2),
        "userDataStream.subscribe.signature": Method(_subscribe_signed, 2, Access.SIGNED),
        "userDataStream.subscribe.listenToken": Method(_subscribe_token, 2),
        "userDataStream.unsubscribe": Method(_unsubscribe, 2),
    },
    Market.USDM: _LOGON | _KEY_METHODS,
    Market.COINM: _LOGON | _KEY_METHODS,
}
"""By dialect and name, as the WebSocket API has them."""
KEY_METHODS = _KEY_METHODS
"""Those of listen keys, which a spot deployment may still have."""
