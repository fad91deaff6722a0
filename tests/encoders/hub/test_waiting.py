"""Who waits for a download, in a process of its own, against a hub that takes its time."""

from __future__ import annotations

import subprocess
import sys

LONG = 240
SCRIPT = """
import sys, threading
from graft.encoders import encoder_for

found = {}

def ask(name, key):
    found[key] = encoder_for(name, "text", "onnxruntime")

waiting = [threading.Thread(target=ask, args=("tiny/bert", key)) for key in ("one", "two")]
for thread in waiting:
    thread.start()
sys.stdin.readline()  # the hub holds the file back now
ask("tiny/sentences", "other")
found["other"].warm()
print(sorted(found), flush=True)
sys.stdin.readline()
for thread in waiting:
    thread.join()
found["one"].warm()
print(found["one"] is found["two"], flush=True)
"""


def test_only_who_asks_for_the_same_model_waits_for_its_download(machine):
    machine.hub.trouble["tiny/bert"] = "slow"
    machine.hub.held.clear()
    machine.hub.may_go.clear()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**machine.environment, "HF_HUB_DOWNLOAD_TIMEOUT": str(LONG)},
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            assert machine.hub.held.wait(LONG)
            print(file=process.stdin, flush=True)
            assert process.stdout.readline() == "['other']\n"
            machine.hub.may_go.set()
            print(file=process.stdin, flush=True)
            assert process.stdout.readline() == "True\n"
        finally:
            machine.hub.may_go.set()
            process.kill()
    brought = [request for request in machine.hub.requests if request == "GET /storage/tiny/bert/model.safetensors"]
    assert len(brought) == 1
