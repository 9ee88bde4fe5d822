"""What a capture is taken for before it is played."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tickwire.simulator.capture import CaptureError
from tickwire.simulator.options import Market
from tickwire.simulator.replay import RecordedFrame, Recording

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = [
    b'{"stream":"nknusdt@depth@100ms","data":{"e":"depthUpdate","b":[]}}',
    b'{ "stream" : "a\\u0062ceth@trade" , "data" : {"p": "0.10"} } ',
    b'{"stream":"!miniTicker@arr","data":[{"s":"X"}]}',
]


def capture(path: Path, *lines: bytes, host: str = "stream.binance.com:9443") -> Path:
    opening = f"wss://{host}/stream?streams=x <-> 100.5".encode()
    path.write_bytes(b"\n".join([opening, *lines]))
    return path


def frames(*payloads: bytes) -> list[bytes]:
    return [b"%d.25: " % (101 + n) + payload for n, payload in enumerate(payloads)]


def test_frames_are_given_verbatim_with_their_stream_and_their_data(tmp_path: Path) -> None:
    recording = Recording.scan(
        capture(tmp_path / "X.ws.1.0", *frames(*FRAMES, b'{"result":null,"id":1}'))
    )
    assert recording.frames == 3
    assert recording.streams == {"nknusdt@depth@100ms", "abceth@trade", "!miniTicker@arr"}
    assert list(recording.play()) == [
        RecordedFrame(
            101_250_000_000, "nknusdt@depth@100ms", b'{"e":"depthUpdate","b":[]}', FRAMES[0]
        ),
        RecordedFrame(102_250_000_000, "abceth@trade", b'{"p": "0.10"}', FRAMES[1]),
        RecordedFrame(103_250_000_000, "!miniTicker@arr", b'[{"s":"X"}]', FRAMES[2]),
    ]


@pytest.mark.parametrize(
    ("host", "market"),
    [
        ("stream.binance.com:9443", Market.SPOT),
        ("data-stream.binance.vision", Market.SPOT),
        ("fstream.binance.com", Market.USDM),
        ("fstream.binancefuture.com", Market.USDM),
    ],
)
def test_the_market_is_told_by_the_host(tmp_path: Path, host: str, market: Market) -> None:
    path = capture(tmp_path / "X.ws.1.0", *frames(*FRAMES), host=host)
    assert Recording.scan(path).market is market


@pytest.mark.parametrize("payload", [b'{"channel":"books"}', b"[1,2]", b"pong"])
def test_a_capture_without_a_combined_frame_is_refused(tmp_path: Path, payload: bytes) -> None:
    path = capture(tmp_path / "OTHER.ws.1.0", *frames(payload))
    with pytest.raises(CaptureError, match="no frame of a combined Binance stream"):
        Recording.scan(path)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"stream":"a@trade","data":{"p":"1"}',
        b'{"stream":"a@trade","data":{"p":}}',
        b'{"stream":"\\ud800","data":{}}',
        b'{"stream":"a@trade","data":{}}}',
    ],
)
def test_a_broken_frame_is_named_before_anything_is_played(tmp_path: Path, payload: bytes) -> None:
    path = capture(tmp_path / "X.ws.1.0", *frames(FRAMES[0], payload))
    with pytest.raises(CaptureError, match="line 3: the frame is not JSON"):
        Recording.scan(path)


def test_symbols_of_a_recording(tmp_path: Path) -> None:
    recording = Recording.scan(capture(tmp_path / "X.ws.1.0", *frames(*FRAMES)))
    entries = [(e["symbol"], e["baseAsset"], e["quoteAsset"]) for e in recording.symbols()]
    assert entries == [("ABCETH", "ABC", "ETH"), ("NKNUSDT", "NKN", "USDT")]


def test_an_unknown_quote_asset_is_left_open(tmp_path: Path) -> None:
    path = capture(tmp_path / "X.ws.1.0", *frames(b'{"stream":"foobar@trade","data":{}}'))
    (entry,) = Recording.scan(path).symbols()
    assert (entry["symbol"], entry["baseAsset"], entry["quoteAsset"]) == ("FOOBAR", "FOOBAR", "")


URL = "https://api.binance.com/api/v3/{}?symbol={}&limit=1000 -> {}: {}\n"


def body(update_id: int, levels: int = 3) -> str:
    rows = [[f"{n}.0", "1.50"] for n in range(levels)]
    return json.dumps({"lastUpdateId": update_id, "bids": rows, "asks": rows})


def snapshots_beside(tmp_path: Path, *, name: str = "X.ws.1.0.gz") -> Recording:
    (tmp_path / "X.http.1.0").write_text(URL.format("depth", "A", 20, body(2)))
    (tmp_path / "X.http.0.0").write_text(
        URL.format("depth", "A", 30, body(3))
        + URL.format("depth", "A", 10, body(1))
        + URL.format("depth", "B", 10, body(9))
        + URL.format("exchangeInfo", "C", 10, "{}")
    )
    (tmp_path / "XY.http.0.0").write_text("of another exchange, and not even a capture")
    return Recording.scan(capture(tmp_path / name, *frames(*FRAMES)))


@pytest.mark.parametrize(
    ("seconds", "update_id"), [(0, 1), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3), (99, 3)]
)
def test_the_newest_snapshot_of_the_time_is_given(
    tmp_path: Path, seconds: int, update_id: int
) -> None:
    snapshots = snapshots_beside(tmp_path).snapshots()
    reply = snapshots.latest("A", 1000, seconds * 10**9)
    assert reply == body(update_id).encode(), "verbatim"


def test_snapshots_belong_to_the_capture_beside_them(tmp_path: Path) -> None:
    snapshots = snapshots_beside(tmp_path).snapshots()
    assert snapshots.latest("B", 1000, 0) == body(9).encode()
    for symbol in ("C", "NOSUCH"):
        assert snapshots.latest(symbol, 1000, 0) is None


def test_a_capture_with_another_kind_of_name_has_no_snapshots(tmp_path: Path) -> None:
    recording = snapshots_beside(tmp_path, name="X.recording")
    assert recording.snapshots().latest("A", 1000, 0) is None


def test_a_snapshot_is_cut_to_the_levels_asked_for(tmp_path: Path) -> None:
    snapshots = snapshots_beside(tmp_path).snapshots()
    assert snapshots.latest("A", 3, 0) == body(1).encode()
    cut = snapshots.latest("A", 2, 0)
    assert cut is not None
    assert json.loads(cut) == json.loads(body(1, levels=2))
