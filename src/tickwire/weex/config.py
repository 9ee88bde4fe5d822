"""What a client of WEEX has to know: keys, product, servers, bounds."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tickwire.credentials import Credentials
from tickwire.errors import ConfigurationError
from tickwire.exchanges.weex.names import STREAM_HOSTS, as_product

if TYPE_CHECKING:
    from typing import Self

__all__ = ["SIMULATOR_VARIABLE", "WeexConfig"]

SIMULATOR_VARIABLE = "TICKWIRE_SIMULATOR"
"""``http://127.0.0.1:<port>``: every client made while it is set talks to the simulator there."""

_PREFIX = "WEEX"
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_DOMAIN = "weex.com"


@dataclass(frozen=True, kw_only=True)
class WeexConfig:
    """How to reach WEEX. Its repr shows no key.

    Attributes:
        credentials: Key, secret and passphrase; ``None`` leaves the private streams out.
        product: ``contract`` or ``spot``.
        url: Another server instead of the venue's, ``wss://host``. Keys go there only if it is the
            venue's, or this machine, or ``trust_url`` says so.
        trust_url: Whether keys may go to ``url`` whatever it is.
        stream_queue_size: Messages that may wait in one stream. When the program is slower, the
            oldest give way, and the next message says how many (``message.lost``).
        rotate_every: Seconds after which a connection is replaced, without loss; ``None``: never.
        connect: Keyword arguments of :class:`~tickwire.WebSocketManager`: ``proxy``,
            ``impersonate``, ``max_reconnect_attempts``…

    Raises:
        ConfigurationError: A value is out of range. Retry: no.
    """

    credentials: Credentials | None = None
    product: str = "contract"
    url: str | None = None
    trust_url: bool = False
    stream_queue_size: int = 1000
    rotate_every: float | None = None
    connect: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        as_product(self.product)
        if self.stream_queue_size < 1:
            raise ConfigurationError("stream_queue_size must be at least 1")
        if self.url is not None and not self.url.startswith(("ws://", "wss://")):
            raise ConfigurationError("url is a server's address, wss://host or ws://127.0.0.1:port")
        if self.credentials is not None and not self.trust_url and not self._may_have_keys():
            raise ConfigurationError(
                "the keys would go to a server that is not the venue's: "
                "leave url out, or say trust_url=True"
            )

    @classmethod
    def from_env(cls, **settings: Any) -> Self:
        """From ``WEEX_API_KEY``, ``WEEX_API_SECRET`` (or ``WEEX_SECRET_KEY``), ``WEEX_PASSPHRASE``
        and ``WEEX_PRODUCT``; without a key, for public streams only.

        ``TICKWIRE_SIMULATOR`` sends the client to a simulator on this machine.

        Args:
            settings: Fields of this class, which weigh more.

        Raises:
            ConfigurationError: A value is wrong; the text names it. Retry: no.
        """
        found: dict[str, Any] = {"credentials": _credentials()}
        if product := os.environ.get(f"{_PREFIX}_PRODUCT"):
            found["product"] = product
        if simulator := os.environ.get(SIMULATOR_VARIABLE):
            found["url"] = _simulator_url(simulator)
        return cls(**(found | settings))

    @property
    def base_url(self) -> str:
        """Scheme and authority of the streams."""
        return (self.url or STREAM_HOSTS[as_product(self.product)]).rstrip("/")

    def _may_have_keys(self) -> bool:
        parts = urlsplit(self.base_url)
        host = (parts.hostname or "").lower()
        if _LOOPBACK.fullmatch(host):
            return True
        return parts.scheme == "wss" and (host == _DOMAIN or host.endswith(f".{_DOMAIN}"))


def _credentials() -> Credentials | None:
    get = os.environ.get
    api_key = get(f"{_PREFIX}_API_KEY")
    if not api_key:
        return None
    secret = get(f"{_PREFIX}_API_SECRET") or get(f"{_PREFIX}_SECRET_KEY")
    return Credentials(api_key, secret, passphrase=get(f"{_PREFIX}_PASSPHRASE"))


def _simulator_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "http" or not _LOOPBACK.fullmatch((parts.hostname or "").lower()):
        raise ConfigurationError(
            f"{SIMULATOR_VARIABLE} has to lead to this machine (http://127.0.0.1:<port>): "
            "keys are sent there"
        )
    return f"ws://{parts.netloc}"
