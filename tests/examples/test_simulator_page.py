"""The program of docs/simulator.md runs as it stands, and what the page says exists."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.simulator import Faults, Limits, Simulator
from tickwire.simulator.accounts import Account, Accounts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"
TEXT = PAGE.read_text()


async def test_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, Any] = {"__name__": "simulator docs"}
    exec(compile(source, str(PAGE), "exec"), names)
    async with asyncio.timeout(30):
        await names["main"]()
    assert capsys.readouterr().out.splitlines() == [
        "executionReport",
        "executionReport",
        "outboundAccountPosition",
        "FILLED",
        "0.99900000",
    ]


def test_what_the_page_names_is_there() -> None:
    for owner, kind in (
        ("sim", Simulator),
        ("account", Account),
        (r"sim\.accounts", Accounts),
    ):
        for name in re.findall(rf"\b{owner}\.(\w+)\(", TEXT):
            assert hasattr(kind, name), f"{kind.__name__}.{name}"
    limits, faults = (set(inspect.signature(kind).parameters) for kind in (Limits, Faults))
    assert set(re.findall(r"Limits\((\w+)=", TEXT)) <= limits
    assert set(re.findall(r"`(\w+)=[\d.]+`\)", TEXT)) <= faults | limits
