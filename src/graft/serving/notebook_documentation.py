"""How a server of a notebook is asked: an OpenAPI document that says what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graft.serving.media_types import BYTES, JSON
from graft.serving.openapi import (
    FLAG,
    NUMBER,
    READY,
    TEXT,
    WHOLE,
    asked_of,
    document_of,
    list_of,
    object_of,
    problem_of,
    ref_to,
    refusal_of,
    told_of,
)

if TYPE_CHECKING:
    from graft.serving.notebook_runs import NotebookRuns

_EVENT = object_of({"event": TEXT, "data": TEXT, "id": TEXT}, ("event", "data"))
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}


def document(runs: NotebookRuns) -> dict[str, Any]:
    """The OpenAPI document of a server of a notebook."""
    paths: dict[str, Any] = {
        "/runs": {
            "post": _beginning(runs),
            "get": told_of("The runs that are known, the newest first.", ref_to("Runs"), "401"),
        },
        "/runs/{run_id}": {"get": _of_run("How far a run is, and what it came to.", ref_to("Run"))},
        "/runs/{run_id}/cancel": {"post": _cancelling()},
        "/runs/{run_id}/events": {
            "get": _of_run("What a run says, as it says it; the last event is 'end'.", _EVENT, "429", kind=_STREAM)
        },
        "/runs/{run_id}/result": {"get": _of_run("What a run has left, by name.", ref_to("Result"), "409")},
        "/runs/{run_id}/result.zip": {"get": _of_run("All of it as a zip.", TEXT, "409", kind="application/zip")},
        "/runs/{run_id}/result/{name}": {"get": _of_run("One of its files.", TEXT, "409", kind=BYTES)},
        "/healthz": {"get": told_of("Whether the process lives.", object_of({"status": TEXT}))},
        "/readyz": {"get": told_of("Whether runs are taken, and will go on to be.", READY, "503")},
        "/ping": {"get": told_of("Whether the process lives, for SageMaker.", object_of({"status": TEXT}))},
        "/metrics": {"get": told_of("Figures for Prometheus.", TEXT, "401", kind="text/plain")},
    }
    paths["/runs/{run_id}/result/{name}"]["get"]["parameters"].append(_in_path("name"))
    for operations in paths.values():
        if "post" in operations:
            operations["post"]["responses"]["403"] = refusal_of("403")
    title = f"{runs.notebook.stem}, a notebook served by Graft"
    return document_of(title, f"notebook {runs.version}", _about(runs), paths, _schemas())


_STREAM = "text/event-stream"


def _about(runs: NotebookRuns) -> str:
    limits = runs.limits
    names = ", ".join(runs.settings) or "none"
    seconds = "" if limits.seconds is None else f" A run may take {limits.seconds:g} seconds."
    return (
        f"Each run executes the notebook from top to bottom. Its parameters: {names}. {limits.at_once} at once, "
        f"{limits.waiting} may wait.{seconds} The last {limits.kept} runs are kept, as long as they take no more than "
        f"{limits.kept_bytes >> 20} MB."
    )


def _schemas() -> dict[str, Any]:
    state = {"enum": ["queued", "running", "done", "failed", "stopped"]}
    error = {"anyOf": [object_of({"cell": WHOLE, "name": TEXT, "message": TEXT}), {"type": "null"}]}
    shell = object_of({"cell": WHOLE, "command": TEXT, "exit_code": WHOLE})
    progress = object_of({"cell": WHOLE, "cells": WHOLE})
    times = {"id": TEXT, "state": state, "created": TEXT, "started": _MAYBE, "ended": _MAYBE, "progress": progress}
    ended = {
        "ok": FLAG,
        "seconds": NUMBER,
        "notebook": _MAYBE,
        "files": list_of(TEXT),
        "models": list_of(TEXT),
        "error": error,
        "shell": list_of(shell),
        "warnings": list_of(TEXT),
    }
    left = object_of({"name": TEXT, "bytes": WHOLE})
    return {
        "Problem": problem_of({}),
        "Run": object_of({**times, "parameters": {"type": "object"}, **ended}, (*times, "parameters")),
        "Runs": object_of({"runs": list_of(object_of(times))}),
        "Result": object_of(
            {"id": TEXT, "state": state, "notebook": _MAYBE, "models": list_of(TEXT), "files": list_of(left)}
        ),
    }


def _beginning(runs: NotebookRuns) -> dict[str, Any]:
    given = {"type": "object", "properties": {name: {} for name in runs.names}, "additionalProperties": False}
    asked = object_of({"parameters": given, "time_limit": {"type": "number", "exclusiveMinimum": 0}}, ())
    asked["example"] = {"parameters": dict.fromkeys(runs.settings[:2], "...")}
    return asked_of(
        "Begin a run, or let it wait for its turn.",
        {JSON: {**asked, "additionalProperties": False}},
        "It is known by its id; Location says where.",
        {JSON: ref_to("Run")},
        *("400", "401", "408", "413", "415", "422", "429", "503"),
        status="202",
    )


def _cancelling() -> dict[str, Any]:
    operation = _of_run("End a run.", ref_to("Run"), "409")
    operation["responses"]["202"] = operation["responses"].pop("200")
    return operation


def _of_run(summary: str, schema: Any, *refusals: str, kind: str = JSON) -> dict[str, Any]:
    operation = told_of(summary, schema, "401", "404", *refusals, kind=kind)
    operation["parameters"] = [_in_path("run_id")]
    return operation


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}
