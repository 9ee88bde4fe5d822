"""Who may call. No sockets: the application is called as a server would."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tickwire.gateway import GatewayConfig, create_app

TOKEN = "a-token-that-nobody-guesses"


async def _ask(
    config: GatewayConfig,
    path: str = "/api/ws/status",
    *,
    method: str = "GET",
    host: str = "127.0.0.1:8000",
    **headers: str,
) -> httpx.Response:
    transport = httpx.ASGITransport(app=create_app(config))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.request(method, path, headers={"Host": host} | named)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000"])
async def test_loopbacks_own_names_are_answered(host: str) -> None:
    assert (await _ask(GatewayConfig(), host=host)).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/api/ws/status", "/", "/healthz", "/metrics"])
async def test_a_name_that_points_here_is_not_enough(host: str, path: str) -> None:
    answer = await _ask(GatewayConfig(), path, host=host)
    assert answer.status_code == 421
    assert answer.json()["type"] == "urn:tickwire:problem:wrong-host"


async def test_a_name_that_was_given_is() -> None:
    config = GatewayConfig(hosts=("prices.internal",))
    assert (await _ask(config, host="prices.internal")).status_code == 200
    config = GatewayConfig(hosts=("Prices.Internal",))
    assert (await _ask(config, host="prices.internal")).status_code == 200
    assert (await _ask(config, host="PRICES.internal:8000")).status_code == 200


async def test_the_pages_files_are_asked_for_again() -> None:
    for path in ("/", "/static/main.js", "/static/page.css"):
        assert (await _ask(GatewayConfig(), path)).headers["cache-control"] == "no-cache", path


@pytest.mark.parametrize(
    "path", ["/", "/static/main.js", "/api/ws/status", "/metrics", "/healthz", "/openapi.json"]
)
async def test_a_head_is_answered_without_a_body(path: str) -> None:
    asked = await _ask(GatewayConfig(), path)
    answer = await _ask(GatewayConfig(), path, method="HEAD")
    assert answer.status_code == asked.status_code == 200
    assert answer.headers["content-type"] == asked.headers["content-type"]
    assert answer.content == b""


async def test_a_head_of_a_stream_would_have_no_end() -> None:
    answer = await _ask(GatewayConfig(), "/api/ws/sse/events", method="HEAD")
    assert answer.status_code == 405


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://[evil"]
)
async def test_foreign_pages_may_not_even_send(method: str, origin: str) -> None:
    path = "/api/ws/status" if method == "GET" else "/api/ws/disconnect"
    answer = await _ask(GatewayConfig(), path, method=method, Origin=origin)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_its_own_page_may() -> None:
    answer = await _ask(GatewayConfig(), Origin="http://127.0.0.1:8000")
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_origins_that_were_named_may() -> None:
    config = GatewayConfig(origins=("http://localhost:3000",))
    answer = await _ask(config, Origin="http://localhost:3000")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    preflight = await _ask(
        config,
        "/api/ws/subscribe",
        method="OPTIONS",
        Origin="http://localhost:3000",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type",
    )
    assert preflight.status_code == 200
    assert (await _ask(config, Origin="http://localhost:3001")).status_code == 403


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"bearer  {TOKEN}"}, 200),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
    ],
    ids=["none", "right", "spaced", "longer", "empty", "basic"],
)
async def test_the_token_decides(given: dict[str, Any], status: int) -> None:
    config = GatewayConfig(host="0.0.0.0", token=TOKEN)
    answer = await _ask(config, host="gateway.example", **given)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [(f"access_token={TOKEN}", 200), ("access_token=no", 401), ("access_token=", 401)],
)
async def test_where_headers_cannot_be_set_it_is_in_the_query(query: str, status: int) -> None:
    config = GatewayConfig(token=TOKEN)
    assert (await _ask(config, f"/api/ws/status?{query}")).status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/static/index.html", 200),
        ("/vendor/lightweight-charts.js", 200),
        ("/metrics", 401),
        ("/openapi.json", 401),
        ("/api/ws/sse/prices?symbols=BTCUSDT", 401),
        ("/static/%2e%2e/app.py", 404),
    ],
)
async def test_what_is_open_without_it(path: str, status: int) -> None:
    assert (await _ask(GatewayConfig(token=TOKEN), path)).status_code == status


async def test_every_answer_keeps_the_page_in() -> None:
    for path in ("/", "/api/ws/status", "/vendor/lightweight-charts.js", "/nowhere"):
        answer = await _ask(GatewayConfig(), path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_charting_library_is_the_installed_packages() -> None:
    answer = await _ask(GatewayConfig(), "/vendor/lightweight-charts.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "Lightweight Charts" in answer.text[:200]
