"""Run by the Python that has azure-ai-ml, and by no test's own: submits a job to a workspace on loopback.

The workspace answers as the service was recorded to: what is put comes back under its id, with a status that goes on
from question to question. What was sent is printed as one JSON value.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

STATES = ("Running", "Running", "Completed")
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
sent: list[dict] = []
jobs: dict[str, dict] = {}


class Workspace(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        path = self.path.partition("?")[0]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        sent.append({"path": path, "properties": body["properties"]})
        answer = {"id": path, "name": path.rsplit("/", 1)[-1], "type": "recorded", "properties": body["properties"]}
        if "/jobs/" in path:
            studio = {"endpoint": "https://studio.example/job", "jobServiceType": "Studio"}
            answer["properties"] |= {"status": "Starting", "services": {"Studio": studio}}
            jobs[path] = {"answer": answer, "asked": 0}
        self._reply(200, answer)

    def do_GET(self) -> None:
        job = jobs.get(self.path.partition("?")[0])
        if job is None:
            self._reply(404, {})
            return
        job["answer"]["properties"]["status"] = STATES[min(job["asked"], len(STATES) - 1)]
        job["asked"] += 1
        self._reply(200, job["answer"])

    def _reply(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Only what was sent is printed."""


class Credential:
    def get_token(self, *_: str, **__: object) -> SimpleNamespace:
        return SimpleNamespace(token="secret", expires_on=int(time.time()) + 3600)


def main() -> None:
    script, *words = sys.argv[1:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Workspace)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["AZUREML_DEV_URL_MFE"] = f"http://127.0.0.1:{server.server_port}"  # where the SDK asks
    from azure.ai.ml import MLClient

    azure_job = SimpleNamespace(**runpy.run_path(script, run_name="azure_job"))
    client = MLClient(Credential(), SUBSCRIPTION, "group", "space")
    asked = azure_job.parsed(words)
    job = azure_job.job_of(asked)
    found = job._validate()
    built = azure_job.job_of(azure_job.parsed([word for word in words if "registry" not in word and word != "--image"]))
    sys.stdout.flush()
    code = azure_job.main(words, client=client, pause=0)
    context = os.path.join(built.environment.base_path, built.environment.build.path)  # noqa: PTH118
    print(json.dumps({"code": code, "passed": found.passed, "context": context, "sent": sent}))


if __name__ == "__main__":
    main()
