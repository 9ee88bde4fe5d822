"""Files for connections, on a system that allows so many."""

from __future__ import annotations

import pytest

from tickwire.gateway.connections import room_for

_resource = pytest.importorskip("resource", reason="only where the system has such a limit")


@pytest.mark.parametrize(
    ("limits", "raised", "room"),
    [
        ((1024, 65536), (3006, 65536), 2750),
        ((4096, 4096), None, 2750),
        ((1024, _resource.RLIM_INFINITY), (3006, _resource.RLIM_INFINITY), 2750),
        ((_resource.RLIM_INFINITY, _resource.RLIM_INFINITY), None, 2750),
        ((512, 1024), (1024, 1024), 768),
        ((256, 256), (256, 256), 128),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_needed(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    raised: tuple[int, int] | None,
    room: int,
) -> None:
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(_resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(_resource, "setrlimit", lambda _, pair: found.append(pair))
    assert room_for(2750) == room
    assert found == ([] if raised is None else [raised])
