"""``graft serve``."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from graft.cli.options import How, given, how_options, log_asked, log_options
from graft.cli.output import clean_word, say, show_json
from graft.cli.paths import Command, InputPath, ModelPath
from graft.errors import NotABundle, UsageError

PORTS = ("AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT", "PORT")
"""Where clouds say on which port a container has to listen."""
PORT = 8080
CLOUD = Path("/opt/ml/model")
"""Where SageMaker unpacks a model."""
OWN = "GRAFT_MODEL"
"""Where an image has a model of its own, which answers if the cloud has put none there."""
_OF_MODEL = ("model", "index", "name", "log_file", "log_mb", "log_items", "allow_download")
_OF_NOTEBOOK = ("runs", "time_limit", "secrets", "strict")


@click.command(name="serve", cls=Command)
@click.argument("model", type=ModelPath(), required=False)
@click.option(
    "--notebook", type=InputPath(Path), help="Run this notebook for who asks, under POST /runs; no MODEL then."
)
@click.option("--runs", type=click.IntRange(1, 64), default=1, help="Notebook: how many runs go on at once. [1]")
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="Notebook: seconds of a run. [3600]")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Notebook: its value is shown nowhere.")
@click.option("--strict", is_flag=True, help="Notebook: a shell line that fails ends the run.")
@click.option("--index", type=InputPath(Path), help="Find look-alikes in this index, under POST /search.")
@click.option("--host", help="Where to listen. [GRAFT_HOST, or 127.0.0.1: this machine only]")
@click.option("--port", type=click.IntRange(0, 65535), help=f"0 takes a free one. [{', '.join(PORTS)}, or {PORT}]")
@click.option("--key", help="Who asks has to send it. Better in GRAFT_KEY: arguments are seen by all users.")
@click.option("--no-key", is_flag=True, help="Anybody who reaches the port may ask. [GRAFT_NO_KEY=1]")
@click.option("--name", default="", help="What the model is called in addresses. [as its folder]")
@click.option(
    "--keep-alive", type=click.IntRange(1), default=75, show_default=True, help="Seconds of an idle connection."
)
@click.option(
    "--drain-delay", type=click.FloatRange(0), default=0.0, help="Seconds of going on after SIGTERM, as not ready."
)
@click.option(
    "--drain-limit", type=click.FloatRange(0), default=30.0, show_default=True, help="Seconds to finish what runs then."
)
@log_options
@how_options(json="Print address, model and version as one JSON value.", download=True)
def command(
    model: Path | None,
    notebook: Path | None,
    runs: int,
    time_limit: float | None,
    secrets: tuple[str, ...],
    strict: bool,
    index: Path | None,
    host: str | None,
    port: int | None,
    key: str | None,
    no_key: bool,
    name: str,
    log: dict[str, Any],
    how: How,
    **timing: Any,
) -> None:
    """Answer over HTTP with MODEL: POST /predict with files, JSON or a form. GET /docs shows all of it.

    Without MODEL it is looked for in /opt/ml/model, where SageMaker unpacks it, then at GRAFT_MODEL. With --notebook a
    notebook is run instead, with the parameters that are sent.
    """
    host = host or os.environ.get("GRAFT_HOST") or "127.0.0.1"
    no_key = no_key or os.environ.get("GRAFT_NO_KEY", "") not in ("", "0")
    served: dict[str, Any] = {
        "host": host,
        "port": _port(os.environ) if port is None else port,
        "key": _key(key, host, no_key=no_key),
        "no_key": no_key,
        "told": lambda found: show_json(found) if how.as_json else say(f"{found['address']}/docs"),
        **timing,
    }
    if notebook is not None:
        _refuse(_OF_MODEL, "is for a model, and --notebook was given")
        from graft.serving import check_installed, serve_notebook

        check_installed()
        from graft.serving.notebook_runs import RunLimits

        limits = RunLimits(at_once=runs, seconds=time_limit or RunLimits().seconds)
        serve_notebook(notebook, limits=limits, hidden=secrets, strict=strict, **served)
        return
    _refuse(_OF_NOTEBOOK, "is for --notebook, which was not given")
    from graft.serving import serve_model

    model = model or _unnamed()
    if not how.as_json:
        say(f"Loading {clean_word(str(model))}", err=True)
    serve_model(
        model,
        index=index,
        name=name,
        allow_download=how.allow_download,
        log=log_asked(**log),
        warned=lambda line: say(line, err=True),
        **served,
    )


def _refuse(names: Collection[str], why: str) -> None:
    """Refuse what belongs to the other thing that can be served.

    Raises:
        UsageError: Some of it was given.
    """
    if more := given(names):
        raise UsageError(f"{more[0]} {why}.", "Leave one of them out.")


def _key(key: str | None, host: str, *, no_key: bool) -> str:
    """The key that who asks has to send; ``""``: none.

    Raises:
        UsageError: Other machines would be let in without one, and nobody said that they may.
    """
    from graft.loopback import is_loopback
    from graft.serving.keys import ENVIRONMENT

    key = key if key is not None else os.environ.get(ENVIRONMENT) or None
    if key == "":
        raise UsageError("--key is empty.", "Give a key, or --no-key if anybody may ask.")
    if key and no_key:
        raise UsageError("Both a key and --no-key were given.", "Give one of them.")
    if not key and not no_key and not is_loopback(host):
        raise UsageError(
            f"At {host} other machines reach the server, and there is no key.",
            "Set GRAFT_KEY (or --key), or give --no-key if anybody may ask.",
        )
    return key or ""


def _port(environment: Mapping[str, str]) -> int:
    for variable in PORTS:
        if given := environment.get(variable):
            if not (given.isascii() and given.isdigit() and int(given) <= 65535):
                raise UsageError(f"{variable} is {given!r}.", "Give a port: a number up to 65535.")
            return int(given)
    return PORT


def _unnamed() -> Path:
    """The model that a cloud has put there, else the image's own.

    Raises:
        NotABundle: There is neither, or there are several.
    """
    own = os.environ.get(OWN)
    return Path(own) if own and not _inside(CLOUD) else _found(CLOUD)


def _inside(place: Path) -> list[Path]:
    """The folder itself where it is a bundle, else the bundles in it."""
    from graft.bundle import is_bundle

    if is_bundle(place):
        return [place]
    return sorted(path for path in place.iterdir() if is_bundle(path)) if place.is_dir() else []


def _found(place: Path) -> Path:
    inside = _inside(place)
    if len(inside) == 1:
        return inside[0]
    found = f"{len(inside)} models" if inside else "no model"
    raise NotABundle(f"No MODEL was given, and there is {found} in {place}.", "Name it: graft serve MODEL.")
