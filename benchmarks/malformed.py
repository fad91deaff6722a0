"""Broken requests by the thousand: whether any is answered by a 5xx, and whether memory stays where it was."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.goals import Goal
from benchmarks.serving import RunningServer

REQUESTS = 10_000
OF_A_RUN = 60
"""Examples of each operation that Schemathesis makes in one run."""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
BROKEN_FILES = 2000


def malformed(server: RunningServer, photos: list[bytes], requests: int) -> tuple[list[Goal], dict[str, object]]:
    """Send requests made from the OpenAPI document, valid and not, and broken photos in each kind of body."""
    statuses = broken_files(server, photos, BROKEN_FILES // 10)
    sent, failures = from_document(server, 0)
    settled = server.megabytes()
    seed = 0
    while sent < requests:
        seed += 1
        more, failed = from_document(server, seed)
        sent, failures = sent + more, failures + failed
    statuses += broken_files(server, photos, BROKEN_FILES)
    after = server.megabytes()
    bad = sum(n for status, n in statuses.items() if status >= 500 or not status)
    return [
        Goal(f"answers that are not as the document says, of {sent:,} requests made from it", failures, "at most", 0),
        Goal(f"5xx or broken connections of {sum(statuses.values()):,} broken files", bad, "at most", 0),
        Goal("memory after all of them, against after the first of them", after / settled, "at most", 1.1, "x"),
    ], {
        "malformed_requests": sent,
        "broken_files": {str(status): n for status, n in sorted(statuses.items())},
        "megabytes": [settled, after],
    }


def from_document(server: RunningServer, seed: int) -> tuple[int, int]:
    """How many requests Schemathesis made, and how many of them failed."""
    with TemporaryDirectory() as elsewhere:  # where it leaves files of its own
        done = _schemathesis(server, seed, elsewhere)
    found = re.search(r"(\d+) generated", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    failed = re.search(r"(\d+) found (\d+) unique failures", done.stdout)
    if done.returncode:
        print(done.stdout[-4000:], file=sys.stderr)
    return int(found[1]), int(failed[1]) if failed else int(bool(done.returncode))


def _schemathesis(server: RunningServer, seed: int, folder: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", f"http://127.0.0.1:{server.port}/openapi.json"),
            *("--checks", CHECKS, "-n", str(OF_A_RUN), "--mode", "all", "--seed", str(seed)),
            *("--phases", "coverage,fuzzing", "--continue-on-failure", "--generation-database", "none"),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def broken_files(server: RunningServer, photos: list[bytes], n: int) -> Counter[int]:
    """The statuses of photos that are cut, have bytes changed, are none, or lie in bodies of another type."""
    chance = np.random.default_rng(n)
    connection = HTTPConnection("127.0.0.1", server.port)
    found: Counter[int] = Counter()
    for place in range(n):
        content = bytearray(photos[place % len(photos)])
        kind = int(chance.integers(4))
        if kind == 0:
            del content[int(chance.integers(len(content))) :]
        elif kind == 1:
            for at in chance.integers(0, len(content), 20):
                content[at] = int(chance.integers(256))
        elif kind == 2:
            for at in chance.integers(0, min(700, len(content)), 8):  # where the headers are
                content[at] = int(chance.integers(256))
        else:
            content = bytearray(content[:24] + chance.bytes(int(chance.integers(2000))))
        body, header = _wrapped(bytes(content), int(chance.integers(5)))
        try:
            connection.request("POST", "/predict", body, {"Content-Type": header})
            answer = connection.getresponse()
            answer.read()
            found[answer.status] += 1
        except OSError:
            connection.close()
            found[0] += 1
    return found


def _wrapped(content: bytes, way: int) -> tuple[bytes, str]:
    if way == 0:
        return content, "image/jpeg"
    if way == 1:
        return json.dumps({"images": [base64.b64encode(content).decode()]}).encode(), "application/json"
    if way == 2:
        part = b'--e\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\n' + content + b"\r\n--e--\r\n"
        return part, "multipart/form-data; boundary=e"
    return content, ("application/json", "multipart/form-data; boundary=e")[way - 3]
