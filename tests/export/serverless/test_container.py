"""The container's steps done in a clean environment, and what it runs: in Lambda, and as a server anywhere else."""

import json
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

import dockerfiles
import serverless
import shapes
from export.serverless.test_function import encoded, said
from serverless import over_http

PHOTO = shapes.encoded("triangle", 95)
KEY = "the-key-of-the-tests"
BASE = {"LAMBDA_TASK_ROOT": "/var/task"}


@pytest.fixture(scope="module")
def image(exported_function, tmp_path_factory):
    """The image; its base's Python is another one, so it takes the packages that are here in the place of its own."""
    built = dockerfiles.built(exported_function.path, tmp_path_factory.mktemp("image"), base=BASE, pip=False)
    for package in ("numpy", "onnxruntime", "pillow"):
        assert (built.root / "var/task" / f"{package}.libs" / "libm.so.6").is_file()
        shutil.rmtree(built.root / "var/task" / package)
    here = sysconfig.get_paths()["platlib"]
    next((built.tools.parent / "lib").glob("python*/site-packages")).joinpath("here.pth").write_text(here)
    return built


@contextmanager
def served(image, **environment):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"PORT": str(port), **environment}
    process = image.start(environment=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        line = process.stdout.readline().decode()
        yield f"http://127.0.0.1:{port}", process, line
    finally:
        process.kill()
        process.wait()


def ask(url, body=None, key=KEY, **headers):
    sent = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(url, body, {**sent, **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_one_plain_image_for_a_named_processor(image, exported_function):
    assert image.base == "public.ecr.aws/lambda/python:3.13"
    assert (image.user, image.ports, image.not_done) == ("1000:1000", ["8080"], [])
    assert all(path.stat().st_mode & 0o755 == 0o755 for path in (image.root / "var/task").rglob("*"))
    assert not (image.root / "var/task/goldens").exists()
    assert (
        "docker build --provenance=false --platform linux/amd64" in (exported_function.path / "README.md").read_text()
    )


def test_as_a_server_it_needs_the_key_from_the_environment(image):
    with served(image, GRAFT_KEY=KEY) as (url, process, line):
        assert "all addresses" in line
        assert ask(f"{url}/healthz", key="") == (200, {"status": "ready"})
        status, found = ask(f"{url}/predict", PHOTO, **{"Content-Type": "image/jpeg"})
        assert (status, found["predictions"][0]["label"]) == (200, "triangle")
        asked = json.dumps({"images": [encoded(PHOTO)]}).encode()
        assert ask(url, asked)[1]["predictions"][0]["scores"] == found["predictions"][0]["scores"]
        for wrong in ("", "another", KEY.upper()):
            status, told = ask(url, PHOTO, key=wrong)
            assert (status, told["code"]) == (401, "no_key")
        assert ask(f"{url}/else", PHOTO)[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stdout.read() == b""


def test_a_body_that_is_too_long_or_does_not_say_how_long_it_is(image):
    with served(image, GRAFT_NO_KEY="1") as (url, _, _):
        for header, status in (("Content-Length: 99999999", b"413"), ("Transfer-Encoding: chunked", b"411")):
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line:
                line.sendall(f"POST /predict HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
                assert line.recv(99).split()[1] == status
        assert ask(url, PHOTO, key="")[0] == 200


def test_a_body_is_never_taken_for_the_next_request(image):
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    length = f"Content-Length: {len(hidden)}\r\n"
    chunks = "Transfer-Encoding: chunked\r\n"
    with served(image, GRAFT_NO_KEY="1") as (url, _, _):
        for head in (f"GET /ping HTTP/1.1\r\nHost: x\r\n{length}", f"GET /ping HTTP/1.1\r\nHost: x\r\n{chunks}",
                     f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{length}"):  # fmt: skip
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line:
                line.sendall(f"{head}\r\n".encode() + hidden)
                line.settimeout(20)
                answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
            assert answer.count(b"HTTP/1.1 ") == 1


def test_who_is_refused_reads_why_while_still_sending(image):
    body = bytes(24 << 20)
    with served(image, GRAFT_KEY=KEY) as (url, _, _):
        port = int(url.rpartition(":")[2])
        assert ask(url, body, key="wrong")[0] == 401
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
            assert line.recv(99).split()[1] == b"401"  # and no invitation to send
        with socket.create_connection(("127.0.0.1", port)) as line:
            head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: bearer {KEY}\r\nContent-Length: {len(PHOTO)}\r\n"
            line.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            assert line.recv(99).split()[1] == b"100"
            line.sendall(PHOTO)
            assert line.recv(99).split()[1] == b"200"


def test_what_is_being_answered_is_finished_at_the_end(image):
    with served(image, GRAFT_NO_KEY="1") as (url, process, _):
        ask(url, PHOTO, key="")
        body = json.dumps({"images": [encoded(PHOTO)] * 60}).encode()
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line:
            line.sendall(f"POST / HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            time.sleep(0.3)  # it is read by now or is not: either way it is answered whole or not begun
            process.send_signal(signal.SIGTERM)
            answer = b"".join(iter(lambda: line.recv(1 << 20), b""))
        assert process.wait(60) == 0
        assert not answer or len(json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"]) == 60


@pytest.mark.parametrize(
    ("environment", "words"), [({}, "no GRAFT_KEY is set"), ({"GRAFT_KEY": "k", "PORT": "none"}, "'none', and no port")]
)
def test_a_start_that_fails_ends_with_words(image, environment, words):
    with served(image, **environment) as (_, process, line):
        assert words in line
        assert process.wait(60) == 2


def test_in_lambda_it_runs_the_runtime_client(image, tmp_path):
    """The container's process is that client: signals reach it, and no server listens."""
    task = image.root / "var/task"
    python = image.tools / "python3"
    with serverless.function(task, tmp_path, python=python, command=("start.py",)) as call:
        assert said(call(over_http(encoded(PHOTO), flag=True)))["predictions"][0]["label"] == "triangle"
