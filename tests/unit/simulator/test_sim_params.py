"""Reading parameters, and the rule of ``timestamp`` and ``recvWindow``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tickwire.simulator.params import Params
from tickwire.simulator.refusals import Refused

NOW = 1_700_000_000_000


def code_of(read: Any) -> int:
    with pytest.raises(Refused) as caught:
        read()
    return caught.value.code


@pytest.mark.parametrize(
    ("timestamp", "window", "code"),
    [
        (NOW, None, None),
        (NOW - 5000, None, None),
        (NOW - 5001, None, -1021),
        (NOW + 999, None, None),
        (NOW + 1000, None, -1021),
        (NOW - 100, 100, None),
        (NOW - 101, 100, -1021),
        (NOW - 101, "100.5", -1021),
        (NOW - 100, "100.500", None),
        (NOW - 100, "99.999", -1021),
        (NOW - 60_000, 60_000, None),
        (NOW, 60_001, -1131),
        (NOW, "60000.001", -1131),
        (NOW, "5000.0001", -1100),
        (NOW, "soon", -1100),
        (NOW * 1000, None, None),
        ((NOW - 5001) * 1000, None, -1021),
        ("", None, -1102),
        (-1, None, -1100),
    ],
)
def test_the_time_of_a_request(timestamp: Any, window: Any, code: int | None) -> None:
    params = Params({"timestamp": timestamp, "recvWindow": window})
    if code is None:
        params.check_time(NOW)
    else:
        assert code_of(lambda: params.check_time(NOW)) == code


def test_numbers() -> None:
    params = Params({"a": "1.50", "b": 2, "c": "1e5", "d": "-1", "e": "1.123456789", "f": "0.0"})
    assert params.decimal("a") == Decimal("1.5")
    assert params.decimal("b") == 2
    for name, code in (("c", -1100), ("d", -1100), ("e", -1111), ("f", -1013), ("g", -1102)):
        assert code_of(lambda name=name: params.decimal(name)) == code
    assert params.integer("b") == 2
    assert code_of(lambda: params.integer("a")) == -1100
    assert Params({"limit": 0}).texts == {"limit": "0"}
    assert code_of(lambda: Params({"limit": 0}).limit(5, 10)) == -1100
    assert [Params({"limit": n}).limit(5, 10) for n in (None, 7, 99)] == [5, 7, 10]


def test_flags_and_choices() -> None:
    params = Params({"yes": True, "no": "FALSE", "odd": 1})
    assert params.flag("yes")
    assert not params.flag("no", default=True)
    assert params.flag("absent", default=True)
    assert code_of(lambda: params.flag("odd")) == -1100
    assert code_of(lambda: params.choice("yes", ("no",), "side")) == -1117


def test_symbols() -> None:
    assert Params({}).symbols() is None
    assert Params({"symbol": "BTCUSDT"}).symbols() == ["BTCUSDT"]
    assert Params({"symbols": ["A", "B"]}).symbols() == ["A", "B"]
    assert Params({"symbols": '["A"]'}).symbols() == ["A"]
    for wrong, code in (
        ({"symbol": "A", "symbols": ["A"]}, -1128),
        ({"symbols": "[1]"}, -1100),
        ({"symbols": "["}, -1100),
        ({"symbol": "btc"}, -1100),
    ):
        assert code_of(Params(wrong).symbols) == code
