"""Fetching snapshots through a session: within the budget, and obeying what the answers say.

One budget per host is shared by all books of the process, since a venue counts per address. It is
kept as long as somebody uses it.
"""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from tickwire.books.budget import WeightBudget
from tickwire.errors import TickwireError
from tickwire.manager import LoopClock
from tickwire.manager.reasons import seconds_asked_for
from tickwire.manager.timing import pause
from tickwire.transport import CurlError
from tickwire.transport.errors import shown

if TYPE_CHECKING:
    from tickwire.exchanges import RestBudget, RestRequest
    from tickwire.manager import Timekeeper
    from tickwire.transport import AsyncSession, Response

__all__ = ["SnapshotClient", "SnapshotError"]

_NS = 1_000_000_000
_OK = 200
_AT_A_TIME = 8
"""Requests under way. A session has ten handles for HTTP, and the program wants some."""
_TEXT_SHOWN = 200


class SnapshotError(TickwireError):
    """A snapshot could not be fetched. Retry: the books do, later and later.

    Attributes:
        status: Of the answer; 0 where there was none.
    """

    def __init__(self, url: str, status: int, text: str) -> None:
        answer = f"HTTP {status}: {text}" if status else text
        super().__init__(f"no snapshot from {shown(url)}: {answer}")
        self.status = status


class _SharedBudget:
    """A budget that several loops may use."""

    def __init__(self, rules: RestBudget) -> None:
        self.budget = WeightBudget(rules.weight, rules.seconds)
        self.lock = Lock()


_shared: WeakValueDictionary[tuple[str, float], _SharedBudget] = WeakValueDictionary()
_shared_lock = Lock()


def _budget_of(host: str, rules: RestBudget) -> _SharedBudget:
    # Not by the weight: who wants to spend less spends it of the same allowance.
    key = (host, rules.seconds)
    with _shared_lock:
        budget = _shared.get(key)
        if budget is None:
            budget = _shared[key] = _SharedBudget(rules)
        return budget


class SnapshotClient:
    """GETs snapshots.

    Args:
        session: To ask through; its proxies and impersonation apply.
        rules: The venue's limits.
        clock: The time. Budgets are shared on the machine's clock only.
        timeout: Seconds for one request.

    Attributes:
        requests: Sent so far.
        refusals: Answers 429 and 418 among theirs.
    """

    def __init__(
        self, session: AsyncSession, rules: RestBudget, *, clock: Timekeeper, timeout: float
    ) -> None:
        self.requests = 0
        self.refusals = 0
        self._session = session
        self._rules = rules
        self._clock = clock
        self._timeout = timeout
        self._budgets: dict[str, _SharedBudget] = {}
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    async def fetch(self, request: RestRequest) -> bytes:
        """The body of a snapshot.

        A refusal for the rate is waited out and asked again.

        Raises:
            SnapshotError: There is no answer, or another one than 200.
        """
        budget = self._budget(request.url)
        async with self._turns:
            while True:
                await self._wait_turn(budget, request.weight)
                response = await self._get(request.url)
                self._learn(budget, response)
                if response.status_code == _OK:
                    return response.content
                if response.status_code not in self._rules.cooldowns:
                    text = response.content[:_TEXT_SHOWN].decode(errors="replace")
                    raise SnapshotError(request.url, response.status_code, text)

    async def _wait_turn(self, shared: _SharedBudget, weight: int) -> None:
        while True:
            with shared.lock:
                seconds = shared.budget.take(weight, self._clock.mono_ns(), self._rules.weight)
            if not seconds:
                return
            await pause(self._clock, seconds)

    async def _get(self, url: str) -> Response:
        self.requests += 1
        try:
            return await self._session.get(url, timeout=self._timeout)
        except CurlError as error:
            raise SnapshotError(url, 0, str(error)) from error

    def _learn(self, shared: _SharedBudget, response: Response) -> None:
        now_ns = self._clock.mono_ns()
        used = response.headers.get(self._rules.used_header) if self._rules.used_header else None
        cooldown = self._rules.cooldowns.get(response.status_code)
        with shared.lock:
            if used is not None and used.isascii() and used.isdigit():
                shared.budget.told(int(used), now_ns)
            if cooldown is not None:
                self.refusals += 1
                asked = seconds_asked_for(
                    response.headers.get("retry-after"), self._clock.wall_ns() / _NS
                )
                shared.budget.stay_away(cooldown if asked is None else asked, now_ns)

    def _budget(self, url: str) -> _SharedBudget:
        host = urlsplit(url).netloc
        budget = self._budgets.get(host)
        if budget is None:
            is_shared = isinstance(self._clock, LoopClock)
            budget = _budget_of(host, self._rules) if is_shared else _SharedBudget(self._rules)
            self._budgets[host] = budget
        return budget
