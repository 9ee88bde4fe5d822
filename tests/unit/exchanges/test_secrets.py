"""No frame of an error's traceback holds a secret: collectors of errors send such values away."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cryptography", reason="Coinbase's keys need the `keys` extra")

import tickwire
from tickwire.credentials import Credentials
from tickwire.errors import ConfigurationError
from tickwire.exchanges.registry import open_venue
from tickwire.exchanges.venue import VenueSettings, wants_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

MARK = "Very-Secret-Words"
NOW_NS = 1_700_000_000_000_000_000


def frames_of(error: BaseException | None) -> Iterator[FrameType]:
    """Those of an error, and of what it came from, whether or not that is shown."""
    while error is not None:
        step = error.__traceback__
        while step is not None:
            yield step.tb_frame
            step = step.tb_next
        error = error.__cause__ or error.__context__


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def ask_privately(exchange: str, market: str, secret: str) -> None:
    """Everything that is done with a key before and at the first request."""
    options: dict[str, Any] = {"account_ids": ["a"]} if market == "exchange" else {}
    settings = VenueSettings(
        market=market, credentials=Credentials("key", secret, passphrase="phrase"), options=options
    )
    venue = open_venue(exchange, settings)
    for plan in venue.plan(wants_of(venue, {"orders": True})):
        codec: Any = venue.codec(plan)
        codec.subscribe(plan.streams, NOW_NS)
        if hasattr(codec, "prepare"):
            codec.prepare(NOW_NS)


NO_BASE64 = {"words": f"{MARK}!", "no-key": f"-----BEGIN EC PRIVATE KEY-----\n{MARK}"}
NO_KEY = NO_BASE64 | {"short": base64_of(MARK), "long": base64_of(MARK * 9)}
CASES = [
    *(("coinbase", "advanced", kind) for kind in NO_KEY),
    *(("coinbase", "exchange", kind) for kind in NO_BASE64),
    *(("kraken", "spot", kind) for kind in NO_BASE64),
]


@pytest.mark.parametrize(("exchange", "market", "kind"), CASES)
def test_a_key_that_cannot_be_used(exchange: str, market: str, kind: str) -> None:
    secret = NO_KEY[kind]
    with pytest.raises(ConfigurationError) as caught:
        ask_privately(exchange, market, secret)
    hidden = (MARK, secret, base64_of(MARK)[:16])
    assert not any(word in str(caught.value) for word in hidden)
    mine = ("test_a_key_that_cannot_be_used", "ask_privately")
    theirs = [frame for frame in frames_of(caught.value) if frame.f_code.co_name not in mine]
    assert len(theirs) > 1
    for frame in theirs:
        for name, value in frame.f_locals.items():
            shown = repr(value)
            assert not any(word in shown for word in hidden), (frame.f_code.co_qualname, name)


def test_a_manager_that_was_refused_can_be_shown() -> None:
    """Collectors of errors show what is half made, too."""
    credentials = Credentials("key", base64_of(MARK))
    with pytest.raises(ConfigurationError) as caught:
        tickwire.Feed("coinbase", orders=True, credentials=credentials)
    managers = [
        value
        for frame in frames_of(caught.value)
        for value in frame.f_locals.values()
        if isinstance(value, tickwire.WebSocketManager)
    ]
    assert managers
    assert {repr(manager) for manager in managers} == {"<WebSocketManager not made>"}
