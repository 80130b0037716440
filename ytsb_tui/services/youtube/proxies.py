"""The proxy every request to YouTube goes through, and the certificates it is trusted by."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from ytsb_tui.errors import BadSetup

SCHEMES = ("http", "https", "socks5h")

_ADVICE = "Set `proxy` to http://, https:// or socks5h://host:port, or to nothing."


def check_proxy(url: str) -> None:
    """Raise `BadSetup` where `url` is no proxy we can use; "" is none, and fine.

    The message never shows the URL: it may hold a password.
    """
    if not url:
        return
    scheme, separator, _ = url.partition("://")
    if scheme in ("socks5", "socks4", "socks4a") and separator:
        raise BadSetup(f"A {scheme}:// proxy may give away the names you look up.", advice="Write socks5h:// instead.")
    if scheme not in SCHEMES or not separator:
        raise BadSetup("The proxy's address does not begin with http://, https:// or socks5h://.", advice=_ADVICE)
    try:
        host, port = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or any(mark.isspace() for mark in url):
        raise BadSetup("The proxy's address has no proper host and port.", advice=_ADVICE)


def public_name(url: str) -> str:
    """The proxy's host and port, without its user name and password."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port}" if parts.port else str(host)


def trusted_certificates() -> str | bool:
    """The authorities a server's certificate may come from.

    A network that inspects TLS has one of its own: REQUESTS_CA_BUNDLE or
    SSL_CERT_FILE names its file. True means those of the `certifi` package.
    """
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if bundle := os.environ.get(name):
            if not Path(bundle).exists():
                raise BadSetup(f"{name} names a file that does not exist.", advice=f"Correct or unset {name}.")
            return bundle
    return True
