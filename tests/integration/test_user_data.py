"""User data of the simulator's accounts by every way, while keys, tokens, connections change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.binance import AsyncClient, UserData, user_ways
from tickwire.exchanges.binance.account import AccountUpdate, BalanceUpdate, WalletUpdate
from tickwire.market import Gap
from tickwire.simulator import Limits, Simulator
from tickwire.simulator.accounts import isolated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.simulator.accounts import Account

PATIENCE = 45.0
KEY = "k" * 64

# account, the simulator's dialect and wallet, and the client's domain
ACCOUNTS: dict[str, tuple[str, str, str]] = {
    "spot": ("spot", "main", "com"),
    "spot us": ("spot", "main", "us"),
    "margin": ("spot", "margin", "com"),
    "isolated_margin": ("spot", isolated("BTCUSDT"), "com"),
    "usdm": ("usdm", "main", "com"),
    "coinm": ("coinm", "main", "com"),
}


def simulator(name: str, **limits: Any) -> Simulator:
    market, _, tld = ACCOUNTS[name]
    return Simulator(
        market=market, rate=0, listen_keys=tld == "us", limits=Limits(**limits) if limits else None
    )


def an_account(sim: Simulator) -> Account:
    return sim.accounts.add(api_key=KEY, secret="s" * 64, balances={})


def user_data(client: AsyncClient, name: str, **options: Any) -> UserData:
    symbol = "BTCUSDT" if name == "isolated_margin" else None
    return UserData(client, name.partition(" ")[0], symbol, **options)  # type: ignore[arg-type]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Simulator, str], AsyncClient]:
    """Makes clients of a simulator."""

    def make(sim: Simulator, name: str) -> AsyncClient:
        monkeypatch.setenv("TICKWIRE_SIMULATOR", sim.http_url)
        return AsyncClient(KEY, "s" * 64, tld=ACCOUNTS[name][2])

    return make


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_every_account(at: Any, name: str) -> None:
    wallet = ACCOUNTS[name][1]
    async with simulator(name) as sim, asyncio.timeout(PATIENCE):
        account = an_account(sim)
        async with at(sim, name) as client, user_data(client, name) as events:
            account.deposit("BTC", "1.5", wallet=wallet)
            message = await events.recv_json()
            assert "e" in message
            account.deposit("BTC", "0.25", wallet=wallet)
            async for event in events:
                if isinstance(event, BalanceUpdate):
                    assert str(event.change).rstrip("0") == "0.25"
                    break
                if isinstance(event, AccountUpdate):
                    break
                assert isinstance(event, WalletUpdate)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_by_session_and_by_signature(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """An Ed25519 key logs on, any other signs; two streams of one account share what they get."""
    pytest.importorskip("cryptography", reason="asymmetric keys need the `keys` extra")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    key: Any
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    async with simulator("spot") as sim, asyncio.timeout(PATIENCE):
        monkeypatch.setenv("TICKWIRE_SIMULATOR", sim.http_url)
        account = sim.accounts.add(api_key=KEY, public_key=public)
        async with (
            AsyncClient(KEY, private_key=private) as client,
            UserData(client) as first,
            UserData(client) as second,
        ):
            account.deposit("BTC", "1")
            assert amount_of(await first.recv_json()) == 1
            assert amount_of(await second.recv_json()) == 1


async def deposits(account: Account, wallet: str, until: asyncio.Event) -> int:
    """Deposit 1, 2, 3… BTC, one after the other, until told to stop."""
    count = 0
    while not until.is_set():
        count += 1
        account.deposit("BTC", str(count), wallet=wallet)
        await asyncio.sleep(0.002)
    return count


def amount_of(message: dict[str, Any]) -> int | None:
    """What was deposited, of the messages that say that."""
    if message["e"] == "balanceUpdate":
        return int(float(message["d"]))
    if message["e"] == "ACCOUNT_UPDATE":
        return int(float(message["a"]["B"][0]["bc"]))
    return None


@pytest.mark.parametrize(
    ("name", "limits", "options"),
    [
        ("spot us", {}, {"rotate_every": 0.5}),
        ("usdm", {}, {"rotate_every": 0.5}),
        ("coinm", {}, {"rotate_every": 0.5}),
        ("margin", {"listen_token_seconds": 60.0}, {}),
    ],
    ids=["spot us", "usdm", "coinm", "margin"],
)
async def test_nothing_is_lost_or_comes_twice_while_access_changes(
    at: Any, name: str, limits: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_ways, "_OVERLAP_SECONDS", 0.3)
    # A token is renewed after half a second, far from its end: the machine may be slow.
    monkeypatch.setattr(user_ways, "lead_seconds", lambda left: left - 0.5)
    wallet = ACCOUNTS[name][1]
    async with simulator(name, **limits) as sim, asyncio.timeout(PATIENCE):
        account = an_account(sim)
        async with at(sim, name) as client, user_data(client, name, **options) as events:
            enough = asyncio.Event()
            sending = asyncio.create_task(deposits(account, wallet, enough))
            amounts: list[int] = []
            while not sending.done() or amounts[-1] < sending.result():
                found = amount_of(await events.recv_json())
                if found is not None:
                    amounts.append(found)
                if events.rotations >= 3:
                    enough.set()
                    await asyncio.wait((sending,))
            assert amounts == list(range(1, sending.result() + 1))
            assert events.gaps == 0


async def test_a_key_that_was_not_kept_alive(at: Any) -> None:
    """The venue says so; the next key is got, and the hole is known."""
    async with simulator("usdm", listen_key_seconds=0.5) as sim, asyncio.timeout(PATIENCE):
        account = an_account(sim)
        async with at(sim, "usdm") as client, user_data(client, "usdm") as events:
            kinds: list[str] = []
            async for event in events:
                kinds.append(event.kind)
                if isinstance(event, Gap):
                    break
            assert len(kinds) == 2
            # The next key is as short-lived: what is sent between two of them is lost.
            enough = asyncio.Event()
            sending = asyncio.create_task(deposits(account, "main", enough))
            async for event in events:
                if isinstance(event, AccountUpdate):
                    break
            enough.set()
            await sending


async def test_two_accounts_on_one_socket(at: Any) -> None:
    async with simulator("spot") as sim, asyncio.timeout(PATIENCE):
        account = an_account(sim)
        async with (
            at(sim, "spot") as client,
            user_data(client, "spot") as spot,
            user_data(client, "margin") as margin,
        ):
            account.deposit("BTC", "1")
            account.deposit("BTC", "2", wallet="margin")
            assert amount_of(await spot.recv_json()) == 1
            assert amount_of(await margin.recv_json()) == 2
