"""Certificates for servers on loopback."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Certificates", "issue"]


@dataclass(frozen=True)
class Certificates:
    """A server's TLS context, and the file of the authority that vouches for it."""

    server: ssl.SSLContext
    authority: str


def issue(folder: Path, *hosts: str) -> Certificates:
    """A new authority and a server certificate for ``hosts``."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*hosts).configure_cert(context)
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return Certificates(context, str(path))
