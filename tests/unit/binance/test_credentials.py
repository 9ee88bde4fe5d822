"""Secrets: where they come from, and that no text shows them."""

from __future__ import annotations

import copy
import json
import os
import pickle
import stat
import sys
import traceback
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tickwire.binance import AsyncClient, Client
from tickwire.credentials import Credentials, Secret
from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = "s3cr3t-value"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")


def test_a_secret_shows_nothing() -> None:
    secret = Secret(HIDDEN)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>30}", "%s" % secret]  # noqa: UP031
    assert not any(HIDDEN in text for text in shown)
    assert HIDDEN not in repr([secret])
    assert secret.reveal() == HIDDEN
    assert Secret(secret) == secret
    assert secret != Secret("other")
    assert secret != HIDDEN
    assert hash(secret) == hash(Secret(HIDDEN))
    assert not Secret("")


@pytest.mark.parametrize("made", [Secret(HIDDEN), Credentials("k", HIDDEN)], ids=["one", "all"])
@pytest.mark.parametrize(
    "way",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, orjson.dumps],
    ids=lambda f: f.__name__,
)
def test_a_secret_goes_nowhere(made: object, way: Any) -> None:
    with pytest.raises(TypeError) as caught:
        way(made)
    assert HIDDEN not in str(caught.value)


def test_it_is_a_text() -> None:
    with pytest.raises(TypeError):
        Secret(b"bytes")  # type: ignore[arg-type]


def test_fields_hold_no_text() -> None:
    credentials = Credentials("my-key", HIDDEN, passphrase="pp")
    shown = repr(credentials) + repr([getattr(credentials, name) for name in credentials.__slots__])
    assert "my-key" not in shown
    assert HIDDEN not in shown
    assert repr(credentials) == "Credentials(api_key=***, secret=***, passphrase=***)"
    assert credentials.can_sign
    assert not Credentials("my-key").can_sign


def test_two_ways_to_sign_are_one_too_many() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        Credentials("k", HIDDEN, private_key="PEM")
    with pytest.raises(ConfigurationError, match="empty"):
        Credentials("")


@pytest.mark.parametrize("bad", ["\n", "\r\nX-Other: 1", " ", "\t", "\x00", "\u043a", "\xa0"])
def test_a_key_that_no_header_can_carry(bad: str) -> None:
    for key in (f"my-key{bad}", f"my{bad}-key"):
        with pytest.raises(ConfigurationError, match="API key") as caught:
            Credentials(key, HIDDEN)
        assert "my" not in str(caught.value)


@pytest.mark.parametrize("bad", [f"{HIDDEN}\n", f" {HIDDEN}"])
def test_a_secret_with_white_space_around_it(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="white space") as caught:
        Credentials("k", bad)
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda text: Credentials(text, text, private_key=text),
        lambda text: Credentials(f"{text}\n", text, passphrase=text),
        lambda text: AsyncClient(text, text, testnet=True, demo=True, private_key_pass=text),
        lambda text: AsyncClient(None, text, private_key=text),
        lambda text: Client(text, text, base_endpoint="9"),
        lambda text: Client(text, None, private_key=text, session=None),
    ],
)
def test_frames_of_an_error_hold_no_text(make: Any) -> None:
    with pytest.raises((ConfigurationError, TypeError)) as caught:
        make(Text(HIDDEN))
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    held = [
        (frame.name, name)
        for frame in told.stack
        if frame.filename != __file__
        for name, value in (frame.locals or {}).items()
        if HIDDEN in value
    ]
    assert held == []


class Text(str):
    """A text that is not the one constant that the test's frames hold."""

    __slots__ = ()


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("BINANCE_"):
            monkeypatch.delenv(name)
    assert Credentials.from_env() is None
    monkeypatch.setenv("BINANCE_API_KEY", "k")
    monkeypatch.setenv("BINANCE_API_SECRET", HIDDEN)
    found = Credentials.from_env()
    assert found is not None
    assert found.secret == Secret(HIDDEN)
    assert Credentials.from_env("OTHER") is None
    monkeypatch.delenv("BINANCE_API_SECRET")
    monkeypatch.setenv("BINANCE_PRIVATE_KEY_FILE", str(private(tmp_path / "key.pem", "PEM")))
    monkeypatch.setenv("BINANCE_PRIVATE_KEY_PASSWORD", "pw")
    found = Credentials.from_env()
    assert found is not None
    assert found.private_key == Secret("PEM")
    assert found.private_key_password == Secret("pw")


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_from_a_file(tmp_path: Path) -> None:
    private(tmp_path / "key.pem", "PEM")
    path = private(tmp_path / "keys.toml", "api_key = 'k'\nprivate_key_file = 'key.pem'\n")
    found = Credentials.from_file(path)
    assert found.api_key == Secret("k")
    assert found.private_key == Secret("PEM")
    other = private(tmp_path / "hmac.toml", f"api_key = 'k'\nsecret = '{HIDDEN}'\n")
    assert Credentials.from_file(str(other)).secret == Secret(HIDDEN)


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601], ids=oct)
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "keys.toml", "api_key = 'k'", mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Credentials.from_file(path)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Credentials("k", private_key=path)


@POSIX
def test_a_file_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = private(tmp_path / "keys.toml", "api_key = 'k'")
    uid = path.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(ConfigurationError, match="another user"):
        Credentials.from_file(path)


@POSIX
def test_what_is_checked_is_what_is_read(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "folder", 0o700)
    with pytest.raises(ConfigurationError, match="cannot read"):
        Credentials.from_file(tmp_path / "folder")
    with pytest.raises(ConfigurationError, match="cannot read"):
        Credentials.from_file(tmp_path / "missing")
    target = private(tmp_path / "target", "api_key = 'k'", 0o644)
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Credentials.from_file(link)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    "text",
    [
        f"api_key = '{HIDDEN}",
        f"api_key = 'k'\nsecert = '{HIDDEN}'",
        "secret = 's3cr3t-value'",
        f"api_key = 'k'\nsecret = ['{HIDDEN}']",
        f"api_key = 'k'\nprivate_key = '{HIDDEN}'\nprivate_key_file = 'x'",
    ],
    ids=["no toml", "misspelt", "no key", "no text", "two keys"],
)
def test_a_bad_file_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    path = private(tmp_path / "keys.toml", text)
    with pytest.raises(ConfigurationError) as caught:
        Credentials.from_file(path)
    error: BaseException | None = caught.value
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))
    assert error is not None
    assert error.__context__ is None or HIDDEN not in repr(error.__context__)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(b"api_key = '\xff'")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        Credentials.from_file(path)
