"""The OpenAPI document, the dashboard, and the names that they share with the program."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from prometheus_client.parser import text_string_to_metric_families

from tickwire.gateway import GatewayConfig, Hub, create_app
from tickwire.gateway.metrics import registry_of

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = create_app(GatewayConfig()).openapi()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
METHODS = {"get", "post", "put", "delete", "patch", "head", "options"}


def test_the_routes_of_the_reference_are_there() -> None:
    assert set(OPERATIONS) >= {
        "GET /api/ws/status",
        "POST /api/ws/connect",
        "POST /api/ws/disconnect",
        "POST /api/ws/subscribe",
        "POST /api/ws/unsubscribe",
        "GET /api/ws/prices",
        "GET /api/ws/streams",
        "GET /api/ws/sse/prices",
        "GET /api/ws/sse/klines",
        "GET /api/ws/sse/trades",
        "GET /api/ws/sse/books",
        "GET /api/ws/sse/events",
        "GET /api/ws/sse/market",
        "GET /api/ws/settings",
        "POST /api/ws/quick/start-prices",
        "POST /api/ws/quick/stop",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /api/logs/today",
    }


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
    return found


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_route_has_summary_text_model_and_example(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    content = operation["responses"]["200"]["content"]
    for media in content.values():
        schema = _resolve(media["schema"])
        assert schema.get("type") in ("object", "string")
        assert "example" in media or schema.get("examples")
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            assert list(answer["content"]) == ["application/problem+json"], (name, status)
            schema = _resolve(answer["content"]["application/problem+json"]["schema"])
            assert schema["examples"]
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], (name, parameter["name"])
        assert parameter["schema"].get("examples"), (name, parameter["name"])
    assert {"403", "421", "500"} <= set(operation["responses"])
    # What wants the token says how it is sent.
    assert ("401" in operation["responses"]) is ("security" in operation)
    body = operation.get("requestBody")
    if body is not None:
        assert _resolve(body["content"]["application/json"]["schema"])["examples"]


def test_the_token_may_be_sent_in_two_ways() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["accessToken"]["in"], schemes["accessToken"]["name"]) == (
        "query",
        "access_token",
    )
    # Where the gateway has no token nobody needs one, and where it has one everybody does.
    guarded = create_app(GatewayConfig(token="a-token-that-nobody-guesses")).openapi()
    ways: list[dict[str, list[str]]] = [{"bearer": []}, {"accessToken": []}]
    assert guarded["paths"]["/api/ws/status"]["get"]["security"] == ways
    assert OPERATIONS["GET /api/ws/status"]["security"] == [{}, *ways]


def test_every_reference_leads_somewhere() -> None:
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert names <= set(DOCUMENT["components"]["schemas"])


def test_no_route_is_left_out_of_the_document() -> None:
    app = create_app(GatewayConfig())
    hidden = {
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and not route.include_in_schema
    }
    assert hidden == {"/", "/vendor/lightweight-charts.js"}


def _metric_names() -> set[str]:
    from prometheus_client import generate_latest

    hub = Hub(GatewayConfig())
    hub.exchange(None)
    text = generate_latest(registry_of(hub)).decode()
    names: set[str] = set()
    for family in text_string_to_metric_families(text):
        if family.type == "histogram":
            names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
        elif family.type == "counter":
            names.add(f"{family.name}_total")
        else:
            names.add(family.name)
    return names


def _queries(node: Any) -> list[str]:
    if isinstance(node, dict):
        found = [node["expr"]] if isinstance(node.get("expr"), str) else []
        if isinstance(node.get("query"), str) and "label_values" in node["query"]:
            found.append(node["query"])
        return found + [query for value in node.values() for query in _queries(value)]
    if isinstance(node, list):
        return [query for value in node for query in _queries(value)]
    return []


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    dashboard = json.loads((ROOT / "docs/grafana/tickwire.json").read_text())
    queries = _queries(dashboard)
    assert len(queries) >= 10
    asked = {name for query in queries for name in re.findall(r"\btickwire_\w+", query)}
    assert asked
    assert asked <= _metric_names()
    for query in queries:
        assert re.search(r"\btickwire_\w+", query), query
    # And what is worth alarming about is shown.
    for name in ("gaps_total", "drops_total", "rotations_total", "stale_streams", "queue_depth"):
        assert f"tickwire_gateway_{name}" in asked


def test_the_dashboards_labels_are_the_programs() -> None:
    text = (ROOT / "docs/grafana/tickwire.json").read_text()
    labels = set(re.findall(r"(\w+)=~?\\\"", text))
    assert labels <= {"exchange", "stream"}
