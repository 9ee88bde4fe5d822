"""The manager's tables and pure functions."""

from __future__ import annotations

import pickle
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tickwire
from tickwire import WebSocketError
from tickwire.errors import ConfigurationError
from tickwire.exchanges import RateWindow
from tickwire.manager import (
    ConnectionState,
    DisconnectReason,
    ReconnectStrategy,
    RollingLimiter,
    WebSocketClosedError,
    WebSocketConnectionError,
    WebSocketManager,
    WebSocketTimeoutError,
)
from tickwire.manager.backoff import Backoff
from tickwire.manager.config import load_options
from tickwire.manager.options import _CHECKS, NAMES
from tickwire.manager.states import TRANSITIONS, IllegalTransition, StateMachine
from tickwire.manager.subscriptions import Subscriptions, opposite
from tickwire.manager.watch import ActionKind, Limits, Watch

if TYPE_CHECKING:
    from pathlib import Path

S = ConnectionState
NS = 1_000_000_000

# The reference page, "State transitions", and the one that it leaves out: where a first connect
# goes that fails.
PAGE = {
    *((S.DISCONNECTED, S.CONNECTING), (S.CONNECTING, S.CONNECTED)),
    *((S.CONNECTED, S.RECONNECTING), (S.RECONNECTING, S.CONNECTED)),
    *((S.RECONNECTING, S.DISCONNECTED), (S.CONNECTED, S.CLOSING), (S.CLOSING, S.CLOSED)),
}
BEYOND_THE_PAGE = {(S.CONNECTING, S.DISCONNECTED)}


def test_the_transitions_are_the_pages() -> None:
    assert set(TRANSITIONS) == PAGE | BEYOND_THE_PAGE


@pytest.mark.parametrize("old", list(S))
@pytest.mark.parametrize("new", list(S))
def test_no_other_move_is_made(old: ConnectionState, new: ConnectionState) -> None:
    moves: list[tuple[ConnectionState, ConnectionState]] = []
    machine = StateMachine(lambda a, b: moves.append((a, b)))
    machine.state = old
    if (old, new) in PAGE | BEYOND_THE_PAGE:
        machine.to(new)
        assert (machine.state, moves) == (new, [(old, new)])
    else:
        with pytest.raises(IllegalTransition):
            machine.to(new)
        assert (machine.state, moves) == (old, [])


def test_reasons_are_either_proactive_or_reactive() -> None:
    proactive = {reason.name for reason in DisconnectReason if reason.is_proactive}
    reactive = {reason.name for reason in DisconnectReason if reason.is_reactive}
    assert proactive == {"USER_REQUESTED", "SCHEDULED", "CALLBACK_TRIGGERED", "CONNECTION_LIMIT"}
    assert reactive == {"SERVER_CLOSED", "NETWORK_ERROR", "PING_TIMEOUT", "PROTOCOL_ERROR"}


class Highest(random.Random):
    """Draws the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return b


def backoff(strategy: ReconnectStrategy, draws: random.Random | None = None) -> Backoff:
    return Backoff(
        strategy, delay=1.0, delay_max=60.0, stable=30.0, random=draws or random.Random(1)
    )


def test_delays_of_the_strategies() -> None:
    assert {backoff(ReconnectStrategy.IMMEDIATE).next_delay() for _ in range(5)} == {0.0}
    fixed = backoff(ReconnectStrategy.FIXED_DELAY)
    assert [fixed.next_delay() for _ in range(5)] == [1.0] * 5
    doubling = backoff(ReconnectStrategy.EXPONENTIAL_BACKOFF, Highest())
    assert [doubling.next_delay() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    for _ in range(5000):
        doubling.next_delay()
    assert doubling.bound == 60.0


def test_full_jitter_fills_the_whole_range() -> None:
    draws = backoff(ReconnectStrategy.EXPONENTIAL_BACKOFF)
    draws.attempts = 10
    seen = [draws.next_delay() for _ in range(2000)]
    assert min(seen) < 3.0
    assert max(seen) > 57.0
    assert 27.0 < sum(seen) / len(seen) < 33.0


def test_only_a_connection_that_held_begins_anew() -> None:
    doubling = backoff(ReconnectStrategy.EXPONENTIAL_BACKOFF, Highest())
    for _ in range(4):
        doubling.next_delay()
    doubling.held(29.9)
    assert doubling.next_delay() == 16.0
    doubling.held(30.0)
    assert doubling.next_delay() == 1.0


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
    st.integers(1, 6),
    st.floats(0.1, 5),
    st.integers(1, 20),
    st.floats(0.1, 20),
)
def test_no_window_ever_holds_more(
    pauses: list[float], count: int, seconds: float, other_count: int, other_seconds: float
) -> None:
    """Whenever they come, in no stretch of a window's length are there more than its count."""
    windows = (RateWindow(count, seconds), RateWindow(other_count, other_seconds))
    limiter = RollingLimiter(windows)
    now, happened = 0, []
    for pause in pauses:
        now += round(pause * NS)
        happened.append(now + round(limiter.take(now) * NS))
    assert happened == sorted(happened)
    for window in windows:
        for index in range(window.count, len(happened)):
            apart = happened[index] - happened[index - window.count]
            assert apart >= window.seconds * NS - 2


def test_a_limiter_does_not_wait_without_need() -> None:
    limiter = RollingLimiter([RateWindow(5, 1.0)])
    assert [limiter.take(0) for _ in range(6)] == [0, 0, 0, 0, 0, 1.0]
    assert RollingLimiter([]).take(0) == 0.0


def test_every_setting_is_checked_and_documented() -> None:
    from tickwire.manager import ManagerOptions

    assert tuple(_CHECKS) == tuple(name for name in NAMES)
    for name in NAMES:
        assert f"        {name}: " in (ManagerOptions.__doc__ or "")


YAML = """
websocket:
  # Connection settings
  connect_timeout: 10.0
  ping_interval: 30.0
  ping_timeout: 10.0
  reconnect_delay: 1.0
  reconnect_delay_max: 60.0
  max_reconnect_attempts: 10
  queue_size: 1000
  disconnect_check_interval: 5.0
"""


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    path = tmp_path / "kstlib.conf.yml"
    path.write_text(YAML)
    return path


def test_the_pages_file_holds_the_defaults(page_file: Path) -> None:
    pytest.importorskip("yaml", reason="YAML needs the `yaml` extra")
    assert load_options({}, config=page_file, environment={}) == load_options({}, environment={})


def test_the_order_of_weight(tmp_path: Path) -> None:
    path = tmp_path / "tick.toml"
    path.write_text("[websocket]\nping_interval = 1\nping_timeout = 1\nqueue_size = 1\n")
    environment = {
        "TICKWIRE_CONFIG": str(path),
        "TICKWIRE_WEBSOCKET_PING_TIMEOUT": "2",
        "TICKWIRE_WEBSOCKET_QUEUE_SIZE": "2",
        "TICKWIRE_WEBSOCKET_RECONNECT_STRATEGY": "FIXED_DELAY",
        "TICKWIRE_WEBSOCKET_AUTO_RECONNECT": "no",
    }
    options = load_options({"queue_size": 3}, environment=environment)
    assert (options.ping_interval, options.ping_timeout, options.queue_size) == (1.0, 2.0, 3)
    assert options.reconnect_strategy is ReconnectStrategy.FIXED_DELAY
    assert options.auto_reconnect is False


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[websocket]\nping_interval = 'soon'\n", "websocket.ping_interval"),
        ("[websocket]\nping_intervall = 3\n", "websocket.ping_intervall"),
        ("[websocket]\nreconnect_strategy = 'hope'\n", "fixed_delay"),
        ("[websocket]\nqueue_size = 0\n", "1 or more"),
        ("[websocket]\nqueue_size = true\n", "websocket.queue_size"),
        ("[websocket]\nqueue_size = 2.5\n", "websocket.queue_size"),
        ("[websocket]\nconnect_timeout = inf\n", "finite"),
        ("[websocket]\nconnect_timeout = -1\n", "above 0"),
        ("[websocket]\nauto_reconnect = 'maybe'\n", "true or false"),
        ("websocket = 3\n", "section"),
        ("not toml", "TOML"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "{odd} name.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load_options({}, config=path, environment={})
    assert named in str(refused.value)
    assert "{odd} name.toml" in str(refused.value)


def test_other_bad_settings_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TICKWIRE_WEBSOCKET_PING_TIMEOUT"):
        load_options({}, environment={"TICKWIRE_WEBSOCKET_PING_TIMEOUT": "ten"})
    with pytest.raises(ConfigurationError, match="TICKWIRE_WEBSOCKET_PING_TIMOUT"):
        load_options({}, environment={"TICKWIRE_WEBSOCKET_PING_TIMOUT": "10"})
    with pytest.raises(ConfigurationError, match="reconnect_delay_max"):
        load_options({"reconnect_delay": 5, "reconnect_delay_max": 2}, environment={})
    with pytest.raises(ConfigurationError, match="margin"):
        load_options({"connection_limit": 200}, environment={})
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_options({}, config=tmp_path / "none.toml", environment={})
    with pytest.raises(ConfigurationError, match="redundancy"):
        WebSocketManager("ws://h/", redundancy=2)
    with pytest.raises(ConfigurationError, match="ws://"):
        WebSocketManager("https://h/")
    with pytest.raises(ConfigurationError, match="codec="):
        WebSocketManager("ws://h/", codec=3)  # type: ignore[arg-type]  # that is the mistake


def test_a_bad_yaml_file(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="YAML needs the `yaml` extra")
    path = tmp_path / "bad.yml"
    path.write_text("websocket: [unclosed")
    with pytest.raises(ConfigurationError, match="YAML"):
        load_options({}, config=path, environment={})
    path.write_text("websocket:\n")
    assert load_options({}, config=path, environment={}).queue_size == 1000


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"method": "SUBSCRIBE", "params": ["a"]}, {"method": "UNSUBSCRIBE", "params": ["a"]}),
        ({"op": "subscribe", "args": ["a"]}, {"op": "unsubscribe", "args": ["a"]}),
        ({"type": "subscribe"}, {"type": "unsubscribe"}),
    ],
)
def test_what_takes_a_subscription_back(message: Any, expected: Any) -> None:
    assert opposite(message) == expected


@pytest.mark.parametrize("message", ["subscribe", {"method": "ping"}, ["SUBSCRIBE"], {"op": 1}])
def test_what_does_not_say_how_to_take_it_back(message: Any) -> None:
    with pytest.raises(ConfigurationError):
        opposite(message)


def test_a_wanted_set() -> None:
    wanted = Subscriptions([{"a": 1}, {"a": 1}, "x"], typed=False)
    assert list(wanted) == [{"a": 1}, "x"]
    assert not wanted.add("x")
    assert wanted.discard({"a": 1})
    assert not wanted.discard({"a": 1})
    assert wanted.frames(None, 0) == ["x"]
    with pytest.raises(TypeError):
        wanted.add({"no": object()})


def test_errors_carry_what_the_page_names_and_travel() -> None:
    cause = WebSocketError("refused", 7)
    failed = WebSocketConnectionError("wss://user:secret@host/path?token=1", 3, cause)
    closed = WebSocketClosedError("closed", 1001, "bye", clean=True, by_peer=True)
    late = WebSocketTimeoutError("send", 2.0)
    assert (failed.url, failed.attempts) == ("wss://host/path", 3)
    assert "secret" not in str(failed)
    assert "token" not in str(failed)
    assert (closed.code, closed.reason) == (1001, "bye")
    assert late.operation == "send"
    for error in (failed, closed, late):
        assert isinstance(error, WebSocketError)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert again.__dict__ == error.__dict__


class TestWatch:
    """The data clock; the others are tested with a manager."""

    limits = Limits(data=10.0, step=5.0)

    @staticmethod
    def look(watch: Watch, second: float) -> list[tuple[ActionKind, Any]]:
        found = watch.look(round(second * NS), round(second * NS), str)
        return [(action.kind, action.stream) for action in found]

    def test_the_ladder(self) -> None:
        watch = Watch(self.limits, 0)
        watch.heard("ab", 0)
        seen = []
        for second in range(1, 60):
            watch.heard("b", second * NS)
            seen += [(second, kind) for kind, _ in self.look(watch, second)]
        assert seen == [
            (11, ActionKind.MARK_STALE),
            (16, ActionKind.PROBE),
            (21, ActionKind.RESUBSCRIBE),
            (26, ActionKind.REPLACE),
        ]

    def test_data_takes_it_down_again(self) -> None:
        watch = Watch(self.limits, 0)
        watch.heard("ab", 0)
        watch.heard("b", 11 * NS)
        assert self.look(watch, 11) == [(ActionKind.MARK_STALE, "a")]
        watch.heard("ab", 12 * NS)
        assert self.look(watch, 20) == []
        watch.heard("b", 23 * NS)
        assert self.look(watch, 23) == [(ActionKind.MARK_STALE, "a")]

    def test_quiet_together_is_no_fault(self) -> None:
        watch = Watch(self.limits, 0)
        watch.heard("abc", 0)
        assert all(self.look(watch, second) == [] for second in range(0, 10_000, 7))

    def test_a_single_stream_with_a_set_limit(self) -> None:
        watch = Watch(self.limits, 0)
        watch.heard("a", 0)
        assert self.look(watch, 11) == [(ActionKind.MARK_STALE, "a")]

    def test_limits_are_learned_stream_by_stream(self) -> None:
        watch = Watch(Limits(), 0)
        for second in range(1200):
            watch.heard("b" if second % 60 else "ab", second * NS)
        assert watch.limit_of("b", "b") == 30.0
        assert watch.limit_of("a", "a") == 8 * 60.0
        seen = []
        for second in range(1200, 3600):
            watch.heard("b", second * NS)
            seen += [(second, *action) for action in self.look(watch, second)]
        assert seen[0] == (1140 + 481, ActionKind.MARK_STALE, "a")

    def test_a_limit_by_name(self) -> None:
        watch = Watch(Limits(data=100.0, streams={"a": 3.0}), 0)
        watch.heard("ab", 0)
        watch.heard("b", 4 * NS)
        assert self.look(watch, 4) == [(ActionKind.MARK_STALE, "a")]
        watch.forget("a")
        assert self.look(watch, 50) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("date.yml", "websocket:\n  ping_interval: 2024-99-99\n"),
        ("deep.yml", "[" * 3000),
        ("deep.toml", "a = " + "[" * 3000),
    ],
)
def test_a_file_that_no_parser_likes(tmp_path: Path, name: str, text: str) -> None:
    if name.endswith("yml"):
        pytest.importorskip("yaml", reason="YAML needs the `yaml` extra")
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=name):
        load_options({}, config=path, environment={})


def test_an_empty_name_of_a_file_is_none() -> None:
    assert load_options({}, environment={"TICKWIRE_CONFIG": ""}) == load_options({}, environment={})


def test_an_overlap_is_not_longer_than_its_limit() -> None:
    with pytest.raises(tickwire.ConfigurationError, match=r"overlap \(20.0 s\).*overlap_timeout"):
        load_options({"overlap": 20, "overlap_timeout": 15}, environment={})
    assert load_options({"overlap_timeout": 0.5}, environment={}).overlap == 0.5
    assert load_options({"overlap": 5}, environment={}).overlap == 5.0
