"""A certificate authority that lives as long as a test run."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

import trustme


def certified(hosts: Iterable[str], folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for `hosts`, and the file of the authority a client must trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    bundle = folder / "loopback-ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return context, bundle
