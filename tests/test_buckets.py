"""Objects on a real S3 server: read, written, listed, brought into the cache; and what is said where that fails."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from buckets import KEY, SECRET, S3Server
from graft import buckets
from graft.buckets.fetching import AT_ONCE
from graft.buckets.keys import why_odd
from graft.errors import AddressError, Cancelled, GraftError, NothingToRead, OutputExists, UsageError
from graft.run import Run


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def keyless(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, and nobody's key in the surroundings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return s3


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/photos/", "s3://bucket/photos/"),
        ("S3A://bucket", "s3://bucket/"),
        ("gs://bucket/a b.csv", "gs://bucket/a b.csv"),
        ("az://photos/doors/", "az://photos/doors/"),
        ("abfss://photos@ann.dfs.core.windows.net/x", "abfss://photos@ann.dfs.core.windows.net/x"),
        ("file:///tmp/x", "file:///tmp/x"),
    ],
)
def test_an_address_is_told_from_a_path(text: str, shown: str) -> None:
    assert buckets.is_bucket_address(text)
    assert str(buckets.BucketAddress.of(text)) == shown


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/../b", "./a", "a//b", "/a", "a/", "a\nb", "a\x7f", "a\\b", "a\ufffd", "\ud800", "ä" * 128],
)
def test_a_key_that_is_no_name_of_a_file(name: str) -> None:
    assert why_odd(name)


@pytest.mark.parametrize("name", ["a", "a/b.jpg", "...", "..a", "a b/ä", "ä" * 127])
def test_a_key_that_is_the_name_of_a_file(name: str) -> None:
    assert not why_odd(name)


@pytest.mark.parametrize("text", ["photos/", "https://a.org/x", "C:\\photos", "hf:ann/doors", "", "s3:/bucket"])
def test_what_is_no_address(text: str) -> None:
    assert not buckets.is_bucket_address(text)


@pytest.mark.parametrize(
    "text", ["s3:///x", "s3://", "s3://b/a//b", "s3://b/../x", "s3://b/a/./b", "s3://b/a\nb", "file://x", "s3://-/x"]
)
def test_a_broken_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as told:
        buckets.fetch(text)
    assert told.value.hint


def test_an_address_with_a_secret_is_refused_without_it() -> None:
    with pytest.raises(UsageError) as told:
        buckets.fetch("s3://AKIA:hunter2@bucket/x")
    assert "hunter2" not in str(told.value)


def test_what_was_written_is_read(s3: S3Server) -> None:
    buckets.write_bytes("s3://private/written/plus + %41 é.txt", b"one")
    assert buckets.read_bytes("s3://private/written/plus + %41 é.txt", 3) == b"one"
    buckets.write_bytes("s3://private/written/plus + %41 é.txt", b"two")
    assert buckets.read_bytes("s3://private/written/plus + %41 é.txt", 3) == b"two"
    keys = {one["Key"] for one in s3.client().list_objects_v2(Bucket="private", Prefix="written/")["Contents"]}
    assert keys == {"written/plus + %41 é.txt"}


def test_reading_is_bounded(s3: S3Server) -> None:
    address = s3.put("bounded.txt", b"four")
    with pytest.raises(AddressError, match="4 bytes; the limit is 3"):
        buckets.read_bytes(address, 3)


def test_of_several_who_create_one_succeeds(s3: S3Server) -> None:
    def create(n: int) -> bool:
        try:
            buckets.write_bytes("s3://private/lock", str(n).encode(), create=True)
        except OutputExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


@pytest.mark.parametrize("address", ["s3://private/nowhere", "s3://private/nowhere/", "s3://no-such-bucket/x/"])
def test_where_nothing_is(s3: S3Server, address: str) -> None:
    with pytest.raises(NothingToRead) as told:
        buckets.fetch(address)
    assert told.value.hint


def test_a_bucket_that_is_not_there_takes_nothing(s3: S3Server) -> None:
    with pytest.raises(AddressError, match="no bucket"):
        buckets.write_bytes("s3://no-such-bucket/x", b"")


def test_a_folder_is_fetched_once(s3: S3Server) -> None:
    for key in ("once/a/1.txt", "once/a/2.txt", "once/b/3.txt"):
        address = s3.put(key, key.encode())
    first = buckets.bring("s3://private/once/")
    assert names(first.path) == ["a/1.txt", "a/2.txt", "b/3.txt"]
    assert first.path.name == "once"
    assert (first.n_fetched, first.skipped) == (3, {})
    assert buckets.bring("s3://private/once/").n_fetched == 0
    assert buckets.fetch("s3://private/once/") == first.path

    s3.put("once/b/3.txt", b"other")  # one changed, one new, one gone
    s3.put("once/b/4.txt", b"new")
    s3.client().delete_object(Bucket="private", Key="once/a/1.txt")
    second = buckets.bring("s3://private/once/")
    assert second.n_fetched == 2
    assert names(second.path) == ["a/2.txt", "b/3.txt", "b/4.txt"]
    assert (second.path / "b/3.txt").read_bytes() == b"other"
    assert (first.path / "b/3.txt").read_bytes() == b"once/b/3.txt"  # who reads it still has it

    assert buckets.fetch(address).read_bytes() == b"other"


def test_a_folder_without_a_slash_and_a_whole_bucket(s3: S3Server) -> None:
    s3.put("plain/x.txt", b"x")
    assert names(buckets.fetch("s3://private/plain")) == ["x.txt"]
    assert "plain/x.txt" in names(buckets.fetch("s3://private"))


def test_a_stopped_fetch_goes_on(s3: S3Server) -> None:
    n_objects = 8 * AT_ONCE + 20  # more than are under way by the time that the first is seen to have come
    client = s3.client()
    for n in range(n_objects):
        client.put_object(Bucket="private", Key=f"stopped/{n}.txt", Body=b"x" * n)
    flag = threading.Event()

    def progress(step: str, done: int, total: int) -> None:
        if step == "fetch" and done:
            flag.set()

    with pytest.raises(Cancelled):
        buckets.bring("s3://private/stopped/", Run(progress=progress, cancelled=flag))
    assert 0 < buckets.bring("s3://private/stopped/").n_fetched < n_objects


def test_large_objects_are_told_in_megabytes(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graft.buckets.fetching.BY_BYTES", 3_000_000)
    address = s3.put("large.bin", bytes(3_500_000))
    told: list[tuple[str, int, int]] = []
    buckets.fetch(address, Run(progress=lambda *step: told.append(step)))
    assert told[-1] == ("fetch_mb", 4, 4)
    assert {step for step, _, _ in told} == {"fetch_mb"}


def test_what_is_called_alike_is_named_and_the_rest_is_read(s3: S3Server) -> None:
    for key in (
        "alike/A.txt",
        "alike/a.txt",
        "alike/\u00e9.txt",
        "alike/e\u0301.txt",
        "alike/ctl\x01.txt",
    ):
        s3.put(key, b"x")
    for key in ("alike/", "alike/empty/", "alike/full/", "alike/full/x.txt"):
        s3.put(key, b"x" if key.endswith("t") else b"")
    brought = buckets.bring("s3://private/alike/")
    assert len(names(brought.path)) == 3
    assert "full/x.txt" in names(brought.path)
    assert len(brought.skipped) == 3
    assert not any("empty" in key or key.endswith("/") for key in brought.skipped)  # a marker is no trouble


def test_the_end_of_a_listing_is_told(s3: S3Server) -> None:
    for name in ("a", "b", "c"):
        s3.put(f"told/{name}.txt", b"x")
    told: list[tuple[str, int, int]] = []
    buckets.list_objects("s3://private/told/", Run(progress=lambda *step: told.append(step)))
    assert told[-1] == ("list", 3, 3)


def test_public_data_need_no_key(keyless: S3Server) -> None:
    address = keyless.put("open.txt", b"open", "public")
    assert buckets.read_bytes(address, 9) == b"open"
    assert names(buckets.fetch("s3://public/")) == ["open.txt"]


def test_without_a_home_no_profile_is_looked_for(keyless: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a function, whose user has neither a name nor a home."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    for name in ("HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert buckets.read_bytes(keyless.put("homeless.txt", b"open", "public"), 9) == b"open"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(AddressError, match="cannot be reached"):
        buckets.read_bytes("gs://bucket/x.txt", 9)


def test_a_missing_key_is_told_at_once(keyless: S3Server) -> None:
    address = keyless.put("secret.txt", b"secret")
    with pytest.raises(AddressError, match="without a key, and none was found") as told:
        buckets.read_bytes(address, 9)
    assert "AWS_ACCESS_KEY_ID" in told.value.hint
    assert told.value.denied


def test_a_folder_that_may_not_be_listed_says_which_key_to_set(
    keyless: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless.put("closed/secret.txt", b"secret")
    with pytest.raises(AddressError, match="without a key, and none was found") as told:
        buckets.fetch("s3://private/closed/")
    assert "AWS_ACCESS_KEY_ID" in told.value.hint
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(AddressError, match="with the key that was found") as told:
        buckets.fetch("s3://private/closed/")
    assert "AWS_ACCESS_KEY_ID" in told.value.hint


def test_a_profile_file_is_read(keyless: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = keyless.put("profile.txt", b"mine")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    credentials, config = tmp_path / "credentials", tmp_path / "config"
    credentials.write_text(
        f"[default]\naws_access_key_id = no\n[ann]\naws_access_key_id = {KEY}\naws_secret_access_key={SECRET}\n"
    )
    config.write_text(f"[profile ann]\nregion = us-east-1\nendpoint_url = {keyless.url}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "ann")
    assert buckets.read_bytes(address, 9) == b"mine"
    monkeypatch.setenv("AWS_PROFILE", "bob")
    with pytest.raises(AddressError, match="profile bob"):
        buckets.read_bytes(address, 9)
    credentials.write_text(f"{SECRET}\n")
    with pytest.raises(AddressError) as told:
        buckets.read_bytes(address, 9)
    assert SECRET not in str(told.value)


def test_no_error_holds_a_key(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    address = s3.put("kept.txt", b"x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONGWRONGWRONG1")
    with pytest.raises(GraftError, match="InvalidAccessKeyId") as told:
        buckets.read_bytes(address, 9)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(GraftError, match="cannot be reached") as other:
        buckets.read_bytes(address, 9)
    for text in (str(told.value), str(other.value), repr(buckets.list_objects)):
        assert SECRET not in text
        assert "AKIAWRONG" not in text
        assert "http" not in text  # the text of a store may hold an address that is signed


def test_an_object_that_is_too_large_for_the_disk(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put("room/x.txt", b"x")
    monkeypatch.setattr("graft.buckets.fetching.MARGIN", 1 << 62)
    with pytest.raises(AddressError, match="left"):
        buckets.fetch("s3://private/room/")


_LISTING = (
    "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>{}"
    "</ListBucketResult>"
)
_ENTRY = (
    "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;{}&quot;</ETag>"
    "<Size>{}</Size></Contents>"
)


class OddStore(BaseHTTPRequestHandler):
    """Speaks as much S3 as listing and reading need; its keys are those that SeaweedFS does not take."""

    keys = (
        "fine/a.txt",
        "fine//b.txt",
        "fine/./c.txt",
        "fine/../d.txt",
        "../e.txt",
        "/f.txt",
        "fine/g%20h.txt",
        "fine/i\\j.txt",
        f"fine/{'n' * 256}",
        "fine/folder",
        "fine/Folder/k.txt",
    )

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def do_GET(self) -> None:
        if "list-type" in self.path:
            by_url = "encoding-type" in self.path
            keys = [key.replace("%", "%25") if by_url else key for key in self.keys]
            body = _LISTING.format("".join(_ENTRY.format(key, at, 1) for at, key in enumerate(keys))).encode()
        else:
            body = b"x"
        self.send_response(200)
        for name, value in (("ETag", '"0"'), ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def test_an_odd_key_is_named_and_the_listing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OddStore)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "K")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")
    try:
        brought = buckets.bring("s3://b/")
        assert names(brought.path) == ["fine/Folder/k.txt", "fine/a.txt", "fine/g%20h.txt"]
        assert set(brought.skipped) == {*OddStore.keys} - {"fine/Folder/k.txt", "fine/a.txt", "fine/g%20h.txt"}
        assert all(brought.skipped.values())
    finally:
        server.shutdown()
        server.server_close()


def test_our_own_listing_is_signed_as_the_store_wants(s3: S3Server) -> None:
    from graft.buckets.access import with_access
    from graft.buckets.odd_keys import list_by_hand

    for n in range(3):
        s3.put(f"signed é/{n} +.txt", b"x")
    place = buckets.BucketAddress.of("s3://private/signed é/")
    found = with_access(place, lambda access: list(list_by_hand(access, Run())))
    assert [(key, size) for key, size, _ in found] == [(f"signed é/{n} +.txt", 1) for n in range(3)]


def test_a_profile_that_asks_a_program_for_its_key(
    keyless: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = keyless.put("process.txt", b"asked")
    answer = tmp_path / "key.json"
    answer.write_text(json.dumps({"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET}))
    config = tmp_path / "config"
    config.write_text(f"[profile bob]\ncredential_process = cat {answer}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "bob")
    assert buckets.read_bytes(address, 9) == b"asked"
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(AddressError, match="by credential_process, which needs boto3") as told:
        buckets.read_bytes(address, 9)
    assert "export-credentials" in told.value.hint


def test_a_machines_own_key_is_asked_for_last(keyless: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A metadata address that takes connections and gives no key costs seconds, not minutes."""
    address = keyless.put("machine.txt", b"x")
    asked: list[str] = []

    class Metadata(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            asked.append(self.path)
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_PUT()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    try:
        with pytest.raises(AddressError) as told:
            buckets.read_bytes(address, 9)
        assert "AWS_ACCESS_KEY_ID" in told.value.hint
        assert 0 < len(asked) < 10
        asked.clear()
        assert buckets.read_bytes(keyless.put("free.txt", b"o", "public"), 9) == b"o"
        assert asked == []
    finally:
        server.shutdown()
        server.server_close()


class FarStore(OddStore):
    """A bucket of another region: it says which one, and answers nothing else to those who ask in the wrong one."""

    keys = ("far/a.txt",)

    def do_HEAD(self) -> None:
        self._refuse()

    def do_GET(self) -> None:
        if "/eu-west-1/s3/" in self.headers.get("Authorization", ""):
            super().do_GET()
        else:
            self._refuse()

    def _refuse(self) -> None:
        self.send_response(301)
        self.send_header("x-amz-bucket-region", "eu-west-1")
        self.send_header("Content-Length", "0")
        self.end_headers()


def test_a_bucket_in_another_region_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FarStore)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "K")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")
    try:
        assert names(buckets.fetch("s3://b/far/")) == ["a.txt"]
        monkeypatch.setattr(FarStore, "_refuse", lambda self: self.send_error(301))
        with pytest.raises(AddressError, match="another region") as told:
            buckets.fetch("s3://b/far/")
        assert "AWS_REGION" in told.value.hint
    finally:
        server.shutdown()
        server.server_close()


def test_a_signed_request_is_sent_nowhere_else(s3: S3Server) -> None:
    from graft.buckets.access import Access
    from graft.buckets.addresses import BucketAddress
    from graft.buckets.odd_keys import list_by_hand

    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", f"http://localhost:{server.server_port}/latest/meta-data/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    keys = {"access_key_id": KEY, "secret_access_key": SECRET}
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        access = Access(None, BucketAddress.of("s3://private/odd/"), True, endpoint, "us-east-1", keys)
        with pytest.raises(AddressError, match="it answered 307"):
            list(list_by_hand(access, Run()))
    finally:
        server.shutdown()
        server.server_close()
    assert len(asked) == 1
    assert asked[0].startswith("/private?")
