"""Too much at once, probes meanwhile, keys, and the end."""

from __future__ import annotations

import asyncio
import http.client
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

import shapes

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")

from graft.errors import UsageError
from graft.listening import KEEP_ALIVE
from graft.serving.admission import Admission
from graft.serving.draining import Draining
from graft.serving.keys import ServerKey
from graft.serving.limits import ServerLimits
from graft.serving.problems import Problem
from serving_checks import LONG, ServerHere, ServerProcess, head, in_base64, wait_until

PHOTO = shapes.encoded("circle", 1)
SECRET = "a-key-of-some-length"
PROBES = ("/healthz", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready", "/v2/models/shapes/ready")


class Background:
    """Requests that are under way."""

    def __init__(self) -> None:
        self.replies: list[Any] = []
        self.threads: list[threading.Thread] = []

    def ask(self, server: Any, body: Any, kind: str = "") -> None:
        thread = threading.Thread(target=lambda: self.replies.append(server.predict(body, kind)), daemon=True)
        thread.start()
        self.threads.append(thread)

    def join(self) -> list[int]:
        for thread in self.threads:
            thread.join(LONG)
        return [reply.status for reply in self.replies]


@pytest.fixture
def stalled(saved: Path):
    """A server whose children are not started yet: what is asked of it waits."""
    server = ServerHere(saved, decoding=False, limits=ServerLimits(waiting=4, bodies=3_000_000))
    yield server
    server.stop()


def test_more_than_it_may_hold_is_told_to_come_again_and_the_others_are_answered(stalled: ServerHere):
    work, admission = Background(), stalled.server.admission
    work.ask(stalled, {"images": [in_base64(PHOTO)] * 3})
    wait_until(lambda: admission.waiting == 3)
    reply = stalled.predict({"images": [in_base64(PHOTO)] * 2})  # a batch counts as many
    assert (reply.status, reply.problem["code"]) == (429, "overloaded")
    assert int(reply.headers["retry-after"]) >= 1
    work.ask(stalled, PHOTO, "image/png")
    wait_until(lambda: admission.waiting == 4)
    assert stalled.predict(PHOTO, "image/png").status == 429
    assert stalled.predict(PHOTO, "image/png").headers.get("connection") != "close"
    for path in PROBES:
        assert stalled.ask("GET", path).status == 200
    figures = stalled.ask("GET", "/metrics").body.decode()
    assert "graft_items_waiting 4.0" in figures
    assert 'graft_errors_total{code="overloaded"} 3.0' in figures
    stalled.server.decoders.start()
    assert work.join() == [200, 200]
    assert admission.waiting == 0
    assert stalled.server.budget.taken == 0
    assert stalled.predict({"images": [in_base64(PHOTO)] * 6}).status == 200  # nobody else is there


def test_who_asks_first_while_there_is_no_room_loses_the_connection_and_no_request(stalled: ServerHere):
    work = Background()
    work.ask(stalled, {"images": [in_base64(PHOTO)] * 4})
    wait_until(lambda: stalled.server.admission.waiting == 4)
    with socket.create_connection(("127.0.0.1", stalled.port), timeout=LONG) as line:
        line.sendall(head(len(PHOTO)) + b"Expect: 100-continue\r\n\r\n")
        answer = b""
        while more := line.recv(65536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 429")
    assert b"connection: close" in answer
    stalled.server.decoders.start()
    assert work.join() == [200]


def test_bodies_take_no_more_memory_than_they_may(stalled: ServerHere):
    work = Background()
    work.ask(stalled, PHOTO + bytes(2_000_000), "image/png")
    wait_until(lambda: stalled.server.admission.waiting == 1)
    reply = stalled.predict(bytes(1_500_000), "image/png")
    assert (reply.status, reply.problem["code"]) == (429, "overloaded")
    with socket.create_connection(("127.0.0.1", stalled.port), timeout=LONG) as line:  # of a length that is not said
        line.sendall(head(None) + b"\r\n" + b"%x\r\n" % 1_500_000 + bytes(1_500_000) + b"\r\n0\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 429")
    stalled.server.decoders.start()
    work.join()
    assert stalled.server.budget.taken == 0


def test_probes_are_answered_while_a_long_body_waits_to_be_read(stalled: ServerHere):
    """It is read in a child, and the children have not begun."""
    work = Background()
    work.ask(stalled, b'{"images": ["' + b"A" * 1_200_000 + b'"]}', "application/json")
    wait_until(lambda: stalled.server.budget.taken > 0)
    for path in PROBES:
        assert stalled.ask("GET", path).status == 200
    stalled.server.decoders.start()
    assert work.join() == [415]


def test_how_long_others_are_asked_to_wait():
    admission = Admission(ServerLimits(waiting=10))
    assert admission.retry_after == 1
    with admission.items(10):
        with pytest.raises(Problem) as refused, admission.items(1):
            pass
        assert refused.value.headers == {"Retry-After": "1"}
        admission._seconds = 0.5
        assert admission.retry_after == 5
        admission._seconds = 1e9
        assert admission.retry_after == 30
    assert admission.waiting == 0


def test_only_probes_and_the_page_need_no_key(start, saved: Path):
    server = start(saved, key=SECRET)
    for path in (*PROBES, "/docs", "/docs/style.css", "/openapi.json"):
        assert server.ask("GET", path).status == 200, path
    for path in ("/metrics", "/v2", "/v2/models/shapes", "/nothing"):
        assert server.ask("GET", path).status == 401
    for given in ("", "Bearer", "Bearer ", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}", f"Basic {SECRET}", SECRET):
        reply = server.predict(PHOTO, "image/png", Authorization=given)
        assert reply.status == 401
        assert SECRET not in reply.body.decode()
        assert reply.headers["www-authenticate"] == "Bearer"
    reply = server.predict(PHOTO, "image/png", Authorization=f"bearer {SECRET}")
    assert reply.status == 200
    assert server.ask("POST", "/v2/models/shapes/infer", {}).json.keys() == {"error"}


def test_without_the_key_nothing_of_a_body_is_taken_in(start, saved: Path):
    server = start(saved, key=SECRET)
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as line:
        line.sendall(head(99_999) + b"Expect: 100-continue\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 401")  # and no 100 before
    assert server.predict(bytes(3_000_000), "image/png").status == 401
    assert server.server.budget.taken == 0


@pytest.mark.parametrize("key", ["", "with blank", "ümlaut", "new\nline", "x" * 501])
def test_a_key_that_no_header_can_hold(key: str):
    with pytest.raises(UsageError):
        ServerKey.of(key)


def test_a_key_is_kept_as_its_hash():
    assert SECRET not in repr(ServerKey.of(SECRET))
    assert SECRET.encode() not in ServerKey.of(SECRET).digest


def test_a_page_of_another_site_cannot_ask_under_a_name_of_its_own(start, saved: Path):
    server = start(saved, own_host="127.0.0.1")
    reply = server.predict(PHOTO, "image/png", Host="evil.example")
    assert (reply.status, reply.problem["code"]) == (421, "wrong_host")
    for host in ("localhost", "127.0.0.1:80", "[::1]:8080"):
        assert server.predict(PHOTO, "image/png", Host=host).status == 200


def test_it_is_ready_once_it_has_answered_and_lives_before(start, saved: Path):
    server = start(saved, ready=False)
    for path in PROBES:
        assert server.ask("GET", path).status == (200 if path in ("/healthz", "/v2/health/live") else 503), path
    probe = server.ask("GET", "/readyz")
    assert (probe.problem["code"], probe.headers["retry-after"]) == ("starting", "1")
    assert server.predict(PHOTO, "image/png").problem["code"] == "starting"
    asyncio.run(server.server.warm())
    assert {server.ask("GET", path).status for path in PROBES} == {200}
    assert server.predict(PHOTO, "image/png").status == 200


def test_idle_connections_are_kept_longer_than_balancers_keep_theirs_and_as_long_as_is_said(start, saved: Path):
    assert KEEP_ALIVE > 60
    for server in (start(saved, decoding=False, keep_alive=1), ServerProcess(saved, "--port", 0, "--keep-alive", 1)):
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=KEEP_ALIVE / 2)
        for _ in range(2):  # it is kept after an answer
            line.request("GET", "/healthz")
            answer = line.getresponse()
            assert (answer.read() != b"", answer.will_close) == (True, False)
        assert line.sock.recv(1) == b""  # and closed after a while, long before the usual time
        line.close()
        if isinstance(server, ServerProcess):
            assert server.stop()[0] == 0


def test_draining_says_when_it_is_done(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr("graft.serving.draining.time.monotonic", lambda: now[0])
    draining = Draining(delay=5.0, limit=10.0)
    assert not draining.done
    draining.begin()
    draining.running = 1
    for later, done in ((0, False), (6, False), (14.9, False), (15, True)):
        now[0] = 100.0 + later
        assert draining.done is done
    draining.running, now[0] = 0, 104.0
    assert not draining.done
    now[0] = 105.0
    assert draining.done


def test_at_the_end_what_runs_is_finished_and_idle_connections_hold_nothing_up(saved: Path):
    server = ServerHere(saved, decoding=False)
    idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LONG)
    idle.request("GET", "/readyz")
    assert idle.getresponse().read()
    work = Background()
    work.ask(server, PHOTO, "image/png")
    wait_until(lambda: server.server.admission.waiting == 1)
    server.draining.begin()
    probe = server.ask("GET", "/readyz")  # still answered, for something runs
    assert (probe.status, probe.problem["code"]) == (503, "draining")
    assert probe.headers["connection"] == "close"
    assert server.ask("GET", "/ping").status == 200
    work.ask(server, PHOTO, "image/png")  # who comes meanwhile is answered as well
    wait_until(lambda: server.server.admission.waiting == 2)
    server.server.decoders.start()
    server.stop()
    assert work.join() == [200, 200]
    idle.close()


def test_what_runs_longer_than_the_limit_does_not_hold_the_end_up(saved: Path):
    server = ServerHere(saved, decoding=False, draining=Draining(limit=0.0))
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as line:
        line.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 10\r\n\r\nab"
        )
        wait_until(lambda: server.draining.running == 1)
        server.draining.begin()
        server.thread.join(LONG)
        assert not server.thread.is_alive()
    server.server.decoders.start()
    server.stop()


def test_a_process_ends_well_at_sigterm_with_a_connection_open(saved: Path):
    server = ServerProcess(saved, "--port", 0, "--key", SECRET)
    with socket.create_connection(("127.0.0.1", server.port)):
        server.until_ready()
        code, said = server.stop()
    assert (code, SECRET in said) == (0, False), said


def test_a_process_that_is_ended_while_it_starts_ends_well(saved: Path):
    server = ServerProcess(saved, "--port", 0)
    server.process.send_signal(signal.SIGTERM)
    code, said = server.stop()
    assert code == 0, said


@pytest.mark.parametrize("endless", [b"X-More: and more\r\n", b"y"])
def test_a_head_without_an_end_is_given_up(pictures, endless: bytes):
    pytest.importorskip("httptools")
    with socket.create_connection(("127.0.0.1", pictures.port), timeout=LONG) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        try:
            for _ in range(300):
                line.sendall(endless * (10_000 // len(endless)))
            answer = line.recv(65536)
        except ConnectionError:  # it was closed while more came
            answer = b"HTTP/1.1 400"
        assert answer.startswith(b"HTTP/1.1 400")
    assert pictures.ask("GET", "/healthz").status == 200


def test_a_head_that_does_not_come_is_given_up(start, saved: Path, monkeypatch: pytest.MonkeyPatch):
    protocol = pytest.importorskip("graft.serving.protocol")
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    server = start(saved)
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        assert line.recv(65536) == b""
