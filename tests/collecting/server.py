"""A server on loopback that misbehaves in every way, and photos that look like nothing but themselves."""

import gzip
import io
import socket
import ssl
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

Behave = Callable[["Server", socket.socket, str], None]


def photo(seed: int, kind: str = "JPEG", size: int = 120, quality: int = 90) -> bytes:
    """Random clouds of colour: a picture that no other seed comes near to."""
    rng = np.random.default_rng(seed)
    clouds = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((size, size), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    clouds.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def answer(
    body: bytes, status: str = "200 OK", kind: str = "image/jpeg", length: int | None = None, **more: str
) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(place: str, status: str = "302 Found") -> Behave:
    return lambda server, peer, path: peer.sendall(answer(b"", status, Location=place.format(port=server.port)))


def send(whole: bytes) -> Behave:
    return lambda server, peer, path: peer.sendall(whole)


def first(n: int, bad: bytes, then: bytes) -> Behave:
    """``bad`` to the first requests, ``then`` to the others."""
    return lambda server, peer, path: peer.sendall(bad if server.asked[path] <= n else then)


def drip(server: "Server", peer: socket.socket, path: str) -> None:
    """A byte now and then, for as long as anybody listens."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for byte in GOOD:
        if server.closed.wait(0.02):
            return
        peer.sendall(bytes([byte]))


def flood(server: "Server", peer: socket.socket, path: str) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(100_000):
        peer.sendall(f"X-{n}: {'a' * 1000}\r\n".encode())


def reset(server: "Server", peer: socket.socket, path: str) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\xff\xd8")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def bomb(n: int) -> bytes:
    """A gzip file of ``n`` zeros after the beginning of a JPEG."""
    packer = zlib.compressobj(9, wbits=31)
    packed = packer.compress(photo(1)[:200])
    for _ in range(n >> 20):
        packed += packer.compress(bytes(1 << 20))
    return packed + packer.flush()


def on_and_on(head: bytes, more: bytes) -> Behave:
    """``head``, and then ``more`` for as long as anybody listens; what was sent of it is noted."""

    def behave(server: "Server", peer: socket.socket, path: str) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + head)
        while server.sent[path] < 200_000_000:
            peer.sendall(more)
            server.sent[path] += len(more)

    return behave


GOOD = photo(0)
NOTHING_MORE = b"\x00\x00\x00\xff\xff" * 10_000
"""Blocks of a packed file that hold nothing."""
BEHAVIOUR: dict[str, Behave] = {
    "/good.jpg": send(answer(GOOD)),
    "/wrong-type.jpg": send(answer(photo(2, "PNG"), kind="text/html")),
    "/404.jpg": send(answer(b"gone", "404 Not Found")),
    "/403.jpg": send(answer(b"no", "403 Forbidden")),
    "/401.jpg": send(answer(b"who", "401 Unauthorized", WWW_Authenticate="Basic")),
    "/410.jpg": send(answer(b"gone", "410 Gone")),
    "/429.jpg": first(1, answer(b"", "429 Too Many Requests", Retry_After="0"), answer(photo(3))),
    "/busy-at-first.jpg": first(1, answer(b"", "503 Later"), answer(photo(15))),
    "/500-twice.jpg": first(2, answer(b"", "500 Oops"), answer(photo(4))),
    "/500-always.jpg": send(answer(b"", "500 Oops")),
    "/long-rest.jpg": send(answer(b"", "503 Later", Retry_After="86400")),
    "/loop.jpg": redirect("/loop.jpg"),
    "/hop.jpg": redirect("/good-at-last.jpg", "308 Permanent Redirect"),
    "/good-at-last.jpg": send(answer(photo(5))),
    "/to-127.0.0.2.jpg": redirect("http://127.0.0.2:{port}/good.jpg"),
    "/to-metadata.jpg": redirect("http://169.254.169.254:{port}/good.jpg"),
    "/to-v6.jpg": redirect("http://[::1]:{port}/good.jpg"),
    "/to-mapped.jpg": redirect("http://[::ffff:10.0.0.1]:{port}/good.jpg"),
    "/to-ten.jpg": redirect("http://10.0.0.1:{port}/good.jpg"),
    "/to-decimal.jpg": redirect("http://2130706434:{port}/good.jpg"),
    "/to-file.jpg": redirect("file:///etc/passwd"),
    "/to-ftp.jpg": redirect("ftp://127.0.0.1/good.jpg"),
    "/to-port.jpg": redirect("http://127.0.0.1:22/good.jpg"),
    "/to-user.jpg": redirect("http://me:secret@127.0.0.1:{port}/good.jpg"),
    "/drip.jpg": drip,
    "/short.jpg": send(answer(photo(6), length=len(photo(6)) + 1000)),
    "/long.jpg": send(answer(photo(7), length=len(photo(7)) // 2)),
    "/chunks.jpg": send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense\r\n"),
    "/huge-length.jpg": send(answer(GOOD, length=10**12)),
    "/huge.jpg": send(answer(photo(8) + bytes(3_000_000))),
    "/bomb.jpg": send(answer(bomb(30_000_000), Content_Encoding="gzip")),
    "/packed.jpg": send(answer(gzip.compress(photo(9)), Content_Encoding="gzip")),
    "/packed-and-more.jpg": on_and_on(gzip.compress(photo(14)), bytes(50_000)),
    "/packed-nothing.jpg": on_and_on(zlib.compressobj(wbits=31).flush(zlib.Z_SYNC_FLUSH), NOTHING_MORE),
    "/bad-gzip.jpg": send(answer(GOOD, Content_Encoding="gzip")),
    "/brotli.jpg": send(answer(GOOD, Content_Encoding="br")),
    "/page.jpg": send(answer(b"<!DOCTYPE html><html><body>Sorry</body></html>")),
    "/text.jpg": send(answer(b"Dear all, this is not a picture at all, as you will see.")),
    "/drawing.svg": send(answer(b'<svg xmlns="http://www.w3.org/2000/svg"/>', kind="image/svg+xml")),
    "/cut.jpg": send(answer(photo(10)[: len(photo(10)) // 2])),
    "/dot.png": send(answer(photo(11, "PNG", size=1))),
    "/empty.jpg": send(answer(b"")),
    "/nothing.jpg": lambda server, peer, path: None,
    "/garbage.jpg": send(b"\x00\x01\x02 no HTTP at all\r\n\r\n"),
    "/reset.jpg": reset,
    "/flood.jpg": flood,
    "/same.jpg": send(answer(GOOD)),
    "/near.jpg": send(answer(photo(0, quality=40))),
    "/cookie.jpg": send(answer(photo(12), Set_Cookie="a=b")),
    "/t%C3%BCr%20auf.jpg": send(answer(photo(13))),
}


class Server:
    """Answers each path as ``BEHAVIOUR`` says, ``/n/SEED.jpg`` with a photo, and notes what it was asked."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, pause: float = 0.0) -> None:
        self.asked: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.requests: list[str] = []
        self.most_at_once = 0
        self.closed = threading.Event()
        self._tls, self._pause, self._now = tls, pause, 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self.closed.set()
        self._listener.close()

    def _listen(self) -> None:
        while not self.closed.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(peer, server_side=True) if self._tls else peer as own:
                self._answer(own)
        except OSError:
            pass

    def _answer(self, peer: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (more := peer.recv(65536)):
                return None
            request += more
            if request.startswith(b"\x16"):  # somebody speaks TLS
                return peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        path = urlsplit(request.split(b" ")[1].decode()).path
        with self._lock:
            self.asked[path] += 1
            self.requests.append(request.decode())
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            time.sleep(self._pause)
            if path.startswith("/n/"):
                peer.sendall(answer(photo(int(path[3:].partition(".")[0]))))
            else:
                BEHAVIOUR.get(path, send(answer(b"", "404 Not Found")))(self, peer, path)
        finally:
            with self._lock:
                self._now -= 1
