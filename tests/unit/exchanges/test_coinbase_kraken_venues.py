"""Coinbase and Kraken under the venue contract: wants, connections, names, instrument lists."""

from __future__ import annotations

from typing import Any

import pytest

from tickwire.credentials import Credentials
from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.registry import open_venue
from tickwire.exchanges.venue import Channel, VenueSettings, Want

KEYS = Credentials("key", "c2VjcmV0", passphrase="words")


def names(venue: Any, *wants: Want) -> list[tuple[str, list[str], bool]]:
    return [
        (plan.url, [str(stream) for stream in plan.streams], plan.is_private)
        for plan in venue.plan(wants)
    ]


def test_coinbase_advanced() -> None:
    venue = open_venue("coinbase", VenueSettings(credentials=KEYS))
    found = names(
        venue,
        Want(Channel.TRADES, "btc-usd"),
        Want(Channel.BOOKS, "BTC/USDC"),
        Want(Channel.QUOTES, "USDT-USDC"),
        Want(Channel.KLINES, "ETH-USD", "5m"),
        Want(Channel.ORDERS),
        Want(Channel.POSITIONS),
        Want(None, "ticker_batch:BTC-USD"),
    )
    assert found == [
        (
            "wss://advanced-trade-ws.coinbase.com",
            [
                "market_trades:BTC-USD",
                "level2:BTC-USD",
                "quote:USDT-USDC",
                "candles:ETH-USD",
                "ticker_batch:BTC-USD",
            ],
            False,
        ),
        ("wss://advanced-trade-ws-user.coinbase.com", ["orders", "positions"], True),
    ]
    assert venue.venue_symbol("btc/usd") == "BTC-USD"


def test_coinbase_shards() -> None:
    venue = open_venue("coinbase", VenueSettings())
    plans = names(venue, *(Want(Channel.BOOKS, f"C{number}-USD") for number in range(120)))
    assert [len(streams) for _, streams, _ in plans] == [50, 50, 20]


def test_coinbase_exchange_has_books_with_a_login_and_without() -> None:
    want = Want(Channel.BOOKS, "BTC-USD")
    open_books = open_venue("coinbase", VenueSettings(market="exchange", environment="sandbox"))
    [(url, streams, _)] = names(open_books, want)
    assert url == "wss://ws-feed-public.sandbox.exchange.coinbase.com"
    assert streams == ["level2_batch:BTC-USD"]
    options: dict[str, Any] = {"account_ids": ["one"]}
    known = open_venue(
        "coinbase", VenueSettings(market="exchange", credentials=KEYS, options=options)
    )
    [(_, public, _), (_, private, is_private)] = names(
        known, want, Want(Channel.ACCOUNT), Want(Channel.FILLS)
    )
    assert public == ["level2:BTC-USD"]
    assert (private, is_private) == (["balance", "fills"], True)


def test_kraken() -> None:
    venue = open_venue("kraken", VenueSettings(credentials=KEYS, options={"depth": 25}))
    found = names(
        venue,
        Want(Channel.TRADES, "XBT/USD"),
        Want(Channel.BOOKS, "btc-usd"),
        Want(Channel.KLINES, "AAPLx/USD", "4h"),
        Want(Channel.TICKERS, "BTC-USD"),
        Want(Channel.QUOTES, "BTC-USD"),
        Want(Channel.QUOTES, "ETH-USD"),
        Want(Channel.ACCOUNT),
        Want(None, "book-1000:XDG/EUR"),
    )
    public, private = "wss://ws.kraken.com/v2", "wss://ws-auth.kraken.com/v2"
    assert found == [
        (
            public,
            [
                "trade:BTC/USD",
                "book-25:BTC/USD",
                "ohlc-240:AAPLx/USD",
                "ticker:BTC/USD",
                "book-1000:DOGE/EUR",
                "bbo:ETH/USD",
            ],
            False,
        ),
        (public, ["bbo:BTC/USD"], False),
        (private, ["balances"], True),
    ]


ADVANCED_PRODUCTS = (
    b'{"products":[{"product_id":"BTC-USD","base_currency_id":"BTC","quote_currency_id":"USD",'
    b'"base_increment":"0.00000001","quote_increment":"0.01","price_increment":"0.01",'
    b'"product_type":"SPOT","status":"online","trading_disabled":false,"new_one":[1]},'
    b'{"product_id":"BTC-PERP-INTX","quote_currency_id":"USDC","product_type":"FUTURE",'
    b'"base_increment":"0.0001","price_increment":"0.1","trading_disabled":true,'
    b'"future_product_details":{"contract_expiry_type":"PERPETUAL"}}]}'
)
EXCHANGE_PRODUCTS = (
    b'[{"id":"ETH-EUR","base_currency":"ETH","quote_currency":"EUR","quote_increment":"0.01",'
    b'"base_increment":"0.00000001","status":"delisted"}]'
)
PAIRS = (
    b'{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT",'
    b'"quote":"ZUSD","pair_decimals":1,"lot_decimals":8,"tick_size":"0.1","status":"online"},'
    b'"XBTUSD.d":{"altname":"XBTUSD.d","base":"XXBT","quote":"ZUSD","lot_decimals":8}}}'
)


def test_instrument_lists() -> None:
    advanced = open_venue("coinbase", VenueSettings())
    spot, perpetual = advanced.parse_instruments(ADVANCED_PRODUCTS)
    assert (spot.symbol, spot.base, spot.quote, spot.kind) == ("BTC-USD", "BTC", "USD", "spot")
    assert (spot.price_tick, spot.size_step, spot.is_trading) == ("0.01", "0.00000001", True)
    assert (perpetual.kind, perpetual.base, perpetual.is_trading) == ("perpetual", "BTC", False)
    exchange = open_venue("coinbase", VenueSettings(market="exchange", url="ws://127.0.0.1:1"))
    assert exchange.instruments_request().url == "http://127.0.0.1:1/products"
    [delisted] = exchange.parse_instruments(EXCHANGE_PRODUCTS)
    assert (delisted.venue_symbol, delisted.is_trading) == ("ETH-EUR", False)
    kraken = open_venue("kraken", VenueSettings())
    assert kraken.instruments_request().url == "https://api.kraken.com/0/public/AssetPairs"
    [bitcoin] = kraken.parse_instruments(PAIRS)
    assert (bitcoin.symbol, bitcoin.venue_symbol) == ("BTC-USD", "BTC/USD")
    assert (bitcoin.price_tick, bitcoin.size_step) == ("0.1", "0.00000001")


@pytest.mark.parametrize(
    ("venue", "market"), [("coinbase", "advanced"), ("coinbase", "exchange"), ("kraken", "spot")]
)
def test_what_is_no_instrument_list(venue: str, market: str) -> None:
    with pytest.raises(CodecError, match="not a list"):
        open_venue(venue, VenueSettings(market=market)).parse_instruments(b'{"message":"no"}')


@pytest.mark.parametrize(
    ("venue", "settings", "want", "said"),
    [
        ("coinbase", {}, Want(Channel.TRADES, "BTCUSD"), "BTC-USD"),
        ("coinbase", {}, Want(Channel.KLINES, "BTC-USD", "1m"), "five minutes"),
        ("coinbase", {}, Want(Channel.ORDERS), "credentials"),
        ("coinbase", {}, Want(Channel.FILLS), "no fills"),
        ("coinbase", {}, Want(None, "weather:BTC-USD"), "it has market_trades"),
        ("coinbase", {}, Want(None, "orders:BTC-USD"), "no product"),
        ("coinbase", {"options": {"depth": 5}}, None, "depth"),
        ("coinbase", {"environment": "sandbox"}, None, "production"),
        ("coinbase", {"market": "exchange", "options": {"x": 5}}, None, "account_ids"),
        (
            "coinbase",
            {"market": "exchange", "credentials": KEYS},
            Want(Channel.ACCOUNT),
            "account_ids",
        ),
        ("coinbase", {"market": "exchange"}, Want(None, "full:BTC-USD"), "login"),
        ("kraken", {}, Want(Channel.TRADES, "BTCUSD"), "BTC/USD"),
        ("kraken", {}, Want(Channel.KLINES, "BTC-USD", "2m"), "15m"),
        ("kraken", {}, Want(Channel.ORDERS), "credentials"),
        ("kraken", {}, Want(Channel.POSITIONS), "no positions"),
        ("kraken", {}, Want(None, "book:BTC/USD"), "book-100"),
        ("kraken", {}, Want(None, "book-11:BTC/USD"), "1000"),
        ("kraken", {}, Want(None, "orders:BTC/USD"), "no pair"),
        ("kraken", {"options": {"depth": 11}}, None, "1000"),
        ("kraken", {"options": {"deep": 10}}, None, "depth"),
    ],
)
def test_what_the_venues_do_not_have(
    venue: str, settings: dict[str, Any], want: Want | None, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        opened = open_venue(venue, VenueSettings(**settings))
        assert want is not None
        opened.plan([want])
