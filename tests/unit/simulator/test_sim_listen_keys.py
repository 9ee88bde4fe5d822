"""The life of listen keys and listen tokens, by a clock that is an argument."""

from __future__ import annotations

import pytest

from tickwire.simulator.accounts import MAIN, MARGIN, Accounts
from tickwire.simulator.listen_keys import Ears, ListenKeys
from tickwire.simulator.options import Limits
from tickwire.simulator.refusals import Refused

HOUR = 3_600_000
ACCOUNT = Accounts(lambda: 0).add(api_key="key", secret="secret")
EARS = Ears(ACCOUNT, MAIN)


def test_a_key_is_extended_by_asking_again_and_by_keeping_it_alive() -> None:
    keys = ListenKeys(Limits(), seed=1)
    key = keys.start(EARS, 0)
    assert keys.next_end_ms() == HOUR
    assert keys.start(EARS, 10) == key
    assert keys.next_end_ms() == HOUR + 10
    keys.keep_alive(key, 500)
    assert keys.expired(HOUR + 499) == []
    assert keys.expired(HOUR + 500) == [key]
    assert keys.expired(HOUR + 500) == []
    assert keys.next_end_ms() is None
    with pytest.raises(Refused, match="does not exist"):
        keys.keep_alive(key, 0)
    with pytest.raises(Refused, match="does not exist"):
        keys.close(key)
    assert keys.start(EARS, HOUR) != key


def test_every_wallet_has_a_key_of_its_own() -> None:
    keys = ListenKeys(Limits(), seed=1)
    margin = Ears(ACCOUNT, MARGIN)
    key, other = keys.start(EARS, 0), keys.start(margin, 1)
    assert key != other
    assert (keys.key_of(EARS), keys.key_of(margin)) == (key, other)
    keys.close(key)
    assert keys.key_of(EARS) is None
    assert keys.next_end_ms() == HOUR + 1


def test_a_token_lives_as_long_as_was_asked_and_a_day_at_most() -> None:
    keys = ListenKeys(Limits(), seed=1)
    for validity, life in ((None, 24 * HOUR), (1000, 1000), (25 * HOUR, 24 * HOUR)):
        text, token = keys.token(EARS, validity, 7)
        assert token.expires_ms == 7 + life
        assert keys.use_token(text, 6 + life) is token
        with pytest.raises(Refused) as caught:
            keys.use_token(text, 7 + life)
        assert caught.value.code == -1209
