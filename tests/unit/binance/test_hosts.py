"""Where requests go, and where keys may go."""

from __future__ import annotations

import pytest

from tickwire.binance.venue import SIMULATOR_VARIABLE, Venue
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.hosts import HOSTS, hosts_of, is_loopback, is_venue_host


@pytest.mark.parametrize("key", sorted(HOSTS))
def test_every_host_of_the_table_is_the_venue_s(key: tuple[str, str, str]) -> None:
    hosts = HOSTS[key]  # type: ignore[index]
    for url in (hosts.streams, hosts.rest, hosts.ws_api):
        assert url is not None
        assert is_venue_host(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.binance.com",  # not encrypted
        "ws://stream.binance.com:9443",
        "https://binance.com.evil.example",
        "https://evilbinance.com",
        "https://evil.example/binance.com",
        "https://api.binance.com@evil.example",
        "https://evil.example\\@api.binance.com",
        "https://evil.example\t.binance.com",
        "https://evil.example#.binance.com",
        "https://evil.example?x=.binance.com",
        "https://[::1",
        "api.binance.com",
        "",
    ],
)
def test_what_is_not_the_venue_s(url: str) -> None:
    assert not is_venue_host(url)


def test_case_and_port_do_not_matter() -> None:
    assert is_venue_host("WSS://Stream.Binance.COM:9443/ws")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", True),
        ("ws://[::1]:9", True),
        ("http://localhost", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("ftp://127.0.0.1", False),
        ("http://127.0.0.1@evil.example", False),
    ],
)
def test_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIMULATOR_VARIABLE, raising=False)
    venue = Venue()
    assert venue.rest_url("spot") == "https://api.binance.com"
    assert venue.stream_url("usdm") == "wss://fstream.binance.com"
    assert venue.ws_api_url("spot") == "wss://ws-api.binance.com:443/ws-api/v3"
    assert venue.ws_api_url("usdm") == "wss://ws-fapi.binance.com/ws-fapi/v1"
    assert not venue.has_listen_keys("spot")
    assert venue.has_listen_keys("usdm")
    american = Venue(tld="us")
    assert american.rest_url("spot") == "https://api.binance.us"
    assert american.has_listen_keys("spot")
    with pytest.raises(ConfigurationError, match="spot"):
        Venue(tld="tr").rest_url("spot")
    with pytest.raises(ConfigurationError, match="usdm is at"):
        hosts_of("usdm", "us", "production")
    assert Venue(base_endpoint="3").rest_url("spot") == "https://api3.binance.com"
    with pytest.raises(ConfigurationError, match="base_endpoint"):
        Venue(base_endpoint="x.evil")
    demo = Venue(environment="demo")
    assert demo.ws_api_url("spot") == "wss://demo-ws-api.binance.com/ws-api/v3"


def test_the_simulator_takes_the_place_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIMULATOR_VARIABLE, "http://127.0.0.1:4711/")
    venue = Venue(tld="us", url="https://elsewhere.example")
    assert venue.rest_url("coinm") == "http://127.0.0.1:4711"
    assert venue.stream_url("spot") == "ws://127.0.0.1:4711"
    assert venue.ws_api_url("coinm") == "ws://127.0.0.1:4711/ws-dapi/v1"
    venue.check_keys("ws://127.0.0.1:4711/ws-dapi/v1")
    with pytest.raises(ConfigurationError, match="not sent"):
        venue.check_keys("https://elsewhere.example")


@pytest.mark.parametrize("value", ["http://10.1.2.3:80", "http://sim.example", "127.0.0.1:80"])
def test_a_simulator_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(SIMULATOR_VARIABLE, value)
    with pytest.raises(ConfigurationError, match=SIMULATOR_VARIABLE):
        Venue()


def test_another_address_needs_trust_for_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIMULATOR_VARIABLE, raising=False)
    for url in ("http://127.0.0.1:1", "https://proxy.example", "https://u:p@api.binance.com"):
        with pytest.raises(ConfigurationError, match="trust_url=True") as caught:
            Venue(url=url).check_own_addresses()
        assert "u:p" not in str(caught.value)
        Venue(url=url, trust_url=True).check_own_addresses()
    with pytest.raises(ConfigurationError, match="ws_url begins with"):
        Venue(ws_url="https://a.example")
