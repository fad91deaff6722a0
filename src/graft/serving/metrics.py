"""What a server counts, for Prometheus; in a registry of its own."""

from __future__ import annotations

from typing import Any

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Requests, items, seconds, what waits, and errors by their code."""

    def __init__(self, model: str, version: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

        own: dict[str, Any] = {"registry": CollectorRegistry()}
        self.registry = own["registry"]
        ProcessCollector(**own)
        self._requests = Counter("graft_requests", "Requests by route and status.", ("route", "status"), **own)
        self._seconds = Histogram(
            "graft_request_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            **own,
        )
        self._items = Counter("graft_items", "Items by what became of them.", ("outcome",), **own)
        self._errors = Counter("graft_errors", "Refused requests and items by the code of the error.", ("code",), **own)
        self._waiting = Gauge("graft_items_waiting", "Items that wait for their answers.", **own)
        self._bytes = Gauge("graft_body_bytes", "Bytes of bodies that are read or answered.", **own)
        self._died = Gauge("graft_decoders_died", "Decoding children that an item took with it.", **own)
        told = Gauge("graft_model_info", "The model that answers.", ("model", "version"), **own)
        told.labels(model, version).set(1)

    def request(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def items(self, good: int, bad: int) -> None:
        """Items were answered, or could not be."""
        self._items.labels("answered").inc(good)
        self._items.labels("refused").inc(bad)

    def error(self, code: str) -> None:
        """A request or an item was refused."""
        self._errors.labels(code).inc()

    def show(self, waiting: int, taken: int, died: int) -> bytes:
        """All figures in the text form of Prometheus."""
        from prometheus_client import generate_latest

        self._waiting.set(waiting)
        self._bytes.set(taken)
        self._died.set(died)
        text: bytes = generate_latest(self.registry)
        return text
