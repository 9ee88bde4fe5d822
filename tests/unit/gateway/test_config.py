"""What a gateway refuses to be."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tickwire.errors import ConfigurationError
from tickwire.gateway import GatewayConfig, create_app
from tickwire.gateway.config import is_loopback

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_what_others_can_reach_needs_a_token(host: str) -> None:
    with pytest.raises(ConfigurationError, match="token"):
        GatewayConfig(host=host)
    assert GatewayConfig(host=host, token=TOKEN).token == TOKEN


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert is_loopback(host)
    assert GatewayConfig(host=host).token is None


@pytest.mark.parametrize(
    "settings",
    [
        {"exchange": "nowhere"},
        {"token": "short"},
        {"heartbeat": 0},
        {"stale_after": -1},
        {"book_interval": 0},
        {"linger": -1},
        {"origins": ("app.example",)},
        {"origins": ("https://app.example/",)},
        {"origins": ("*",)},
    ],
    ids=lambda settings: next(iter(settings)) + str(next(iter(settings.values()))),
)
def test_nonsense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        GatewayConfig(**settings)


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(GatewayConfig(token=TOKEN))


@pytest.mark.parametrize("exchange", GatewayConfig().exchanges)
async def test_every_exchange_spells_what_a_gateway_begins_with(exchange: str) -> None:
    config = GatewayConfig()
    transport = httpx.ASGITransport(app=create_app(config))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/api/ws/settings", params={"exchange": exchange})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["symbols"]) == len(config.symbols)
