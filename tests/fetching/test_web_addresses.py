import ipaddress
import socket
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graft.errors import ItemError
from graft.fetching.addresses import is_allowed, locate, resolve

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "nonsense",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "192.169.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("number", PRIVATE)
def test_no_private_address_is_allowed(number):
    assert not is_allowed(number)


@pytest.mark.parametrize("number", PUBLIC)
def test_public_addresses_are_allowed(number):
    assert is_allowed(number)


def test_what_was_allowed_is_and_its_neighbours_are_not():
    allow = [ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("fd00::/8")]
    assert is_allowed("127.0.0.1", allow)
    assert is_allowed("::ffff:127.0.0.1", allow)
    assert is_allowed("fd12::1", allow)
    assert not is_allowed("127.0.0.2", allow)
    assert not is_allowed("::1", allow)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "::1", "::ffff:127.0.0.1"],
)
def test_loopback_is_refused_in_every_spelling(host):
    with pytest.raises(ItemError) as caught:
        resolve(host, 80)
    assert caught.value.reason == "private_address"


def test_a_name_that_nobody_has():
    with pytest.raises(ItemError) as caught:
        resolve("nobody.invalid", 80)
    assert caught.value.reason == "no_address"


def test_what_is_looked_up_is_numeric(monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **options: real("8.8.8.8", *args, **options))
    assert resolve("doors.example", 443) == ["8.8.8.8"]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://Doors.Example", "http://doors.example/"),
        ("https://doors.example/a b/tür.jpg?q=ä b#part", "https://doors.example/a%20b/t%C3%BCr.jpg?q=%C3%A4%20b"),
        ("https://doors.example/a%20b.jpg", "https://doors.example/a%20b.jpg"),
        ("http://tür.example/", "http://xn--tr-xka.example/"),
        ("http://doors.example:80/a", "http://doors.example/a"),
        ("http://[2606:4700::1]/a", "http://[2606:4700::1]/a"),
        ("  http://doors.example/a\n", "http://doors.example/a"),
    ],
)
def test_addresses_are_made_fit_to_be_sent(url, wanted):
    assert locate(url).url == wanted


def test_no_header_can_be_smuggled_in():
    assert "\r" not in locate("http://doors.example/a\r\nX-Evil: 1").target
    with pytest.raises(ItemError):
        locate("http://doors.exa mple/")


@pytest.mark.parametrize(
    ("place", "reason"),
    [("http://doors.example/b", "downgrade"), ("//doors.example:22/", "port"), ("gopher://doors.example/", "scheme")],
)
def test_a_redirect_is_checked_like_any_address(place, reason):
    with pytest.raises(ItemError) as caught:
        locate(place, base=locate("https://doors.example/a"))
    assert caught.value.reason == reason


@given(st.text(st.characters(exclude_categories=())), st.booleans())
@example("/\ud800.jpg", True)
@example("/a.jpg?b=\udfff", True)
def test_any_text_is_an_address_or_is_refused(text, with_host):
    with suppress(ItemError):
        assert locate("http://doors.example" * with_host + text).url.isascii()


def test_a_relative_redirect():
    assert locate("../b?c", base=locate("https://doors.example/x/y/a")).url == "https://doors.example/x/b?c"
    assert locate("https://other.example/", base=locate("http://doors.example/a")).scheme == "https"
