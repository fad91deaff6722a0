"""Which names and addresses are this machine's own, to itself."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_own(header: str, told: str) -> bool:
    """Whether a ``Host`` header names this machine: by an address, for no other site can have that as its name.

    Args:
        header: The header.
        told: The name or address that the server was told to listen at.
    """
    try:
        name = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", told.lower()):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not is_loopback(told)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine to itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_elsewhere(origin: str, site: str, host: str) -> bool:
    """Whether a browser sends a request for a page of another site, as it says by its headers; programs send neither.

    Args:
        origin: ``Origin``; ``""`` where it is not there.
        site: ``Sec-Fetch-Site``, likewise.
        host: By which name the server is asked; any other name is another site.
    """
    try:
        place = urlsplit(origin).netloc
    except ValueError:
        place = ""
    return bool(origin and site != "same-origin" and place != host) or site not in ("", "none", "same-origin")
