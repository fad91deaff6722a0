"""What makes a Space of an export: a page in Gradio, pinned versions of all it needs, the head of its README."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

from graft.export.draft import Draft
from graft.export.examples import needs_of, template
from graft.export.read_me import README
from graft.front_matter import Value, headed

SDK_VERSION = "6.31.0"
"""The Gradio that the page was tested with; a test holds it to the pinned one."""
PYTHON_VERSION = "3.11"
SCRIPTS = ("app.py", "addresses.py", "words.py")
ANSWERING = "answering.py"
REQUIREMENTS = "requirements.txt"
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
    for name in SCRIPTS:
        draft.write(name, asset(name))
    draft.write(ANSWERING, template(ANSWERING))
    written = (draft.folder / README).read_text(encoding="utf-8")
    draft.replace(README, headed(front_of(draft.labels["name"], draft.labels["classes"]), written + _ABOUT))
    draft.replace(REQUIREMENTS, requirements_of(needs_of(draft.labels)))


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


def requirements_of(needed: Iterable[str]) -> str:
    """Everything that the page needs, what its packages bring included, each in one version.

    Args:
        needed: The packages that the example imports; ``requirements-NAME.txt`` has what the page alone does not need.
    """
    common = asset(REQUIREMENTS)
    own = {line.partition("==")[0].lower() for line in common.splitlines()}
    return common + "".join(asset(f"requirements-{package}.txt") for package in needed if package not in own)


def asset(name: str) -> str:
    """A file of a Space that is the same for every model."""
    return resources.files("graft.export.space.assets").joinpath(name).read_text(encoding="utf-8")
