"""A fault of the gateway's own, as its caller sees it."""

from __future__ import annotations

import httpx

from tickwire.gateway import GatewayConfig, create_app


async def test_a_fault_is_a_problem_document_without_its_traceback() -> None:
    app = create_app(GatewayConfig(url="ws://127.0.0.1:9"))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the inside")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:tickwire:problem:internal-server-error"
    assert "inside" not in answer.text
