"""Google's and Azure's stores, as far as one machine can show it: a server on loopback speaks their protocols."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from graft import buckets
from graft.errors import AddressError, UsageError

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


class Vendor(BaseHTTPRequestHandler):
    """Lists and gives objects as Google's XML interface and Azure's do; notes who showed a key."""

    objects: dict[str, bytes]
    folders: tuple[str, ...] = ()
    closed = False
    signed: list[bool]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.signed.append("Authorization" in self.headers)
        if self.closed and not self.signed[-1]:
            self._say(409, b"<Error><Code>PublicAccessNotPermitted</Code></Error>")
        elif "list-type" in query:
            self._say(200, self._google(query.get("prefix", [""])[0]))
        elif query.get("comp") == ["list"]:
            self._say(200, self._azure(query.get("prefix", [""])[0]))
        else:
            key = unquote(parts.path).strip("/").split("/", 1)[1]
            found = self.objects.get(key)
            self._say(404 if found is None else 200, found or b"", folder=key in self.folders)

    def _google(self, prefix: str) -> bytes:
        entries = "".join(
            f'<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size><ETag>"{hash(content)}"</ETag>'
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return f"<?xml version='1.0'?><ListBucketResult><Name>b</Name>{entries}</ListBucketResult>".encode()

    def _azure(self, prefix: str) -> bytes:
        entries = "".join(
            f"<Blob><Name>{escape(key)}</Name><Properties><Last-Modified>{DATE}</Last-Modified>"
            f"<Content-Length>{len(content)}</Content-Length><Content-Type>text/plain</Content-Type><Etag>0x{hash(content)}</Etag>"
            f"{'<ResourceType>directory</ResourceType>' if key in self.folders[:1] else ''}"
            "</Properties></Blob>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        listed = f"<EnumerationResults><Blobs>{entries}</Blobs><NextMarker/></EnumerationResults>"
        return f"<?xml version='1.0'?>{listed}".encode()

    def _say(self, status: int, body: bytes, *, folder: bool = False) -> None:
        self.send_response(status)
        marks = {"x-ms-meta-hdi_isfolder": "true"} if folder else {}
        for name, value in {"Last-Modified": DATE, "ETag": f'"{hash(body)}"', **marks}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


Start = Callable[..., tuple[str, list[bool]]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a server with objects: its address, and for every request whether it was signed."""
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    running = []

    def run(objects: dict[str, bytes], **more: object) -> tuple[str, list[bool]]:
        signed: list[bool] = []
        handler = type("OneVendor", (Vendor,), {"objects": objects, "signed": signed, **more})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}", signed

    yield run
    for server in running:
        server.shutdown()
        server.server_close()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_google(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = {
        "photos/a/1.txt": b"1",
        "photos/b/2 + é.txt": b"2",
        "photos/b/": b"",
        "other.txt": b"3",
        "photos/c/": b"",
    }
    url, signed = start(objects)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url.removeprefix("http://"))
    brought = buckets.bring("gs://bucket/photos/")
    assert names(brought.path) == ["a/1.txt", "b/2 + é.txt"]
    assert brought.skipped == {}
    assert buckets.read_bytes("gs://bucket/other.txt", 9) == b"3"
    assert not any(signed)


def test_googles_odd_keys_are_named(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = start({"photos/a.txt": b"1", "photos//b.txt": b"2", "photos/../c.txt": b"3"})
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    brought = buckets.bring("gs://bucket/photos/")
    assert names(brought.path) == ["a.txt"]
    assert set(brought.skipped) == {"photos//b.txt", "photos/../c.txt"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN", "IDENTITY_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "ann")


@pytest.mark.usefixtures("account")
def test_azure_and_its_directory_entries(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = {"photos/a": b"", "photos/a/1.txt": b"1", "photos/empty": b"", "photos/zero.txt": b"", "photos/c": b""}
    url, signed = start(objects, folders=("photos/c", "photos/a", "photos/empty"))
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", url)
    brought = buckets.bring("az://container/photos/")
    assert names(brought.path) == ["a/1.txt", "zero.txt"]  # what is empty and no folder is an item
    assert brought.skipped == {}
    assert not any(signed)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    assert buckets.fetch("abfss://container@ann.dfs.core.windows.net/photos/a/1.txt").read_bytes() == b"1"
    assert signed[-1]


@pytest.mark.usefixtures("account")
def test_azures_closed_container_asks_for_a_key(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = start({"x.txt": b"1"}, closed=True)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", url)
    monkeypatch.setattr("graft.buckets.access.METADATA", "http://127.0.0.1:9")
    with pytest.raises(AddressError, match="without a key") as told:
        buckets.fetch("az://container/")
    assert "AZURE_STORAGE_ACCOUNT_KEY" in told.value.hint


def test_azure_needs_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(UsageError, match="whose container"):
        buckets.fetch("az://container/photos/")
