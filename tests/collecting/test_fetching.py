"""Against a server that misbehaves in every way: what can be kept is kept, and all else has its reason."""

import math
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

pytest.importorskip("httpcore2", reason="fetching needs httpcore2")

from collecting.conftest import LOOPBACK, QUICK
from collecting.server import BEHAVIOUR, GOOD, Server, photo
from graft.errors import ItemError
from graft.fetching.fetcher import Fetcher
from graft.fetching.rate_limit import Limits, RateLimiter

REASONS = {
    "/401.jpg": "status_401",
    "/403.jpg": "status_403",
    "/404.jpg": "status_404",
    "/410.jpg": "status_410",
    "/500-always.jpg": "busy",
    "/loop.jpg": "redirects",
    "/to-127.0.0.2.jpg": "private_address",
    "/to-metadata.jpg": "private_address",
    "/to-v6.jpg": "private_address",
    "/to-mapped.jpg": "private_address",
    "/to-ten.jpg": "private_address",
    "/to-decimal.jpg": "private_address",
    "/to-file.jpg": "scheme",
    "/to-ftp.jpg": "scheme",
    "/to-port.jpg": "port",
    "/to-user.jpg": "bad_url",
    "/drip.jpg": "timeout",
    "/short.jpg": "connection",
    "/long.jpg": "truncated",
    "/chunks.jpg": "connection",
    "/huge-length.jpg": "too_large",
    "/huge.jpg": "too_large",
    "/bomb.jpg": "too_large",
    "/packed-nothing.jpg": "too_large",
    "/bad-gzip.jpg": "encoding",
    "/brotli.jpg": "encoding",
    "/page.jpg": "not_a_picture",
    "/text.jpg": "not_a_picture",
    "/drawing.svg": "not_a_picture",
    "/cut.jpg": "truncated",
    "/dot.png": "too_small",
    "/empty.jpg": "empty",
    "/nothing.jpg": "connection",
    "/garbage.jpg": "connection",
    "/reset.jpg": "connection",
    "/flood.jpg": "connection",
    "ftp://127.0.0.1/a.jpg": "scheme",
    "file:///etc/passwd": "scheme",
    "javascript:alert(1)": "scheme",
    "http://": "bad_url",
    "http://[::1/a.jpg": "bad_url",
    "http://me:secret@127.0.0.1/a.jpg": "bad_url",
    "http://127.0.0.1:1/a.jpg": "port",
    "http://127.0.0.1/" + "a" * 9000: "bad_url",
    "data:image/png;base64,@@@": "bad_url",
    "data:text/plain,hello there, this is no picture": "not_a_picture",
}
KEPT = {
    "/good.jpg", "/wrong-type.jpg", "/429.jpg", "/busy-at-first.jpg", "/500-twice.jpg", "/hop.jpg", "/packed.jpg",
    "/packed-and-more.jpg", "/cookie.jpg", "/tür auf.jpg",
}  # fmt: skip
COPIES = {"/same.jpg", "/near.jpg"}
TWICE = {
    "/500-always.jpg",
    "/drip.jpg",
    "/short.jpg",
    "/chunks.jpg",
    "/nothing.jpg",
    "/garbage.jpg",
    "/reset.jpg",
    "/flood.jpg",
}


@pytest.fixture
def fetcher(server):
    return Fetcher(QUICK, RateLimiter(0), LOOPBACK, {server.port})


def fetch(fetcher, url):
    place = fetcher.locate(url)
    assert fetcher.rate_limiter.try_acquire(place.host)
    return fetcher.fetch(place)


def test_every_answer_has_its_reason(server, gather, lines):
    named = {path.replace("%C3%BC", "ü").replace("%20", " ") for path in BEHAVIOUR} - {
        "/good-at-last.jpg",
        "/long-rest.jpg",
    }
    assert named == {path for path in REASONS if path.startswith("/")} | KEPT | COPIES
    done = gather(all=["/good.jpg"])
    done = gather(all=[*KEPT, *COPIES, *REASONS])
    state = {line["url"].removeprefix(server.url("")): (line["state"], line.get("reason")) for line in lines()}
    for path in KEPT:
        assert state[path] == ("kept", None), path
    assert state["/same.jpg"] == ("duplicate", "same_content")
    assert state["/near.jpg"] == ("duplicate", "near_copy")
    wanted = {
        path: reason for path, reason in REASONS.items() if not path.startswith(("data:", "http://127.0.0.1/aaa"))
    }
    assert {path: state[path][1] for path in wanted} == wanted
    assert done.classes["all"].kept == len(KEPT)
    assert sum(done.classes["all"].refused.values()) + sum(done.classes["all"].failed.values()) == len(REASONS)
    assert {path: server.asked[path] for path in TWICE} == dict.fromkeys(TWICE, 3)
    assert server.asked["/404.jpg"] == server.asked["/403.jpg"] == 1
    assert server.asked["/loop.jpg"] == 6
    assert "/etc/passwd" not in server.asked
    asked = server.asked.copy()
    gather(all=[*KEPT, *COPIES, *REASONS])  # what failed is tried again, and nothing else
    again = {path for path in asked if server.asked[path] > asked[path]}
    assert again == {path for path, reason in REASONS.items() if reason in ("busy", "timeout", "connection")}
    noted = [line["url"] for line in lines() if line["state"] != "failed"]
    assert len(noted) == len(set(noted))


def test_no_more_is_read_than_a_file_may_have(server, gather):
    gather(all=["/packed-and-more.jpg", "/packed-nothing.jpg"])
    for path in ("/packed-and-more.jpg", "/packed-nothing.jpg"):  # some lies in the buffers of both ends
        assert server.sent[path] < 20_000_000


def test_a_redirect_to_a_host_that_rests_for_long_is_not_waited_for(server):
    fetcher = Fetcher(Limits(total=300), RateLimiter(0), LOOPBACK, {server.port})
    fetcher.rate_limiter.rest("127.0.0.2", 200)
    with pytest.raises(ItemError) as caught:
        fetch(fetcher, server.url("/to-127.0.0.2.jpg"))
    assert caught.value.reason == "busy"


def test_who_waits_for_a_host_stops_with_all_others(server):
    fetcher = Fetcher(Limits(total=300), RateLimiter(0), LOOPBACK, {server.port})
    fetcher.rate_limiter.rest("127.0.0.2", 50)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(fetch, fetcher, server.url("/to-127.0.0.2.jpg"))
        while not server.asked["/to-127.0.0.2.jpg"]:
            time.sleep(0.01)
        time.sleep(0.2)  # until it waits for its turn
        fetcher.stop()
        with pytest.raises(ItemError) as caught:
            waiting.result(240)
    assert caught.value.reason == "timeout"


def test_a_handshake_that_hangs_is_broken_off():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        fetcher = Fetcher(Limits(connect=300, total=300), RateLimiter(0), LOOPBACK, {port})
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(fetch, fetcher, f"https://127.0.0.1:{port}/a.jpg")
            peer, _ = listener.accept()
            with peer:
                assert peer.recv(1) == b"\x16"  # the handshake has begun, and nobody answers
                fetcher.stop()
                with pytest.raises(ItemError):
                    waiting.result(240)


def test_a_handshake_that_hangs_ends_in_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        limits = Limits(connect=math.inf, total=0.5)  # no socket takes that, so it is the total that ends it
        fetcher = Fetcher(limits, RateLimiter(0), LOOPBACK, {port})
        with pytest.raises(ItemError) as caught:
            fetch(fetcher, f"https://127.0.0.1:{port}/a.jpg")
    assert caught.value.reason == "timeout"


def test_a_name_server_that_does_not_answer_is_left_behind(fetcher, server, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: answered.wait(60))
    with pytest.raises(ItemError) as caught:
        fetch(fetcher, server.url("/good.jpg"))
    assert caught.value.reason == "timeout"
    assert not answered.is_set()
    answered.set()


def test_what_nobody_expected_costs_one_picture(server, gather, lines, monkeypatch):
    real = socket.getaddrinfo

    def odd(host, *args, **options):
        if host == "odd.example":
            raise RuntimeError("odd")
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", odd)
    done = gather(all=[f"http://odd.example:{server.port}/a.jpg", "/\ud800.jpg", "/good.jpg"])
    assert done.classes["all"].kept == 1
    assert done.classes["all"].refused == {"unexpected": 1, "bad_url": 1}
    n_lines = len(lines())
    gather(all=[f"http://odd.example:{server.port}/a.jpg", "/\ud800.jpg", "/good.jpg"])
    assert len(lines()) == n_lines


def test_a_host_that_asks_for_a_long_rest_gets_it(server, gather, lines):
    done = gather(all=["/long-rest.jpg", "/n/1.jpg", "data:text/plain,a text that is no picture at all", "/n/2.jpg"])
    assert done.classes["all"].failed["busy"] >= 1
    assert server.asked["/long-rest.jpg"] == 1
    assert done.classes["all"].refused == {"not_a_picture": 1}
    assert gather(all=["/n/1.jpg", "/n/2.jpg"]).classes["all"].kept == 2  # a later run tries again


def test_nothing_of_the_user_is_told(server, gather):
    gather(all=["/cookie.jpg", "/hop.jpg", "/n/1.jpg"])
    for request in server.requests:
        names = {line.partition(":")[0].lower() for line in request.split("\r\n")[1:] if line}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "User-Agent: graft/" in request


def test_proxies_of_the_environment_are_not_used(server, gather, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert gather(all=["/good.jpg"]).classes["all"].kept == 1


def test_a_name_is_looked_up_once_and_connected_to_as_it_was_checked(server, fetcher, monkeypatch):
    asked = []
    real = socket.getaddrinfo

    def rebinding(host, port, *args, **options):
        if host != "doors.example":
            return real(host, port, *args, **options)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert fetch(fetcher, f"http://doors.example:{server.port}/good.jpg").content == GOOD
    assert asked == ["doors.example"]
    assert f"Host: doors.example:{server.port}\r\n" in server.requests[0]
    with pytest.raises(ItemError) as caught:
        fetch(fetcher, f"http://doors.example:{server.port}/good.jpg")
    assert caught.value.reason == "private_address"


def test_one_private_address_among_several_refuses_the_host(server, fetcher, monkeypatch):
    real = socket.getaddrinfo
    both = [*real("127.0.0.1", server.port), *real("10.0.0.1", server.port)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: both)
    with pytest.raises(ItemError) as caught:
        fetch(fetcher, server.url("/good.jpg"))
    assert caught.value.reason == "private_address"
    assert not server.asked


@pytest.mark.parametrize("path", ["/good.jpg", "/hop.jpg", "/404.jpg", "/to-ten.jpg", "/loop.jpg", "/reset.jpg"])
def test_a_turn_is_given_back_whatever_happens(server, fetcher, path):
    for _ in range(3):
        with nullcontext() if path in ("/good.jpg", "/hop.jpg") else pytest.raises(ItemError):
            fetch(fetcher, server.url(path))


def test_a_server_that_speaks_no_tls(server, fetcher):
    with pytest.raises(ItemError) as caught:
        fetch(fetcher, server.url("/good.jpg").replace("http:", "https:"))
    assert caught.value.reason == "tls"


@pytest.fixture
def certificate(tmp_path):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=doors.example",
         "-addext", "subjectAltName=DNS:doors.example", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, capture_output=True,
    ) if subprocess.run(["which", "openssl"], capture_output=True).returncode == 0 else None  # fmt: skip
    if made is None or made.returncode:
        pytest.skip("there is no openssl on this machine")
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def test_certificates_are_checked_against_the_name(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    names = []
    context.sni_callback = lambda _, name, __: names.append(name)
    server = Server(tls=context)
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **options: real("127.0.0.1", *args, **options))
    trust = ssl.create_default_context(cafile=certificate[0])
    try:
        believing = Fetcher(QUICK, RateLimiter(0), LOOPBACK, {server.port}, trust)
        assert fetch(believing, f"https://doors.example:{server.port}/n/1.jpg").content == photo(1)
        assert names == ["doors.example"]
        for doubting, host in (
            (Fetcher(QUICK, RateLimiter(0), LOOPBACK, {server.port}), "doors.example"),
            (believing, "windows.example"),
        ):
            with pytest.raises(ItemError) as caught:
                fetch(doubting, f"https://{host}:{server.port}/n/1.jpg")
            assert caught.value.reason == "tls"
    finally:
        server.close()
