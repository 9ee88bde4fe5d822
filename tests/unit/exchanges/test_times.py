"""Times that come as text, against the standard library's reading of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.exchanges.times import TextTime, rfc3339_ns
from tickwire.market import Trade

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(0, 10**9 - 1),
    st.integers(0, 9),
)
def test_any_second_with_any_decimals(moment: datetime, fraction: int, digits: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    shown = f"{fraction:09}"[:digits]
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{shown}" if shown else "") + "Z"
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    assert rfc3339_ns(text) == seconds * 10**9 + int(shown.ljust(9, "0"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-09-07T23:37:22",
        "2026-09-07T23:37:22+02:00",
        "2026-09-07 23:37:22.674409 +0000 UTC m=+139651.272674714",
        "2026-13-41T23:37:22Z",
        "yesterdayZ",
        "2026-09-07T23:37:22.67x4Z",
    ],
)
def test_what_is_no_time_is_zero(text: str) -> None:
    assert rfc3339_ns(text) == 0


def test_an_events_time_is_read_from_its_text() -> None:
    class Sample(Trade, kw_only=True, gc=False):
        time: str = ""
        event_time = TextTime("time")

    trade = Sample(
        symbol="X",
        trade_id=1,
        price=1.0,
        size=1.0,
        is_buyer_maker=False,
        time="1970-01-01T00:00:01Z",
    )
    # Nanoseconds of the first seconds look like milliseconds: that is the unit's rule everywhere.
    assert trade.event_time == 10**9
    trade.time = "2001-09-09T01:46:40.5Z"
    assert trade.ts_event_ns == trade.event_time == 1_000_000_000_500_000_000
    assert isinstance(Sample.event_time, TextTime)
