"""API keys: where they come from, and a wrapper that no text shows.

A key that is printed once is a key to be replaced: logs are copied, tracebacks are mailed. So a
secret is held by :class:`Secret`, which formats, pickles and serialises as nothing, and gives its
value only to the one call that names what it does, :meth:`Secret.reveal`.
"""

from __future__ import annotations

import hmac
import os
import stat
import tomllib
from pathlib import Path
from typing import Any, NoReturn

from tickwire.errors import ConfigurationError

__all__ = ["Credentials", "Secret", "hidden"]

_SHOWN = "Secret(***)"
_FIELDS = ("api_key", "secret", "private_key", "private_key_password", "passphrase")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secret:
    """A text that is never shown. Two are equal if their texts are; that takes constant time."""

    __slots__ = ("_reveal",)

    def __init__(self, text: str | Secret) -> None:
        if isinstance(text, Secret):
            text = text.reveal()
        if not isinstance(text, str):
            raise TypeError(f"a secret is a str, not {type(text).__name__}")
        value = text

        def kept() -> str:
            return value

        # In a closure, where a dump of an object's fields does not look.
        self._reveal = kept

    def reveal(self) -> str:
        """The text itself. Use it where it is needed, and keep no copy."""
        return self._reveal()

    def __repr__(self) -> str:
        return _SHOWN

    def __str__(self) -> str:
        return _SHOWN

    def __format__(self, spec: str) -> str:
        return format(_SHOWN, spec)

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied; pass the credentials' source instead")


class Credentials:
    """What identifies an account at a venue.

    Attributes:
        api_key: Names the key. Not enough to sign with, and still not for logs.
        secret: Of an HMAC key.
        private_key: Of an RSA or Ed25519 key: PKCS#8 PEM text.
        private_key_password: Of that PEM, if it is encrypted.
        passphrase: A third part, which some venues ask for.
    """

    __slots__ = _FIELDS

    api_key: Secret
    secret: Secret | None
    private_key: Secret | None
    private_key_password: Secret | None
    passphrase: Secret | None

    def __init__(
        self,
        api_key: str | Secret,
        secret: str | Secret | None = None,
        private_key: str | Path | Secret | None = None,
        private_key_password: str | Secret | None = None,
        passphrase: str | Secret | None = None,
    ) -> None:
        """Take the parts as they are.

        Args:
            api_key: As the venue shows it.
            secret: Of an HMAC key; left out with ``private_key``, and where nothing is signed.
            private_key: PEM text, or the path of a file with it, which only you may read.
            private_key_password: Of an encrypted PEM.
            passphrase: For venues that have one.

        Raises:
            ConfigurationError: The key is empty, or has characters that no key has; the secret
                has white space around it; both ways to sign are given; the file of the private
                key is missing or open to others. Retry: no.
        """
        # First of all: the local variables of an error's traceback are shown too.
        api_key = key = Secret(api_key)
        secret, private_key_password, passphrase = map(
            hidden, (secret, private_key_password, passphrase)
        )
        if not isinstance(private_key, Path):
            private_key = hidden(private_key)
        if not key:
            raise ConfigurationError("the API key is empty; leave the credentials out instead")
        self.api_key = key
        _check_texts(key, secret)
        if secret and private_key:
            raise ConfigurationError(
                "give a secret (HMAC keys) or a private key (RSA, Ed25519), not both: "
                "a venue knows which of them belongs to the API key"
            )
        if isinstance(private_key, Path):
            private_key = hidden(read_private(private_key))
        self.secret = secret
        self.private_key = private_key
        self.private_key_password = private_key_password
        self.passphrase = passphrase

    @property
    def can_sign(self) -> bool:
        """Whether there is something to sign with."""
        return self.secret is not None or self.private_key is not None

    @classmethod
    def from_env(cls, prefix: str = "BINANCE") -> Credentials | None:
        """From ``<prefix>_API_KEY``, ``_API_SECRET``, ``_PRIVATE_KEY``… ``None`` without a key.

        ``<prefix>_PRIVATE_KEY`` is the PEM text, ``<prefix>_PRIVATE_KEY_FILE`` the path of a file
        with it; ``_PRIVATE_KEY_PASSWORD`` and ``_PASSPHRASE`` as in :class:`Credentials`.

        Raises:
            ConfigurationError: As :class:`Credentials`. Retry: no.
        """
        get = os.environ.get
        api_key = get(f"{prefix}_API_KEY")
        if not api_key:
            return None
        path = get(f"{prefix}_PRIVATE_KEY_FILE")
        return cls(
            api_key,
            get(f"{prefix}_API_SECRET"),
            Path(path) if path else get(f"{prefix}_PRIVATE_KEY"),
            get(f"{prefix}_PRIVATE_KEY_PASSWORD"),
            get(f"{prefix}_PASSPHRASE"),
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Credentials:
        """From a TOML file with ``api_key`` and the other fields of :class:`Credentials`.

        ``private_key_file``, instead of ``private_key``, is a path; a relative one begins at the
        folder of ``path``. Both files must be yours, and closed to group and others
        (``chmod 600``); on Windows, where there are no such bits, that is not checked.

        Raises:
            ConfigurationError: A file is missing, open to others, or not as said. Retry: no.
        """
        path = Path(path)
        try:
            fields: dict[str, Any] = tomllib.loads(read_private(path))
        except tomllib.TOMLDecodeError:
            bad = True  # its text quotes the line, and that may be the key
        else:
            bad = False
        if bad:
            raise ConfigurationError(f"{path} is not TOML; write lines like api_key = '…'")
        key_file = fields.pop("private_key_file", None)
        unknown = sorted(fields.keys() - set(_FIELDS))
        if unknown:
            raise ConfigurationError(f"{path} has {', '.join(unknown)}, which is no field of a key")
        if not all(isinstance(value, str) for value in (*fields.values(), key_file or "")):
            raise ConfigurationError(f"every field of {path} is a text in quotes")
        if "api_key" not in fields:
            raise ConfigurationError(f"{path} has no api_key")
        if key_file is not None:
            if "private_key" in fields:
                raise ConfigurationError(f"{path} has private_key and private_key_file; keep one")
            fields["private_key"] = path.parent / key_file
        return cls(**fields)

    def __repr__(self) -> str:
        # Some are not there yet in the frames of the error that ended the making.
        given = ", ".join(f"{name}=***" for name in _FIELDS if getattr(self, name, None))
        return f"Credentials({given})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials are not pickled or copied; pass their source instead")


def hidden(text: str | Secret | None) -> Secret | None:
    """``text`` so that nothing shows it; ``None`` for none, or an empty one."""
    return Secret(text) if text else None


def _check_texts(api_key: Secret, secret: Secret | None) -> None:
    """Refuse what was not copied whole, or has the end of its line with it.

    A key goes into a header, where a line break would begin another one; a secret with one signs
    wrongly, which the venue tells as a bad signature.
    """
    # Codes of the visible characters of ASCII: no control, no space.
    if not all(0x21 <= code <= 0x7E for code in map(ord, api_key.reveal())):
        raise ConfigurationError(
            "the API key has white space or another character in it that no key has; "
            "copy it again, without the end of the line"
        )
    if secret is not None and secret != Secret(secret.reveal().strip()):
        raise ConfigurationError(
            "the secret has white space around it; copy it again, without the end of the line"
        )


def read_private(path: Path) -> str:
    """The text of a file that nobody else may read.

    Raises:
        ConfigurationError: It is not there, not a file, not yours, or open to others. Retry: no.
    """
    try:
        # What is checked is what is read: the descriptor, not the name.
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            _check_owner(path, status)
            content = file.read()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    try:
        return content.decode()
    except UnicodeDecodeError:
        # Its error holds the bytes.
        raise ConfigurationError(f"{path} is not UTF-8 text") from None


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"{path} is not a regular file")
    if not hasattr(os, "getuid"):
        return
    if status.st_uid != os.getuid():
        raise ConfigurationError(
            f"{path} belongs to another user; keys are read from your own file"
        )
    if status.st_mode & _OTHERS:
        raise ConfigurationError(
            f"{path} can be read by others (mode {stat.S_IMODE(status.st_mode):o}); "
            f"run: chmod 600 {path}"
        )
