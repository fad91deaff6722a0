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
