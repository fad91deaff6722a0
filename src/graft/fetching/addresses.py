"""Which addresses may be fetched: public ones by http and https, on the very machine that was checked."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from graft.errors import ItemError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 8000
"""Characters of an address; servers take some 8,000."""
PORTS = frozenset({80, 443})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_RELAYS = ipaddress.IPv4Network("192.88.99.0/24")
_DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")  # RFC 9637, younger than the tables of Python 3.11
_HOST = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,252}|[0-9a-f:.]{2,45}")
_SAFE = "%/:=&?~+!$,;'@()*[]|"


class WebAddress(NamedTuple):
    """An address, taken apart.

    Attributes:
        url: The whole, without fragment, in ASCII.
        scheme: ``http`` or ``https``.
        host: In ASCII and lower case.
        port: From 1 to 65,535.
        target: Path and query.
    """

    url: str
    scheme: str
    host: str
    port: int
    target: str


def locate(url: str, ports: Collection[int] = PORTS, base: WebAddress | None = None) -> WebAddress:
    """Take an address apart and check all of it but the machine, which is looked up when it is fetched.

    Args:
        url: The address; relative ones are joined to ``base``.
        ports: The ports that may be asked.
        base: Where a redirect came from. From https it may not lead to http.

    Raises:
        ItemError: ``bad_url``, ``scheme``, ``port`` or ``downgrade``.
    """
    if len(url) > MAX_URL:
        raise ItemError("bad_url", f"The address has {len(url):,} characters; the limit is {MAX_URL:,}.")
    try:
        parts = urlsplit(urljoin(base.url, url.strip()) if base else url.strip())
        scheme, name, port = parts.scheme.lower(), parts.hostname or "", parts.port
        host = name if ":" in name else name.encode("idna").decode("ascii").lower()
        path, query = (quote(part, safe=_SAFE) for part in (parts.path, parts.query))
    except ValueError as error:  # UnicodeError is one
        raise ItemError("bad_url", f"The address cannot be read: {error}.") from None
    if scheme not in _DEFAULT_PORTS:
        raise ItemError("scheme", f"The address is of the scheme {scheme[:20]!r}; only http and https are fetched.")
    if host and not _HOST.fullmatch(host):
        raise ItemError("bad_url", f"The address names no host: {host[:100]!r}.")
    if not host or parts.username is not None or parts.password is not None:
        raise ItemError("bad_url", "The address names no host." if not host else "The address holds a user's name.")
    if base and base.scheme == "https" and scheme == "http":
        raise ItemError("downgrade", f"A redirect leads from https to http ({host}).")
    port = _DEFAULT_PORTS[scheme] if port is None else port
    if port not in ports:
        allowed = ", ".join(map(str, sorted(ports)))
        raise ItemError("port", f"The address asks for port {port}; allowed: {allowed}.")
    target = (path or "/") + (f"?{query}" if query else "")
    shown = f"[{host}]" if ":" in host else host
    at = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return WebAddress(f"{scheme}://{shown}{at}{target}", scheme, host, port, target)


def resolve(host: str, port: int, allow: Sequence[Network] = ()) -> list[str]:
    """The numeric addresses of a host, each of them checked. What is connected to has to be one of these.

    A host with a single address that is not public is refused altogether: nobody needs one, and attackers do.

    Args:
        host: A name or number in any form that the system takes.
        port: Only for the system's look-up.
        allow: Networks that are allowed though they are not public.

    Raises:
        ItemError: ``no_address`` or ``private_address``.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ItemError("no_address", f"The host {host} is not known: {error}.", "Check the network.") from None
    numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for number in numbers:
        if not is_allowed(number, allow):
            raise ItemError("private_address", f"The host {host} leads to {number}, which is no public address.")
    if not numbers:
        raise ItemError("no_address", f"The host {host} has no address.", "Check the network.")
    return numbers


def is_allowed(number: str, allow: Sequence[Network] = ()) -> bool:
    """Whether a numeric address is public, or in a network that was allowed."""
    try:
        address = ipaddress.ip_address(number)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address.version == network.version and address in network for network in allow) or is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and so does the IPv4 address that it may hold inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved and address not in _RELAYS
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner)
    return address in _GLOBAL_UNICAST and address.is_global and address not in _DOCUMENTATION
