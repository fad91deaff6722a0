"""What makes an image of a notebook: a copy of its folder, Graft's own wheel, what it imports, a Dockerfile."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from graft.errors import UsageError
from graft.export.docker.folder import BASES, REQUIREMENTS, image_python, tag_of
from graft.export.docker.folder import asset as docker_asset
from graft.export.docker.pins import pinned
from graft.export.draft import CERTIFICATE
from graft.export.exported_folder import hashes_of, megabytes_of
from graft.export.exporting import check_free, put_in_place
from graft.export.options import NOTHING_SAID, TargetOptions
from graft.export.proof.certificate import Certificate, versions_here
from graft.export.serverless.folder import PYTHON as LAMBDA_PYTHON
from graft.export.serverless.folder import check as check_function
from graft.export.serverless.folder import let_all_read
from graft.files import write_synced
from graft.notebooks.folder import check_folder, copy_folder
from graft.notebooks.parameters import settings_of
from graft.notebooks.source import Cell, code_cells, need_libraries, needs_elsewhere, read_notebook
from graft.own_wheel import own_wheel

TARGETS = {"serverless": ("python", "output_prefix"), "docker": ("gpu",)}
"""Where a notebook can go, and which options are known there."""
FOLDER = "notebook"
EXTRAS = ("collect", "export", "notebooks", "serve", "speech", "text-offline")
"""What the image has of Graft whatever the notebook does: all that needs no torch, and no network to answer."""
WITH_TORCH = ("hub", "tune")
LAMBDA_BASE = "public.ecr.aws/lambda/python"
_LISTED = "requirements.txt"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ipynb")
_PREFIX = re.compile(r"s3://[A-Za-z0-9!_.*'()/-]+")
_REQUIRED = re.compile(r"[A-Za-z0-9][^\n]*")


@dataclass(frozen=True, slots=True)
class ExportedNotebook:
    """What was written.

    Attributes:
        target: A key of ``TARGETS``.
        path: The folder.
        mb: Megabytes of its files.
        notebook: What the notebook is called in the image.
        names: What its cells set to literals, which are its parameters.
        requirements: What the image installs, a line each.
        missing: Modules that its cells import, and that nothing here brings.
    """

    target: str
    path: Path
    mb: float
    notebook: str
    names: tuple[str, ...]
    requirements: tuple[str, ...]
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values: those of a model's export, of which a notebook has no answers to compare."""
        return {
            "target": self.target,
            "path": str(self.path),
            "mb": self.mb,
            "agreement": None,
            "largest_difference": None,
            "goldens": 0,
            "notebook": self.notebook,
            "parameters": list(self.names),
            "packages": len(self.requirements),
            "missing": list(self.missing),
        }


def export_notebook(
    path: str | Path,
    target: str,
    folder: str | Path,
    *,
    overwrite: bool = False,
    options: TargetOptions = NOTHING_SAID,
) -> ExportedNotebook:
    """Write the folder of an image that runs a notebook.

    Args:
        path: The notebook; what lies beside it goes along, but for hidden files.
        target: ``"serverless"`` (Lambda's container form, and Cloud Run and Azure Container Apps) or ``"docker"``.
        folder: What is written; its parents are made.
        overwrite: Whether an export that is there may be replaced.
        options: What is said about this target alone.

    Raises:
        UsageError: A notebook cannot go there, an option is not for it, or its folder is too large.
        NotebookError: It is no notebook that can run elsewhere.
        OutputExists: Something is there, and ``overwrite`` is false or it is no export.
        MissingExtra: The libraries that read notebooks are not installed.
    """
    path = Path(path)
    _check(target, options)
    check_free(folder, overwrite)
    need_libraries()
    cells = list(code_cells(read_notebook(path)))
    if needs := needs_elsewhere(cells):
        raise UsageError(f"{path} cannot run in an image: {'; '.join(needs)}.", "Take these cells out of it.")
    check_folder(path)
    name = path.name if _PLAIN.fullmatch(path.name) else f"{tag_of(path.stem)}.ipynb"
    imported = _imported(cells)
    python = _python(target, options)
    with put_in_place(Path(folder), overwrite) as place:
        copy = copy_folder(path, path.read_bytes(), place / FOLDER)
        for link in [one for one in (place / FOLDER).rglob("*") if one.is_symlink()]:
            raise UsageError(f"{link.name} beside the notebook is a link, which an image cannot follow.", "Copy it.")
        copy.rename(copy.with_name(name))
        wheel = own_wheel(place)
        extras = sorted({*EXTRAS, *(WITH_TORCH if options.gpu or "torch" in imported else ())})
        own = pinned(wheel, extras, python)
        more, missing = _more(imported, own, path.parent)
        lines = (*own, *more, *_required_beside(path.parent), f"./{wheel.name}[{','.join(extras)}]")
        names = tuple(settings_of(cells))
        files = {
            REQUIREMENTS: "\n".join(lines) + "\n",
            "Dockerfile": _dockerfile(target, python, wheel.name, name, options),
            ".dockerignore": f"*\n!{REQUIREMENTS}\n!{wheel.name}\n!{FOLDER}\n",
            "README.md": _about(target, name, names),
        }
        if target == "docker":
            files["compose.yaml"] = _asset("compose.yaml").replace("TAG", tag_of(Path(name).stem))
        for file, text in files.items():
            write_synced(place / file, text.encode())
        let_all_read(place)
        certificate = Certificate.of_notebook(target, name, hashes_of(place), versions_here())
        write_synced(place / CERTIFICATE, (json.dumps(certificate.to_dict(), indent=1) + "\n").encode())
        mb = round(megabytes_of(place), 2)
    return ExportedNotebook(target, Path(folder), mb, name, names, lines, tuple(missing))


def _check(target: str, options: TargetOptions) -> None:
    if target not in TARGETS:
        raise UsageError(
            f"A notebook cannot go --to {target}, which takes a model alone.",
            f"Choose --to {' or '.join(TARGETS)}; or run it (graft run), and export the model that it leaves.",
        )
    for option in options.given():
        if option not in TARGETS[target]:
            raise UsageError(
                f"--{option.replace('_', '-')} is not for a notebook that goes --to {target}.", "Leave it out."
            )
    if target == "serverless":
        check_function(options)
        prefix = options.output_prefix
        if prefix is not None and not prefix.startswith("s3://"):
            raise UsageError(
                f"The output prefix {prefix!r} names no bucket, and a notebook's function has none of its own.",
                "Give one such as s3://bucket/runs/.",
            )
        if prefix is not None and not _PREFIX.fullmatch(prefix):  # it becomes a line of the Dockerfile
            raise UsageError(
                f"The output prefix {prefix!r} holds a sign that a setting of an image cannot.",
                "Give letters, digits, and !-_.*'()/ alone.",
            )


def _python(target: str, options: TargetOptions) -> str:
    if target == "serverless":
        return options.python or LAMBDA_PYTHON
    return image_python(gpu=options.gpu)


def _dockerfile(target: str, python: str, wheel: str, notebook: str, options: TargetOptions) -> str:
    if target == "serverless":
        begin, home, command = f"FROM {LAMBDA_BASE}:{python}\n", "/var/task", "python3"
        end = 'ENTRYPOINT ["python3", "-m", "graft.notebooks.function"]\n'
    else:
        text = docker_asset("Dockerfile-gpu.txt" if options.gpu else "Dockerfile.txt")
        begin, home, command = text.replace("PYTHON", BASES[python]), "/opt/graft", "python"
        end = f'ENTRYPOINT ["graft"]\nCMD ["serve", "--notebook", "/opt/graft/{FOLDER}/{notebook}"]\n'
    more = f" GRAFT_OUTPUT_PREFIX={options.output_prefix}" if options.output_prefix else ""
    filled = {"HOME_FOLDER": home, "WHEEL": wheel, 'PYTHON"': f'{command}"', "/NOTEBOOK": f"/{notebook}", "MORE": more}
    return begin + _filled(_asset("Dockerfile.txt"), filled) + end


def _about(target: str, notebook: str, names: Sequence[str]) -> str:
    text = _asset("about.md") + (_asset("about-function.md") if target == "serverless" else "")
    told = ", ".join(f"`{name}`" for name in names) or "none"
    return _filled(text, {"TAG": tag_of(Path(notebook).stem), "NOTEBOOK": notebook, "NAMES": told})


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A template with its signs replaced; one that stands in a value, such as a notebook's name, stays there."""
    return re.sub("|".join(map(re.escape, values)), lambda found: values[found[0]], text)


def _imported(cells: Iterable[Cell]) -> set[str]:
    """Modules that the cells import, but for those of Python itself."""
    found = set()
    for cell in cells:
        for node in ast.walk(cell.tree) if cell.tree is not None else ():
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"graft"}


def _more(imported: Iterable[str], own: Sequence[str], beside: Path) -> tuple[list[str], list[str]]:
    """What the notebook needs beside what Graft brings, in the versions that are here; and what nothing brings."""
    homes = metadata.packages_distributions()
    known = {_name(re.split(r"[=<>!~\[ ;@]", line)[0]) for line in own} | {"graft-learn"}
    lines, missing = set(), []
    for module in sorted(imported):
        if (beside / f"{module}.py").is_file() or (beside / module).is_dir():
            continue
        found = [home for home in homes.get(module, ()) if home]
        if not found:
            missing.append(module)
        elif not known & set(map(_name, found)):
            lines.add(f"{found[0]}=={metadata.version(found[0]).partition('+')[0]}")
    return sorted(lines), missing


def _required_beside(beside: Path) -> list[str]:
    """The requirements that lie beside the notebook.

    Raises:
        UsageError: One of them is none that an image could install by itself.
    """
    listed = beside / _LISTED
    if not listed.is_file():
        return []
    try:
        text = listed.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{_LISTED} beside the notebook is not in UTF-8.", "Save it in UTF-8.") from None
    lines = [line.partition(" #")[0].strip() for line in text.splitlines()]
    for line in lines:
        if line and not line.startswith("#") and not _REQUIRED.fullmatch(line):
            raise UsageError(
                f"{_LISTED} beside the notebook says {line[:60]!r}, which an image cannot install by itself.",
                "List packages and their versions alone.",
            )
    return [line for line in lines if line and not line.startswith("#")]


def _name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _asset(name: str) -> str:
    return resources.files("graft.export.notebook").joinpath("assets", name).read_text(encoding="utf-8")
