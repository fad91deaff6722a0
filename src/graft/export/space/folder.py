"""What makes a Space of an export: a page in Gradio, pinned versions of all it needs, the head of its README."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from importlib.metadata import version
from typing import Any

from graft.export.draft import Draft
from graft.front_matter import Value, headed

SDK_VERSION = "6.31.0"
"""The Gradio that the page was tested with; a test holds it to the pinned one."""
PYTHON_VERSION = "3.11"
SCRIPTS = ("app.py", "addresses.py", "answering.py", "words.py")
REQUIREMENTS = "requirements.txt"
README = "README.md"
ADDED = {"audio": "requirements-audio.txt"}
"""What a modality needs besides."""
_LONGEST = 60
"""Characters of a Space's short description, which its hub allows."""
_ABOUT = """
## This Space

`app.py` is the page; `answering.py` asks the model through `example.py`, and `words.py` says what it answers. Nothing
is sent anywhere but to the machine that runs it, and files are kept there for an hour at most. On your own machine:

```sh
pip install -r requirements.txt
python app.py
```
"""


def complete(draft: Draft) -> None:
    """Add the page to a folder that holds graph, labels, example and words already.

    Args:
        draft: Its ``README.md`` and ``requirements.txt`` are those of any export, and are replaced.
    """
    written = (draft.folder / README).read_text(encoding="utf-8")
    for name in (README, REQUIREMENTS):
        (draft.folder / name).unlink()
    for name in SCRIPTS:
        draft.write(name, asset(name))
    draft.write(REQUIREMENTS, requirements_of(draft.labels))
    draft.write(README, headed(front_of(draft.labels["name"], draft.labels["classes"]), written + _ABOUT))


def front_of(name: str, classes: list[str]) -> dict[str, Value]:
    """The front matter: what the hub runs, in the versions that were tested.

    Args:
        name: Of the model.
        classes: Its labels.
    """
    many = f"Tells {len(classes)} classes apart, and says when it is none." if classes else "Gives a number."
    return {
        "title": name.strip() or "model",
        "sdk": "gradio",
        "sdk_version": SDK_VERSION,
        "python_version": PYTHON_VERSION,
        "app_file": "app.py",
        "pinned": False,
        "short_description": many[:_LONGEST],
        "tags": ["graft", "transfer-learning"],
    }


def requirements_of(labels: Mapping[str, Any]) -> str:
    """Everything that the page needs, what its packages bring included, each in one version."""
    modality, more = labels["modality"], labels["input"].get("packages", ())
    own = "".join(f"{package}=={version(package)}\n" for package in more)
    return asset(REQUIREMENTS) + (asset(ADDED[modality]) if modality in ADDED else "") + own


def asset(name: str) -> str:
    """A file of a Space that is the same for every model."""
    return resources.files("graft.export.space.assets").joinpath(name).read_text(encoding="utf-8")
