"""What makes a function of an export: its handler, the packages for the machine that runs it, a zip, a container."""

from __future__ import annotations

import hashlib
from importlib import resources
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from graft.errors import UsageError
from graft.export.draft import GRAPH, LABELS, Added, Draft
from graft.export.examples import EXAMPLE, needs_of, template
from graft.export.options import TargetOptions
from graft.export.read_me import README
from graft.export.serverless.libraries import Machine
from graft.export.serverless.packages import BEHIND, install_packages
from graft.export.serverless.trainer import EVENT, WEIGHTS, add_trainer, check_model, requirements_of_training
from graft.export.tokenizing.files import FOLDER as TOKENIZER
from graft.files import zipped

PACKAGES, ZIP, SETTINGS, DOCKERFILE = "packages", "function.zip", "function.json", "Dockerfile"
SCRIPTS = ("handler.py", "predicting.py", "http_events.py", "object_events.py", "start.py")
EVENTS = ("http_events", "object_events")
GLIBC = {"3.12": (2, 34), "3.13": (2, 34)}
"""Of what Lambda runs each Python on (Amazon Linux 2023). Its 3.11 stands on glibc 2.26, too old for ONNX Runtime."""
PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""As Lambda calls the processors, and as those call them that build containers."""
PLATFORM = "x86_64"
PYTHON = "3.13"
MOST_ZIPPED, MOST_UNZIPPED = 50, 250
"""Megabytes, of 1,048,576 bytes as Lambda counts them, that it takes: of a zip that is sent, and of all in it."""
_BASE64 = "base64_items.py"


def check(options: TargetOptions) -> None:
    """Whether a function can be made so.

    Raises:
        UsageError: A processor or a Python that is not offered, or a prefix that names no folder.
    """
    if options.python is not None and options.python not in GLIBC:
        raise UsageError(
            f"A function on Python {options.python} is not offered.", f"Choose --python {' or '.join(GLIBC)}."
        )
    if options.platform is not None and options.platform not in PLATFORMS:
        raise UsageError(
            f"A function on {options.platform} is not offered.", f"Choose --platform {' or '.join(PLATFORMS)}."
        )
    prefix = options.output_prefix
    if prefix is not None:
        named = prefix.removeprefix("s3://")
        bucket, _, inside = named.partition("/") if named != prefix else ("bucket", "", prefix)
        if not bucket or not inside.strip("/") or not prefix.isprintable():
            raise UsageError(
                f"The output prefix {prefix!r} names no folder, and the function would answer its own answers.",
                "Give one such as answers/ or s3://bucket/answers/.",
            )
        if {".", ".."} & set(inside.split("/")):
            raise UsageError(f"The output prefix {prefix!r} has a part of dots.", "Give the folder's own name.")


def complete(draft: Draft) -> Added:
    """Add handler, packages, zip and Dockerfile to a folder that holds graph, labels and example already.

    Raises:
        ExportError: The packages cannot be had, or do not fit the machine.
    """
    options = draft.options
    if options.train:
        check_model(draft.model)
    python = options.python or PYTHON
    machine = Machine(options.platform or PLATFORM, python, GLIBC[python])
    scripts = (*SCRIPTS, f"{EVENT}.py") if options.train else SCRIPTS
    for name in scripts:
        draft.write(name, asset(name))
    draft.write("answering.py", template("answering.py"))
    draft.write(_BASE64, _base64_items())
    draft.write_json(SETTINGS, settings_of(draft))
    libraries = install_packages(_needed(draft, python), draft.folder / PACKAGES, machine, options.wheels)
    if options.train:
        add_trainer(draft, draft.folder / PACKAGES)
    own = [EXAMPLE, GRAPH, LABELS, SETTINGS, "answering.py", _BASE64, *scripts]
    folders = [name for name in (TOKENIZER, WEIGHTS) if (draft.folder / name).is_dir()]
    draft.write(DOCKERFILE, _dockerfile(python, own, folders))
    files = {name: draft.folder / name for name in own}
    files |= _inside(draft.folder, folders) | _inside(draft.folder / PACKAGES, ["."])
    content = zipped((name, path.read_bytes()) for name, path in sorted(files.items()))
    draft.write(ZIP, content)
    written = (draft.folder / README).read_text(encoding="utf-8")
    draft.replace(
        README, written + about(machine, options.output_prefix) + (asset("train.md") if options.train else "")
    )
    let_all_read(draft.folder)
    unzipped = sum(path.stat().st_size for path in files.values())
    return told(len(content), unzipped, machine, libraries, options)


def settings_of(draft: Draft) -> dict[str, Any]:
    """What the handler reads: what the model is called by, which kinds of events there are, where answers go."""
    digest = hashlib.sha256((draft.folder / GRAPH).read_bytes()).hexdigest()
    events = [EVENT, *EVENTS] if draft.options.train else list(EVENTS)
    return {"version": digest[:12], "events": events, "output_prefix": draft.options.output_prefix}


def about(machine: Machine, prefix: str | None) -> str:
    """The part of ``README.md`` that says what to do with the folder."""
    keep = (
        f"Answers to objects go to `{prefix}` as `KEY.json`, and what lies there as `.json` is never answered."
        if prefix
        else "Set `GRAFT_OUTPUT_PREFIX` (`answers/`, `s3://bucket/answers/`) before objects in S3 trigger it."
    )
    text = asset("about.md")
    for name, value in {
        "python": machine.python,
        "platform": machine.platform,
        "docker": PLATFORMS[machine.platform],
        "objects": keep,
    }.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def told(sent: int, unpacked: int, machine: Machine, libraries: int, options: TargetOptions) -> Added:
    """How large it is against what Lambda takes, and which way is left where it is too large."""
    zip_mb, mb = sent / (1 << 20), unpacked / (1 << 20)
    source = "the package index, which was asked for them" if options.wheels is None else "the wheels that were given"
    lines = [
        ("Size", f"{zip_mb:.1f} MB of {MOST_ZIPPED} zipped, {mb:.1f} MB of {MOST_UNZIPPED} unzipped"),
        (
            "Runs",
            f"Python {machine.python}, {machine.platform}; {libraries} shared libraries from {source}, all checked",
        ),
    ]
    if mb > MOST_UNZIPPED:
        lines.append(("", "It does not fit a zip or a layer: build the container, see Dockerfile and README.md."))
    elif zip_mb > MOST_ZIPPED:
        lines.append(
            ("", "It is too large to be sent: put the zip, or packages/ as a layer, through S3; see README.md.")
        )
    if options.output_prefix:
        lines.append(("Objects", f"answers go to {options.output_prefix} as KEY.json; let another prefix trigger it"))
    way = "container" if mb > MOST_UNZIPPED else "s3" if zip_mb > MOST_ZIPPED else "zip"
    facts = {"zip_bytes": sent, "unzipped_bytes": unpacked, "libraries": libraries, "way": way}
    return Added(tuple(lines), facts)


def asset(name: str) -> str:
    """A file of a function that is the same for every model."""
    return resources.files("graft.export.serverless.assets").joinpath(name).read_text(encoding="utf-8")


def _needed(draft: Draft, python: str) -> list[str]:
    """What the example imports, and a fit, and what that imports, in the versions that the export was proved with."""
    names = [
        *(needs := needs_of(draft.labels)),
        *(name for one in needs for name in BEHIND.get(one, ()) if _here(name)),
    ]
    more = requirements_of_training(draft.labels["modality"], python) if draft.options.train else []
    return list(dict.fromkeys([*(f"{name}=={version(name)}" for name in names), *more]))


def _here(package: str) -> bool:
    """Whether it is installed: not every version of what needs it does."""
    return bool(list(distributions(name=package)))


def _base64_items() -> str:
    """The reader of base64 that ``graft serve`` has, with the handler's own kind of error."""
    text = resources.files("graft.decoding").joinpath(_BASE64).read_text(encoding="utf-8")
    return text.replace("from graft.errors import ItemError", "from answering import NotRead as ItemError")


def _dockerfile(python: str, files: list[str], folders: list[str]) -> str:
    copied = "".join(f"COPY --chmod=755 {name}/ ./{name}/\n" for name in folders)
    return (
        asset(DOCKERFILE).replace("{python}", python).replace("{files}", " ".join(files)).replace("{folders}", copied)
    )


def _inside(folder: Path, names: list[str]) -> dict[str, Path]:
    """Every file under some folders, by its place."""
    found = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path for path in found if "__pycache__" not in path.parts}


def let_all_read(folder: Path) -> None:
    """What a container copies keeps its mode, and there another user reads it."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
