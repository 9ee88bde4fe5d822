"""The simulator's command line, built and read back."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tickwire.cli.app import ExchangeName
from tickwire.cli.problems import Problem
from tickwire.cli.simulate import SimulateOptions, simulate
from tickwire.errors import ConfigurationError

pytest.importorskip("aiohttp")

from tickwire.simulator import __main__ as simulator


def read_back(options: SimulateOptions) -> dict[str, Any]:
    return vars(simulator._arguments(options.arguments()))


def test_left_out_is_the_simulator_s_own_default() -> None:
    assert read_back(SimulateOptions("127.0.0.1", 0)) == vars(simulator._arguments([]))


def test_everything_given_arrives() -> None:
    options = SimulateOptions(
        host="::1", port=8080, exchange="okx", market="usdm",
        symbols=("BTC-USDT", "eth/usdt"), rate=5.5, seed=-3,
        replay="-a file.gz", speed=float("inf"), start="all", close_at_end=True,
        accounts=("a:b", "-c:d:e"), listen_keys=True,
    )  # fmt: skip
    found = read_back(options)
    assert found == {
        "host": "::1", "port": 8080, "market": "usdm", "symbols": ["BTCUSDT", "ETHUSDT"],
        "rate": 5.5, "seed": -3, "replay": "-a file.gz", "speed": float("inf"), "start": "all",
        "close_at_end": True, "until_eof": False, "account": ["a:b", "-c:d:e"],
        "listen_keys": True, "exchange": "okx",
    }  # fmt: skip


def test_every_exchange_can_be_asked_for() -> None:
    assert [name.value for name in ExchangeName] == list(simulator.EXCHANGES)
    for name in simulator.EXCHANGES:
        assert read_back(SimulateOptions("::1", 0, exchange=name))["exchange"] == name


@pytest.mark.parametrize("setting", ["--market=spot", "--replay=file.gz"])
@pytest.mark.parametrize("exchange", ["okx", "weex"])
def test_what_only_binance_has(
    exchange: str, setting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulator.main([f"--exchange={exchange}", setting]) == 2
    assert "is for --exchange binance only" in capsys.readouterr().err


def test_a_symbol_that_is_none() -> None:
    with pytest.raises(ConfigurationError):
        simulate(SimulateOptions("127.0.0.1", 0, symbols=("B T",)))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tickwire.simulator.__main__", None)
    with pytest.raises(Problem) as caught:
        simulate(SimulateOptions("127.0.0.1", 0))
    assert "[simulator]" in caught.value.line
    assert caught.value.exit_code == 1
