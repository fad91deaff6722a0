"""``graft serve``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from graft.cli.options import download_option, log_asked, log_options
from graft.cli.output import clean_word, say, show_json
from graft.cli.paths import Command, InputPath
from graft.errors import NotABundle, UsageError

PORTS = ("AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT", "PORT")
"""Where clouds say on which port a container has to listen."""
PORT = 8080
CLOUD = Path("/opt/ml/model")
"""Where SageMaker unpacks a model."""


@click.command(name="serve", cls=Command)
@click.argument("model", type=InputPath(Path), required=False)
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
@download_option
@click.option("--json", "as_json", is_flag=True, help="Print address, model and version as one JSON value.")
def command(
    model: Path | None,
    index: Path | None,
    host: str | None,
    port: int | None,
    key: str | None,
    no_key: bool,
    name: str,
    keep_alive: int,
    drain_delay: float,
    drain_limit: float,
    log_file: Path | None,
    log_mb: int | None,
    log_items: bool,
    allow_download: bool,
    as_json: bool,
) -> None:
    """Answer over HTTP with MODEL: POST /predict with files, JSON or a form. GET /docs shows all of it.

    Without MODEL it is looked for in /opt/ml/model, where SageMaker unpacks it.
    """
    from graft.loopback import is_loopback
    from graft.serving import serve_model
    from graft.serving.keys import ENVIRONMENT

    host = host or os.environ.get("GRAFT_HOST") or "127.0.0.1"
    key = key if key is not None else os.environ.get(ENVIRONMENT) or None
    no_key = no_key or os.environ.get("GRAFT_NO_KEY", "") not in ("", "0")
    if key == "":
        raise UsageError("--key is empty.", "Give a key, or --no-key if anybody may ask.")
    if key and no_key:
        raise UsageError("Both a key and --no-key were given.", "Give one of them.")
    if not key and not no_key and not is_loopback(host):
        raise UsageError(
            f"At {host} other machines reach the server, and there is no key.",
            "Set GRAFT_KEY (or --key), or give --no-key if anybody may ask.",
        )
    model = model or _found(CLOUD)
    if not as_json:
        say(f"Loading {clean_word(str(model))}", err=True)
    serve_model(
        model,
        index=index,
        host=host,
        port=_port(os.environ) if port is None else port,
        key=key or "",
        no_key=no_key,
        name=name,
        keep_alive=keep_alive,
        drain_delay=drain_delay,
        drain_limit=drain_limit,
        allow_download=allow_download,
        log=log_asked(log_file, log_mb, log_items=log_items),
        warned=lambda line: say(line, err=True),
        told=lambda found: show_json(found) if as_json else say(f"{found['address']}/docs"),
    )


def _port(environment: Mapping[str, str]) -> int:
    for variable in PORTS:
        if given := environment.get(variable):
            if not (given.isascii() and given.isdigit() and int(given) <= 65535):
                raise UsageError(f"{variable} is {given!r}.", "Give a port: a number up to 65535.")
            return int(given)
    return PORT


def _found(place: Path) -> Path:
    """The model that a cloud has put there: the folder itself, or the one bundle in it."""
    from graft.bundle import is_bundle

    if is_bundle(place):
        return place
    inside = sorted(path for path in place.iterdir() if is_bundle(path)) if place.is_dir() else []
    if len(inside) == 1:
        return inside[0]
    found = f"{len(inside)} models" if inside else "no model"
    raise NotABundle(f"No MODEL was given, and there is {found} in {place}.", "Name it: graft serve MODEL.")
