"""The accounts of a simulator: keys, balances, positions, and what a test makes happen to them.

A spot account has one main wallet, and wallets for cross and isolated margin that exist as soon as
something is deposited there or somebody listens to them. A futures account has the main one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError
from tickwire.simulator.options import Market
from tickwire.simulator.orders import ZERO
from tickwire.simulator.signatures import Credential
from tickwire.simulator.user_events import account_position, account_update, balance_update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tickwire.simulator.orders import Order
    from tickwire.simulator.symbols import SymbolSpec

__all__ = ["MAIN", "MARGIN", "Account", "Accounts", "ApiKey", "Balance", "Position", "isolated"]

MAIN = "main"
MARGIN = "margin"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_FIRST_UID = 354_937_868


def isolated(symbol: str) -> str:
    """The name of the isolated-margin wallet of a symbol."""
    return f"isolated:{symbol}"


@dataclass(slots=True)
class Balance:
    """What there is of an asset: free, and locked by open orders."""

    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(slots=True)
class Position:
    """A futures position in one-way mode.

    Attributes:
        amount: Above zero is long.
        entry: Average entry price, zero without a position.
        realised: Profit taken so far, before fees.
    """

    spec: SymbolSpec
    amount: Decimal = ZERO
    entry: Decimal = ZERO
    realised: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of an account.

    Attributes:
        can_trade: Whether orders may be placed with it.
    """

    name: str
    credential: Credential
    account: Account
    can_trade: bool = True


@dataclass(eq=False, slots=True)
class Account:
    """One client of the venue. Made by :meth:`Accounts.add`.

    Attributes:
        uid: The venue's number of it.
        commission: Share of what a fill receives that the venue keeps.
        orders: All orders by id, oldest first.
        positions: By symbol, futures only.
    """

    uid: int
    commission: Decimal
    _home: Accounts
    orders: dict[int, Order] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    _wallets: dict[str, dict[str, Balance]] = field(default_factory=dict)

    def balance(self, asset: str, *, wallet: str = MAIN) -> Balance:
        """The balance of an asset. The object is live."""
        return self._wallets.setdefault(wallet, {}).setdefault(asset, Balance())

    def balances(self, wallet: str = MAIN) -> dict[str, Balance]:
        """Every balance that was ever touched, by asset."""
        return self._wallets.setdefault(wallet, {})

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """The orders that can still be filled, oldest first."""
        return [
            order
            for order in self.orders.values()
            if order.is_open and symbol in (None, order.symbol)
        ]

    def deposit(self, asset: str, amount: str | Decimal, *, wallet: str = MAIN) -> None:
        """Add to a balance and tell whoever listens: ``balanceUpdate`` and the new position on
        spot, ``ACCOUNT_UPDATE`` on futures.

        Args:
            asset: E.g. ``"USDT"``.
            amount: Decimal text; below zero it is a withdrawal.
            wallet: ``MAIN``, ``MARGIN``, or ``isolated(symbol)``.

        Raises:
            ConfigurationError: The amount is no number, or more than there is. Retry: no.
        """
        delta = _decimal(amount)
        balance = self.balance(asset, wallet=wallet)
        if balance.free + delta < 0:
            raise ConfigurationError(f"there is only {balance.free} {asset} to withdraw")
        balance.free += delta
        home, now_ms = self._home, self._home.now_ms()
        if home.market is Market.SPOT:
            home.tell(self, balance_update(asset, delta, now_ms), wallet)
            self.tell_balances([asset], wallet=wallet)
        else:
            reason = "DEPOSIT" if delta > 0 else "WITHDRAW"
            changed = {asset: balance}
            home.tell(self, account_update(reason, changed, {asset: delta}, (), now_ms), wallet)

    def withdraw(self, asset: str, amount: str | Decimal, *, wallet: str = MAIN) -> None:
        """The opposite of :meth:`deposit`."""
        self.deposit(asset, -_decimal(amount), wallet=wallet)

    def send(self, event: Mapping[str, Any], *, wallet: str = MAIN) -> None:
        """Send any event to whoever listens to this account, as the venue would: what the simulator
        does not do by itself, such as a ``MARGIN_CALL``.
        """
        self._home.tell(self, event, wallet)

    def tell_balances(self, assets: Iterable[str], *, wallet: str = MAIN) -> None:
        """Send the present balances of some assets. Spot only."""
        changed = {asset: self.balance(asset, wallet=wallet) for asset in assets}
        self._home.tell(self, account_position(changed, self._home.now_ms()), wallet)


class Accounts:
    """All accounts by API key.

    Args:
        now_ms: The venue's clock, ms since the Unix epoch.

    Attributes:
        market: The dialect; set when the simulator starts.
        tell: Called with an account, an event and the wallet it is about.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.market = Market.SPOT
        self.tell: Callable[[Account, Mapping[str, Any], str], None] = _nobody
        self._keys: dict[str, ApiKey] = {}
        self._accounts: list[Account] = []

    def __iter__(self) -> Any:
        return iter(self._accounts)

    def add(
        self,
        *,
        api_key: str,
        secret: str | None = None,
        public_key: str | bytes | None = None,
        balances: Mapping[str, str | Decimal] | None = None,
        commission: str | Decimal = "0.001",
        can_trade: bool = True,
    ) -> Account:
        """Open an account with one key. Before or after the start.

        Args:
            api_key: Letters, digits, ``-`` and ``_``, 128 at most.
            secret: Of an HMAC key.
            public_key: PEM of an RSA or Ed25519 key; exactly one of the two is given.
            balances: What it owns at the start, by asset.
            commission: Share of what a fill receives that the venue keeps.
            can_trade: Whether the key may place orders.

        Raises:
            ConfigurationError: The key exists or is none. Retry: no.
        """
        account = Account(_FIRST_UID + len(self._accounts), _decimal(commission), self)
        for asset, amount in (balances or {}).items():
            account.balance(asset).free = _decimal(amount)
        self.add_key(
            account, api_key=api_key, secret=secret, public_key=public_key, can_trade=can_trade
        )
        self._accounts.append(account)
        return account

    def add_key(
        self,
        account: Account,
        *,
        api_key: str,
        secret: str | None = None,
        public_key: str | bytes | None = None,
        can_trade: bool = True,
    ) -> None:
        """Give an account a further key. Arguments and errors as for :meth:`add`."""
        if not _KEY.fullmatch(api_key):
            raise ConfigurationError("an API key is made of letters, digits, - and _")
        if api_key in self._keys:
            raise ConfigurationError("there is an account with this API key")
        credential = Credential(secret=secret, public_key=public_key)
        self._keys[api_key] = ApiKey(api_key, credential, account, can_trade)

    def revoke(self, api_key: str) -> None:
        """Make a key invalid. Sessions that were opened with it learn of it at their next request.

        Raises:
            KeyError: There is no such key.
        """
        del self._keys[api_key]

    def key(self, api_key: str) -> ApiKey | None:
        """A key by its name; None for one that is not, or no longer, known."""
        return self._keys.get(api_key)


def _nobody(account: Account, event: Mapping[str, Any], wallet: str) -> None:
    """Before the start nobody can listen."""


def _decimal(value: str | Decimal) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ConfigurationError(f"{value!r} is no decimal number")
    return number
