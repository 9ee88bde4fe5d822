"""Listen keys and listen tokens: who may hear whose events, and until when. Pure.

A key names a stream, lives for an hour and is kept alive; asking for one while there is one gives
the same and extends it. A token is used once to subscribe on the WebSocket API and fixes the end of
that subscription.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tickwire.simulator.refusals import refuse

if TYPE_CHECKING:
    from tickwire.simulator.accounts import Account
    from tickwire.simulator.options import Limits

__all__ = ["Ears", "ListenKeys", "ListenToken"]

_ALPHABET = string.ascii_letters + string.digits
_KEY_LENGTH, _TOKEN_LENGTH = 64, 72


class Ears(NamedTuple):
    """What is listened to: one wallet of one account."""

    account: Account
    wallet: str


@dataclass(slots=True)
class ListenToken:
    """A listen token and its end, ms since the epoch."""

    ears: Ears
    expires_ms: int


class ListenKeys:
    """All listen keys and tokens of a venue.

    Args:
        limits: How long they live.
        seed: Of their texts.
    """

    def __init__(self, limits: Limits, seed: int) -> None:
        self._life_ms = int(limits.listen_key_seconds * 1000)
        self._token_life_ms = int(limits.listen_token_seconds * 1000)
        self._random = Random(seed)
        self._owners: dict[str, Ears] = {}
        self._ends_ms: dict[str, int] = {}
        self._tokens: dict[str, ListenToken] = {}

    def start(self, ears: Ears, now_ms: int) -> str:
        """The key of a wallet: the one there is, extended, or a new one."""
        key = self.key_of(ears)
        if key is None:
            key = self._text(_KEY_LENGTH)
            self._owners[key] = ears
        self._ends_ms[key] = now_ms + self._life_ms
        return key

    def keep_alive(self, key: str, now_ms: int) -> None:
        """Extend a key.

        Raises:
            Refused: It is none, or none any more (-1125).
        """
        if key not in self._owners:
            raise refuse("listen_key")
        self._ends_ms[key] = now_ms + self._life_ms

    def close(self, key: str) -> None:
        """End a key without a word to its listeners.

        Raises:
            Refused: It is none (-1125).
        """
        if self._owners.pop(key, None) is None:
            raise refuse("listen_key")
        del self._ends_ms[key]

    def key_of(self, ears: Ears) -> str | None:
        for key, owner in self._owners.items():
            if owner == ears:
                return key
        return None

    def expired(self, now_ms: int) -> list[str]:
        """The keys that have ended by now, each told once."""
        ended = [key for key, end_ms in self._ends_ms.items() if end_ms <= now_ms]
        for key in ended:
            self.close(key)
        return ended

    def expire(self, key: str) -> bool:
        """Let a key end now, as if nobody had kept it alive. False: it is none."""
        if key not in self._owners:
            return False
        self._ends_ms[key] = 0
        return True

    def next_end_ms(self) -> int | None:
        """When the next key ends, unless it is kept alive."""
        return min(self._ends_ms.values(), default=None)

    def token(self, ears: Ears, validity_ms: int | None, now_ms: int) -> tuple[str, ListenToken]:
        """A new token, valid for so long, the longest time at most."""
        life_ms = min(validity_ms or self._token_life_ms, self._token_life_ms)
        text = self._text(_TOKEN_LENGTH)
        self._tokens[text] = token = ListenToken(ears, now_ms + life_ms)
        return text, token

    def use_token(self, text: str, now_ms: int) -> ListenToken:
        """What a token is good for.

        Raises:
            Refused: It is none, or has ended (-1209).
        """
        token = self._tokens.get(text)
        if token is None or token.expires_ms <= now_ms:
            raise refuse("listen_token")
        return token

    def _text(self, length: int) -> str:
        return "".join(self._random.choices(_ALPHABET, k=length))
