"""Both ladders, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.ladders import CORES, KEYS
from tickwire.errors import CodecError

pytestmark = pytest.mark.parametrize("core", CORES)


def message(bids: str = "[]", asks: str = "[]", numbers: str = '"u":7') -> bytes:
    return f'{{{numbers},"b":{bids},"a":{asks}}}'.encode()


def filled(core: Any, bids: str, asks: str = "[]") -> Any:
    ladder = core.Ladder()
    ladder.scan(core.Layout(**KEYS), message(bids, asks))
    ladder.apply()
    return ladder


def taken(ladder: Any, core: Any, bids: str, asks: str = "[]") -> Any:
    ladder.scan(core.Layout(**KEYS), message(bids, asks))
    ladder.apply()
    return ladder


def test_the_numbers_of_a_message(core: Any) -> None:
    ladder, layout = core.Ladder(), core.Layout(**KEYS)
    assert ladder.scan(layout, message(numbers='"u":7')) == (None, 7, None, 0)
    spot = b'{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[],"a":[]}'
    assert ladder.scan(layout, spot) == (157, 160, None, 1672515782136)
    futures = b' { "pu" : 149 ,"u":160,\n"U":157, "b" : [ ] ,"a":[],"x":{"y":[1,{"u":9}]}} '
    assert ladder.scan(layout, futures) == (157, 160, 149, 0)
    enveloped = b'{"stream":"bnbbtc@depth","data":' + spot + b"}"
    assert ladder.scan(layout, memoryview(enveloped)) == (157, 160, None, 1672515782136)


def test_levels_are_sorted_best_first(core: Any) -> None:
    ladder = filled(core, '[["2","1"],["10","2"],["3.5","3"]]', '[["12","1"],["11","2"]]')
    assert ladder.levels(0) == [(10.0, 2.0), (3.5, 3.0), (2.0, 1.0)]
    assert ladder.levels(1) == [(11.0, 2.0), (12.0, 1.0)]
    assert ladder.counts == (3, 2)
    assert ladder.levels(0, 1) == [(10.0, 2.0)]
    assert ladder.levels(0, 0) == []
    assert ladder.levels(0, 99) == ladder.levels(0)
    assert ladder.best(1) == (11.0, 2.0)
    with pytest.raises(ValueError, match="-1 levels"):
        ladder.levels(0, -1)


def test_zero_removes_any_other_size_sets(core: Any) -> None:
    ladder = filled(core, '[["3","1"],["2","1"],["1","1"]]')
    taken(ladder, core, '[["3","0.000"],["2","5"],["0.5","7"],["9","0"]]')
    assert ladder.levels(0) == [(2.0, 5.0), (1.0, 1.0), (0.5, 7.0)]
    taken(ladder, core, '[["2",0],["1","0"],["0.5","-0.0"]]')
    assert ladder.levels(0) == []
    assert ladder.best(0) is None


def test_many_changes_at_once(core: Any) -> None:
    """Removals and insertions that shift the levels between them in both directions."""
    ladder = filled(core, str([[str(price), "1"] for price in range(100, 0, -2)]).replace("'", '"'))
    changes = [["101", "5"], ["100", "0"], ["99", "5"], ["97", "5"], ["50", "0"], ["48", "0"]]
    changes += [["47", "5"], ["46", "0"], ["3", "5"], ["2", "0"], ["1", "5"]]
    taken(ladder, core, str(changes).replace("'", '"'))
    expected = dict.fromkeys(range(100, 0, -2), 1.0)
    for price, size in changes:
        expected[int(price)] = float(size)
    assert ladder.levels(0) == [
        (float(price), size) for price, size in sorted(expected.items(), reverse=True) if size
    ]


def test_of_several_sizes_for_one_price_the_last_one_stays(core: Any) -> None:
    ladder = filled(core, '[["1","1"],["2","2"],["1.0","3"],["2","0"],["1","4"]]')
    assert ladder.texts(0) == [("1", "4")]


def test_a_scan_changes_nothing_until_it_is_applied(core: Any) -> None:
    ladder = filled(core, '[["1","1"]]')
    ladder.scan(core.Layout(**KEYS), message('[["1","2"],["0.25","1"]]'))
    assert ladder.texts(0) == [("1", "1")]
    ladder.replace()
    assert ladder.texts(0) == [("1", "2"), ("0.25", "1")]
    ladder.apply()
    assert ladder.counts == (2, 0)


def test_a_message_that_cannot_be_read_leaves_nothing_staged(core: Any) -> None:
    ladder = filled(core, '[["1","1"]]')
    ladder.scan(core.Layout(**KEYS), message('[["5","2"]]'))
    with pytest.raises(CodecError, match="malformed"):
        ladder.scan(core.Layout(**KEYS), message('[["6","2"]]', '[["7","x"]]'))
    ladder.apply()
    assert ladder.texts(0) == [("1", "1")]


@pytest.mark.parametrize(
    "text",
    ["1", "0.10", "100.000", "65432.10000000", "0.00000001", "123456789012345678", "-3.50", "0"],
)
def test_digits_are_given_back_as_sent(core: Any, text: str) -> None:
    ladder = filled(core, f'[["{text}","7.0"]]')
    assert ladder.texts(0) == [(text, "7.0")]
    assert ladder.levels(0) == [(float(text), 7.0)]
    if not text.startswith("-") and text != "0":
        assert filled(core, "[]", f'[["1.25","{text}"]]').texts(1) == [("1.25", text)]


def test_trailing_zeros_beyond_eighteen_digits_are_spelling(core: Any) -> None:
    ladder = filled(core, '[["1","12345678901234.00000000"]]', '[["2.00000000000000000000","1"]]')
    assert ladder.texts(0) == [("1", "12345678901234.00000000")]
    assert ladder.texts(1) == [("2.00000000000000000000", "1")]
    taken(ladder, core, "[]", '[["2","0"]]')
    assert ladder.counts == (1, 0)


def test_a_finer_price_makes_the_whole_book_finer(core: Any) -> None:
    ladder = filled(core, '[["10.5","1"],["9","2"]]', '[["11","1"]]')
    taken(ladder, core, '[["10.50001","3"]]', '[["10.999","4"]]')
    assert ladder.texts(0) == [("10.50001", "3"), ("10.5", "1"), ("9", "2")]
    assert ladder.texts(1) == [("10.999", "4"), ("11", "1")]
    assert ladder.gap() == (49899, 5)
    taken(ladder, core, '[["9.00000","0"],["10.500","0"]]')
    assert ladder.texts(0) == [("10.50001", "3")]


def test_the_same_price_in_another_spelling_is_the_same_level(core: Any) -> None:
    ladder = filled(core, '[["0.35270000","1"]]')
    taken(ladder, core, '[["0.3527","2"]]')
    assert ladder.texts(0) == [("0.3527", "2")]
    taken(ladder, core, "[[3.527e-1,3E0]]")
    assert ladder.levels(0) == [(0.3527, 3.0)]


def test_exponents_are_written_out(core: Any) -> None:
    ladder = filled(core, "[[9.121E-7,1e3],[1.50e+2,2]]")
    assert ladder.texts(0) == [("150", "2"), ("0.0000009121", "1000")]


@pytest.mark.parametrize(
    "number",
    [
        *[
            "",
            " 1",
            "1 ",
            "+1",
            ".5",
            "5.",
            "01",
            "1e",
            "1e+",
            "NaN",
            "Infinity",
            "0x1",
            "1_0",
            "١",
        ],
        *[
            "1" * 19,
            "0." + "1" * 19,
            "1e18",
            "1e-19",
            "1e999",
            "1e99999999999",
            "1" * 65,
            "-",
            "--1",
        ],
        *["0.1234567890123456789", "1234567890.1234567890", "1,5", "1e5.5", "\\u0031.5"],
    ],
)
def test_what_is_no_number_or_needs_too_many_digits_is_refused(core: Any, number: str) -> None:
    ladder, layout = core.Ladder(), core.Layout(**KEYS)
    for level in (f'["{number}","1"]', f'["1","{number}"]'):
        with pytest.raises(CodecError):
            ladder.scan(layout, message(f"[{level}]"))
    with pytest.raises(CodecError):
        ladder.stage([(number, "1")], [])


def test_prices_too_far_apart_are_refused_and_change_nothing(core: Any) -> None:
    ladder = filled(core, '[["100000000000","1"]]')
    with pytest.raises(CodecError, match="18 digits between them"):
        ladder.scan(core.Layout(**KEYS), message('[["0.00000001","1"]]'))
    ladder.apply()
    assert ladder.texts(0) == [("100000000000", "1")]
    ladder.clear()
    taken(ladder, core, '[["0.00000001","1"]]')
    with pytest.raises(CodecError, match="18 digits between them"):
        ladder.scan(core.Layout(**KEYS), message('[["100000000000","1"]]'))


@pytest.mark.parametrize(
    "text",
    [
        *["", "[]", "null", "{", '{"u":1}', '{"b":[],"a":[]}', '{"u":1,"b":[]}', "\xff"],
        *['{"u":"1","b":[],"a":[]}', '{"u":1.5,"b":[],"a":[]}', '{"u":1,"b":{},"a":[]}'],
        *['{"u":1,"b":[["1"]],"a":[]}', '{"u":1,"b":["1","2"],"a":[]}', '{"u":1,"b":[[]],"a":[]}'],
        *['{"u":1,"b":[["1","-2"]],"a":[]}', '{"u":1,"b":[[null,"2"]],"a":[]}'],
        *['{"u":1,"b":[["1","2"],],"a":[]}', '{"u":1,"b":[],"a":[]} x', '{"u":1,"b":[],"a":[],}'],
        *[
            '{"u":1,"b":[],"a":[],"x":tru}',
            '{"u":1,"b":[],"a":[],"x":"\\q"}',
            '{u:1,"b":[],"a":[]}',
        ],
        *['{"u":1,"b":[],"a":[],"x":[1,{"y":2]}]}', '{"u":1,"b":[],"a":[],"data":[]}'],
        *['{"u":1,"b":[["1","2",]],"a":[]}', '{"u":1,"b":[],"a":[],"x":NaN}'],
    ],
)
def test_other_documents_are_refused(core: Any, text: str) -> None:
    with pytest.raises(CodecError):
        core.Ladder().scan(core.Layout(**KEYS), text.encode())


def test_every_truncation_is_refused(core: Any) -> None:
    whole = message('[["1.5","2",{"x":"\\u00e9"}],[3,4]]', '[["5","6"]]', '"u":7,"z":[true,null]')
    layout = core.Layout(**KEYS)
    for size in range(len(whole)):
        with pytest.raises(CodecError):
            core.Ladder().scan(layout, whole[:size])
    assert core.Ladder().scan(layout, whole) == (None, 7, None, 0)


def test_what_venues_add_to_a_level_is_skipped(core: Any) -> None:
    ladder = filled(core, '[["1","2","0",7,{"a":[]}],[3,4,null]]')
    assert ladder.texts(0) == [("3", "4"), ("1", "2")]


def test_floats_are_the_nearest_to_the_digits(core: Any) -> None:
    texts = ["0.1", "123456.789012345678", "9007199254740993", "0.000000123456789012"]
    for text in texts:
        assert filled(core, f'[["{text}","{text}"]]').levels(0) == [(float(text), float(text))]


def test_levels_from_decoded_events(core: Any) -> None:
    ladder = core.Ladder()
    ladder.stage([(0.1, 1e-07), (65432.1, 2.0)], [("70000", "0.50")])
    ladder.apply()
    assert ladder.levels(0) == [(65432.1, 2.0), (0.1, 1e-07)]
    assert ladder.texts(1) == [("70000", "0.50")]


def test_crossed_and_gap(core: Any) -> None:
    assert filled(core, '[["1","1"]]').gap() is None
    assert not filled(core, '[["1","1"]]').is_crossed
    assert filled(core, '[["1.5","1"]]', '[["1.75","1"]]').gap() == (25, 2)
    assert filled(core, '[["1.5","1"]]', '[["1.5","1"]]').is_crossed


def test_a_layout_with_an_impossible_key(core: Any) -> None:
    for key in ("", "k" * 25):
        with pytest.raises(ValueError, match="1 to 24 bytes"):
            core.Layout(last=key, bids="b", asks="a")
