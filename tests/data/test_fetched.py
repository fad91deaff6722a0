"""Tables of addresses: fetched where that was asked for, under guard; each bad row named and skipped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest

import graft
from buckets import S3Server
from graft.errors import AddressError, DataError, GraftError
from graft.fetching.web import shown

pytest.importorskip("httpcore2", reason="fetching needs httpcore2")


class Files(BaseHTTPRequestHandler):
    """Serves the files of a folder, and what is wrong."""

    folder: Path
    asked: list[str]

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.asked.append(self.path)
        if path == "/to-metadata.png":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        file = self.folder / path.strip("/")
        content = b"<html>" if path == "/page.png" else file.read_bytes() if file.is_file() else b""
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of the photos on loopback, which is allowed here, and an empty cache."""
    handler = type("PhotoFiles", (Files,), {"folder": photos, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.asked = handler.asked  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr("graft.fetching.web.ALLOWED", (ip_network("127.0.0.0/8"),))
    monkeypatch.setattr("graft.fetching.web.ALLOWED_PORTS", {server.server_port})
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def table(folder: Path, rows: dict[str, str], column: str = "image") -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([f"{column},label", *(f"{item},{label}" for item, label in rows.items())]))
    return path


def good(web: str, photos: Path) -> dict[str, str]:
    return {f"{web}/{path.relative_to(photos).as_posix()}": path.parent.name for path in sorted(photos.rglob("*.png"))}


def test_what_was_not_asked_for_is_not_fetched(tmp_path: Path) -> None:
    rows = {f"https://example.org/{n}.png?sig=secret{n}": "ab"[n % 2] for n in range(4)}
    with pytest.raises(DataError, match=r"column 'image' of table\.csv holds addresses") as told:
        graft.read(table(tmp_path, rows))
    assert "--fetch" in told.value.hint
    assert "secret" not in str(told.value)


def test_a_table_of_addresses_is_the_same_data_set(web: str, photos: Path, tmp_path: Path) -> None:
    rows = good(web, photos)
    there = graft.read(table(tmp_path, rows), fetch=True)
    here = graft.read(photos)
    assert [item.read() for item in there.items] == [item.read() for item in here.items]
    assert there.labels == here.labels
    assert [item.name for item in there.items] == list(rows)


def test_bad_rows_are_named_and_files_are_fetched_once(
    web: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {
        f"{web}/gone.png": "404",
        f"{web}/to-metadata.png": "port 80",
        "http://127.0.0.1:9/x.png": "port 9",
        "https://ann:hunter2@example.org/x.png": "user's name",
    }
    rows = {**good(web, photos), **dict.fromkeys([*bad, f"{web}/page.png"], "circle")}
    data = graft.read(table(tmp_path, rows), fetch=True)
    assert len(data) == 36
    reasons = {one.path: one.reason for one in data.skipped}
    for address, why in bad.items():
        assert why in reasons[shown(address)], address
    assert "hunter2" not in str(data.skipped)
    assert reasons[f"{web}/page.png"]
    monkeypatch.setattr("graft.fetching.web.ALLOWED_PORTS", {9})  # nothing can be fetched now
    assert len(graft.read(table(tmp_path, rows), fetch=True)) == 36


def test_no_private_address_is_asked(web: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graft.fetching.web.ALLOWED", ())
    with pytest.raises(DataError) as told:
        graft.read(table(tmp_path, good(web, photos)), fetch=True)
    assert "no public address" in str(told.value)


def test_a_signed_address_is_read_and_not_shown(web: str, photos: Path, tmp_path: Path) -> None:
    rows = {
        f"{address}?X-Amz-Signature=abc123&n={n}": label for n, (address, label) in enumerate(good(web, photos).items())
    }
    data = graft.read(table(tmp_path, {**rows, f"{web}/gone.png?sig=abc123": "circle"}), fetch=True)
    assert len(data) == 36
    assert not any(
        "abc123" in name for name in (*(item.name for item in data.items), *(one.path for one in data.skipped))
    )


def test_objects_of_buckets(s3: S3Server, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    address = s3.put_folder(photos, "cells/photos")
    rows = good(address.rstrip("/"), photos)
    data = graft.read(table(tmp_path, {**rows, f"{address}none.png": "circle"}, "path"), fetch=True)
    assert len(data) == 36
    (skipped,) = data.skipped
    assert skipped.path == f"{address}none.png"
    with pytest.raises(GraftError, match="There is nothing at"):
        graft.read(table(tmp_path, {f"{address}none.png": "a", f"{address}n.png": "b"}), fetch=True)


def test_a_column_of_texts_may_hold_addresses(tmp_path: Path) -> None:
    rows = {f"https://example.org/{n}": "ab"[n % 2] for n in range(4)}
    data = graft.read(table(tmp_path, rows, "text"))
    assert (data.modality, len(data)) == ("text", 4)


def test_a_table_cannot_fill_the_disk(web: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graft.fetching.web.MARGIN", 1 << 62)  # more than any disk has
    with pytest.raises(AddressError, match="the disk is full"):
        graft.read(table(tmp_path, good(web, photos)), fetch=True)


def test_a_fit_says_where_its_files_came_from(web: str, photos: Path, tmp_path: Path) -> None:
    source = table(tmp_path, good(web, photos))
    model = graft.fit(graft.read(source, fetch=True))
    assert model.job.reading.fetch
    assert {one.path for one in model.job.plan.inputs} == {str(source), web}
    assert model.report.n_items == 36


@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("https://a.org/x?X-Amz-Credential=A&X-Amz-Signature=B&n=1", "https://a.org/x?X-Amz-Credential=...&X-Amz-Signature=...&n=1"),
        ("https://a.org/x?sv=1&sig=a%3D&se=2", "https://a.org/x?sv=1&sig=...&se=2"),
        ("https://a.org/x?token=1", "https://a.org/x?token=..."),
        ("https://a.org/x?id=1", "https://a.org/x?id=1"),
        ("https://me:secret@a.org/x@2.jpg", "https://...@a.org/x@2.jpg"),
    ],
)  # fmt: skip
def test_what_signs_an_address_is_not_printed(address: str, printed: str) -> None:
    assert shown(address) == printed
