"""A function as Lambda runs it, by Lambda's own client against a small Runtime API on loopback; and small wheels."""

import json
import os
import queue
import struct
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

MACHINES = {"x86_64": 62, "arm64": 183}
WAIT = 120
CLIENT = ("-m", "awslambdaric", "handler.handler")


ALONE = """set -e
mount --make-rprivate /
mount -t tmpfs -o ro,mode=000 none /sys
mount -t tmpfs -o ro,mode=000 none /dev/shm
mount --bind "$1" "$1"
mount -o remount,ro,bind /
shift
exec setpriv --reuid=4242 --regid=4242 --clear-groups \\
  --inh-caps=+dac_read_search --ambient-caps=+dac_read_search -- "$@"
"""
"""What Lambda's machine is like: nothing is written but in TMPDIR, no /dev/shm, nothing of the processor, no user."""


def alone(temporary):
    """The words before a command that run it so."""
    return ["unshare", "-m", "bash", "-c", ALONE, "bash", str(temporary)]


def can_be_alone(temporary):
    """Whether this machine lets the tests do that."""
    try:
        return subprocess.run([*alone(temporary), "true"], capture_output=True).returncode == 0
    except OSError:
        return False


class RuntimeApi(ThreadingHTTPServer):
    """What a runtime client asks for events and tells answers."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Call)
        self.events, self.answers, self.count = queue.Queue(), queue.Queue(), 0

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"


class Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name, event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        body = json.dumps(event).encode()
        self.send_response(200)
        for header, value in {
            "Lambda-Runtime-Aws-Request-Id": name,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:doors",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.answers.put((self.path, json.loads(body or b"null")))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing."""


class Failed(Exception):
    """The function raised."""


class Function:
    """A running function that is given events."""

    def __init__(self, api, process):
        self.api, self.process, self.log = api, process, ""

    def __call__(self, event):
        self.api.count += 1
        name = f"00000000-0000-0000-0000-{self.api.count:012d}"
        self.api.events.put((name, event))
        for _ in range(WAIT * 10):
            try:
                path, said = self.api.answers.get(timeout=0.1)
                break
            except queue.Empty:
                assert self.process.poll() is None, self.process.stdout.read().decode()
        else:
            raise AssertionError("no answer")
        if path.endswith("/error"):
            raise Failed(f"{said.get('errorType')}: {said.get('errorMessage')}")
        assert path.endswith(f"/{name}/response"), path
        return said


@contextmanager
def function(folder, temporary, *, python=sys.executable, command=CLIENT, before=(), **more):
    """Run the function of a folder, on a machine without a home."""
    api = RuntimeApi()
    threading.Thread(target=api.serve_forever, daemon=True).start()
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(temporary),
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "doors",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "eu-central-1",
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": "handler.handler",
        **more,
    }
    process = subprocess.Popen(
        [*before, str(python), *command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    running = Function(api, process)
    try:
        yield running
    finally:
        process.kill()
        running.log = process.stdout.read().decode(errors="replace")
        process.wait()
        api.events.put(("", None))
        api.shutdown()
        api.server_close()


def over_http(body=None, *, method="POST", path="/", flag=False, stage="$default", **headers):
    """An event of a function URL or of API Gateway's payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"stage": stage, "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
        "body": body,
        "isBase64Encoded": flag,
    }


def created(bucket, *keys, name="ObjectCreated:Put"):
    """An event of S3; keys as S3 writes them."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-central-1",
                "eventTime": "2025-01-01T00:00:00.000Z",
                "eventName": name,
                "s3": {
                    "bucket": {"name": bucket},
                    "object": {"key": key, "size": 1, "sequencer": "0055AED"},
                },
            }
            for key in keys
        ]
    }


def library(machine=62, needed=("GLIBC_2.17",)):
    """A shared library that holds nothing but what it needs: the head, two tables of sections, one of names."""
    names = b"\0libc.so.6\0" + b"".join(one.encode() + b"\0" for one in needed)
    at, places = 11, []
    for one in needed:
        places.append(at)
        at += len(one) + 1
    need = struct.pack("<HHIII", 1, len(needed), 1, 16, 0)
    for place, name in enumerate(places):
        need += struct.pack("<IHHII", 0, 0, 2 + place, name, 16 if place + 1 < len(places) else 0)
    start = 64 + len(names) + len(need)
    sections = bytes(64)
    sections += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    sections += struct.pack("<IIQQQQIIQQ", 0, 0x6FFFFFFE, 0, 0, 64 + len(names), len(need), 1, 1, 4, 0)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = struct.pack("<16sHHIQQQIHHHHHH", ident, 3, machine, 1, 0, 0, start, 0, 64, 0, 0, 64, 3, 0)
    return head + names + need + sections


def wheel(folder, package, files, *, python="cp313", platform="manylinux_2_28_x86_64"):
    """A wheel of a package in the version that is installed here, with these files."""
    name = package.replace("-", "_")
    info = f"{name}-{version(package)}.dist-info"
    tag = f"{python}-{python}-{platform}"
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version(package)}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version(package)}-{tag}.whl", "w") as archive:
        for place, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(place, content)


def wheels(folder, packages, **more):
    """Small wheels in the place of real ones: which files they hold is what an export looks at."""
    for package in packages:
        name = package.replace("-", "_")
        wheel(
            folder,
            package,
            {
                f"{name}/__init__.py": b"",
                f"{name}/core.cpython-313-x86_64-linux-gnu.so": library(),
                f"{name}/tests/test_it.py": b"",
                f"{name}.libs/libm.so.6": library(needed=("GLIBC_2.2.5", "GLIBC_2.28")),
            },
            **more,
        )
    return folder
