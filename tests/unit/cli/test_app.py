"""Options, help and mistakes: everything that needs no connection."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import tickwire
from tickwire.cli import app as app_module
from tickwire.cli import demo as demo_module
from tickwire.cli import doctor as doctor_module
from tickwire.cli import main
from tickwire.cli import simulate as simulate_module
from tickwire.cli import stream as stream_module
from tickwire.cli.app import app
from tickwire.cli.demo import DEFAULT_SYMBOLS, DemoOptions, plan_scene
from tickwire.cli.doctor import Check, Report, Status
from tickwire.cli.problems import Problem
from tickwire.cli.stream import StreamOptions

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = ("demo", "stream", "doctor", "simulate", "gateway", "bench")


def fails(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a mistake is answered with."""
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("tickwire: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err


# --- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_each_command_has_examples(command: str, flag: str) -> None:
    found = CliRunner().invoke(app, [command, flag], env={"COLUMNS": "100"})
    assert found.exit_code == 0
    assert f"Usage: tickwire {command}" in found.output
    assert found.output.count(f"\n tickwire {command}") >= 2, "examples, each on a line of its own"
    assert "[b]" not in found.output


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_help_lists_the_commands(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out, err = capfd.readouterr()
    assert err == ""
    for command in COMMANDS:
        assert f" {command} " in out


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr().out == f"tickwire {tickwire.__version__}\n"


# --- mistakes: one line, exit code 2 -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("nonsense", "nonsense"),
        ("--nonsense", "--nonsense"),
        ("demo --nonsense", "see tickwire demo --help"),
        ("demo extra", "extra"),
        ("demo --seconds", "--seconds"),
        ("demo --seconds x", "--seconds"),
        ("demo --seconds -1", "--seconds"),
        ("demo --rate -1", "--rate"),
        ("demo --market futures", "futures"),
        ("demo --symbols FOO-USDT", "the simulator has no FOO-USDT; it has BTC-USDT"),
        ("demo --symbols B@T", "not a symbol"),
        ("demo --replay . --speed 0", "must be above 0"),
        ("simulate --replay . --speed -1", "must be above 0"),
        ("demo --speed 2", "--speed goes with --replay"),
        ("demo --replay /no/such/file", "/no/such/file"),
        ("demo --replay . --symbols BTC-USDT", "leave --symbols out"),
        ("demo --replay . --rate 5", "leave --rate out"),
        ("demo --terminal --port 0", "--port is the page's"),
        ("demo --port 65536", "--port"),
        ("simulate --port 70000", "--port"),
        ("simulate --symbols B@T", "not a symbol"),
        ("stream", "EXCHANGE"),
        ("stream mars btcusdt@trade", "there is no exchange 'mars'; there are binance, "),
        ("symbols mars", "there is no exchange 'mars'; there are binance, "),
        ("symbols okx --market futuristic", "there are spot, swap, futures, option"),
        ("symbols okx --url http://h", "not 'http://h'"),
        ("stream kraken btcusdt@trade", "kraken has no stream 'btcusdt@trade'"),
        ("stream kraken --trades BTCUSD", "'BTCUSD' is no pair of Kraken"),
        ("stream okx --trades BTCUSDT", "'BTCUSDT' is no instrument of OKX"),
        ("stream okx nonsense:BTC-USDT", "there are no events for 'nonsense:BTC-USDT' of okx"),
        ("stream okx", "like trades:BTC-USDT"),
        ("stream okx --trades BTC-USDT --testnet", "there are production, demo"),
        ("stream okx --trades BTC-USDT --environment demo --url ws://h", "leave one out"),
        ("stream okx --trades BTC-USDT --environment demo --testnet", "leave one out"),
        ("stream weex --trades BTC-USDT --market moon", "no market 'moon'"),
        ("stream binance", "btcusdt@trade"),
        ("stream binance --trades ,", "btcusdt@trade"),
        ("stream binance btcusdt@trad", "did you mean btcusdt@trade?"),
        ("stream binance btcusdt@TRADE", "this one is @trade"),
        ("stream binance btcusdt", "btcusdt@trade"),
        ("stream binance --trades B@T", "not a symbol"),
        ("stream binance btcusdt@trade --market futures", "futures"),
        ("stream binance btcusdt@blockTrade --market usdm", "no blockTrade streams on usdm"),
        ("stream binance btcusdt@trade --url http://127.0.0.1", "--url wants ws://"),
        ("stream binance btcusdt@trade --url ws://", "--url wants ws://"),
        ("stream binance btcusdt@trade --url nonsense", "--url wants ws://"),
        ("stream binance btcusdt@trade --url ws://[::1", "--url"),
        ("stream binance btcusdt@trade --url ws://h:port", "--url"),
        ("stream binance btcusdt@trade --testnet --url ws://h", "leave one out"),
        ("stream binance btcusdt@trade --url ws://h:99999", "--url wants ws://"),
        ("stream binance btcusdt@trade --proxy gopher://h", "--proxy wants http://"),
        ("stream binance btcusdt@trade --proxy localhost:1080", "--proxy wants http://"),
        ("stream binance btcusdt@trade --limit 0", "--limit"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: str, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert says in fails(capfd, *arguments.split())


def test_ctrl_c_before_anything_began(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(app_module, "run_command", interrupted)
    assert main(["demo"]) == 130
    assert capfd.readouterr().err == ""


# --- what the options become ---------------------------------------------------------------------


def captured(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Callable[[str], Any]:
    """Run a command up to the point where it would begin, and give its options."""
    taken = []

    async def work(options: Any) -> None:
        taken.append(options)

    def run(arguments: str) -> Any:
        assert main(arguments.split()) == 0
        return taken.pop()

    monkeypatch.setattr(module, name, work)
    return run


def test_demo_options(monkeypatch: pytest.MonkeyPatch) -> None:
    run = captured(monkeypatch, demo_module, "demo")
    assert run("demo") == DemoOptions()
    assert run("demo --seconds 2.5 --rate inf --symbols BTC-USDT,ETH-USDT --symbols A-B "
               "--market usdm --replay f --speed 50 --json --terminal --port 0") == DemoOptions(
        seconds=2.5, rate=float("inf"), replay="f", speed=50.0,
        symbols=("BTC-USDT", "ETH-USDT", "A-B"), market="usdm", as_json=True, terminal=True, port=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "is_page"),
    [
        (DemoOptions(), True),
        (DemoOptions(port=0, seconds=5), True),
        (DemoOptions(terminal=True), False),
        (DemoOptions(as_json=True), False),
        (DemoOptions(replay="f"), False),
    ],
    ids=["nothing", "port", "terminal", "json", "replay"],
)
def test_when_the_demo_is_a_page(options: DemoOptions, is_page: bool) -> None:
    assert options.is_page is is_page


def test_without_the_gateways_packages_the_demo_is_a_table(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tickwire.gateway", None)
    assert main(["demo", "--seconds", "0.1", "--symbols", "BTC-USDT"]) == 0
    out, err = capfd.readouterr()
    assert "gaps 0, unknown 0" in out
    assert "[gateway]" in err
    assert err.count("\n") == 1


def test_stream_options(monkeypatch: pytest.MonkeyPatch) -> None:
    run = captured(monkeypatch, stream_module, "stream")
    assert run("stream binance a@trade") == StreamOptions("binance", names=("a@trade",))
    assert run("stream binance a@trade b@depth@100ms --trades T --quotes Q,R --books B "
               "--market usdm --json --seconds 1 --limit 3 --proxy http://p "
               "--impersonate chrome --testnet") == StreamOptions(
        "binance", names=("a@trade", "b@depth@100ms"), trades=("T",), quotes=("Q", "R"),
        books=("B",), market="usdm", environment="testnet", as_json=True, seconds=1.0, limit=3,
        proxy="http://p", impersonate="chrome",
    )  # fmt: skip


def test_simulate_options_and_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def simulate(options: simulate_module.SimulateOptions) -> int:
        taken.append(options)
        return 7

    monkeypatch.setattr(simulate_module, "simulate", simulate)
    assert main(["simulate", "--port", "8080", "--start", "all", "--close-at-end"]) == 7
    (options,) = taken
    assert (options.host, options.port, options.start) == ("127.0.0.1", 8080, "all")
    assert options.close_at_end


@pytest.mark.parametrize(("status", "code"), [(Status.OK, 0), (Status.WARN, 0), (Status.FAIL, 1)])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_doctor_exit_code(
    status: Status,
    code: int,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def examine() -> Report:
        versions: dict[str, str | None] = {"tickwire": "1", "python": "3", "libcurl": "8"}
        return Report("here", versions, (Check("x", status, "y"),))

    monkeypatch.setattr(doctor_module, "examine", examine)
    assert main(["doctor", *flags]) == code
    out = capfd.readouterr().out
    if flags:
        assert json.loads(out)["ok"] == (code == 0)


# --- what the demo plays -------------------------------------------------------------------------


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_the_simulator_has_the_default_symbols(market: Any) -> None:
    pytest.importorskip("aiohttp")
    scene = plan_scene(DemoOptions(market=market))
    assert scene.symbols == DEFAULT_SYMBOLS
    assert scene.market == market
    assert not scene.is_replay
    assert scene.streams == dict.fromkeys(("trades", "quotes", "books"), DEFAULT_SYMBOLS)


def test_symbols_may_be_spelt_as_people_do() -> None:
    pytest.importorskip("aiohttp")
    scene = plan_scene(DemoOptions(symbols=("btc/usdt", "ETH-USDT")))
    assert scene.symbols == ("btc/usdt", "ETH-USDT")
    assert "BTCUSDT,ETHUSDT" in scene.simulator


def test_the_demo_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tickwire.simulator", None)
    with pytest.raises(Problem) as caught:
        plan_scene(DemoOptions())
    assert "[simulator]" in caught.value.line
    assert caught.value.exit_code == 1


def test_no_loop_is_left_running() -> None:
    main(["stream", "nowhere", "a@trade"])
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
