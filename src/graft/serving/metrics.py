"""What a server counts, for Prometheus; in a registry of its own."""

from __future__ import annotations

from typing import Any

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RequestMetrics:
    """Requests, seconds, and errors by their code."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        ProcessCollector(**own)
        self._requests = Counter("graft_requests", "Requests by route and status.", ("route", "status"), **own)
        self._seconds = Histogram(
            "graft_request_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            **own,
        )
        self._errors = Counter("graft_errors", "Refused requests and items by the code of the error.", ("code",), **own)

    def request(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def error(self, code: str) -> None:
        """A request or an item was refused."""
        self._errors.labels(code).inc()

    def text(self) -> bytes:
        """All figures in the text form of Prometheus."""
        from prometheus_client import generate_latest

        text: bytes = generate_latest(self.registry)
        return text


class Metrics(RequestMetrics):
    """The same of a server of one model, and its items, and what waits."""

    def __init__(self, model: str, version: str) -> None:
        from prometheus_client import Counter, Gauge

        super().__init__()
        own: dict[str, Any] = {"registry": self.registry}
        self._items = Counter("graft_items", "Items by what became of them.", ("outcome",), **own)
        self._waiting = Gauge("graft_items_waiting", "Items that wait for their answers.", **own)
        self._bytes = Gauge("graft_body_bytes", "Bytes of bodies that are read or answered.", **own)
        self._died = Gauge("graft_decoders_died", "Decoding children that an item took with it.", **own)
        told = Gauge("graft_model_info", "The model that answers.", ("model", "version"), **own)
        told.labels(model, version).set(1)

    def items(self, good: int, bad: int) -> None:
        """Items were answered, or could not be."""
        self._items.labels("answered").inc(good)
        self._items.labels("refused").inc(bad)

    def show(self, waiting: int, taken: int, died: int) -> bytes:
        """All figures in the text form of Prometheus."""
        self._waiting.set(waiting)
        self._bytes.set(taken)
        self._died.set(died)
        return self.text()


class RunMetrics(RequestMetrics):
    """The same of a server of a notebook, and its runs."""

    def __init__(self, notebook: str, version: str) -> None:
        from prometheus_client import Counter, Gauge

        super().__init__()
        own: dict[str, Any] = {"registry": self.registry}
        self._runs = Counter("graft_runs", "Runs by how they ended.", ("state",), **own)
        self._now = Gauge("graft_runs_now", "Runs that wait or run.", ("state",), **own)
        self._kept = Gauge("graft_runs_kept_bytes", "Bytes that are kept of runs that have ended.", **own)
        told = Gauge("graft_notebook_info", "The notebook that is run.", ("notebook", "version"), **own)
        told.labels(notebook, version).set(1)

    def run(self, state: str) -> None:
        """A run has ended."""
        self._runs.labels(state).inc()

    def show(self, queued: int, running: int, kept: int) -> bytes:
        """All figures in the text form of Prometheus."""
        self._now.labels("queued").set(queued)
        self._now.labels("running").set(running)
        self._kept.set(kept)
        return self.text()
