"""What a codec could not use is counted and kept, and nothing of it grows without bound."""

from tickwire.exchanges.oddities import FRAME_KEPT_BYTES, FRAMES_KEPT, Oddities


def test_counts_and_the_last_frames() -> None:
    odd = Oddities()
    odd.count_unknown("avgPrice", b"one", 1)
    odd.count_unknown("avgPrice", b"two", 2)
    odd.count_undecodable(ValueError("no such thing"), b"three", 3)
    odd.count_new_fields("trade", {"zz", "yy"}, b"four", 4)
    assert odd.unknown == {"avgPrice": 2}
    assert odd.undecodable == 1
    assert odd.new_fields == {"trade": {"yy": 1, "zz": 1}}
    assert [(kept.frame, kept.ts_recv_ns) for kept in odd.frames] == [
        (b"one", 1),
        (b"two", 2),
        (b"three", 3),
        (b"four", 4),
    ]
    assert odd.frames[2].reason == "undecodable: no such thing"
    assert odd.frames[3].reason == "new in trade: yy, zz"


def test_frames_are_few_and_cut() -> None:
    odd = Oddities()
    for number in range(100):
        odd.count_unknown("kind", b"x" * 1_000_000, number)
    assert len(odd.frames) == FRAMES_KEPT
    assert odd.frames[-1].ts_recv_ns == 99
    assert all(len(kept.frame) == FRAME_KEPT_BYTES for kept in odd.frames)


def test_a_server_that_makes_up_names_fills_no_memory() -> None:
    odd = Oddities()
    for number in range(10_000):
        odd.count_unknown(f"{number}" * 1000, b"", 0)
        odd.count_new_fields("trade", [f"{number}key"], b"", 0)
    assert len(odd.unknown) < 1000
    assert sum(odd.unknown.values()) == 10_000
    assert max(map(len, odd.unknown)) <= 64
    assert len(odd.new_fields["trade"]) < 1000
    assert sum(odd.new_fields["trade"].values()) == 10_000
